//! Units of measure: what may be added to what, and how one becomes another.
//!
//! A unit is a product of powers of base units; the empty product is `ratio`. Numbers written in the
//! source, and fields declared without a unit, have none: they take that of their neighbour.

use std::fmt;

/// A base unit: its name, what it measures, and its size as a fraction of that measure's reference.
struct Base {
    name: &'static str,
    measures: &'static str,
    /// One of it is `size.0 / size.1` of the reference.
    size: (i64, i64),
}

const fn base(name: &'static str, measures: &'static str, size: (i64, i64)) -> Base {
    Base { name, measures, size }
}

/// The exponent of `ratio` is never stored: it is the unit of what has no other.
const BASES: [Base; 16] = [
    base("lamports", "SOL money", (1_000_000, 1)),
    base("sol", "SOL money", (1_000_000_000_000_000, 1)),
    base("micro_lamports", "SOL money", (1, 1)),
    base("base_units", "token amount", (1, 1)),
    base("usd", "US dollars", (1, 1)),
    base("bps", "share", (1, 10_000)),
    base("percent", "share", (1, 100)),
    base("slots", "slots", (1, 1)),
    base("seconds", "time", (1_000_000_000, 1)),
    base("ms", "time", (1_000_000, 1)),
    base("us", "time", (1_000, 1)),
    base("ns", "time", (1, 1)),
    base("price", "price", (1, 1)),
    base("liquidity", "liquidity", (1, 1)),
    base("compute_units", "compute", (1, 1)),
    base("count", "count", (1, 1)),
];

const RATIO: &str = "ratio";

/// Largest power of a base unit.
const MAX_POWER: i8 = 8;

/// The unit of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A plain number: takes the unit of its neighbour.
    Any,
    /// Powers of the base units; all zero is `ratio`.
    Known([i8; BASES.len()]),
}

/// Factor of a conversion as a fraction.
pub(super) type Factor = (i64, i64);

impl Unit {
    pub const RATIO: Self = Self::Known([0; BASES.len()]);

    /// Returns the unit with this name.
    pub fn named(name: &str) -> Option<Self> {
        if name == RATIO {
            return Some(Self::RATIO);
        }
        let index = BASES.iter().position(|base| base.name == name)?;
        let mut powers = [0; BASES.len()];
        powers[index] = 1;
        Some(Self::Known(powers))
    }

    /// Returns the names of all units.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once(RATIO).chain(BASES.iter().map(|base| base.name))
    }

    /// Returns whether the term has no unit but perhaps a share's `ratio`.
    pub fn is_plain(self) -> bool {
        self == Self::Any || self == Self::RATIO
    }

    /// Returns the unit that both have, once plain numbers have taken their neighbour's.
    pub fn common(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Any, unit) | (unit, Self::Any) => Some(unit),
            (a, b) => (a == b).then_some(a),
        }
    }

    /// Returns the unit of the product, or of the quotient if `sign` is -1.
    pub fn product(self, other: Self, sign: i8) -> Option<Self> {
        let (mut powers, others) = match (self, other) {
            (Self::Any, Self::Any) => return Some(Self::Any),
            (Self::Known(a), Self::Known(b)) => (a, b),
            (Self::Known(a), Self::Any) => (a, [0; BASES.len()]),
            (Self::Any, Self::Known(b)) => ([0; BASES.len()], b),
        };
        for (power, other) in powers.iter_mut().zip(others) {
            *power += sign * other;
            if power.abs() > MAX_POWER {
                return None;
            }
        }
        Some(Self::Known(powers))
    }

    /// Returns the unit of a whole power.
    pub fn power(self, exponent: i64) -> Option<Self> {
        let Self::Known(mut powers) = self else { return Some(Self::Any) };
        for power in &mut powers {
            let raised = i64::from(*power).checked_mul(exponent)?;
            *power = i8::try_from(raised).ok().filter(|raised| (-MAX_POWER..=MAX_POWER).contains(raised))?;
        }
        Some(Self::Known(powers))
    }

    /// Returns the unit of the square root, if the powers are even.
    pub fn root(self) -> Option<Self> {
        let Self::Known(mut powers) = self else { return Some(Self::Any) };
        for power in &mut powers {
            if *power % 2 != 0 {
                return None;
            }
            *power /= 2;
        }
        Some(Self::Known(powers))
    }

    fn single(self) -> Option<&'static Base> {
        let Self::Known(powers) = self else { return None };
        let index = powers.iter().position(|&power| power != 0)?;
        let alone = powers[index] == 1 && powers.iter().filter(|&&power| power != 0).count() == 1;
        alone.then(|| &BASES[index])
    }

    /// What it measures and the size of one of it.
    fn measure(self) -> Option<(&'static str, Factor)> {
        if self == Self::RATIO {
            return Some(("share", (1, 1)));
        }
        self.single().map(|base| (base.measures, base.size))
    }

    /// Returns by what to multiply to get from `self` to `wanted`, if both measure the same.
    pub fn factor(self, wanted: Self) -> Option<Factor> {
        let ((from, a), (to, b)) = (self.measure()?, wanted.measure()?);
        if from != to {
            return None;
        }
        let (over, under) = (a.0.checked_mul(b.1)?, a.1.checked_mul(b.0)?);
        let divisor = gcd(over, under);
        Some((over / divisor, under / divisor))
    }

    /// Returns the name if one word says it.
    pub fn word(self) -> Option<&'static str> {
        if self == Self::RATIO { Some(RATIO) } else { self.single().map(|base| base.name) }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Known(powers) = self else { return f.write_str("a plain number") };
        if *self == Self::RATIO {
            return f.write_str(RATIO);
        }
        let mut is_first = true;
        let has_upper = powers.iter().any(|&power| power > 0);
        for sign in [1, -1] {
            for (base, power) in BASES.iter().zip(powers).filter(|&(_, &power)| power * sign > 0) {
                match (is_first, sign) {
                    (true, 1) => {}
                    (true, _) if !has_upper => f.write_str("1/")?,
                    (false, 1) => f.write_str("*")?,
                    _ => f.write_str("/")?,
                }
                is_first = false;
                f.write_str(base.name)?;
                if power.abs() > 1 {
                    write!(f, "^{}", power.abs())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn unit(name: &str) -> Unit {
        Unit::named(name).unwrap()
    }

    #[test]
    fn factors_are_exact_fractions() {
        assert_eq!(unit("bps").factor(Unit::RATIO), Some((1, 10_000)));
        assert_eq!(Unit::RATIO.factor(unit("bps")), Some((10_000, 1)));
        assert_eq!(unit("sol").factor(unit("lamports")), Some((1_000_000_000, 1)));
        assert_eq!(unit("ms").factor(unit("seconds")), Some((1, 1_000)));
        assert_eq!(unit("bps").factor(unit("lamports")), None);
    }

    #[test]
    fn products_read_as_they_are_written() {
        let per_slot = unit("lamports").product(unit("slots"), -1).unwrap();
        assert_eq!(per_slot.to_string(), "lamports/slots");
        assert_eq!(per_slot.product(unit("slots"), 1), Some(unit("lamports")));
        assert_eq!(Unit::Any.product(unit("slots"), -1).unwrap().to_string(), "1/slots");
        assert_eq!(unit("price").power(2).unwrap().to_string(), "price^2");
        assert_eq!(unit("price").power(9), None);
        assert_eq!(unit("price").power(-128), None);
        assert_eq!(unit("price").root(), None);
    }
}
