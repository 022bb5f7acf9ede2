//! Prospects in columns: what they may hold, and how blocks are read from them.

#![expect(clippy::inline_always, reason = "compiled anew with each set of vector instructions; see `batch`")]

use super::value::WHOLE;
use super::{Candidate, Context, Prospect, Share, Stakes, TokenFlags};

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

    /// Returns it so that blocks of at most `most` rows can be read from it.
    fn lane(&self, most: usize) -> Lane<'_, T> {
        match self {
            Self::Each(values) => Lane::Each(values),
            Self::All(value) => Lane::All(vec![*value; most]),
        }
    }
}

/// A column of which every block can be read; what is the same in all rows was written out for one.
pub(super) enum Lane<'a, T> {
    Each(&'a [T]),
    All(Vec<T>),
}

impl<T> Lane<'_, T> {
    #[inline(always)]
    pub fn block(&self, start: usize, rows: usize) -> &[T] {
        match self {
            Self::Each(values) => &values[start..start + rows],
            Self::All(values) => &values[..rows],
        }
    }
}

/// Every column of a batch, in the order in which the passes take them.
pub(super) struct Lanes<'a> {
    /// Input, gross profit, cost, least profit, age.
    pub candidates: [Lane<'a, u64>; 5],
    /// Gross profit, tip, fee, failure.
    pub stakes: [Lane<'a, u64>; 4],
    /// Depth, volatility.
    pub movements: [Lane<'a, u32>; 2],
    /// Landing, competition, agreement.
    pub shares: [Lane<'a, u16>; 3],
    pub flags: Lane<'a, u8>,
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
    /// Returns the number of rows if every column has it.
    pub(super) fn rows(&self) -> Result<usize, BatchError> {
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
        Ok(rows)
    }

    /// Names the first value that a column may not hold.
    pub(super) fn check(&self) -> Result<(), BatchError> {
        check("amount_in", &Column::Each(self.amount_in), 1, u64::MAX)?;
        check("competition_e4", &self.competition_e4, 0, WHOLE)?;
        check("agreement_e4", &self.agreement_e4, 0, WHOLE)?;
        check("landing_e4", &self.landing_e4, 0, WHOLE)?;
        check("token_flags", &self.token_flags, 0, 7)
    }

    /// Returns the columns so that blocks of at most `most` rows can be read from them.
    pub(super) fn lanes(&self, most: usize) -> Lanes<'_> {
        let candidates = [&self.gross_profit, &self.cost, &self.min_net_profit, &self.age_slots];
        let [gross, cost, least, age] = candidates.map(|column| column.lane(most));
        let stakes =
            [&self.gross_profit_lamports, &self.tip_lamports, &self.fee_lamports, &self.failure_lamports];
        let shares = [&self.landing_e4, &self.competition_e4, &self.agreement_e4];
        Lanes {
            candidates: [Lane::Each(self.amount_in), gross, cost, least, age],
            stakes: stakes.map(|column| column.lane(most)),
            movements: [&self.depth_bps, &self.volatility_bps].map(|column| column.lane(most)),
            shares: shares.map(|column| column.lane(most)),
            flags: self.token_flags.lane(most),
        }
    }

    /// Returns one row; the columns were checked.
    pub(super) fn row(&self, row: usize) -> Prospect {
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
