//! When to stop: a time limit, or a signal such as Ctrl-C.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::super::errors;

/// How often signals are looked at: taking the GIL may mean waiting for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Watches one call.
pub struct Watch {
    caller: ThreadId,
    deadline: Option<Instant>,
    state: Mutex<State>,
}

struct State {
    next_look: Option<Instant>,
    raised: Option<PyErr>,
}

impl Watch {
    /// Starts to count `time_limit` seconds.
    pub fn new(time_limit: Option<f64>) -> PyResult<Self> {
        let deadline = time_limit.map(|seconds| {
            let limit = Duration::try_from_secs_f64(seconds).ok();
            limit.and_then(|limit| Instant::now().checked_add(limit)).ok_or_else(|| {
                errors::invalid(format!("time_limit is {seconds}; it may be any number of seconds from 0"))
            })
        });
        Ok(Self::until(deadline.transpose()?))
    }

    /// Returns a watch for another call with the same deadline.
    pub fn again(&self) -> Self {
        Self::until(self.deadline)
    }

    fn until(deadline: Option<Instant>) -> Self {
        let state = Mutex::new(State { next_look: None, raised: None });
        Self { caller: thread::current().id(), deadline, state }
    }

    /// Whether the call should end. May be asked by any thread.
    pub fn is_over(&self) -> bool {
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return true;
        }
        // Python handles signals on the thread that called.
        if thread::current().id() != self.caller {
            return false;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next_look = *state.next_look.get_or_insert(now + LOOK_EVERY);
        if now >= next_look {
            state.next_look = Some(now + LOOK_EVERY);
            state.raised = Python::attach(|py| py.check_signals().err());
        }
        state.raised.is_some()
    }

    /// Returns the exception that a signal raised.
    pub fn finish(self) -> PyResult<()> {
        match self.state.into_inner().unwrap_or_else(PoisonError::into_inner).raised {
            Some(raised) => Err(raised),
            None => Ok(()),
        }
    }
}
