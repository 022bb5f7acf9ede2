//! Many prospects at once, in columns; the same answers as one by one, to the bit.
//!
//! The one idea: a block of rows at a time, one pass per group of rules, no branch per row. Amounts of a
//! block that are small enough for `f64` to be exact (2^52 base units, 2^36 lamports, about 68 SOL) are
//! judged in `f64`, where the compiler has several rows per instruction; a block with a larger one is
//! judged row by row. Both are exact, so nobody can tell which it was.
//!
//! A pass also collects what would make it wrong: a column is read once, and the block is thrown away
//! afterwards if need be. The passes are plain loops, compiled once for every set of vector
//! instructions; `dispatch!` takes the widest that the machine has. Rust never fuses a product and a
//! sum into one rounding, so the width changes no bit.

#![expect(clippy::inline_always, reason = "compiled anew with each set of vector instructions")]

use fearless_simd::{Level, dispatch};

use super::columns::Lanes;
use super::value::WHOLE;
use super::{Assessment, BatchError, Columns, Reason, ScorerConfig, SignalScorer, TokenFlags};

/// Rows per block: what is read and written of one stays in the first-level cache.
const BLOCK: usize = 256;
/// Below this, whole numbers, their sums and differences are exact in `f64`.
const EXACT: u64 = 1 << 52;
/// Lamports below this times 10,000, four of them added up, stay below 2^52.
const EXACT_LAMPORTS: u64 = 1 << 36;
/// Added to a number below 2^51 and taken away again, rounds it to the nearest whole one.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 × 2^52

/// Answers in columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scores {
    /// [`Reasons::bits`]; 0: go.
    pub reasons: Vec<u32>,
    /// [`Assessment::score`].
    pub scores: Vec<f64>,
    /// [`Assessment::expected_value_lamports`].
    pub expected_values: Vec<i64>,
}

/// The first reason that a prospect can have; it and those after it fit 16 bits while rows are judged.
const FIRST: u32 = Reason::Stale as u32;
const _: () = assert!((Reason::BelowMinExpectedValue as u32) < FIRST + 16);

/// Returns the bit of a reason among those of a prospect if it `applies`.
#[inline(always)]
fn mark(applies: bool, reason: Reason) -> u16 {
    if applies { 1 << (reason as u32 - FIRST) } else { 0 }
}

/// Returns a whole number below 2^52 as `f64`, exactly: as the digits of a number from 2^52 on.
#[inline(always)]
fn exact(value: u64) -> f64 {
    const FIRST: f64 = EXACT as f64;
    f64::from_bits(value | FIRST.to_bits()) - FIRST
}

/// What a batch counts.
#[derive(Default)]
struct Tally {
    go: u64,
    reasons: [u64; 16],
}

/// Where the answers of one block go.
struct Block<'a> {
    bits: &'a mut [u16],
    scores: &'a mut [f64],
    values: &'a mut [i64],
}

/// How a block was judged.
enum Judged {
    Exactly,
    /// Not at all: an amount is 0 or too large for `f64`.
    TooLarge,
    /// Not at all: a column holds what it may not.
    Wrong,
}

impl SignalScorer {
    /// Returns what [`Self::assess`] says of every row, and counts it.
    ///
    /// # Errors
    /// [`BatchError`]; nothing is counted then.
    pub fn assess_batch(&mut self, columns: &Columns<'_>) -> Result<Scores, BatchError> {
        let mut found = Scores::default();
        self.assess_batch_into(columns, &mut found)?;
        Ok(found)
    }

    /// As [`Self::assess_batch`], into the memory of earlier answers; what they were is lost.
    ///
    /// # Errors
    /// [`BatchError`]; nothing is counted then.
    pub fn assess_batch_into(&mut self, columns: &Columns<'_>, found: &mut Scores) -> Result<(), BatchError> {
        let rows = columns.rows()?;
        if rows == 0 {
            columns.check()?;
        }
        found.reasons.resize(rows, 0);
        found.scores.resize(rows, 0.0);
        found.expected_values.resize(rows, 0);
        let lanes = columns.lanes(rows.min(BLOCK));
        let tally = dispatch!(Level::new(), _ => self.judge_all(columns, &lanes, found));
        let Some(tally) = tally else { return columns.check() };
        self.go += tally.go;
        for (total, count) in self.counts[FIRST as usize..].iter_mut().zip(tally.reasons) {
            *total += count;
        }
        Ok(())
    }

    /// Judges all rows; `None` if a column holds what it may not.
    #[inline(always)]
    fn judge_all(&self, columns: &Columns<'_>, lanes: &Lanes<'_>, found: &mut Scores) -> Option<Tally> {
        let mut tally = Tally::default();
        let mut all_bits = [0; BLOCK];
        let outputs = found
            .reasons
            .chunks_mut(BLOCK)
            .zip(found.scores.chunks_mut(BLOCK))
            .zip(found.expected_values.chunks_mut(BLOCK));
        for (number, ((reasons, scores), values)) in outputs.enumerate() {
            let start = number * BLOCK;
            let mut block = Block { bits: &mut all_bits[..reasons.len()], scores, values };
            match judge_block(&self.config, self.age_step, lanes, start, &mut block) {
                Judged::Exactly => {}
                Judged::TooLarge => self.judge_singly(columns, start, &mut block)?,
                Judged::Wrong => return None,
            }
            finish_block(block.bits, reasons, &mut tally);
        }
        Some(tally)
    }

    /// Judges one block row by row; `None` if an input is 0.
    #[cold]
    fn judge_singly(&self, columns: &Columns<'_>, start: usize, block: &mut Block<'_>) -> Option<()> {
        for (row, bits) in block.bits.iter_mut().enumerate() {
            if columns.amount_in[start + row] == 0 {
                return None;
            }
            let Assessment { reasons, score, expected_value_lamports } =
                self.assess(&columns.row(start + row));
            *bits = u16::try_from(reasons.bits() >> FIRST).ok()?;
            (block.scores[row], block.values[row]) = (score, expected_value_lamports);
        }
        Some(())
    }
}

/// Judges one block in `f64`.
#[inline(always)]
fn judge_block(
    config: &ScorerConfig,
    age_step: f64,
    lanes: &Lanes<'_>,
    start: usize,
    block: &mut Block<'_>,
) -> Judged {
    let rows = block.bits.len();
    let [landing, competition, agreement] = &lanes.shares;
    let landing = landing.block(start, rows);
    let shares = [landing, competition.block(start, rows), agreement.block(start, rows)];
    if !mark_shares(config, shares, lanes.flags.block(start, rows), block.bits) {
        return Judged::Wrong;
    }
    let [depth, volatility] = &lanes.movements;
    mark_movements(config, [depth.block(start, rows), volatility.block(start, rows)], block.bits);
    let [amount, gross, cost, least, age] = &lanes.candidates;
    let candidates = [
        amount.block(start, rows),
        gross.block(start, rows),
        cost.block(start, rows),
        least.block(start, rows),
        age.block(start, rows),
    ];
    let [gross, tip, fee, failure] = &lanes.stakes;
    let stakes = [
        gross.block(start, rows),
        tip.block(start, rows),
        fee.block(start, rows),
        failure.block(start, rows),
    ];
    let is_exact =
        judge_candidates(config, age_step, candidates, block) && value_stakes(config, stakes, landing, block);
    if is_exact { Judged::Exactly } else { Judged::TooLarge }
}

/// Marks what shares and flags say; returns whether they are what they may be.
#[inline(always)]
fn mark_shares(config: &ScorerConfig, shares: [&[u16]; 3], flags: &[u8], bits: &mut [u16]) -> bool {
    let rows = bits.len();
    let [landings, competitions, agreements] = shares;
    let (landings, competitions, agreements) =
        (&landings[..rows], &competitions[..rows], &agreements[..rows]);
    let flags = &flags[..rows];
    let (least_landing, most_contested, least_agreement) =
        (config.min_landing.e4(), config.max_competition.e4(), config.min_agreement.e4());
    let refused = config.refused_flags.bits();
    let (mut beyond, mut all_flags) = (0, 0);
    for row in 0..rows {
        let (landing, competition, agreement) = (landings[row], competitions[row], agreements[row]);
        beyond |= landing.saturating_sub(WHOLE)
            | competition.saturating_sub(WHOLE)
            | agreement.saturating_sub(WHOLE);
        all_flags |= flags[row];
        // Signed, as every machine compares those in vectors; shares are far below the sign.
        bits[row] = mark(landing.cast_signed() < least_landing.cast_signed(), Reason::UnlikelyToLand)
            | mark(competition.cast_signed() > most_contested.cast_signed(), Reason::TooContested)
            | mark(agreement.cast_signed() < least_agreement.cast_signed(), Reason::TooFewAgree)
            | mark(flags[row] & refused != 0, Reason::TokenRisk);
    }
    beyond == 0 && TokenFlags::new(all_flags).is_some()
}

/// Adds what depth and volatility say.
#[inline(always)]
fn mark_movements(config: &ScorerConfig, columns: [&[u32]; 2], bits: &mut [u16]) {
    let rows = bits.len();
    let [depths, volatilities] = columns;
    let (depths, volatilities) = (&depths[..rows], &volatilities[..rows]);
    for row in 0..rows {
        bits[row] |= mark(depths[row] > config.max_depth_bps, Reason::TooDeep)
            | mark(volatilities[row] > config.max_volatility_bps, Reason::TooVolatile);
    }
}

/// Adds [`SignalScorer::judge`] and sets [`SignalScorer::rank`] of every row; returns whether both are
/// exact.
#[inline(always)]
fn judge_candidates(
    config: &ScorerConfig,
    age_step: f64,
    columns: [&[u64]; 5],
    block: &mut Block<'_>,
) -> bool {
    let rows = block.bits.len();
    let [amounts, gross, costs, least, ages] = columns;
    let (amounts, gross, costs) = (&amounts[..rows], &gross[..rows], &costs[..rows]);
    let (least, ages) = (&least[..rows], &ages[..rows]);
    let (bits, scores) = (&mut block.bits[..rows], &mut block.scores[..rows]);
    // As numbers that f64 holds: a threshold beyond what a block can reach is beyond it after rounding.
    let (min_bps, max_age) = (config.min_net_bps, config.max_age_slots as f64);
    let mut largest = 0;
    for row in 0..rows {
        let amount = amounts[row];
        // An input of 0 becomes the largest number.
        largest |= amount | amount.wrapping_sub(1) | gross[row] | costs[row] | least[row] | ages[row];
        let net = exact(gross[row]) - exact(costs[row]);
        let net_bps = net * 1e4 / exact(amount);
        let age = exact(ages[row]);
        scores[row] = net_bps * (1.0 - age * age_step);
        bits[row] |= mark(age > max_age, Reason::Stale)
            | mark(net <= 0.0, Reason::CostsExceedProfit)
            | mark(net < exact(least[row]), Reason::BelowMinProfit)
            | mark(net_bps < min_bps, Reason::BelowMinBps);
    }
    largest < EXACT
}

/// Sets [`Stakes::expected_value_lamports`](super::Stakes::expected_value_lamports) of every row and adds
/// what it says; returns whether it is exact.
#[inline(always)]
fn value_stakes(config: &ScorerConfig, columns: [&[u64]; 4], landing: &[u16], block: &mut Block<'_>) -> bool {
    let rows = block.bits.len();
    let [gross, tips, fees, failures] = columns;
    let (gross, tips, fees, failures) = (&gross[..rows], &tips[..rows], &fees[..rows], &failures[..rows]);
    let landing = &landing[..rows];
    let (bits, values) = (&mut block.bits[..rows], &mut block.values[..rows]);
    // Rounded as the age's threshold is.
    let least = config.min_expected_value_lamports as f64;
    let mut largest = 0;
    for row in 0..rows {
        largest |= gross[row] | tips[row] | fees[row] | failures[row];
        let p = exact(u64::from(landing[row]));
        let value = (exact(gross[row]) - exact(tips[row])) * p
            - exact(fees[row]) * 1e4
            - exact(failures[row]) * (1e4 - p);
        // Rounded to the nearest, then down if that was up: exact, as nothing reaches 2^52.
        let near = value * 1e-4 + ROUND - ROUND;
        let down = near - if value - near * 1e4 < 0.0 { 1.0 } else { 0.0 };
        values[row] = (down + ROUND).to_bits().cast_signed() - ROUND.to_bits().cast_signed();
        bits[row] |= mark(down < least, Reason::BelowMinExpectedValue);
    }
    largest < EXACT_LAMPORTS
}

/// Puts the reasons in their places and counts them.
#[inline(always)]
fn finish_block(bits: &[u16], reasons: &mut [u32], tally: &mut Tally) {
    let (mut go, mut seen) = (0_u16, 0);
    for (reasons, &bits) in reasons.iter_mut().zip(bits) {
        *reasons = u32::from(bits) << FIRST;
        go += u16::from(bits == 0);
        seen |= bits;
    }
    tally.go += u64::from(go);
    while seen != 0 {
        let place = seen.trailing_zeros();
        seen &= seen - 1;
        // A block has fewer rows than 16 bits count.
        let mut count = 0_u16;
        for bits in bits {
            count += bits >> place & 1;
        }
        tally.reasons[place as usize] += u64::from(count);
    }
}
