//! Many prospects at once, in columns; the same answers as one by one, to the bit.
//!
//! The one idea: a block of rows at a time, one pass per group of rules, no branch per row. Amounts of a
//! block that are small enough for `f64` to be exact (2^52 base units, 2^36 lamports, about 68 SOL) are
//! judged in `f64`, where the compiler has several rows per instruction; a block with a larger one is
//! judged row by row. Both are exact, so nobody can tell which it was.

use super::value::WHOLE;
use super::{
    Assessment, Candidate, Context, Prospect, Reason, Reasons, ScorerConfig, Share, SignalScorer, Stakes,
    TokenFlags,
};

/// Rows per block: what is read and written of one stays in the first-level cache.
const BLOCK: usize = 256;
/// Below this, whole numbers, their sums and differences are exact in `f64`.
const EXACT: u64 = 1 << 52;
/// Lamports below this times 10,000, four of them added up, stay below 2^52.
const EXACT_LAMPORTS: u64 = 1 << 36;
/// Added to a number below 2^51 and taken away again, rounds it to the nearest whole one.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 × 2^52

/// Values per row, or one for all rows.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a, T> {
    /// One value per row.
    Each(&'a [T]),
    /// The same in every row.
    All(T),
}

impl<T: Copy> Column<'_, T> {
    fn len(&self) -> Option<usize> {
        match self {
            Self::Each(values) => Some(values.len()),
            Self::All(_) => None,
        }
    }

    fn at(&self, row: usize) -> T {
        match self {
            Self::Each(values) => values[row],
            Self::All(value) => *value,
        }
    }

    /// The rows from `start`, as many as `buffer` has.
    fn block<'b>(&'b self, start: usize, buffer: &'b mut [T]) -> &'b [T] {
        match self {
            Self::Each(values) => &values[start..start + buffer.len()],
            Self::All(value) => {
                buffer.fill(*value);
                buffer
            }
        }
    }
}

/// Prospects in columns, units as in [`Candidate`], [`Context`] and [`Stakes`]; shares in 1/10,000.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the columns have the names of the fields that they hold")]
pub struct Columns<'a> {
    pub amount_in: &'a [u64],
    pub gross_profit: Column<'a, u64>,
    pub cost: Column<'a, u64>,
    pub min_net_profit: Column<'a, u64>,
    pub age_slots: Column<'a, u64>,
    pub gross_profit_lamports: Column<'a, u64>,
    pub tip_lamports: Column<'a, u64>,
    pub fee_lamports: Column<'a, u64>,
    pub failure_lamports: Column<'a, u64>,
    pub depth_bps: Column<'a, u32>,
    pub volatility_bps: Column<'a, u32>,
    pub competition_e4: Column<'a, u16>,
    pub agreement_e4: Column<'a, u16>,
    pub landing_e4: Column<'a, u16>,
    pub token_flags: Column<'a, u8>,
}

/// Why columns are no prospects. Nothing was counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A column is shorter or longer than `amount_in`.
    #[error("column {column} has {found} rows, amount_in has {rows}")]
    Length {
        /// The column.
        column: &'static str,
        /// Its rows.
        found: usize,
        /// Those of `amount_in`.
        rows: usize,
    },
    /// A value that the column may not hold.
    #[error("{column} is {value} in row {row}; it may be {least} to {most}")]
    OutOfRange {
        /// The column.
        column: &'static str,
        /// The row.
        row: usize,
        /// The value as given.
        value: u64,
        /// The least that it may be.
        least: u64,
        /// The most that it may be.
        most: u64,
    },
}

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

fn check<T: Copy + PartialOrd + Into<u64>>(
    column: &'static str,
    values: &Column<'_, T>,
    least: T,
    most: T,
) -> Result<(), BatchError> {
    let is_wrong = |value: &T| *value < least || *value > most;
    let (has_wrong, values) = match values {
        Column::Each(values) => (values.iter().fold(false, |any, value| any | is_wrong(value)), *values),
        Column::All(value) => (is_wrong(value), std::slice::from_ref(value)),
    };
    match values.iter().position(is_wrong).filter(|_| has_wrong) {
        Some(row) => Err(BatchError::OutOfRange {
            column,
            row,
            value: values[row].into(),
            least: least.into(),
            most: most.into(),
        }),
        None => Ok(()),
    }
}

impl Columns<'_> {
    fn check(&self) -> Result<(), BatchError> {
        let rows = self.amount_in.len();
        let lengths = [
            ("gross_profit", self.gross_profit.len()),
            ("cost", self.cost.len()),
            ("min_net_profit", self.min_net_profit.len()),
            ("age_slots", self.age_slots.len()),
            ("gross_profit_lamports", self.gross_profit_lamports.len()),
            ("tip_lamports", self.tip_lamports.len()),
            ("fee_lamports", self.fee_lamports.len()),
            ("failure_lamports", self.failure_lamports.len()),
            ("depth_bps", self.depth_bps.len()),
            ("volatility_bps", self.volatility_bps.len()),
            ("competition_e4", self.competition_e4.len()),
            ("agreement_e4", self.agreement_e4.len()),
            ("landing_e4", self.landing_e4.len()),
            ("token_flags", self.token_flags.len()),
        ];
        for (column, found) in lengths {
            if let Some(found) = found.filter(|&found| found != rows) {
                return Err(BatchError::Length { column, found, rows });
            }
        }
        check("amount_in", &Column::Each(self.amount_in), 1, u64::MAX)?;
        check("competition_e4", &self.competition_e4, 0, WHOLE)?;
        check("agreement_e4", &self.agreement_e4, 0, WHOLE)?;
        check("landing_e4", &self.landing_e4, 0, WHOLE)?;
        check("token_flags", &self.token_flags, 0, 7)
    }

    /// Returns one row; the columns were checked.
    fn row(&self, row: usize) -> Prospect {
        let share = |column: &Column<'_, u16>| Share::new(column.at(row)).unwrap_or(Share::NONE);
        Prospect {
            candidate: Candidate {
                amount_in: self.amount_in[row],
                gross_profit: self.gross_profit.at(row),
                cost: self.cost.at(row),
                min_net_profit: self.min_net_profit.at(row),
                age_slots: self.age_slots.at(row),
            },
            context: Context {
                depth_bps: self.depth_bps.at(row),
                volatility_bps: self.volatility_bps.at(row),
                competition: share(&self.competition_e4),
                agreement: share(&self.agreement_e4),
                token_flags: TokenFlags::new(self.token_flags.at(row)).unwrap_or_default(),
                landing: share(&self.landing_e4),
            },
            stakes: Stakes {
                gross_profit_lamports: self.gross_profit_lamports.at(row),
                tip_lamports: self.tip_lamports.at(row),
                fee_lamports: self.fee_lamports.at(row),
                failure_lamports: self.failure_lamports.at(row),
            },
        }
    }
}

/// Returns a whole number below 2^52 as `f64`, exactly: as the digits of a number from 2^52 on.
#[inline]
fn exact(value: u64) -> f64 {
    const FIRST: f64 = EXACT as f64;
    f64::from_bits(value | FIRST.to_bits()) - FIRST
}

/// Memory of one block.
struct Block {
    amounts: [[u64; BLOCK]; 4],
    narrow: [[u32; BLOCK]; 2],
    shares: [[u16; BLOCK]; 3],
    flags: [u8; BLOCK],
    wide_bits: [u64; BLOCK],
    bits: [u32; BLOCK],
}

const fn bit(reason: Reason) -> u32 {
    1 << reason as u8
}

impl SignalScorer {
    /// Returns what [`Self::assess`] says of every row, and counts it.
    ///
    /// # Errors
    /// [`BatchError`]; nothing is counted then.
    pub fn assess_batch(&mut self, columns: &Columns<'_>) -> Result<Scores, BatchError> {
        columns.check()?;
        let rows = columns.amount_in.len();
        let mut found =
            Scores { reasons: vec![0; rows], scores: vec![0.0; rows], expected_values: vec![0; rows] };
        let mut block = Block {
            amounts: [[0; BLOCK]; 4],
            narrow: [[0; BLOCK]; 2],
            shares: [[0; BLOCK]; 3],
            flags: [0; BLOCK],
            wide_bits: [0; BLOCK],
            bits: [0; BLOCK],
        };
        let outputs = found
            .reasons
            .chunks_mut(BLOCK)
            .zip(found.scores.chunks_mut(BLOCK))
            .zip(found.expected_values.chunks_mut(BLOCK));
        for (number, ((reasons, scores), values)) in outputs.enumerate() {
            let start = number * BLOCK;
            if !self.judge_block(columns, start, &mut block, reasons, scores, values) {
                for (row, bits) in reasons.iter_mut().enumerate() {
                    let Assessment { reasons, score, expected_value_lamports } =
                        self.assess(&columns.row(start + row));
                    self.count(reasons);
                    (*bits, scores[row], values[row]) = (reasons.bits(), score, expected_value_lamports);
                }
            }
        }
        Ok(found)
    }

    /// Judges one block in `f64` and counts it; returns false, with nothing counted, if that is not
    /// exact.
    fn judge_block(
        &mut self,
        columns: &Columns<'_>,
        start: usize,
        block: &mut Block,
        reasons: &mut [u32],
        scores: &mut [f64],
        values: &mut [i64],
    ) -> bool {
        let rows = reasons.len();
        let Self { config, age_step, .. } = self;
        let Block {
            amounts: [first, second, third, fourth],
            narrow: [depths, volatilities],
            shares: [landings, competitions, agreements],
            flags,
            wide_bits,
            bits,
        } = block;
        let amount_in = &columns.amount_in[start..start + rows];
        let gross = columns.gross_profit.block(start, &mut first[..rows]);
        let cost = columns.cost.block(start, &mut second[..rows]);
        let least = columns.min_net_profit.block(start, &mut third[..rows]);
        let age = columns.age_slots.block(start, &mut fourth[..rows]);
        let (wide_bits, bits) = (&mut wide_bits[..rows], &mut bits[..rows]);
        let largest = [amount_in, gross, cost, least, age]
            .into_iter()
            .fold(0, |all, column| column.iter().fold(all, |all, value| all | value));
        if largest >= EXACT {
            return false;
        }
        judge_candidates(config, *age_step, [amount_in, gross, cost, least, age], wide_bits, scores);
        let gross = columns.gross_profit_lamports.block(start, &mut first[..rows]);
        let tip = columns.tip_lamports.block(start, &mut second[..rows]);
        let fee = columns.fee_lamports.block(start, &mut third[..rows]);
        let failure = columns.failure_lamports.block(start, &mut fourth[..rows]);
        let landing = columns.landing_e4.block(start, &mut landings[..rows]);
        let largest = [gross, tip, fee, failure]
            .into_iter()
            .fold(0, |all, column| column.iter().fold(all, |all, value| all | value));
        if largest >= EXACT_LAMPORTS {
            return false;
        }
        value_stakes(config, [gross, tip, fee, failure], landing, wide_bits, values);
        let (least_landing, most_contested) = (config.min_landing.e4(), config.max_competition.e4());
        bits.fill(0);
        mark(bits, landing, Reason::UnlikelyToLand, |landing| landing < least_landing);
        let depth = columns.depth_bps.block(start, &mut depths[..rows]);
        mark(bits, depth, Reason::TooDeep, |depth| depth > config.max_depth_bps);
        let volatility = columns.volatility_bps.block(start, &mut volatilities[..rows]);
        mark(bits, volatility, Reason::TooVolatile, |moved| moved > config.max_volatility_bps);
        let competition = columns.competition_e4.block(start, &mut competitions[..rows]);
        mark(bits, competition, Reason::TooContested, |gone| gone > most_contested);
        let (agreement, least_agreement) =
            (columns.agreement_e4.block(start, &mut agreements[..rows]), config.min_agreement.e4());
        mark(bits, agreement, Reason::TooFewAgree, |agreement| agreement < least_agreement);
        let (held, refused) =
            (columns.token_flags.block(start, &mut flags[..rows]), config.refused_flags.bits());
        mark(bits, held, Reason::TokenRisk, |held| held & refused != 0);
        self.finish_block(wide_bits, bits, reasons);
        true
    }

    /// Puts both halves of the reasons together and counts them.
    fn finish_block(&mut self, wide_bits: &[u64], bits: &[u32], reasons: &mut [u32]) {
        let (mut go, mut seen) = (0_u32, 0);
        for ((reasons, bits), wide) in reasons.iter_mut().zip(bits).zip(wide_bits) {
            #[expect(clippy::cast_possible_truncation, reason = "no reason lies beyond 32 bits")]
            let all = *bits | *wide as u32;
            *reasons = all;
            go += u32::from(all == 0);
            seen |= all;
        }
        self.go += u64::from(go);
        for reason in Reasons::of_bits(seen).iter() {
            let place = reason as u32;
            let count = reasons.iter().fold(0_u32, |count, bits| count + (bits >> place & 1));
            self.counts[reason as usize] += u64::from(count);
        }
    }
}

/// Marks the rows to which a rule applies.
#[inline]
fn mark<T: Copy>(bits: &mut [u32], column: &[T], reason: Reason, applies: impl Fn(T) -> bool) {
    let bit = bit(reason);
    for (bits, &value) in bits.iter_mut().zip(column) {
        *bits |= if applies(value) { bit } else { 0 };
    }
}

/// [`SignalScorer::judge`] and [`SignalScorer::rank`] of every row.
fn judge_candidates(
    config: &ScorerConfig,
    age_step: f64,
    columns: [&[u64]; 5],
    bits: &mut [u64],
    scores: &mut [f64],
) {
    let rows = bits.len();
    let [amount_in, gross, cost, least, age] = columns.map(|column| &column[..rows]);
    let scores = &mut scores[..rows];
    // As numbers that f64 holds: a threshold beyond what a block can reach is beyond it after rounding.
    let (min_bps, max_age) = (config.min_net_bps, config.max_age_slots as f64);
    for row in 0..rows {
        let net = exact(gross[row]) - exact(cost[row]);
        let net_bps = net * 1e4 / exact(amount_in[row]);
        let age = exact(age[row]);
        scores[row] = net_bps * (1.0 - age * age_step);
        let mark = |applies: bool, reason| if applies { u64::from(bit(reason)) } else { 0 };
        bits[row] = mark(age > max_age, Reason::Stale)
            | mark(net <= 0.0, Reason::CostsExceedProfit)
            | mark(net < exact(least[row]), Reason::BelowMinProfit)
            | mark(net_bps < min_bps, Reason::BelowMinBps);
    }
}

/// [`Stakes::expected_value_lamports`] of every row.
fn value_stakes(
    config: &ScorerConfig,
    columns: [&[u64]; 4],
    landing: &[u16],
    bits: &mut [u64],
    values: &mut [i64],
) {
    let rows = bits.len();
    let [gross, tip, fee, failure] = columns.map(|column| &column[..rows]);
    let (landing, values) = (&landing[..rows], &mut values[..rows]);
    let below = u64::from(bit(Reason::BelowMinExpectedValue));
    // Rounded as the age's threshold is.
    let least = config.min_expected_value_lamports as f64;
    for row in 0..rows {
        let p = exact(u64::from(landing[row]));
        let value = (exact(gross[row]) - exact(tip[row])) * p
            - exact(fee[row]) * 1e4
            - exact(failure[row]) * (1e4 - p);
        // Rounded to the nearest, then down if that was up: exact, as nothing reaches 2^52.
        let near = value * 1e-4 + ROUND - ROUND;
        let down = near - if value - near * 1e4 < 0.0 { 1.0 } else { 0.0 };
        values[row] = (down + ROUND).to_bits().cast_signed() - ROUND.to_bits().cast_signed();
        bits[row] |= if down < least { below } else { 0 };
    }
}
