//! How the search sees a pool: exact quotes, and an approximation in `f64`.

use super::adaptive_fee::{Bound, FeeRate};
use super::compute::StepBound;
use super::step::FEE_RATE_ONE;
use super::swap::quote;
use super::tick_sequence::{TargetKind, TickCursor};
use super::{PoolView, WhirlpoolError};
use crate::amm_math::taper::TransferFees;
use crate::amm_math::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
use crate::amm_math::{Curve, Segment};
use crate::swap::SwapRequest;

/// Most stretches described: beyond, an adaptive fee has long run out of compute units.
const MAX_SEGMENTS: usize = 512;

impl Curve for PoolView<'_> {
    type Error = WhirlpoolError;

    fn quote_exact_in(&self, a_to_b: bool, amount_in: u64) -> Result<u64, WhirlpoolError> {
        quote(self, &SwapRequest::new(amount_in, true, a_to_b)).map(|quote| quote.user_out)
    }

    fn quote_exact_out(&self, a_to_b: bool, amount_out: u64) -> Result<u64, WhirlpoolError> {
        quote(self, &SwapRequest::new(amount_out, false, a_to_b)).map(|quote| quote.user_in)
    }

    fn each_segment(&self, a_to_b: bool, visit: &mut dyn FnMut(Segment) -> bool) {
        let mut left = MAX_SEGMENTS;
        self.walk_segments(a_to_b, |segment| {
            left -= 1;
            visit(segment) && left > 0
        });
    }

    /// 0 where nothing can be traded or too little is known.
    fn marginal_rate(&self, a_to_b: bool) -> f64 {
        let mut rate = 0.0;
        self.walk_segments(a_to_b, |segment| {
            rate = segment.gain / segment.base;
            false
        });
        rate
    }
}

impl PoolView<'_> {
    /// Returns B per A (`a_to_b`) or A per B at the present price, before any fee.
    #[must_use]
    pub fn gross_rate(&self, a_to_b: bool) -> f64 {
        let sqrt_price = to_real(self.pool.sqrt_price_x64);
        let price = sqrt_price * sqrt_price;
        if a_to_b { price } else { 1.0 / price }
    }

    /// Returns the fee on a small swap at this time, 1e-6 of the input; `None` without the oracle of an
    /// adaptive pool.
    #[must_use]
    pub fn fee_rate_e6(&self, a_to_b: bool) -> Option<u32> {
        let (pool, mut meter) = (self.pool, StepBound::default());
        let oracle = if pool.is_adaptive() { Some(self.oracle?) } else { None };
        match FeeRate::new(pool, oracle, a_to_b, self.unix_timestamp, &mut meter).ok()? {
            FeeRate::Static(_) => Some(u32::from(pool.fee_rate_e6)),
            FeeRate::Adaptive(mut adaptive) => {
                adaptive.update_volatility_accumulator();
                Some(adaptive.total_rate(&mut meter))
            }
        }
    }

    /// Returns about how much can be taken out (token B if `a_to_b`) until the price has moved by
    /// `share`, base units, fees aside.
    #[must_use]
    pub fn depth(&self, a_to_b: bool, share: f64) -> u64 {
        let (pool, mut meter) = (self.pool, StepBound::default());
        let Ok(mut cursor) = TickCursor::new(self.arrays, pool, a_to_b) else { return 0 };
        let (mut price, mut liquidity) = (to_real(pool.sqrt_price_x64), pool.liquidity);
        let end = price * if a_to_b { (1.0 - share).sqrt() } else { (1.0 + share).sqrt() };
        let mut depth = 0.0;
        while let Ok(target) = cursor.next_target(&mut meter) {
            let border = to_real(target.sqrt_price);
            let is_within = if a_to_b { border > end } else { border < end };
            let reached = if is_within { border } else { end };
            let moved = if a_to_b { price - reached } else { 1.0 / price - 1.0 / reached };
            depth += liquidity as f64 * moved;
            price = reached;
            let TargetKind::Initialized { liquidity_net, .. } = target.kind else { break };
            let net = if a_to_b { liquidity_net.wrapping_neg() } else { liquidity_net };
            match liquidity.checked_add_signed(net) {
                Some(next) if is_within => liquidity = next,
                _ => break,
            }
            cursor.cross(&target);
        }
        // Saturates, which for a size to be shown is right.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size to be shown")]
        let depth = depth as u64;
        depth
    }

    /// Calls `visit` with every stretch that has liquidity until it returns `false`.
    fn walk_segments(&self, a_to_b: bool, mut visit: impl FnMut(Segment) -> bool) {
        let pool = self.pool;
        let oracle = if pool.is_adaptive() { self.oracle } else { None };
        if pool.is_adaptive() && oracle.is_none() {
            return;
        }
        let mut meter = StepBound::default();
        let Ok(mut cursor) = TickCursor::new(self.arrays, pool, a_to_b) else { return };
        let Ok(mut fee_rate) = FeeRate::new(pool, oracle, a_to_b, self.unix_timestamp, &mut meter) else {
            return;
        };
        let mut transfer_fees = if a_to_b {
            TransferFees::new(self.transfer_fee_a, self.transfer_fee_b)
        } else {
            TransferFees::new(self.transfer_fee_b, self.transfer_fee_a)
        };
        let limit = if a_to_b { MIN_SQRT_PRICE_X64 } else { MAX_SQRT_PRICE_X64 };
        let (mut sqrt_price, mut liquidity) = (pool.sqrt_price_x64, pool.liquidity);
        while sqrt_price != limit {
            let Ok(target) = cursor.next_target(&mut meter) else { return };
            while sqrt_price != target.sqrt_price {
                let (rate, bound) = match &mut fee_rate {
                    FeeRate::Static(fee) => {
                        (fee.rate_e6, Bound { sqrt_price: target.sqrt_price, skips: false })
                    }
                    FeeRate::Adaptive(adaptive) => {
                        adaptive.update_volatility_accumulator();
                        (
                            u64::from(adaptive.total_rate(&mut meter)),
                            adaptive.bound(target.sqrt_price, liquidity, &mut meter),
                        )
                    }
                };
                if liquidity > 0 && bound.sqrt_price != sqrt_price {
                    let kept = 1.0 - rate as f64 / FEE_RATE_ONE as f64;
                    let segment = stretch(sqrt_price, bound.sqrt_price, liquidity, kept, a_to_b);
                    if !transfer_fees.surround(segment, &mut visit) {
                        return;
                    }
                }
                sqrt_price = bound.sqrt_price;
                if let FeeRate::Adaptive(adaptive) = &mut fee_rate {
                    if bound.skips {
                        adaptive.advance_after_skip(
                            sqrt_price,
                            target.sqrt_price,
                            target.tick_index,
                            &mut meter,
                        );
                    } else {
                        adaptive.advance();
                    }
                }
            }
            match target.kind {
                TargetKind::Initialized { liquidity_net, .. } => {
                    let net = if a_to_b { liquidity_net.wrapping_neg() } else { liquidity_net };
                    let Some(next) = liquidity.checked_add_signed(net) else { return };
                    liquidity = next;
                }
                TargetKind::End => {}
                TargetKind::Unknown { .. } => return,
            }
            cursor.cross(&target);
        }
    }
}

/// The stretch between two prices: a constant product with virtual reserves.
fn stretch(from: u128, to: u128, liquidity: u128, kept: f64, a_to_b: bool) -> Segment {
    let (from, to, liquidity) = (to_real(from), to_real(to), liquidity as f64);
    let (reserve_a, reserve_b) = (liquidity / from, liquidity * from);
    let (reserve_in, reserve_out, net_in) = if a_to_b {
        (reserve_a, reserve_b, liquidity / to - reserve_a)
    } else {
        (reserve_b, reserve_a, liquidity * to - reserve_b)
    };
    Segment { gain: kept * reserve_out, base: reserve_in, drag: kept, max_in: net_in / kept }
}

fn to_real(sqrt_price_x64: u128) -> f64 {
    sqrt_price_x64 as f64 / 2_f64.powi(64)
}
