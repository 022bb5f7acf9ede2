//! Many quotes of one pool in one state, over all cores.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use super::PoolView;
use crate::swap::{Quote, Refusal, SwapRequest};

/// Rows that a thread is worth: starting one takes about 30 µs, a quote 0.1 µs to 1 µs.
const ROWS_PER_THREAD: usize = 2048;

/// Threads of the machine. Asked once: the answer is read from files.
static CORES: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));

/// An error of a batch: the program's word and number, see [`Refusal`].
pub type BatchError = (&'static str, Option<u32>);

/// One row for each amount. A row with an error holds zeros.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuoteBatch {
    /// Leaves the trader, base units.
    pub amount_in: Vec<u64>,
    /// Reaches the trader, base units.
    pub amount_out: Vec<u64>,
    /// What the pool and its program keep, in the token that the venue charges.
    pub fee: Vec<u64>,
    /// Place in `errors`; 0 where there is a quote.
    pub error: Vec<u16>,
    /// The errors that occur, in the order of the first row that has them; the first entry stands for
    /// no error.
    pub errors: Vec<BatchError>,
}

/// Returns what the program would do with each of `amounts` in the present state, `like` otherwise.
/// The answer does not depend on the number of cores.
#[must_use]
pub fn quote_batch(view: PoolView<'_>, like: &SwapRequest, amounts: &[u64]) -> QuoteBatch {
    quote_batch_on(view, like, amounts, (*CORES).min(amounts.len() / ROWS_PER_THREAD))
}

/// As [`quote_batch`], on so many threads; scoped ones, since a pool of threads does not survive the
/// `fork` of Python's `multiprocessing`.
fn quote_batch_on(view: PoolView<'_>, like: &SwapRequest, amounts: &[u64], threads: usize) -> QuoteBatch {
    let rows = amounts.len();
    let mut batch = QuoteBatch {
        amount_in: vec![0; rows],
        amount_out: vec![0; rows],
        fee: vec![0; rows],
        error: vec![0; rows],
        errors: vec![("", None)],
    };
    let share = rows.div_ceil(threads.max(1)).max(1);
    let parts = amounts
        .chunks(share)
        .zip(batch.amount_in.chunks_mut(share))
        .zip(batch.amount_out.chunks_mut(share))
        .zip(batch.fee.chunks_mut(share))
        .zip(batch.error.chunks_mut(share))
        .map(|((((amounts, amount_in), amount_out), fee), error)| Part {
            amounts,
            amount_in,
            amount_out,
            fee,
            error,
        });
    let tables: Vec<Vec<BatchError>> = if threads < 2 {
        parts.map(|part| part.fill(view, like)).collect()
    } else {
        thread::scope(|scope| {
            let running: Vec<_> = parts.map(|part| scope.spawn(move || part.fill(view, like))).collect();
            let join = |handle: thread::ScopedJoinHandle<'_, _>| {
                handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            running.into_iter().map(join).collect()
        })
    };
    for (error, table) in batch.error.chunks_mut(share).zip(tables) {
        // Each part counted its errors on its own.
        let places: Vec<u16> = table.into_iter().map(|error| place_of(&mut batch.errors, error)).collect();
        for place in error {
            *place = places[usize::from(*place)];
        }
    }
    batch
}

/// The rows of one thread.
struct Part<'a> {
    amounts: &'a [u64],
    amount_in: &'a mut [u64],
    amount_out: &'a mut [u64],
    fee: &'a mut [u64],
    error: &'a mut [u16],
}

impl Part<'_> {
    /// Fills the rows and returns the errors they point at.
    fn fill(self, view: PoolView<'_>, like: &SwapRequest) -> Vec<BatchError> {
        let mut errors = vec![("", None)];
        for (row, &amount) in self.amounts.iter().enumerate() {
            match view.quote(&SwapRequest { amount, ..*like }) {
                Ok(Quote { user_in, user_out, fee, .. }) => {
                    self.amount_in[row] = user_in;
                    self.amount_out[row] = user_out;
                    self.fee[row] = fee;
                }
                Err(Refusal { name, code, .. }) => self.error[row] = place_of(&mut errors, (name, code)),
            }
        }
        errors
    }
}

fn place_of(errors: &mut Vec<BatchError>, error: BatchError) -> u16 {
    let place = errors.iter().position(|known| *known == error).unwrap_or_else(|| {
        errors.push(error);
        errors.len() - 1
    });
    // Errors are words in the source: there are not 65,536 of them.
    u16::try_from(place).unwrap_or(u16::MAX)
}
