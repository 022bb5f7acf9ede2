//! The four trades, in the SDK's order of operations.
//!
//! # Source
//! pump-swap-sdk, `buy.ts` and `sell.ts`.

use ruint::aliases::U256;

use super::fee_config::Fees;
use super::refusal;
use crate::swap::{Quote, Refusal, SwapRequest};

const MAX_BPS: u64 = 10_000;

/// What a trade works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Base units in the vault; not 0.
    pub base: u64,
    /// Quote units in the vault; not 0.
    pub real_quote: u64,
    /// Quote units that count for the price: those and the virtual ones; not 0.
    pub quote: u128,
    /// Rates in 1e-4, the creator's 0 where nobody receives it; `None`: the schedule has none.
    pub rates: Option<Fees>,
}

/// A trade worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Traded {
    /// The amounts.
    pub quote: Quote,
    /// Quote units exchanged on the curve, fees aside; the SDK has some below 0 for a tiny buy.
    pub without_fees: i128,
}

/// The three fees on an amount.
struct Parts {
    lp: u128,
    others: u128,
}

impl Parts {
    fn sum(&self) -> Result<u128, Refusal> {
        self.lp.checked_add(self.others).ok_or_else(refusal::overflow)
    }
}

impl Terms {
    /// Returns the outcome of a trade; token A is the base.
    pub(super) fn trade(&self, request: &SwapRequest) -> Result<Traded, Refusal> {
        let (amount, threshold) = (request.amount, request.other_amount_threshold);
        match (request.a_to_b, request.exact_in) {
            (false, false) => self.buy_base_out(amount, threshold),
            (false, true) => self.buy_quote_in(amount, threshold),
            (true, true) => self.sell_base_in(amount, threshold),
            (true, false) => self.sell_quote_out(amount, threshold),
        }
    }

    fn rates(&self) -> Result<Fees, Refusal> {
        self.rates.ok_or_else(refusal::no_fee_tiers)
    }

    fn buy_base_out(&self, base_out: u64, most_in: u64) -> Result<Traded, Refusal> {
        if base_out == 0 {
            return Err(refusal::zero_base());
        }
        let left = self.base.checked_sub(base_out).ok_or_else(|| {
            refusal::beyond_base_reserve().with("amount_out", base_out).with("base_reserve", self.base)
        })?;
        if left == 0 {
            return Err(refusal::depleted().with("base_reserve", self.base));
        }
        let swapped = mul_div(self.quote, base_out.into(), left.into(), true)?;
        let parts = fees(swapped, &self.rates()?)?;
        let total = swapped.checked_add(parts.sum()?).ok_or_else(refusal::overflow)?;
        let (user_in, vault_in) = (to_u64(total)?, to_u64(swapped + parts.lp)?);
        if user_in > most_in {
            return Err(refusal::slippage().with("amount_in", user_in).with("maximum_amount_in", most_in));
        }
        self.bought(user_in, vault_in, base_out, to_i128(swapped)?)
    }

    fn buy_quote_in(&self, quote_in: u64, least_out: u64) -> Result<Traded, Refusal> {
        if quote_in == 0 {
            return Err(refusal::zero_quote());
        }
        let rates = self.rates()?;
        let all = u128::from(MAX_BPS) + total_bps(&rates);
        let before = u128::from(quote_in) * u128::from(MAX_BPS) / all;
        let parts = fees(before, &rates)?;
        let total = before.checked_add(parts.sum()?).ok_or_else(refusal::overflow)?;
        let swapped = to_i128(before)? - to_i128(total.saturating_sub(quote_in.into()))?;
        let (base_out, vault_in) = if swapped > 0 {
            let input = swapped.unsigned_abs() - 1;
            let whole = self.quote.checked_add(input).ok_or_else(refusal::overflow)?;
            let lp = i128::try_from(parts.lp).map_err(|_| refusal::overflow())?;
            let vault_in = u128::try_from(swapped + lp).map_err(|_| refusal::overflow())?;
            (to_u64(mul_div(self.base.into(), input, whole, false)?)?, to_u64(vault_in)?)
        } else {
            (self.nothing_for(swapped, quote_in)?, quote_in)
        };
        if base_out < least_out {
            return Err(refusal::buy_slippage()
                .with("amount_out", base_out)
                .with("minimum_amount_out", least_out));
        }
        self.bought(quote_in, vault_in, base_out, swapped)
    }

    /// Fees take a whole buy: the SDK then gives a negative amount, or zero if that rounds to it.
    fn nothing_for(&self, swapped: i128, quote_in: u64) -> Result<u64, Refusal> {
        let short = U256::from(swapped.unsigned_abs()) + U256::ONE;
        let rest = U256::from(self.quote).checked_sub(short);
        match rest {
            Some(rest) if rest.is_zero() => Err(refusal::depleted()),
            Some(rest) if short.checked_mul(U256::from(self.base)).is_some_and(|lost| lost < rest) => Ok(0),
            _ => Err(refusal::fees_not_covered().with("amount_in", quote_in)),
        }
    }

    fn bought(
        &self,
        user_in: u64,
        vault_in: u64,
        base_out: u64,
        without_fees: i128,
    ) -> Result<Traded, Refusal> {
        if self.real_quote.checked_add(vault_in).is_none() {
            return Err(refusal::overflow().with("quote_reserve", self.real_quote));
        }
        let fee =
            u64::try_from(i128::from(user_in) - without_fees.max(0)).map_err(|_| refusal::overflow())?;
        let quote = Quote {
            user_in,
            user_out: base_out,
            vault_in,
            vault_out: base_out,
            fee,
            fee_on_input: true,
            input_transfer_fee: 0,
            output_transfer_fee: 0,
        };
        Ok(Traded { quote, without_fees })
    }

    fn sell_base_in(&self, base_in: u64, least_out: u64) -> Result<Traded, Refusal> {
        if base_in == 0 {
            return Err(refusal::zero_base());
        }
        let whole = u128::from(self.base) + u128::from(base_in);
        let swapped = mul_div(self.quote, base_in.into(), whole, false)?;
        let parts = fees(swapped, &self.rates()?)?;
        if swapped.checked_sub(parts.lp).is_some_and(|paid| paid > self.real_quote.into()) {
            return Err(refusal::beyond_real_quote()
                .with("amount_out", swapped)
                .with("quote_reserve", self.real_quote));
        }
        let left = swapped.checked_sub(parts.sum()?);
        let left = left.ok_or_else(|| refusal::fees_exceed_output().with("amount_out", swapped))?;
        let user_out = to_u64(left)?;
        if user_out < least_out {
            return Err(refusal::slippage()
                .with("amount_out", user_out)
                .with("minimum_amount_out", least_out));
        }
        self.sold(base_in, user_out, swapped, &parts)
    }

    fn sell_quote_out(&self, quote_out: u64, most_in: u64) -> Result<Traded, Refusal> {
        if quote_out == 0 {
            return Err(refusal::zero_quote());
        }
        if quote_out > self.real_quote {
            return Err(refusal::beyond_quote_reserve()
                .with("amount_out", quote_out)
                .with("quote_reserve", self.real_quote));
        }
        let rates = self.rates()?;
        let kept = u128::from(MAX_BPS).checked_sub(total_bps(&rates)).ok_or_else(refusal::fee_rate)?;
        if kept == 0 {
            return Err(refusal::fees_take_all());
        }
        let swapped = (u128::from(quote_out) * u128::from(MAX_BPS)).div_ceil(kept);
        let left = self.quote.checked_sub(swapped).filter(|&left| left > 0).ok_or_else(|| {
            refusal::beyond_curve().with("amount_out", swapped).with("quote_reserve", self.quote)
        })?;
        let base_in = to_u64(mul_div(self.base.into(), swapped, left, true)?)?;
        let parts = fees(swapped, &rates)?;
        // The SDK leaves this to the program.
        if swapped.checked_sub(parts.lp).is_none_or(|paid| paid > self.real_quote.into()) {
            return Err(refusal::beyond_real_quote()
                .with("amount_out", swapped)
                .with("quote_reserve", self.real_quote));
        }
        if base_in > most_in {
            return Err(refusal::slippage().with("amount_in", base_in).with("maximum_amount_in", most_in));
        }
        self.sold(base_in, quote_out, swapped, &parts)
    }

    fn sold(&self, base_in: u64, user_out: u64, swapped: u128, parts: &Parts) -> Result<Traded, Refusal> {
        if self.base.checked_add(base_in).is_none() {
            return Err(refusal::overflow().with("base_reserve", self.base));
        }
        let of_swapped = |taken: u128| swapped.checked_sub(taken).ok_or_else(refusal::overflow);
        let quote = Quote {
            user_in: base_in,
            user_out,
            vault_in: base_in,
            vault_out: to_u64(of_swapped(parts.lp)?)?,
            fee: to_u64(of_swapped(user_out.into())?)?,
            fee_on_input: false,
            input_transfer_fee: 0,
            output_transfer_fee: 0,
        };
        Ok(Traded { quote, without_fees: to_i128(swapped)? })
    }
}

/// The sum of the rates; three u64 fit.
pub(super) fn total_bps(rates: &Fees) -> u128 {
    u128::from(rates.lp_fee_bps) + u128::from(rates.protocol_fee_bps) + u128::from(rates.creator_fee_bps)
}

/// Each fee on its own, rounded up.
fn fees(amount: u128, rates: &Fees) -> Result<Parts, Refusal> {
    let protocol = fee(amount, rates.protocol_fee_bps)?;
    let others = protocol.checked_add(fee(amount, rates.creator_fee_bps)?).ok_or_else(refusal::overflow)?;
    Ok(Parts { lp: fee(amount, rates.lp_fee_bps)?, others })
}

fn fee(amount: u128, bps: u64) -> Result<u128, Refusal> {
    if let (Ok(amount), true) = (u64::try_from(amount), bps <= MAX_BPS) {
        // Without leaving 64 bits: whole ten thousands first.
        let (whole, rest) = (amount / MAX_BPS, amount % MAX_BPS);
        return Ok(u128::from(whole * bps + (rest * bps).div_ceil(MAX_BPS)));
    }
    mul_div(amount, bps.into(), MAX_BPS.into(), true)
}

/// Returns `a * b / divisor`, which must not be divided by 0.
fn mul_div(a: u128, b: u128, divisor: u128, up: bool) -> Result<u128, Refusal> {
    if let Some(product) = a.checked_mul(b) {
        return Ok(if up { product.div_ceil(divisor) } else { product / divisor });
    }
    let (product, divisor) = (U256::from(a).checked_mul(U256::from(b)), U256::from(divisor));
    let product = product.ok_or_else(refusal::overflow)?;
    let quotient = if up { product.div_ceil(divisor) } else { product / divisor };
    u128::try_from(quotient).map_err(|_| refusal::overflow())
}

fn to_u64(amount: u128) -> Result<u64, Refusal> {
    u64::try_from(amount).map_err(|_| refusal::overflow().with("amount", amount))
}

fn to_i128(amount: u128) -> Result<i128, Refusal> {
    i128::try_from(amount).map_err(|_| refusal::overflow().with("amount", amount))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn terms(quote: u128) -> Terms {
        let rates = Fees { lp_fee_bps: 20, protocol_fee_bps: 5, creator_fee_bps: 30 };
        Terms { base: 1_000_000, real_quote: 500_000, quote, rates: Some(rates) }
    }

    fn request(amount: u64, exact_in: bool, a_to_b: bool) -> SwapRequest {
        SwapRequest::new(amount, exact_in, a_to_b)
    }

    #[test]
    fn a_buy_pays_the_fees_on_top() {
        // ceil(500000 * 1000 / 999000) = 501; fees ceil(1.002) + ceil(0.25) + ceil(1.503) = 2 + 1 + 2.
        let traded = terms(500_000).trade(&request(1_000, false, false)).unwrap();
        let Quote { user_in, user_out, vault_in, fee, .. } = traded.quote;
        assert_eq!((user_in, user_out, vault_in, fee, traded.without_fees), (506, 1_000, 503, 5, 501));
    }

    #[test]
    fn a_sale_pays_the_fees_out_of_its_output() {
        // floor(500000 * 1000 / 1001000) = 499; fees 1 + 1 + 2; the first stays in the vault.
        let traded = terms(500_000).trade(&request(1_000, true, true)).unwrap();
        let Quote { user_in, user_out, vault_out, fee, .. } = traded.quote;
        assert_eq!((user_in, user_out, vault_out, fee, traded.without_fees), (1_000, 495, 498, 4, 499));
    }

    #[test]
    fn virtual_reserves_move_the_price_but_cannot_be_paid_out() {
        let twice = terms(1_000_000);
        assert_eq!(twice.trade(&request(1_000, true, true)).unwrap().without_fees, 999);
        // 1000000 * 2000000 / 3000000 = 666666, more than the vault has.
        let refused = twice.trade(&request(2_000_000, true, true)).unwrap_err();
        assert_eq!(refused.name, "Insufficient real quote reserves to cover the sell output.");
        // 499000 after fees needs 501760 on the curve, of which 500756 leave the vault.
        let refused = twice.trade(&request(499_000, false, true)).unwrap_err();
        assert_eq!(refused.name, "Insufficient real quote reserves to cover the sell output.");
    }

    #[test]
    fn a_buy_that_fees_eat_is_refused() {
        let refused = terms(500_000).trade(&request(1, true, false)).unwrap_err();
        assert_eq!((refused.name, refused.code), ("BuyNotEnoughQuoteTokensToCoverFees", Some(6039)));
        // floor(506 * 10000 / 10055) = 503, fees 2 + 1 + 2, 508 in all: 501 are exchanged, less one.
        let traded = terms(500_000).trade(&request(506, true, false)).unwrap();
        assert_eq!((traded.without_fees, traded.quote.user_out), (501, 999));
        // floor(1000000 * 500 / 500500) = 999.
        assert_eq!(traded.quote.vault_in, 503);
    }

    #[test]
    fn thresholds_are_on_what_the_trader_pays_or_gets() {
        let mut limited = request(1_000, false, false);
        limited.other_amount_threshold = 505;
        assert_eq!(terms(500_000).trade(&limited).unwrap_err().code, Some(6004));
        limited.other_amount_threshold = 506;
        assert!(terms(500_000).trade(&limited).is_ok());
        let mut limited = request(506, true, false);
        limited.other_amount_threshold = 1_000;
        assert_eq!(terms(500_000).trade(&limited).unwrap_err().code, Some(6040));
    }
}
