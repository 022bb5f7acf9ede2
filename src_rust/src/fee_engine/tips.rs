//! The tip of a bundle: what it is worth, shaded by how often tips win.
//!
//! A bundle pays its tip only if it lands, and pays what it bid: a first-price auction. The bid that gains
//! most on average maximises `(value - tip) × win(tip)`; bidding the value itself gains nothing. `win` is
//! the empirical [`win_curve`](super::win_curve), and the best of its points is taken, the lowest of equals.
//!
//! **Exploration**: a bidder who always bids the optimum learns only about it. Every `explore_every`-th
//! bid goes one step of the curve (19 %) up or down, in turns, never beyond the bounds. The caller counts bids, so
//! the same question has the same answer.
//!
//! # Source
//! Vickrey 1961 for the first-price optimum; *bid shading* with an estimated win curve as in Gligorijevic
//! et al., *Bid Shading in The Brave New World of First-Price Auctions*, 2020.

use super::calibration::LONG_PAST;
use super::tip_floor::{FLOOR_PERCENTILES, TipFloor};
use super::win_curve::{FINE, WinCurve};
use super::{FeeConfig, FeeError};
use crate::quantities::Slot;

/// What a tip is set by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TipBound {
    /// The optimum of the win curve.
    Value,
    /// `min_tip_lamports` stands above it.
    Minimum,
    /// The share of the value stands below it.
    ShareCap,
    /// `max_tip_lamports` stands below it.
    Cap,
    /// No tip floor is known: `cold_tip_lamports`.
    Cold,
    /// The share of the value does not allow the least tip: no bid.
    NotWorthIt,
}

impl TipBound {
    /// Returns the stable name used in JSON and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Minimum => "minimum",
            Self::ShareCap => "share_cap",
            Self::Cap => "cap",
            Self::Cold => "cold",
            Self::NotWorthIt => "not_worth_it",
        }
    }
}

/// A tip and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TipQuote {
    /// What to bid, lamports; `None`: the bundle is not worth a bid.
    pub tip_lamports: Option<u64>,
    /// What it is set by.
    pub bound: TipBound,
    /// Smoothed median of landed tips, lamports; `None` if unknown.
    pub floor_lamports: Option<u64>,
    /// The optimum of the win curve before bounds, lamports; `None` if unknown.
    pub shaded_lamports: Option<u64>,
    /// Greatest tip allowed: the lower of the share of the value and `max_tip_lamports`.
    pub cap_lamports: u64,
    /// How often such a tip wins, as far as known.
    pub win_probability: Option<f64>,
    /// Whether this bid explores a step up or down.
    pub is_exploring: bool,
}

/// Tip floor and win curve.
#[derive(Debug, Clone)]
pub(super) struct TipBook {
    floor: Option<TipFloor>,
    curve: WinCurve,
}

impl TipBook {
    pub(super) fn new() -> Self {
        Self { floor: None, curve: WinCurve::new() }
    }

    pub(super) fn observe_floor(
        &mut self,
        slot: Slot,
        sol: [f64; FLOOR_PERCENTILES.len()],
        ema_p50_sol: Option<f64>,
        config: &FeeConfig,
    ) -> Result<(), FeeError> {
        let (told, ema) = TipFloor::read(slot, sol, ema_p50_sol)?;
        let next = match self.floor {
            Some(last) if slot < last.slot => {
                return Err(FeeError::SlotWentBack { found: slot, now: last.slot });
            }
            Some(last) if slot - last.slot <= config.floor_slots => last.after(&told, config),
            // The engine's own average of the median is smoother than one moment of it.
            _ => {
                let mut first = told;
                if let Some(ema) = ema {
                    first.lamports[1] = ema.clamp(first.lamports[0], first.lamports[2]);
                }
                first
            }
        };
        self.floor = Some(next);
        self.curve.update(&next, slot, config);
        Ok(())
    }

    pub(super) fn floor(&self, now: Slot, config: &FeeConfig) -> Option<TipFloor> {
        self.floor.filter(|floor| now.saturating_sub(floor.slot) <= config.floor_slots)
    }

    pub(super) fn observe(
        &mut self,
        slot: Slot,
        tip_lamports: u64,
        landed: bool,
        now: Slot,
        config: &FeeConfig,
    ) -> bool {
        let age = now.saturating_sub(slot);
        let Some(floor) = self.floor(now, config) else { return false };
        if tip_lamports == 0 || age / LONG_PAST >= config.half_life_slots {
            return false;
        }
        let multiple = tip_lamports as f64 / floor.reference() as f64;
        self.curve.observe(multiple, landed, age, now, config);
        self.curve.update(&floor, now, config);
        true
    }

    pub(super) fn quote(&self, value: u64, attempt: u64, now: Slot, config: &FeeConfig) -> TipQuote {
        let share = u128::from(value) * u128::from(config.max_tip_share_bps) / 10_000;
        let share = u64::try_from(share).unwrap_or(u64::MAX);
        let cap = share.min(config.max_tip_lamports);
        let floor = self.floor(now, config);
        let mut quote = TipQuote {
            tip_lamports: None,
            bound: TipBound::NotWorthIt,
            floor_lamports: floor.map(|floor| floor.lamports[1]),
            shaded_lamports: None,
            cap_lamports: cap,
            win_probability: None,
            is_exploring: false,
        };
        let Some(floor) = floor else {
            if cap >= config.min_tip_lamports {
                let tip = config.cold_tip_lamports.min(cap);
                quote.tip_lamports = Some(tip);
                quote.bound =
                    if tip < config.cold_tip_lamports { cap_bound(share, config) } else { TipBound::Cold };
            }
            return quote;
        };
        let median = floor.reference();
        let (shaded, index) = self.optimum(value, median);
        quote.shaded_lamports = Some(shaded);
        if cap < config.min_tip_lamports {
            return quote;
        }
        // Bids are counted from 0; without exploration there are no turns.
        let turn = attempt.checked_div(config.explore_every);
        let is_last_of_turn = |turn: u64| attempt - turn * config.explore_every == config.explore_every - 1;
        let exploring = turn.filter(|&turn| is_last_of_turn(turn));
        quote.is_exploring = exploring.is_some();
        let wanted = exploring.map_or(shaded, |turn| self.neighbour(index, median, turn.is_multiple_of(2)));
        let tip = wanted.clamp(config.min_tip_lamports, cap);
        quote.tip_lamports = Some(tip);
        quote.bound = match tip {
            _ if tip == wanted => TipBound::Value,
            _ if tip > wanted => TipBound::Minimum,
            _ => cap_bound(share, config),
        };
        quote.win_probability = Some(self.curve.win(tip as f64 / median as f64));
        quote
    }

    /// Returns the tip that gains most on average, below `value`, and its place on the curve.
    fn optimum(&self, value: u64, median: u64) -> (u64, usize) {
        let mut best = (0.0, 0, 0);
        for (index, (ratio, win)) in self.curve.points().enumerate() {
            let tip = lamports(median, ratio);
            if tip >= value {
                break;
            }
            let gain = (value - tip) as f64 * win;
            if gain > best.0 {
                best = (gain, tip, index);
            }
        }
        (best.1, best.2)
    }

    fn neighbour(&self, index: usize, median: u64, up: bool) -> u64 {
        let index = if up { index + FINE } else { index.saturating_sub(FINE) };
        let ratio = self.curve.points().nth(index).or_else(|| self.curve.points().last());
        ratio.map_or(median, |(ratio, _)| lamports(median, ratio))
    }
}

fn cap_bound(share: u64, config: &FeeConfig) -> TipBound {
    if share <= config.max_tip_lamports { TipBound::ShareCap } else { TipBound::Cap }
}

/// Returns a multiple of the median, rounded up.
fn lamports(median: u64, ratio: f64) -> u64 {
    // At most 1,024 times 10^12: exact enough, and far from 2^64.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, below 2^64")]
    let tip = (median as f64 * ratio).ceil() as u64;
    tip
}
