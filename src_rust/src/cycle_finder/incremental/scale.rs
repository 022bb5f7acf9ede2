//! Weights as whole multiples of one small power of two, so that sums are exact.

/// The finest resolution: 2⁻⁴⁴, a seventeenth of [`super::super::CYCLE_EPSILON`].
const FINEST_BITS: i32 = 44;

/// The largest weight of a new scale takes at most this many bits.
const WEIGHT_BITS: i32 = 50;

/// No weight in use is beyond this: [`WEIGHT_BITS`] and room for weights that grow 64-fold.
pub const MAX_WEIGHT: i64 = 1 << 56;

/// No potential at rest is beyond this.
pub const MAX_POTENTIAL: i64 = 1 << 57;

/// The weight of an arc that cannot be walked. A reduced cost is at most [`MAX_WEIGHT`] and twice
/// [`MAX_POTENTIAL`] away from zero; this one stays above every such number, and sums of two such
/// numbers and [`FAR`] stay inside 64 bits.
pub const ABSENT: i64 = 1 << 61;

/// The distance of a node that was not reached.
pub const FAR: i64 = 1 << 61;

/// How large a unit of weight is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    bits: i32,
    /// How many units make 1: two to the power of `bits`.
    per_one: f64,
}

impl Scale {
    /// Returns the finest scale for weights up to `largest`.
    pub fn for_weights_up_to(largest: f64) -> Self {
        let mut bits = FINEST_BITS;
        while largest * 2.0_f64.powi(bits) > 2.0_f64.powi(WEIGHT_BITS) {
            bits -= 1;
        }
        Self::new(bits)
    }

    fn new(bits: i32) -> Self {
        Self { bits, per_one: 2.0_f64.powi(bits) }
    }

    /// Returns a scale with units 256 times as large.
    pub fn coarser(self) -> Self {
        Self::new(self.bits - 8)
    }

    /// Returns the size of one unit.
    pub fn unit(self) -> f64 {
        self.per_one.recip()
    }

    /// Returns the weight in units, rounded up; `None` beyond [`MAX_WEIGHT`].
    #[inline]
    pub fn units(self, weight: f64) -> Option<i64> {
        // Exact but for the rounding up: a multiplication by a power of two.
        let units = (weight * self.per_one).ceil();
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^56")]
        (units.abs() <= MAX_WEIGHT as f64).then_some(units as i64)
    }
}
