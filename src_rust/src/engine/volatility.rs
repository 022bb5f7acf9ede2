//! How much the prices of pools move per slot.
//!
//! Per pool the exponentially weighted mean, over slots, of the squared change of the log price in the
//! slot: a variance around no change at all (the mean of so short a time is noise). Several writes in one
//! slot are one change, from the last price of earlier slots to the last price of this one; a slot without
//! a write is one without a change. The weight halves every [`HALF_LIFE_SLOTS`] slots and the weights of the
//! slots seen add up to 1. Prices are those of the graph, before fees, as recorded: our fills move nothing.
//!
//! The one idea: what is stored ends before the newest slot with a write, so that a further write in that
//! slot replaces one number, and silent slots are made up for by one power when somebody asks.
//!
//! # Source
//! J. P. Morgan and Reuters, *`RiskMetrics` – Technical Document* (1996), chapter 5: exponentially weighted
//! variance with a mean of zero.

use crate::cycle_finder::{EdgeIndex, PriceGraph, edge_of, pool_of};
use crate::market::PoolIndex;
use crate::quantities::Slot;

/// Slots after which a change counts half as much: 150, a minute.
const HALF_LIFE_SLOTS: f64 = 150.0;
/// The weight of a slot against the next one: the 150th root of a half.
const KEPT: f64 = 0.995_389_679_103_229_1;
/// Slots since a pool's first price before which nothing is said of it: one half-life.
const WARM_UP_SLOTS: u64 = 150;
/// Bound of log prices: a positive 64-bit float has one within ±745.
const MAX_LOG_PRICE: f64 = 1e3;

/// Returns the weight of a slot `slots` ago against one of now.
fn faded(slots: u64) -> f64 {
    (-(slots as f64) / HALF_LIFE_SLOTS).exp2()
}

/// One pool.
#[derive(Debug, Clone, Copy)]
struct Moves {
    /// Slot of the first price.
    first: Slot,
    /// The newest slot with a price.
    slot: Slot,
    /// The sum of weighted squares through the slot before `slot`, as of then.
    before: f64,
    /// The last log price of earlier slots.
    base: f64,
    /// The last log price.
    last: f64,
}

impl Moves {
    /// Returns the sum of weighted squares as of `slot`.
    fn sum(&self) -> f64 {
        let change = self.last - self.base;
        KEPT * self.before + (1.0 - KEPT) * change * change
    }

    /// Returns the variance per slot as of `now`; `None` before the end of the warm-up.
    fn variance(&self, now: Slot) -> Option<f64> {
        let now = now.max(self.slot);
        let seen = now - self.first;
        (seen >= WARM_UP_SLOTS).then(|| self.sum() * faded(now - self.slot) / (1.0 - faded(seen)))
    }
}

/// The moves of all pools.
#[derive(Debug, Default)]
pub(super) struct Volatility {
    /// By pool index.
    pools: Vec<Option<Moves>>,
}

impl Volatility {
    /// Takes the prices that a write in `slot` left to these pools. A pool set aside has none: what it
    /// had stays, and the whole way to its next price is one change.
    #[inline]
    pub(super) fn applied(&mut self, graph: &PriceGraph, pools: &[PoolIndex], slot: Slot) {
        for &pool in pools {
            let forth = graph.weight(edge_of(pool, true)).map(|weight| -weight.gross);
            let log_price = forth.or_else(|| Some(graph.weight(edge_of(pool, false))?.gross));
            if let Some(log_price) = log_price {
                self.observe(pool, slot, log_price);
            }
        }
    }

    /// Takes a log price. A slot before the newest counts as the newest: what is applied last holds.
    /// Left out: slot 0, which stands for an unknown one, and what is no logarithm of a price.
    fn observe(&mut self, pool: PoolIndex, slot: Slot, log_price: f64) {
        if slot == 0 || !matches!(log_price.abs(), 0.0..=MAX_LOG_PRICE) {
            return;
        }
        let place = pool as usize;
        if self.pools.len() <= place {
            self.pools.resize(place + 1, None);
        }
        let begun = Moves { first: slot, slot, before: 0.0, base: log_price, last: log_price };
        let moves = self.pools[place].get_or_insert(begun);
        if slot > moves.slot {
            moves.before = moves.sum() * faded(slot - moves.slot - 1);
            moves.base = moves.last;
            moves.slot = slot;
        } else if moves.slot == moves.first {
            moves.base = log_price; // nothing came before: no change so far
        }
        moves.last = log_price;
    }

    fn variance(&self, pool: PoolIndex, now: Slot) -> Option<f64> {
        self.pools.get(pool as usize)?.as_ref()?.variance(now)
    }

    /// Returns how much a route's prices move as of `now`: the root of the sum of its pools' variances, in
    /// basis points per slot, rounded up. Pools move as if independent. One that is not warmed up adds
    /// nothing, so that a route of such pools has 0, which speaks against nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    pub(super) fn route_bps(&self, edges: &[EdgeIndex], now: Slot) -> u32 {
        let variances = edges.iter().filter_map(|&edge| self.variance(pool_of(edge).0, now));
        (variances.sum::<f64>().sqrt() * 1e4).ceil() as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cycle_finder::EdgeWeight;

    /// A price every so many slots, from slot 1,000 on.
    fn of_prices(prices: &[f64], every: u64) -> (Volatility, Slot) {
        let mut volatility = Volatility::default();
        let mut slot = 1_000;
        for price in prices {
            volatility.observe(0, slot, price.ln());
            slot += every;
        }
        (volatility, slot - every)
    }

    /// The definition, slot by slot.
    fn plainly(writes: &[(Slot, f64)], now: Slot) -> Option<f64> {
        let (first, mut price) = *writes.first()?;
        let (mut sum, mut weights) = (0.0, 0.0);
        for slot in first..=now {
            let last = writes.iter().rev().find(|(of, _)| *of == slot).map_or(price, |(_, last)| *last);
            if slot > first {
                sum = sum * 0.5_f64.powf(1.0 / 150.0) + (last - price).powi(2);
                weights = weights * 0.5_f64.powf(1.0 / 150.0) + 1.0;
            }
            price = last;
        }
        (now - first >= 150).then(|| sum / weights)
    }

    #[test]
    fn constant_price_does_not_move_however_often_it_is_written() {
        let (volatility, now) = of_prices(&[7.25; 400], 1);
        assert_eq!(volatility.variance(0, now), Some(0.0));
        assert_eq!(volatility.route_bps(&[0, 1], now + 9), 0);
    }

    #[test]
    fn steady_alternation_by_ten_bps_is_ten_bps_per_slot_in_either_direction() {
        let prices: Vec<f64> =
            (0..1_000_u32).map(|i| if i % 2 == 0 { 1.0 } else { 0.001_f64.exp() }).collect();
        let (volatility, now) = of_prices(&prices, 1);
        // 10 up to the rounding of exp and ln; the two hops of one pool move by the root of two.
        assert!((10..=11).contains(&volatility.route_bps(&[0], now)));
        assert_eq!(volatility.route_bps(&[0, 1], now), 15);
        assert_eq!(volatility.route_bps(&[1, 6], now), volatility.route_bps(&[0], now));
    }

    #[test]
    fn weight_kept_is_the_root_of_a_half() {
        assert!((KEPT.powi(150) - 0.5).abs() < 1e-13 && (KEPT - faded(1)).abs() < 1e-15);
    }

    #[test]
    fn before_the_warm_up_nothing_is_said() {
        let (volatility, now) = of_prices(&[1.0, 2.0], 149);
        assert_eq!(volatility.variance(0, now), None);
        assert_eq!(volatility.route_bps(&[0], now), 0);
        assert!(volatility.route_bps(&[0], now + 1) > 0);
    }

    #[test]
    fn half_life_halves_what_one_jump_left() {
        let (volatility, now) = of_prices(&[1.0, 1.01], 5_000);
        let at = |slots| volatility.variance(0, now + slots).unwrap_or(f64::NAN);
        assert!((at(150) / at(0) - 0.5).abs() < 1e-9, "{}", at(150) / at(0));
        assert!((at(1_500) / at(0) - 0.5_f64.powi(10)).abs() < 1e-9);
        assert_eq!(volatility.route_bps(&[0], Slot::MAX), 0);
    }

    #[test]
    fn writes_of_one_slot_are_one_change_and_time_that_goes_back_is_that_slot() {
        let mut volatility = Volatility::default();
        for (slot, log_price) in [(1_000, 0.0), (1_200, 5.0), (1_200, -3.0), (1_100, 0.0), (0, 9.0)] {
            volatility.observe(0, slot, log_price);
        }
        assert_eq!(volatility.variance(0, 1_200), Some(0.0));
        assert_eq!(volatility.variance(0, 3), Some(0.0), "the present is never before the last write");
    }

    #[test]
    fn pool_set_aside_keeps_what_it_had_and_comes_back_with_one_change() {
        let (mut graph, mut volatility) = (PriceGraph::new(), Volatility::default());
        assert_eq!(graph.add_pool(0, 1), Ok(0));
        let weight = |gross| Some(EdgeWeight { net: 0.0, gross });
        let mut write = |slot, forth: Option<EdgeWeight>, back| {
            assert_eq!(graph.set_weights(0, forth, back), Ok(()));
            volatility.applied(&graph, &[0], slot);
        };
        write(1_000, weight(-0.5), weight(0.5));
        write(1_100, None, None);
        write(1_200, None, weight(0.25)); // only one way: the price is the inverse
        let found = volatility.variance(0, 1_200);
        let expected = plainly(&[(1_000, 0.5), (1_200, 0.25)], 1_200);
        assert!(
            found.zip(expected).is_some_and(|(x, y)| (x / y - 1.0).abs() < 1e-9),
            "{found:?} {expected:?}"
        );
        assert_eq!(volatility.variance(1, 1_200), None);
    }

    #[test]
    fn what_is_no_price_is_left_out() {
        let mut volatility = Volatility::default();
        for log_price in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200] {
            volatility.observe(3, 1_000, log_price);
        }
        assert_eq!(volatility.variance(3, 2_000), None);
    }

    proptest! {
        #[test]
        fn variance_equals_plain_recomputation_slot_by_slot(
            steps in prop::collection::vec((0_u64..40, -2.0_f64..2.0), 1..60),
            silence in 0_u64..300,
        ) {
            let (mut volatility, mut writes, mut slot) = (Volatility::default(), Vec::new(), 5);
            for (gap, log_price) in steps {
                slot += gap;
                volatility.observe(0, slot, log_price);
                writes.push((slot, log_price));
            }
            let now = slot + silence;
            match (volatility.variance(0, now), plainly(&writes, now)) {
                (Some(found), Some(expected)) => {
                    prop_assert!((found - expected).abs() <= 1e-12 + 1e-9 * expected, "{found} {expected}");
                }
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }

        #[test]
        fn variance_is_never_negative_nor_nan_whatever_slots_and_prices_say(
            writes in prop::collection::vec((any::<u64>(), any::<f64>()), 1..40),
            now in any::<u64>(),
        ) {
            let mut volatility = Volatility::default();
            for (slot, log_price) in writes {
                volatility.observe(0, slot, log_price % 800.0);
                for now in [now, slot, slot.saturating_add(200)] {
                    prop_assert!(volatility.variance(0, now).is_none_or(|found| found >= 0.0));
                }
            }
        }
    }
}
