//! One thread that compiles what was asked for, in order; it starts with the first request.

use std::collections::VecDeque;
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::instance::Compiled;

/// Room for the deepest source with a wide margin.
const STACK_BYTES: usize = 8 << 20;

struct Queue {
    waiting: VecDeque<Weak<Compiled>>,
    /// The process in which the thread runs: after a fork there is none.
    worker_of: Option<u32>,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue { waiting: VecDeque::new(), worker_of: None });
static ARRIVED: Condvar = Condvar::new();
static FINISHED: Condvar = Condvar::new();

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks for native code. Without a thread the program stays with the interpreter.
pub(super) fn request(compiled: Weak<Compiled>) {
    let mut queue = queue();
    queue.waiting.push_back(compiled);
    let here = Some(process::id());
    if queue.worker_of != here {
        let worker = thread::Builder::new().name("phantom-jit".to_owned()).stack_size(STACK_BYTES);
        let spawned = worker.spawn(work);
        if spawned.is_ok() {
            queue.worker_of = here;
        } else {
            queue.waiting.clear();
        }
    }
    drop(queue);
    ARRIVED.notify_one();
}

fn work() {
    loop {
        let mut waiting = queue();
        let next = loop {
            match waiting.waiting.pop_front() {
                Some(next) => break next,
                None => waiting = ARRIVED.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(waiting);
        // One that nobody has any more costs nothing.
        if let Some(compiled) = next.upgrade() {
            compiled.make_native();
            drop(compiled);
            drop(queue());
            FINISHED.notify_all();
        }
    }
}

/// Waits until `is_done` or until the time is over; returns which.
pub(super) fn wait(timeout: Duration, is_done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    let mut held = queue();
    while !is_done() {
        let Some(left) = timeout.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) else {
            return false;
        };
        held = FINISHED.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
    }
    true
}
