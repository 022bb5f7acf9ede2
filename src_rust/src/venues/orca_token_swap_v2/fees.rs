//! The two fees on a swap: at least one unit each, rounded down otherwise.
//!
//! # Source
//! spl token-swap, `curve/fees.rs`.

use super::layout::SwapV1;

/// A fee as a fraction of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    numerator: u64,
    denominator: u64,
}

impl Rate {
    /// Returns the fee on `amount`; `None` if the denominator is 0 or the fee passes 128 bits.
    pub(super) fn on(self, amount: u128) -> Option<u128> {
        if self.numerator == 0 || amount == 0 {
            return Some(0);
        }
        let fee = amount.checked_mul(self.numerator.into())?.checked_div(self.denominator.into())?;
        Some(fee.max(1))
    }

    /// Whether the fee is less than everything, or nothing.
    pub(super) fn is_fraction(self) -> bool {
        self.numerator < self.denominator || self.numerator == 0
    }

    fn to_f64(self) -> f64 {
        if self.numerator == 0 { 0.0 } else { self.numerator as f64 / self.denominator as f64 }
    }
}

/// The fees on a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fees {
    /// Stays in the vault.
    pub trade: Rate,
    /// Stays in the vault too, and is minted to the owner as pool tokens.
    pub owner: Rate,
}

impl Fees {
    pub(super) fn new(swap: &SwapV1) -> Self {
        Self {
            trade: Rate { numerator: swap.trade_fee_numerator, denominator: swap.trade_fee_denominator },
            owner: Rate {
                numerator: swap.owner_trade_fee_numerator,
                denominator: swap.owner_trade_fee_denominator,
            },
        }
    }

    /// Returns the share of the input that is left after both fees; 0 if nothing is.
    pub(super) fn kept(self) -> f64 {
        let kept = 1.0 - self.trade.to_f64() - self.owner.to_f64();
        if kept > 0.0 { kept } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fee_is_rounded_down_but_at_least_one_unit() {
        let rate = Rate { numerator: 25, denominator: 10_000 };
        assert_eq!(rate.on(0), Some(0));
        assert_eq!(rate.on(1), Some(1));
        assert_eq!(rate.on(799), Some(1));
        assert_eq!(rate.on(800), Some(2));
        assert_eq!(Rate { numerator: 1, denominator: 0 }.on(5), None);
        assert_eq!(Rate { numerator: 0, denominator: 0 }.on(5), Some(0));
    }
}
