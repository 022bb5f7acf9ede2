//! How far from the peak something better can lie.

use super::{Search, to_units};
use crate::sizing::chain::Chain;
use crate::sizing::model::{Amounts, End, Peak};

/// A window of this many places is tried place by place: it costs less than to be clever.
pub(super) const SMALL_WINDOW: u64 = 48;

/// Share of a loss that is taken for certain: `f64` rounds.
const CERTAIN: f64 = 0.999;

/// Where an amount can lie if more than the best is to be gained.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub low: u64,
    pub high: u64,
    /// What a unit of each amount is worth in units of the last output, at least.
    pub values: Amounts<f64>,
}

impl<H: Chain> Search<'_, H> {
    /// What roundings may take of the bound if one unit more than the best is to be left.
    pub(super) fn allowed(&self, window: &Window) -> f64 {
        if window.high - window.low < SMALL_WINDOW {
            return f64::INFINITY;
        }
        self.bound - (self.best_profit().max(0) as f64 + 1.0)
    }

    /// Places of an amount at which the model allows more than the best found, `loss` units of that
    /// amount being lost for sure.
    pub(super) fn window(&self, axis: usize, loss: f64) -> Window {
        let Peak { amount_in: peak_in, curvature, slopes, .. } = self.peak;
        let hops = self.chain.len();
        // Worth at the peak, hence too much above it; but less than all of it is enough.
        let loss = 0.5 * loss * slopes[hops] / slopes[axis];
        let wanted = self.best_profit().max(0) as f64 + 1.0 + loss - self.margin;
        let room = (self.bound - wanted).max(0.0);
        let near = if curvature > 0.0 { 1.0 + 1.02 * (room / curvature).sqrt() } else { 1.0 + room };
        let edge = |direction: f64| {
            let enough = |distance: f64| {
                let amount_in = peak_in + direction * distance;
                amount_in > 0.0 && amount_in <= self.most as f64 && self.model.profit(amount_in) >= wanted
            };
            let mut outside = near;
            while enough(outside) && outside < 1e20 {
                outside *= 2.0;
            }
            // A kink is steeper than its curvature says.
            while outside > 4.0 && !enough(0.25 * outside) {
                outside *= 0.25;
            }
            peak_in + direction * outside
        };
        let high = to_units(edge(1.0).ceil()).clamp(self.least, self.most);
        let low = to_units(edge(-1.0).floor()).clamp(self.least, high);
        // Slopes fall along the curves: what a unit is worth at the end is least at the upper edge.
        let edge = self.model.at(high as f64, End::Margin);
        let mut values = edge.slopes;
        for value in &mut values[..=hops] {
            *value = CERTAIN * edge.slopes[hops] / *value;
        }
        if axis == 0 {
            return Window { low, high, values };
        }
        // Exact amounts lie below the model's by some rounding.
        let low = to_units(self.model.amounts(low as f64)[axis].floor()).saturating_sub(2).max(1);
        Window { low, high: to_units(edge.amounts[axis].ceil()).max(low), values }
    }
}
