//! How the search sees a pool: an approximation in `f64`, transfer fees included.

use super::accounts::FEE_RATE_ONE;
use super::pool::ClmmPool;
use crate::amm_math::Segment;
use crate::amm_math::taper::TransferFees;
use crate::swap::Environment;

impl ClmmPool {
    /// Calls `visit` with every stretch that has liquidity until it returns `false`.
    pub(super) fn walk_segments(
        &self,
        environment: &Environment,
        a_to_b: bool,
        mut visit: impl FnMut(Segment) -> bool,
    ) {
        let [fee_in, fee_out] = self.tokens.fees(environment, a_to_b);
        let mut fees = TransferFees::new(fee_in, fee_out);
        self.each_stretch(a_to_b, |stretch| fees.surround(stretch, &mut visit));
    }

    /// Stretches before transfer fees, in the pool's input.
    fn each_stretch(&self, a_to_b: bool, mut visit: impl FnMut(Segment) -> bool) {
        let ladder = &self.ladder;
        let kept =
            1.0 - f64::from(self.config.map_or(0, |config| config.trade_fee_rate)) / f64::from(FEE_RATE_ONE);
        let mut from = self.pool.sqrt_price_x64;
        let mut way = ladder.below;
        loop {
            let index = if a_to_b { way.checked_sub(1) } else { Some(way) };
            let Some(rung) = index.and_then(|index| ladder.rungs.get(index)) else { return };
            let Some(&liquidity) = ladder.liquidity.get(way) else { return };
            let to = rung.sqrt_price;
            let is_ahead = if a_to_b { to < from } else { to > from };
            if liquidity > 0 && is_ahead && !visit(stretch(from, to, liquidity, kept, a_to_b)) {
                return;
            }
            from = to;
            way = if a_to_b { way - 1 } else { way + 1 };
        }
    }

    /// Returns the base units of token A above and of token B below the present price within 2 % of it.
    pub(super) fn depth(&self) -> [u64; 2] {
        [self.depth_towards(false), self.depth_towards(true)]
    }

    fn depth_towards(&self, a_to_b: bool) -> u64 {
        // Square roots of 0.98 and 1.02.
        let edge = to_real(self.pool.sqrt_price_x64) * if a_to_b { 0.989_95 } else { 1.009_95 };
        let mut total = 0.0;
        let mut from = to_real(self.pool.sqrt_price_x64);
        self.each_stretch(a_to_b, |stretch| {
            // Virtual reserves give the price at the start of the stretch and its liquidity.
            let liquidity = (stretch.base * stretch.gain / stretch.drag).sqrt();
            let price = (if a_to_b {
                stretch.gain / stretch.drag / stretch.base
            } else {
                stretch.base * stretch.drag / stretch.gain
            })
            .sqrt();
            from = price;
            let net = stretch.max_in * stretch.drag;
            let to = if a_to_b { liquidity / (liquidity / from + net) } else { from + net / liquidity };
            let stop = if a_to_b { to.max(edge) } else { to.min(edge) };
            let is_within = if a_to_b { stop < from } else { stop > from };
            if is_within {
                total += if a_to_b { liquidity * (from - stop) } else { liquidity / from - liquidity / stop };
            }
            is_within
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a figure for display")]
        let shown = total as u64;
        shown
    }
}

/// The stretch between two prices: a constant product with virtual reserves.
fn stretch(from: u128, to: u128, liquidity: u128, kept: f64, a_to_b: bool) -> Segment {
    let (from, to, liquidity) = (to_real(from), to_real(to), liquidity as f64);
    let (reserve_a, reserve_b) = (liquidity / from, liquidity * from);
    let (reserve_in, reserve_out, net_in) = if a_to_b {
        (reserve_a, reserve_b, liquidity * ((from - to) / (from * to)))
    } else {
        (reserve_b, reserve_a, liquidity * (to - from))
    };
    Segment { gain: kept * reserve_out, base: reserve_in, drag: kept, max_in: net_in / kept }
}

fn to_real(sqrt_price_x64: u128) -> f64 {
    sqrt_price_x64 as f64 / 2_f64.powi(64)
}
