//! A first look at a quote in floating point, before anything is sized: is there an edge at all?
//!
//! For users with their own data and no Solana type: spreads and fees in basis points, sizes in whole
//! tokens. What it lets through is still to be sized and judged in integers.

#![expect(clippy::inline_always, reason = "compiled anew with each set of vector instructions; see `batch`")]

use fearless_simd::{Level, dispatch};

/// One quote. Amounts are whole tokens of the quote currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// Spread between the two prices, basis points.
    pub spread_bps: f64,
    /// Fees of all hops, basis points.
    pub fee_bps: f64,
    /// Expected slippage, basis points.
    pub slippage_bps: f64,
    /// Tip, lamports.
    pub tip_lamports: f64,
    /// Volatility, as a share of the price.
    pub volatility: f64,
    /// Depth of the market.
    pub liquidity: f64,
    /// Size of the trade.
    pub size: f64,
    /// Age of the quote, milliseconds.
    pub age_ms: f64,
    /// Inventory held, signed.
    pub inventory: f64,
    /// Share of attempts that land.
    pub hit_rate: f64,
}

/// Thresholds of a first look. A score that is NaN or infinite is a no-go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TickRule {
    /// The edge must exceed this, basis points: spread − fees − slippage − 100 × volatility.
    pub min_edge_bps: f64,
    /// Edge × size less the tip must exceed this, whole tokens (1 token = 10^9 lamports).
    pub min_net: f64,
    /// Size as a share of liquidity must be below this.
    pub max_impact: f64,
    /// Age must be below this, milliseconds.
    pub max_age_ms: f64,
    /// Volatility must be below this.
    pub max_volatility: f64,
    /// The inventory's size must be below this.
    pub max_inventory: f64,
}

impl Default for TickRule {
    fn default() -> Self {
        Self {
            min_edge_bps: 1.0,
            min_net: 0.0,
            max_impact: 0.01,
            max_age_ms: 400.0,
            max_volatility: 0.015,
            max_inventory: 90.0,
        }
    }
}

/// Ticks in columns of one length, in the order of [`Tick`]'s fields.
pub type TickColumns<'a> = [&'a [f64]; 10];

impl TickRule {
    /// Returns net × hit rate × (1 − impact) of a go, −1 of a no-go.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::needless_bitwise_bool, reason = "no branch per rule: columns go several rows at a time")]
    pub fn score(&self, tick: &Tick) -> f64 {
        let edge = tick.spread_bps - tick.fee_bps - tick.slippage_bps - tick.volatility * 100.0;
        let net = edge * tick.size / 1e4 - tick.tip_lamports * 1e-9;
        let impact = tick.size / tick.liquidity;
        let score = net * tick.hit_rate * (1.0 - impact);
        let is_go = (edge > self.min_edge_bps)
            & (net > self.min_net)
            & (impact < self.max_impact)
            & (tick.age_ms < self.max_age_ms)
            & (tick.volatility < self.max_volatility)
            & (tick.inventory.abs() < self.max_inventory)
            & score.is_finite();
        if is_go { score } else { -1.0 }
    }

    /// Returns [`Self::score`] of every row; rows beyond the shortest column are left out.
    #[must_use]
    pub fn score_batch(&self, columns: &TickColumns<'_>) -> Vec<f64> {
        let rows = columns.iter().map(|column| column.len()).min().unwrap_or(0);
        let mut scores = vec![0.0; rows];
        dispatch!(Level::new(), _ => self.fill(columns, &mut scores));
        scores
    }

    #[inline(always)]
    fn fill(&self, columns: &TickColumns<'_>, scores: &mut [f64]) {
        let rows = scores.len();
        let [spread, fee, slippage, tip, volatility, liquidity, size, age, inventory, hit_rate] = *columns;
        let (spread, fee, slippage, tip) = (&spread[..rows], &fee[..rows], &slippage[..rows], &tip[..rows]);
        let (volatility, liquidity, size) = (&volatility[..rows], &liquidity[..rows], &size[..rows]);
        let (age, inventory, hit_rate) = (&age[..rows], &inventory[..rows], &hit_rate[..rows]);
        for (row, score) in scores.iter_mut().enumerate() {
            *score = self.score(&Tick {
                spread_bps: spread[row],
                fee_bps: fee[row],
                slippage_bps: slippage[row],
                tip_lamports: tip[row],
                volatility: volatility[row],
                liquidity: liquidity[row],
                size: size[row],
                age_ms: age[row],
                inventory: inventory[row],
                hit_rate: hit_rate[row],
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Tick = Tick {
        spread_bps: 40.0,
        fee_bps: 20.0,
        slippage_bps: 5.0,
        tip_lamports: 1e6,
        volatility: 0.01,
        liquidity: 1e5,
        size: 100.0,
        age_ms: 50.0,
        inventory: -10.0,
        hit_rate: 0.5,
    };

    #[test]
    fn score_of_a_worked_example() {
        // edge 14 bps, net 0.14 − 0.001, impact 0.001
        let score = TickRule::default().score(&TICK);
        assert!((score - 0.139 * 0.5 * 0.999).abs() < 1e-15, "{score}");
    }

    #[test]
    fn every_threshold_refuses_and_so_do_nan_and_no_liquidity() {
        let bad = [
            Tick { spread_bps: 27.0, ..TICK },
            Tick { tip_lamports: 1e9, ..TICK },
            Tick { liquidity: 1e4, ..TICK },
            Tick { liquidity: 0.0, ..TICK },
            Tick { age_ms: 400.0, ..TICK },
            Tick { volatility: 0.015, ..TICK },
            Tick { inventory: -90.0, ..TICK },
            Tick { hit_rate: f64::NAN, ..TICK },
            Tick { hit_rate: f64::INFINITY, ..TICK },
            Tick { spread_bps: f64::NAN, ..TICK },
        ];
        for tick in bad {
            assert!((TickRule::default().score(&tick) + 1.0).abs() < f64::EPSILON, "{tick:?}");
        }
    }
}
