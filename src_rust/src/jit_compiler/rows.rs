//! Columns of fields to a column of values: the loop over pairs where it can, else tick by tick.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::instance::{Instance, Stop};
use super::ir::{Code, FieldType, Type};
use super::native::{Columns, Pairs, Target};
use super::pairs::ROWS_PER_TURN;

/// Rows that the loop over pairs is asked for at once; if one of them is suspect, all are done singly.
const STRETCH: usize = 128;
/// Below this number of rows the loop over pairs is not worth compiling.
const FEW: usize = 512;
/// Rows for which another thread is worth starting.
const ROWS_PER_THREAD: usize = 1 << 17;
/// Rows that a thread takes at once; a multiple of [`STRETCH`].
const SHARE: usize = 1 << 15;

/// The values of one field.
#[derive(Debug, Clone, Copy)]
pub enum Column<'a> {
    /// Of an `f64` field.
    Float(&'a [f64]),
    /// Of an `i64` field.
    Int(&'a [i64]),
    /// Of a `u64` field.
    Unsigned(&'a [u64]),
    /// Of a `bool` field.
    Bool(&'a [bool]),
}

impl<'a> Column<'a> {
    fn floats(&self) -> Option<&'a [f64]> {
        match *self {
            Self::Float(values) => Some(values),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Int(_) => FieldType::Int,
            Self::Unsigned(_) => FieldType::Unsigned,
            Self::Bool(_) => FieldType::Bool,
        }
    }

    fn slot(&self, row: usize) -> u64 {
        match self {
            Self::Float(values) => values[row].to_bits(),
            Self::Int(values) => values[row].cast_unsigned(),
            Self::Unsigned(values) => values[row],
            Self::Bool(values) => values[row].into(),
        }
    }
}

/// A column of results. Where a row is refused: 0, NaN or 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// 0 or 1.
    Bool(Vec<u8>),
    /// Floats.
    Float(Vec<f64>),
    /// Whole numbers.
    Int(Vec<i64>),
}

/// What all rows gave.
#[derive(Debug, Clone)]
pub struct Rows {
    /// One per row.
    pub values: Values,
    /// Rows without a value and why, in order.
    pub refused: Vec<(usize, Stop)>,
}

/// A part of the results' column.
enum Part<'a> {
    Bool(&'a mut [u8]),
    Float(&'a mut [f64]),
    Int(&'a mut [i64]),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Int(values) => values.len(),
        }
    }

    fn set(&mut self, row: usize, bits: Option<u64>) {
        match self {
            Self::Bool(values) => values[row] = u8::from(bits == Some(1)),
            Self::Float(values) => values[row] = bits.map_or(f64::NAN, f64::from_bits),
            Self::Int(values) => values[row] = bits.unwrap_or(0).cast_signed(),
        }
    }

    fn target(&mut self, from: usize, to: usize) -> Option<Target<'_>> {
        match self {
            Self::Bool(values) => Some(Target::Bool(&mut values[from..to])),
            Self::Float(values) => Some(Target::Float(&mut values[from..to])),
            Self::Int(_) => None,
        }
    }
}

struct Job<'a> {
    instance: &'a Instance,
    columns: &'a [Column<'a>],
    floats: Option<(&'a Pairs, Vec<&'a [f64]>)>,
}

type Ended = Vec<(usize, Code)>;

impl Job<'_> {
    /// Fills `part`, whose first row is `start` of the columns.
    fn run(&self, start: usize, mut part: Part<'_>) -> Ended {
        let mut ended = Vec::new();
        let mut slots = vec![0; self.columns.len()];
        let rows = part.len();
        let mut done = 0;
        if let Some((pairs, floats)) = &self.floats {
            let over: Columns<'_> = pairs.over(floats);
            let whole = rows - rows % ROWS_PER_TURN;
            while done < whole {
                let to = (done + STRETCH).min(whole);
                let is_good = part.target(done, to).is_some_and(|target| over.run(start + done, target));
                if !is_good {
                    self.singly(start, done..to, &mut slots, &mut part, &mut ended);
                }
                done = to;
            }
        }
        self.singly(start, done..rows, &mut slots, &mut part, &mut ended);
        ended
    }

    fn singly(
        &self,
        start: usize,
        rows: std::ops::Range<usize>,
        slots: &mut [u64],
        part: &mut Part<'_>,
        ended: &mut Ended,
    ) {
        for row in rows {
            for (slot, column) in slots.iter_mut().zip(self.columns) {
                *slot = column.slot(start + row);
            }
            match self.instance.tick(slots) {
                Ok(bits) => part.set(row, Some(bits)),
                Err(code) => {
                    part.set(row, None);
                    ended.push((start + row, code));
                }
            }
        }
    }
}

/// Evaluates every row; see [`Expression::evaluate_rows`](super::Expression::evaluate_rows).
pub(super) fn evaluate(
    instance: &Instance,
    result: Type,
    columns: &[Column<'_>],
    threads: usize,
) -> Result<Rows, String> {
    let rows = check(instance, columns)?;
    let mut values = match result {
        Type::Bool => Values::Bool(vec![0; rows]),
        Type::Float => Values::Float(vec![0.0; rows]),
        Type::Int => Values::Int(vec![0; rows]),
    };
    let pairs = if rows < FEW || instance.is_stateful() { None } else { instance.compiled.pairs() };
    let floats =
        pairs.and_then(|pairs| Some((pairs, columns.iter().map(Column::floats).collect::<Option<_>>()?)));
    let job = Job { instance, columns, floats };

    // Ticks with a state come one after the other.
    let share = if instance.is_stateful() { rows.max(1) } else { SHARE };
    let shares = match &mut values {
        Values::Bool(values) => waiting(values.chunks_mut(share).map(Part::Bool), share),
        Values::Float(values) => waiting(values.chunks_mut(share).map(Part::Float), share),
        Values::Int(values) => waiting(values.chunks_mut(share).map(Part::Int), share),
    };
    // Whoever is free takes the next share, so a helper that gets no core holds nobody up.
    let next = AtomicUsize::new(0);
    let work = || {
        let mut ended = Vec::new();
        while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
            let taken = share.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((start, part)) = taken {
                ended.append(&mut job.run(start, part));
            }
        }
        ended
    };
    let helpers = threads.min(rows / ROWS_PER_THREAD).saturating_sub(1);
    let mut ended = if helpers == 0 {
        work()
    } else {
        thread::scope(|scope| {
            let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
            let helpers: Vec<_> = (0..helpers).filter_map(spawn).collect();
            let mut ended = work();
            for helper in helpers {
                ended.append(&mut helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            ended
        })
    };
    ended.sort_unstable_by_key(|&(row, _)| row);
    let refused = ended.into_iter().map(|(row, code)| (row, instance.stop(code))).collect();
    Ok(Rows { values, refused })
}

/// Puts parts of `share` rows where threads can take them, each with its first row.
fn waiting<'a>(parts: impl Iterator<Item = Part<'a>>, share: usize) -> Vec<Mutex<Option<(usize, Part<'a>)>>> {
    parts.enumerate().map(|(index, part)| Mutex::new(Some((index * share, part)))).collect()
}

fn check(instance: &Instance, columns: &[Column<'_>]) -> Result<usize, String> {
    let fields = &instance.program().fields;
    if columns.len() != fields.len() {
        return Err(format!("{} columns for {} fields", columns.len(), fields.len()));
    }
    let rows = columns.first().map_or(0, Column::len);
    for (field, column) in fields.iter().zip(columns) {
        if column.field_type() != field.field_type {
            return Err(format!("column {} has another type than its field", field.name));
        }
        if column.len() != rows {
            let first = &fields[0].name;
            return Err(format!("column {} has {} rows, {first} has {rows}", field.name, column.len()));
        }
    }
    Ok(rows)
}
