//! The steps from tick to tick that lie ahead of a price, computed once and remembered.
//!
//! A step that reaches its target moves the same amounts whatever the swap is, rounding included.
//! So a swap is: a step to the first tick, some whole steps, one step that ends between two ticks.
//! [`Path`] remembers the running sums over the whole steps, and a search in them replaces the walk.
//! What it does not remember beyond doubt (errors, borders of unknown arrays, the far end) it leaves
//! to the walk. Remembered steps stay good while the price moves between the same two ticks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::PoolView;
use super::compute::{Meter, StepBound};
use super::step::{Step, StepFee, StepRequest, compute_step};
use super::tick_sequence::{Position, Target, TargetKind, TickCursor};
use super::walk::{Moved, crossed};
use crate::amm_math::tick_math::{MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64};
use crate::swap::SwapRequest;

/// Steps remembered together.
const STRETCH: usize = 16;
/// Quotes that an outlook must have had before steps are remembered: a state that is quoted once is
/// walked once.
const QUOTES_BEFORE: u32 = 1;

/// What decides the steps ahead, tick arrays being the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outlook {
    /// [`TickCursor::outlook`].
    ticks: (i32, usize),
    liquidity: u128,
    fee_rate_e6: u16,
}

/// The point at which a target has just been crossed.
#[derive(Debug, Clone, Copy)]
struct Crossed {
    sqrt_price: u128,
    /// Beyond the target.
    liquidity: u128,
    position: Position,
}

/// Steps ahead of a pool's price in one direction, as far as they were asked for.
#[derive(Debug)]
pub struct Path {
    a_to_b: bool,
    outlook: Option<Outlook>,
    fee: StepFee,
    /// The first target; the step to it depends on the price itself.
    first: Option<Crossed>,
    quotes: AtomicU32,
    steps: OnceLock<Box<Stretch>>,
}

/// Whole steps one after the other.
#[derive(Debug)]
struct Stretch {
    len: usize,
    /// Sums from the first target on, this step included, base units; beyond `len` the highest number.
    amounts_in: [u64; STRETCH],
    amounts_out: [u64; STRETCH],
    fees: [u64; STRETCH],
    /// Price at the end of a step, and liquidity beyond it.
    ends: [(u128, u128); STRETCH],
    /// Where the next stretch begins; `None` if nothing further is certain.
    next_from: Option<Crossed>,
    next: OnceLock<Option<Box<Stretch>>>,
}

/// Sums over whole steps, base units.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    /// Fee included.
    amount_in: u64,
    amount_out: u64,
    fee: u64,
}

impl Sums {
    fn plus(self, step: &Step) -> Option<Self> {
        Some(Self {
            amount_in: self.amount_in.checked_add(step.amount_in)?.checked_add(step.fee_amount)?,
            amount_out: self.amount_out.checked_add(step.amount_out)?,
            fee: self.fee.checked_add(step.fee_amount)?,
        })
    }

    fn and(self, other: Self) -> Option<Self> {
        Some(Self {
            amount_in: self.amount_in.checked_add(other.amount_in)?,
            amount_out: self.amount_out.checked_add(other.amount_out)?,
            fee: self.fee.checked_add(other.fee)?,
        })
    }

    fn specified(&self, exact_in: bool) -> u64 {
        if exact_in { self.amount_in } else { self.amount_out }
    }
}

impl Clone for Path {
    /// Copies the outlook, not what is remembered.
    fn clone(&self) -> Self {
        Self { quotes: AtomicU32::new(0), steps: OnceLock::new(), ..*self }
    }
}

impl Path {
    /// Returns a path of which nothing is known.
    #[must_use]
    pub fn new(a_to_b: bool) -> Self {
        Self {
            a_to_b,
            outlook: None,
            fee: StepFee::new(0),
            first: None,
            quotes: AtomicU32::new(0),
            steps: OnceLock::new(),
        }
    }

    /// Forgets what no longer holds of the pool. `same_arrays`: no tick array has changed since.
    pub fn refresh(&mut self, view: &PoolView<'_>, same_arrays: bool) {
        let pool = view.pool;
        let cursor =
            if pool.is_adaptive() { None } else { TickCursor::new(view.arrays, pool, self.a_to_b).ok() };
        let outlook = cursor.as_ref().map(|cursor| Outlook {
            ticks: cursor.outlook(),
            liquidity: pool.liquidity,
            fee_rate_e6: pool.fee_rate_e6,
        });
        if same_arrays && self.outlook == outlook {
            return;
        }
        self.outlook = outlook;
        self.fee = StepFee::new(u32::from(pool.fee_rate_e6));
        self.first = cursor.and_then(|mut cursor| advance(&mut cursor, pool.liquidity, self.a_to_b));
        self.quotes = AtomicU32::new(0);
        self.steps = OnceLock::new();
    }

    /// Whether steps are worth remembering by now.
    pub(super) fn is_ready(&self) -> bool {
        self.first.is_some()
            && (self.steps.get().is_some() || self.quotes.fetch_add(1, Ordering::Relaxed) >= QUOTES_BEFORE)
    }

    /// Returns what a swap moves that may begin and stops at `limit`; `None` if only the walk can
    /// tell. The view must be the one of the last [`refresh`](Self::refresh), but for its price.
    pub(super) fn walk(
        &self,
        view: &PoolView<'_>,
        request: &SwapRequest,
        amount: u64,
        limit: u128,
    ) -> Option<Moved> {
        let first = self.first.as_ref()?;
        let pool = view.pool;
        let from = (pool.sqrt_price_x64, pool.liquidity);
        let (step, remaining) = self.step(request, amount, from, first.sqrt_price, limit)?;
        let before = Sums::default().plus(&step)?;
        let (sums, remaining, steps) = if remaining == 0 || step.next_sqrt_price == limit {
            (before, remaining, 1)
        } else if step.next_sqrt_price == first.sqrt_price {
            self.walk_whole_steps(view, request, remaining, limit, before)?
        } else {
            return None;
        };
        if StepBound::of_steps(steps).is_over(&view.compute)
            || (remaining > 0 && !request.exact_in && request.sqrt_price_limit_x64 == 0)
        {
            return None;
        }
        let specified = amount - remaining;
        let (amount_in, amount_out) =
            if request.exact_in { (specified, sums.amount_out) } else { (sums.amount_in, specified) };
        Some(Moved { amount_in, amount_out, fee: sums.fee })
    }

    /// Goes on from the first target. Returns all sums, what remains, and the number of steps.
    fn walk_whole_steps(
        &self,
        view: &PoolView<'_>,
        request: &SwapRequest,
        remaining: u64,
        limit: u128,
        before: Sums,
    ) -> Option<(Sums, u64, usize)> {
        let mut from = self.first?;
        let mut steps = 1;
        let mut sums = Sums::default();
        let mut stretch: &Stretch = match self.steps.get() {
            Some(stretch) => stretch,
            None => self.steps.get_or_init(|| Box::new(self.stretch(view, &from, Sums::default()))),
        };
        loop {
            let mut whole = stretch.whole_steps(remaining, request.exact_in);
            if request.sqrt_price_limit_x64 != 0 {
                whole = whole.min(stretch.steps_within(limit, request.a_to_b));
            }
            steps += whole;
            if let Some(last) = whole.checked_sub(1) {
                sums = stretch.sums(last);
                (from.sqrt_price, from.liquidity) = stretch.ends[last];
            }
            let left = remaining - sums.specified(request.exact_in);
            if left == 0 || from.sqrt_price == limit {
                return Some((before.and(sums)?, left, steps));
            }
            if whole < stretch.len {
                let target = stretch.ends[whole].0;
                let at = (from.sqrt_price, from.liquidity);
                let (step, left) = self.step(request, left, at, target, limit)?;
                let is_over = step.next_sqrt_price != target && (left == 0 || step.next_sqrt_price == limit);
                return is_over.then_some((before.and(sums.plus(&step)?)?, left, steps + 1));
            }
            let next = stretch.next.get_or_init(|| {
                stretch.next_from.as_ref().map(|from| Box::new(self.stretch(view, from, sums)))
            });
            stretch = next.as_deref()?;
        }
    }

    /// One step towards `target` or `limit`, whichever comes first, and what remains after it.
    #[inline]
    fn step(
        &self,
        request: &SwapRequest,
        amount_remaining: u64,
        (sqrt_price, liquidity): (u128, u128),
        target: u128,
        limit: u128,
    ) -> Option<(Step, u64)> {
        let step = compute_step(
            &StepRequest {
                amount_remaining,
                fee: self.fee,
                liquidity,
                sqrt_price,
                sqrt_price_target: if self.a_to_b { limit.max(target) } else { limit.min(target) },
                exact_in: request.exact_in,
                a_to_b: self.a_to_b,
            },
            &mut StepBound::default(),
        )
        .ok()?;
        let used =
            if request.exact_in { step.amount_in.checked_add(step.fee_amount)? } else { step.amount_out };
        Some((step, amount_remaining.checked_sub(used)?))
    }

    /// Computes the whole steps from a crossed target on, as far as nothing can go wrong.
    fn stretch(&self, view: &PoolView<'_>, from: &Crossed, before: Sums) -> Stretch {
        let mut stretch = Stretch {
            len: 0,
            amounts_in: [u64::MAX; STRETCH],
            amounts_out: [u64::MAX; STRETCH],
            fees: [u64::MAX; STRETCH],
            ends: [(from.sqrt_price, from.liquidity); STRETCH],
            next_from: None,
            next: OnceLock::new(),
        };
        let Ok(mut cursor) = TickCursor::new(view.arrays, view.pool, self.a_to_b) else { return stretch };
        cursor.resume(from.position);
        let (mut from, mut sums) = (*from, before);
        let end = if self.a_to_b { MIN_SQRT_PRICE_X64 } else { MAX_SQRT_PRICE_X64 };
        while from.sqrt_price != end {
            if stretch.len == STRETCH {
                stretch.next_from = Some(from);
                break;
            }
            let Some(crossed) = advance(&mut cursor, from.liquidity, self.a_to_b) else { break };
            let Some(step) = self.whole_step(&from, crossed.sqrt_price) else { break };
            let Some(more) = sums.plus(&step) else { break };
            (sums, from) = (more, crossed);
            let index = stretch.len;
            stretch.amounts_in[index] = sums.amount_in;
            stretch.amounts_out[index] = sums.amount_out;
            stretch.fees[index] = sums.fee;
            stretch.ends[index] = (from.sqrt_price, from.liquidity);
            stretch.len += 1;
        }
        stretch
    }

    /// The step that reaches its target, which moves the same for an exact input and output.
    fn whole_step(&self, from: &Crossed, target: u128) -> Option<Step> {
        let step = compute_step(
            &StepRequest {
                amount_remaining: u64::MAX,
                fee: self.fee,
                liquidity: from.liquidity,
                sqrt_price: from.sqrt_price,
                sqrt_price_target: target,
                exact_in: true,
                a_to_b: self.a_to_b,
            },
            &mut StepBound::default(),
        )
        .ok()?;
        (step.next_sqrt_price == target).then_some(step)
    }
}

impl Stretch {
    /// Returns how many steps an amount takes whole: the walk stops once nothing remains.
    #[inline]
    fn whole_steps(&self, amount: u64, exact_in: bool) -> usize {
        let sums = if exact_in { &self.amounts_in } else { &self.amounts_out };
        let below: usize = sums.iter().map(|&sum| usize::from(sum < amount)).sum();
        let below = below.min(self.len);
        below + usize::from(below < self.len && sums[below] == amount)
    }

    /// Returns how many steps end at or before a price.
    fn steps_within(&self, limit: u128, a_to_b: bool) -> usize {
        let ends = &self.ends[..self.len];
        ends.partition_point(|&(end, _)| if a_to_b { end >= limit } else { end <= limit })
    }

    fn sums(&self, index: usize) -> Sums {
        Sums { amount_in: self.amounts_in[index], amount_out: self.amounts_out[index], fee: self.fees[index] }
    }
}

/// Goes to the next target and past it; `None` where a swap would fail on the way.
fn advance(cursor: &mut TickCursor<'_>, liquidity: u128, a_to_b: bool) -> Option<Crossed> {
    let target: Target = cursor.next_target(&mut StepBound::default()).ok()?;
    let liquidity = match target.kind {
        TargetKind::Initialized { liquidity_net, .. } => crossed(liquidity, liquidity_net, a_to_b).ok()?,
        TargetKind::End => liquidity,
        TargetKind::Unknown { .. } => return None,
    };
    cursor.cross(&target);
    Some(Crossed { sqrt_price: target.sqrt_price, liquidity, position: cursor.position() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amm_math::whirlpool::{ComputeContext, TickArrays, quote};
    use crate::decoders::orca_whirlpool::TickArrayLayout;
    use crate::decoders::{TickArray, Whirlpool};
    use crate::quantities::Pubkey;

    /// Every second of 40 ticks below tick 0 takes liquidity away.
    fn arrays() -> TickArrays {
        let mut arrays = TickArrays::new(1);
        arrays.set_all_others_absent(true);
        let array = TickArray {
            start_tick_index: -88,
            whirlpool: Pubkey::default(),
            layout: TickArrayLayout::Fixed,
            initialized: (48..88).map(|offset| 1_u128 << offset).sum(),
            liquidity_net: (0..40).map(|tick| if tick % 2 == 0 { 1 << 30 } else { 0 }).collect(),
        };
        arrays.set(-88, Some(&array)).expect("an array of this pool");
        arrays
    }

    #[test]
    fn steps_are_remembered_from_the_second_quote_on() {
        let mut data = [0; 653];
        data[41..45].copy_from_slice(&[1, 0, 1, 0]);
        data[65 + 8] = 1;
        data[49..65].copy_from_slice(&(1_u128 << 40).to_le_bytes());
        let pool = Whirlpool::read(&data).expect("a pool");
        let arrays = arrays();
        let view = PoolView {
            pool: &pool,
            arrays: &arrays,
            oracle: None,
            transfer_fee_a: None,
            transfer_fee_b: None,
            unix_timestamp: 0,
            compute: ComputeContext::default(),
        };
        let mut path = Path::new(true);
        assert!(!path.is_ready());
        path.refresh(&view, false);
        assert_eq!((path.is_ready(), path.is_ready()), (false, true));
        // The price begins on tick 0; 0.00005 of the liquidity moves it by a tick.
        for (ticks, steps) in [(0.5, 0), (5.5, 5), (15.5, 15), (37.5, 37)] {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test amount")]
            let amount = (ticks * 0.00005 * (1_u64 << 40) as f64) as u64;
            let request = SwapRequest::new(amount, true, true);
            let walked = quote(&view, &request).expect("a quote");
            let moved = path.walk(&view, &request, amount, MIN_SQRT_PRICE_X64).expect("remembered");
            assert_eq!(
                (moved.amount_in, moved.amount_out, moved.fee),
                (walked.user_in, walked.user_out, walked.fee)
            );
            let remembered = path.steps.get().map_or(0, |stretch| stretch.len);
            assert!(remembered >= STRETCH.min(steps));
        }
        // An equal outlook keeps them, another one does not.
        path.refresh(&view, true);
        assert!(path.steps.get().is_some());
        let thinner = Whirlpool { liquidity: pool.liquidity - 1, ..pool };
        path.refresh(&PoolView { pool: &thinner, ..view }, true);
        assert!(path.steps.get().is_none());
        path.refresh(&view, false);
        assert!(path.steps.get().is_none() && !path.is_ready());
    }
}
