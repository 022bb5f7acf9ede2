//! The program's arithmetic between the transfer fees: what an amount that arrives buys, or takes.
//!
//! `None` of the program's checked arithmetic is `ZeroTradingTokens`, its `unwrap`s panic; both are
//! told apart here because a failing swap must fail with the same error.

use crate::amm_math::constant_product;
use crate::swap::{Refusal, RefusalKind};

/// Rates are in 1e-6.
pub(super) const RATE_ONE: u64 = 1_000_000;

/// The program's word for arithmetic that gives nothing.
const NOTHING: Refusal = Refusal::program("ZeroTradingTokens", 6006);

/// Returns a panic of the program.
pub(super) const fn panic(why: &'static str) -> Refusal {
    Refusal::other(RefusalKind::Panic, why)
}

/// Fee rates in 1e-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub trade: u64,
    pub protocol: u64,
    pub fund: u64,
    /// 0 where the pool has no creator fee.
    pub creator: u64,
}

/// One direction of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    /// Vault of the input less accrued fees, above 0.
    pub reserve_in: u64,
    /// Vault of the output less accrued fees, above 0.
    pub reserve_out: u64,
    pub rates: Rates,
    /// Whether the creator fee is taken of the input, else of the output.
    pub creator_on_input: bool,
}

/// A swap between the transfer fees.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traded {
    /// Arrives in the vault.
    pub input: u64,
    /// Leaves the vault.
    pub output: u64,
    /// Of the input.
    pub trade_fee: u64,
    /// Part of the trade fee.
    pub protocol_fee: u128,
    /// Part of the trade fee.
    pub fund_fee: u128,
    /// Of the input or the output.
    pub creator_fee: u64,
}

impl Curve {
    /// Returns what `input` buys.
    pub fn exact_in(&self, input: u64) -> Result<Traded, Refusal> {
        let Rates { trade, creator, .. } = self.rates;
        let (total, taken) = if self.creator_on_input {
            let rate = trade.checked_add(creator).ok_or(panic("attempt to add with overflow"))?;
            let total = ceil_share(input.into(), rate).ok_or(NOTHING)?;
            (total, floor_div(total, creator, rate).ok_or(NOTHING)?)
        } else {
            (ceil_share(input.into(), trade).ok_or(NOTHING)?, 0)
        };
        let net = small(u128::from(input).checked_sub(total)).ok_or(NOTHING)?;
        let trade_fee = total - taken;
        let (protocol_fee, fund_fee) = self.parts(trade_fee)?;
        let bought = constant_product::amount_out(self.reserve_in, self.reserve_out, net)
            .ok_or(panic("constant_product.rs: Option::unwrap() on None"))?;
        let (output, creator_fee) = if self.creator_on_input {
            (bought, taken)
        } else {
            let fee = ceil_share(bought.into(), creator).ok_or(NOTHING)?;
            (small(u128::from(bought).checked_sub(fee)).ok_or(NOTHING)?, fee)
        };
        self.check_product(net.into(), bought)?;
        Ok(Traded {
            input,
            output,
            trade_fee: small(Some(trade_fee)).ok_or(NOTHING)?,
            protocol_fee,
            fund_fee,
            creator_fee: small(Some(creator_fee)).ok_or(NOTHING)?,
        })
    }

    /// Returns what `output` takes.
    pub fn exact_out(&self, output: u64) -> Result<Traded, Refusal> {
        const CURVE: Refusal = panic("constant_product.rs: Option::unwrap() on None");
        const FEES: Refusal = panic("calculator.rs: Option::unwrap() on None");
        const AMOUNT: Refusal = panic("swap_base_output.rs: Result::unwrap() on TryFromIntError");
        let Rates { trade, creator, .. } = self.rates;
        let bought = if self.creator_on_input {
            output.into()
        } else {
            before_fee(output.into(), creator).ok_or(NOTHING)?
        };
        let Some(bought) = small(Some(bought)) else { return Err(CURVE) };
        let net = constant_product::net_in(self.reserve_in, self.reserve_out, bought).ok_or(CURVE)?;
        let rate = if self.creator_on_input {
            trade.checked_add(creator).ok_or(panic("attempt to add with overflow"))?
        } else {
            trade
        };
        let input = before_fee(net, rate).ok_or(FEES)?;
        let total = input.checked_sub(net).ok_or(panic("attempt to subtract with overflow"))?;
        let (trade_fee, creator_fee) = if self.creator_on_input {
            let taken = floor_div(total, creator, rate).ok_or(NOTHING)?;
            (total - taken, taken)
        } else {
            (total, u128::from(bought - output))
        };
        let (protocol_fee, fund_fee) = self.parts(trade_fee)?;
        self.check_product(net, bought)?;
        Ok(Traded {
            input: small(Some(input)).ok_or(AMOUNT)?,
            output,
            trade_fee: small(Some(trade_fee)).ok_or(AMOUNT)?,
            protocol_fee,
            fund_fee,
            creator_fee: small(Some(creator_fee)).ok_or(AMOUNT)?,
        })
    }

    /// The protocol's and the fund's part of the trade fee.
    fn parts(&self, trade_fee: u128) -> Result<(u128, u128), Refusal> {
        let part = |rate| floor_div(trade_fee, rate, RATE_ONE).ok_or(NOTHING);
        Ok((part(self.rates.protocol)?, part(self.rates.fund)?))
    }

    /// The program multiplies the reserves after the swap, to see that their product has not fallen;
    /// it never has, but the product may leave 128 bits.
    fn check_product(&self, net: u128, bought: u64) -> Result<(), Refusal> {
        let after_in = u128::from(self.reserve_in).checked_add(net).ok_or(NOTHING)?;
        let after_out = self.reserve_out.checked_sub(bought).ok_or(NOTHING)?;
        match after_in.checked_mul(after_out.into()) {
            Some(_) => Ok(()),
            None => Err(panic("swap_base_*.rs: Option::unwrap() on None")),
        }
    }
}

fn small(value: Option<u128>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok())
}

/// `floor(amount * numerator / denominator)` as the program computes it, in 128 bits.
fn floor_div(amount: u128, numerator: u64, denominator: u64) -> Option<u128> {
    let product = amount.checked_mul(numerator.into())?;
    match u64::try_from(product) {
        Ok(product) => product.checked_div(denominator).map(Into::into),
        Err(_) => product.checked_div(denominator.into()),
    }
}

/// `ceil(amount * rate / 1e6)` as the program computes it.
fn ceil_share(amount: u128, rate: u64) -> Option<u128> {
    let raised = amount.checked_mul(rate.into())?.checked_add(RATE_ONE.into())? - 1;
    Some(match u64::try_from(raised) {
        Ok(raised) => (raised / RATE_ONE).into(),
        Err(_) => raised / u128::from(RATE_ONE),
    })
}

/// The amount of which `net` is left after a fee of `rate`, as the program computes it.
fn before_fee(net: u128, rate: u64) -> Option<u128> {
    if rate == 0 {
        return Some(net);
    }
    let denominator = RATE_ONE.checked_sub(rate)?;
    let raised = net.checked_mul(RATE_ONE.into())?.checked_add(denominator.into())?.checked_sub(1)?;
    match u64::try_from(raised) {
        Ok(raised) => raised.checked_div(denominator).map(Into::into),
        Err(_) => raised.checked_div(denominator.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(trade: u64, creator: u64, creator_on_input: bool) -> Curve {
        let rates = Rates { trade, protocol: 120_000, fund: 40_000, creator };
        Curve { reserve_in: 1_000_000, reserve_out: 2_000_000, rates, creator_on_input }
    }

    #[test]
    fn one_fee_on_the_input_is_split_after_rounding() {
        // By hand: ceil(10001 * 0.003) = 31, floor(31 * 500 / 3000) = 5, floor(2000000 * 9970 / 1009970) = 19743.
        let traded = curve(2_500, 500, true).exact_in(10_001).expect("a trade");
        assert_eq!((traded.output, traded.trade_fee, traded.creator_fee), (19_743, 26, 5));
        assert_eq!((traded.protocol_fee, traded.fund_fee), (3, 1));
    }

    #[test]
    fn a_creator_fee_on_the_output_rounds_up_on_its_own() {
        // By hand: ceil(10001 * 0.0025) = 26, floor(2000000 * 9975 / 1009975) = 19752, ceil(19752 * 0.0005) = 10.
        let traded = curve(2_500, 500, false).exact_in(10_001).expect("a trade");
        assert_eq!((traded.output, traded.trade_fee, traded.creator_fee), (19_742, 26, 10));
        // Back: ceil(19742 * 1e6 / 999500) = 19752, ceil(1000000 * 19752 / 1980248) = 9975,
        // ceil(9975 * 1e6 / 997500) = 10000.
        let traded = curve(2_500, 500, false).exact_out(19_742).expect("a trade");
        assert_eq!((traded.input, traded.trade_fee, traded.creator_fee), (10_000, 25, 10));
    }

    #[test]
    fn a_pool_without_any_fee_trades_nothing() {
        // The program divides by the sum of both rates.
        assert_eq!(curve(0, 0, true).exact_in(1_000).map(|_| ()), Err(NOTHING));
        assert_eq!(curve(0, 0, true).exact_out(1_000).map(|_| ()), Err(NOTHING));
        assert!(curve(0, 0, false).exact_in(1_000).is_ok());
    }

    #[test]
    fn an_output_out_of_reach_panics_and_a_fee_of_all_gives_nothing() {
        let kind = |result: Result<Traded, Refusal>| result.map(|_| ()).map_err(|refusal| refusal.kind);
        assert_eq!(kind(curve(2_500, 0, true).exact_out(2_000_000)), Err(RefusalKind::Panic));
        assert_eq!(kind(curve(2_500, 0, true).exact_out(u64::MAX)), Err(RefusalKind::Panic));
        assert_eq!(kind(curve(2_500, RATE_ONE, false).exact_out(5)), Err(RefusalKind::Program));
        assert_eq!(kind(curve(RATE_ONE, 0, true).exact_out(5)), Err(RefusalKind::Panic));
        assert_eq!(kind(curve(RATE_ONE + 1, 0, true).exact_in(50)), Err(RefusalKind::Program));
    }
}
