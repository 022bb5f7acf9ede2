//! A swap from the trader's amount to the trader's amounts.
//!
//! The one idea: [`ClmmPool::walk`] is the program's loop, step by step with its book-keeping. A quote
//! lets the [`Ladder`](super::ladder::Ladder) take all whole ways between ticks at once and leaves the
//! book closed; wherever that could hide an error of the program's, it starts again step by step.
//!
//! # Source
//! raydium-clmm before limit orders (2025-12-29), `instructions/{swap,swap_v2}.rs`, `util/token.rs`.

use super::accounts::{AmmConfig, PoolState as PoolAccount};
use super::book::{Book, Crossing};
use super::error::{self, Fault};
use super::ladder::{End, Rung, Way, crossed};
use super::order::{Order, inverse_fee};
use super::pool::ClmmPool;
use super::rewards;
use super::step::{StepRequest, compute_step};
use super::tick_math::tick_at_sqrt_price;
use crate::decoders::spl_token::TOKEN_2022_PROGRAM;
use crate::swap::{Environment, Quote, Refusal, SwapRequest};
use crate::venues::token_sides::excluded;

/// The program stops a pool for good, all bits set, when a swap takes a whole vault.
const STATUS_DRAINED: u8 = 255;

/// Compute units of the build of April 2026: of the swap, of each tick crossed, of each above tick 0.
/// Measured in `LiteSVM`: a crossing takes about 15,300 (17,050), less where ticks stand close. These
/// are the least, so that only swaps that certainly run out are refused.
const SWAP_UNITS: u32 = 88_000;
const CROSSING_UNITS: u32 = 12_900;
const CROSSING_UNITS_ABOVE_0: u32 = 14_400;

/// How far a walk has got.
#[derive(Clone, Copy)]
struct Progress {
    /// Of the order's amount.
    remaining: u64,
    /// Of the other side.
    calculated: u64,
    sqrt_price: u128,
    liquidity: u128,
    /// Number of ticks of the ladder below the price.
    below: usize,
    /// The present tick; kept right only with a book that keeps crossings.
    tick: i32,
    /// Trade fee so far.
    fee: u64,
}

/// A swap's outcome for the pool.
pub(super) struct Settled {
    pub(super) quote: Quote,
    pub(super) pool: PoolAccount,
    pub(super) crossings: Vec<Crossing>,
}

impl ClmmPool {
    /// See [`crate::venues::PoolState::quote`].
    pub(super) fn quote_swap(
        &self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<Quote, Refusal> {
        let (config, order) = self.prepare(environment, request)?;
        let timestamp = cut_timestamp(environment);
        if self.is_plain
            && rewards::is_harmless(&self.pool.reward_infos, timestamp)
            && let Ok(end) = self.walk(&order, None)
            && end.fee <= self.fee_room[usize::from(!order.a_to_b)]
            && end.below.abs_diff(self.ladder.below) <= self.most_crossings(&order)
        {
            return Ok(self.settle(request, &order, &end)?);
        }
        let mut book = self.open_book(config, &order, timestamp, false)?;
        let end = self.walk(&order, Some(&mut book)).map_err(|stop| self.refuse(stop, order.a_to_b))?;
        let (amount_in, amount_out) = order.amounts(&end);
        book.close(&mut self.pool.clone(), amount_in, amount_out)?;
        Ok(self.settle(request, &order, &end)?)
    }

    /// Returns the start of the array whose tick the swap, as quoted now, stops before; `None` where
    /// that takes a walk step by step, or it stops beyond the last tick.
    pub(super) fn last_array(
        &self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<Option<i32>, Refusal> {
        self.quote_swap(environment, request)?;
        let (_, order) = self.prepare(environment, request)?;
        let Ok(end) = self.walk(&order, None) else { return Ok(None) };
        let index = if order.a_to_b { end.below.checked_sub(1) } else { Some(end.below) };
        let rung = index.and_then(|index| self.ladder.rungs.get(index));
        Ok(rung.and_then(|rung| self.arrays.known.get(rung.source.0)).map(|array| array.start))
    }

    /// See [`crate::venues::PoolState::execute`]; changes nothing yet.
    pub(super) fn carry_out(
        &self,
        environment: &Environment,
        request: &SwapRequest,
    ) -> Result<Settled, Refusal> {
        let (config, order) = self.prepare(environment, request)?;
        let mut book = self.open_book(config, &order, cut_timestamp(environment), true)?;
        let end = self.walk(&order, Some(&mut book)).map_err(|stop| self.refuse(stop, order.a_to_b))?;
        let mut pool = self.pool;
        let (amount_in, amount_out) = order.amounts(&end);
        book.close(&mut pool, amount_in, amount_out)?;
        pool.tick_current = end.tick;
        pool.sqrt_price_x64 = end.sqrt_price;
        pool.liquidity = end.liquidity;
        let quote = self.settle(request, &order, &end)?;
        let vault_out = self.vaults.amounts().map(|amounts| amounts[usize::from(order.a_to_b)]);
        if vault_out.is_some_and(|vault| vault <= quote.vault_out) {
            pool.status = STATUS_DRAINED;
        }
        Ok(Settled { quote, pool, crossings: book.crossings.unwrap_or_default() })
    }

    fn open_book(
        &self,
        config: &AmmConfig,
        order: &Order,
        timestamp: u64,
        keeps_crossings: bool,
    ) -> Result<Book, Fault> {
        let mut updated = self.pool.reward_infos;
        rewards::update(&mut updated, self.pool.liquidity, timestamp)?;
        Ok(Book::new(&self.pool, config, &updated, order.a_to_b, keeps_crossings))
    }

    /// Swaps step by step until the order is filled or its limit reached. Without a book, whole ways
    /// between ticks are taken at once where that cannot differ, else the error is of no meaning.
    fn walk(&self, order: &Order, mut book: Option<&mut Book>) -> Result<Progress, End> {
        let mut at = Progress {
            remaining: order.amount,
            calculated: 0,
            sqrt_price: self.pool.sqrt_price_x64,
            liquidity: self.pool.liquidity,
            below: self.ladder.below,
            tick: self.pool.tick_current,
            fee: 0,
        };
        let mut falls_short = book.is_none() && self.leap(order, &mut at);
        let rungs = &self.ladder.rungs;
        let mut crossings = 0;
        while at.remaining != 0 && at.sqrt_price != order.limit {
            let index = if order.a_to_b { at.below.checked_sub(1) } else { Some(at.below) };
            let Some((index, rung)) = index.and_then(|index| Some((index, rungs.get(index)?))) else {
                return Err(self.ladder.ends[usize::from(!order.a_to_b)]);
            };
            let (start, next) = (at.sqrt_price, rung.sqrt_price);
            let target = if order.a_to_b { next.max(order.limit) } else { next.min(order.limit) };
            let (is_behind, is_behind_limit) =
                if order.a_to_b { (next > start, target > start) } else { (next < start, target < start) };
            if is_behind || is_behind_limit {
                return Err(error::REQUIRE_GTE.into());
            }
            let step = compute_step(&StepRequest {
                remaining: at.remaining,
                fee: self.fee,
                liquidity: at.liquidity,
                sqrt_price: start,
                target,
                exact_in: order.exact_in,
                a_to_b: order.a_to_b,
                falls_short: std::mem::take(&mut falls_short),
            })?;
            let reached = step.next_sqrt_price;
            if if order.a_to_b { reached < target } else { reached > target } {
                return Err(error::REQUIRE_GTE.into());
            }
            at.sqrt_price = reached;
            at.take(order.exact_in, step.amount_in, step.amount_out, step.fee)?;
            if let Some(book) = book.as_deref_mut() {
                book.add_fee(step.fee, at.liquidity)?;
            }
            if reached == next {
                if let Some(book) = book.as_deref_mut()
                    && let Some(tick) = self.arrays.tick(rung)
                {
                    book.cross(&tick.state, rung.source)?;
                }
                crossings += 1;
                if crossings > self.most_crossings(order) {
                    return Err(Fault::ComputeBudget.into());
                }
                at.liquidity = crossed(at.liquidity, rung.liquidity_net, order.a_to_b)
                    .ok_or(Fault::Panic("liquidity out of range"))?;
                (at.below, at.tick) =
                    if order.a_to_b { (index, rung.tick - 1) } else { (index + 1, rung.tick) };
            } else if reached != start && book.as_ref().is_some_and(|book| book.crossings.is_some()) {
                at.tick = tick_at_sqrt_price(reached).unwrap_or(at.tick);
            }
        }
        Ok(at)
    }

    /// Returns how many ticks a swap can at most cross within its compute units.
    fn most_crossings(&self, order: &Order) -> usize {
        let each = if self.pool.tick_current > 0 { CROSSING_UNITS_ABOVE_0 } else { CROSSING_UNITS };
        (order.compute_unit_limit.saturating_sub(SWAP_UNITS) / each) as usize
    }

    /// Takes whole ways from tick to tick; returns whether it is known that what remains does not pay
    /// for the next.
    fn leap(&self, order: &Order, at: &mut Progress) -> bool {
        let ladder = &self.ladder;
        let rungs = &ladder.rungs;
        let Some(head) = self.heads[usize::from(!order.a_to_b)] else { return false };
        // Ticks from `bound` (downwards) or below it (upwards) lie before the limit.
        let (first, last) = if order.a_to_b {
            let is_free = rungs.first().is_some_and(|rung| rung.sqrt_price >= order.limit);
            let beyond = |rung: &Rung| rung.sqrt_price < order.limit;
            let bound = if is_free { 0 } else { rungs[..at.below].partition_point(beyond) };
            (at.below, bound.max(ladder.sound.start))
        } else {
            let is_free = rungs.last().is_some_and(|rung| rung.sqrt_price <= order.limit);
            let within = |rung: &Rung| rung.sqrt_price <= order.limit;
            let bound =
                if is_free { rungs.len() } else { at.below + rungs[at.below..].partition_point(within) };
            (at.below, bound.min(ladder.sound.end))
        };
        let is_within = if order.a_to_b { first > last } else { first < last };
        if !is_within {
            return false;
        }
        let wanted = if order.exact_in { head.gross_in } else { head.out };
        let Some(left) = u128::from(at.remaining).checked_sub(wanted) else { return true };
        let Ok(left) = u64::try_from(left) else { return false };
        let (reached, ways) = match (left, order.a_to_b) {
            (0, true) => (first - 1, Way::default()),
            (0, false) => (first, Way::default()),
            (_, true) => ladder.descend(first - 1, last, left, order.exact_in),
            (_, false) => ladder.ascend(first, last - 1, left, order.exact_in),
        };
        let gross_in = u64::try_from(head.gross_in + ways.gross_in);
        let (Ok(gross_in), Ok(out)) = (gross_in, u64::try_from(head.out + ways.out)) else {
            return false;
        };
        let Ok(fee) = u64::try_from(head.fee + ways.fee) else { return false };
        let (used, calculated) = if order.exact_in { (gross_in, out) } else { (out, gross_in) };
        let Some(remaining) = at.remaining.checked_sub(used) else { return false };
        let (Some(rung), below) = (rungs.get(reached), reached + usize::from(!order.a_to_b)) else {
            return false;
        };
        *at = Progress {
            remaining,
            calculated,
            sqrt_price: rung.sqrt_price,
            liquidity: ladder.liquidity[below],
            below,
            tick: if order.a_to_b { rung.tick - 1 } else { rung.tick },
            fee,
        };
        if order.a_to_b { reached > last } else { reached + 1 < last }
    }

    /// Everything after the last step: transfers and the trader's conditions.
    fn settle(&self, request: &SwapRequest, order: &Order, end: &Progress) -> Result<Quote, Fault> {
        let (amount_in, amount_out) = order.amounts(end);
        if amount_in == 0 || amount_out == 0 {
            return Err(error::TOO_SMALL_AMOUNT);
        }
        let [fee_in, fee_out] = order.transfer_fees;
        let transfer_fee = if order.exact_in && amount_in == order.amount {
            order.transfer_fee
        } else {
            inverse_fee(fee_in, amount_in)?
        };
        let user_in =
            amount_in.checked_add(transfer_fee).ok_or(Fault::Panic("input with fee beyond 64 bits"))?;
        let (arrived, received) = (excluded(fee_in, user_in), excluded(fee_out, amount_out));
        let quote = Quote {
            user_in,
            user_out: received.amount,
            vault_in: arrived.amount,
            vault_out: amount_out,
            fee: end.fee,
            fee_on_input: true,
            input_transfer_fee: arrived.fee,
            output_transfer_fee: received.fee,
        };
        self.check_vaults(request, &quote)?;
        let before = self.pool.sqrt_price_x64;
        if if order.a_to_b { before <= end.sqrt_price } else { end.sqrt_price <= before } {
            return Err(error::REQUIRE_GT);
        }
        // The source compares an exact output with the request's amount; the build, as later sources do,
        // with the amount before the output's transfer fee.
        let is_filled = if order.exact_in { user_in == request.amount } else { amount_out == order.amount };
        if request.sqrt_price_limit_x64 == 0 && !is_filled {
            return Err(error::REQUIRE_EQ);
        }
        if order.exact_in && quote.user_out < request.other_amount_threshold {
            return Err(error::TOO_LITTLE_OUTPUT_RECEIVED);
        }
        if !order.exact_in && quote.user_in > request.other_amount_threshold {
            return Err(error::TOO_MUCH_INPUT_PAID);
        }
        Ok(quote)
    }

    /// What the token programs refuse, first of the way in, then of the way out.
    fn check_vaults(&self, request: &SwapRequest, quote: &Quote) -> Result<(), Fault> {
        let (into, out) = (usize::from(!request.a_to_b), usize::from(request.a_to_b));
        let (frozen, amounts) = (self.vaults.frozen(), self.vaults.amounts().unwrap_or_default());
        let is_payable = quote.user_in <= request.most_payable(amounts[into]);
        // Token-2022 looks at the sender's balance before it looks whether the receiver is frozen.
        let mint = self.tokens.mints()[into];
        let counts_first = mint.is_some_and(|mint| mint.program == TOKEN_2022_PROGRAM);
        if frozen[into] && (is_payable || !counts_first) {
            return Err(error::ACCOUNT_FROZEN);
        }
        if !is_payable {
            return Err(error::INSUFFICIENT_FUNDS);
        }
        if frozen[out] {
            return Err(error::ACCOUNT_FROZEN);
        }
        if amounts[out] < quote.vault_out { Err(error::INSUFFICIENT_FUNDS) } else { Ok(()) }
    }

    /// Adds the account to what a walk stopped at.
    fn refuse(&self, stop: End, a_to_b: bool) -> Refusal {
        match stop {
            End::Fault(Fault::ExtensionUnknown) => match self.extension_address {
                Some(address) => Refusal::from(Fault::ExtensionUnknown).with("account", address),
                None => Fault::ExtensionUnknown.into(),
            },
            End::Fault(fault) => fault.into(),
            End::Array { is_first: true, .. } if self.arrays.has_none(a_to_b) => {
                Fault::Panic("no tick array is passed").into()
            }
            End::Array { start, is_absent, is_first } => {
                let (name, code) =
                    if is_first { error::INVALID_FIRST_TICK_ARRAY } else { error::NOT_ENOUGH_TICK_ARRAYS };
                let refusal =
                    if is_absent { Refusal::program(name, code) } else { Refusal::missing(name, Some(code)) };
                let refusal = refusal.with("start_tick_index", start);
                match self.arrays.derive(start) {
                    Some(address) => refusal.with("account", address),
                    None => refusal,
                }
            }
        }
    }
}

impl Order {
    /// Returns what the pool takes and gives, base units.
    fn amounts(&self, end: &Progress) -> (u64, u64) {
        // What remains is never more than the amount.
        let specified = self.amount - end.remaining;
        if self.exact_in { (specified, end.calculated) } else { (end.calculated, specified) }
    }
}

impl Progress {
    /// Enters a step's amounts.
    fn take(&mut self, exact_in: bool, amount_in: u64, amount_out: u64, fee: u64) -> Result<(), Fault> {
        let beyond = |what: &'static str| Fault::Panic(what);
        let gross = amount_in.checked_add(fee);
        if exact_in {
            let gross = gross.ok_or(beyond("input and fee beyond 64 bits"))?;
            self.remaining = self.remaining.checked_sub(gross).ok_or(beyond("input beyond the amount"))?;
            self.calculated =
                self.calculated.checked_add(amount_out).ok_or(beyond("output beyond 64 bits"))?;
        } else {
            self.remaining =
                self.remaining.checked_sub(amount_out).ok_or(beyond("output beyond the amount"))?;
            let total = gross.and_then(|gross| self.calculated.checked_add(gross));
            self.calculated = total.ok_or(error::CALCULATE_OVERFLOW)?;
        }
        // Fees of all steps can exceed 64 bits only together with the input.
        self.fee = self.fee.checked_add(fee).ok_or(error::CALCULATE_OVERFLOW)?;
        Ok(())
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Unix seconds as the program's oracle and rewards see them.
fn cut_timestamp(environment: &Environment) -> u64 {
    environment.now().unix_timestamp & u64::from(u32::MAX)
}
