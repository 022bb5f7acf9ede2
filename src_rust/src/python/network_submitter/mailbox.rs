//! How answers reach an asyncio loop: a queue, and a socket that the loop watches.
//!
//! The submitter's thread never touches Python: it puts a letter into the queue and, if the loop has not
//! been woken yet, a byte into the socket.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use super::values::Wanted;
use crate::network_submitter::{Dispatch, SubmitError};

#[cfg(unix)]
type Socket = std::os::unix::net::UnixStream;
#[cfg(not(unix))]
type Socket = std::net::TcpStream;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of a mailbox that the submitter's thread has.
pub struct Slit {
    letters: Mutex<Vec<(u64, Result<Dispatch, SubmitError>)>>,
    bell: Socket,
    is_rung: AtomicBool,
}

impl Slit {
    /// Puts an outcome in. There are never more than have been asked for.
    pub fn put(&self, number: u64, found: Result<Dispatch, SubmitError>) {
        lock(&self.letters).push((number, found));
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            // A full socket wakes as well as one more byte; without its reader nobody waits.
            let _ = (&self.bell).write(&[1]);
        }
    }
}

/// The end that an asyncio loop has: called when the socket is readable.
#[pyclass(module = "phantom_core", frozen)]
pub struct Mailbox {
    slit: Arc<Slit>,
    ear: Socket,
    waiting: Mutex<HashMap<u64, (Py<PyAny>, Wanted)>>,
    next: AtomicU64,
}

impl Mailbox {
    pub fn new() -> io::Result<Self> {
        let (bell, ear) = pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let slit = Slit { letters: Mutex::default(), bell, is_rung: AtomicBool::new(false) };
        Ok(Self { slit: Arc::new(slit), ear, waiting: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// Returns what the loop is to watch.
    pub fn descriptor(&self) -> i64 {
        #[cfg(unix)]
        return i64::from(std::os::fd::AsRawFd::as_raw_fd(&self.ear));
        #[cfg(not(unix))]
        return std::os::windows::io::AsRawSocket::as_raw_socket(&self.ear) as i64;
    }

    pub fn slit(&self) -> Arc<Slit> {
        Arc::clone(&self.slit)
    }

    /// Keeps a future until its letter comes.
    pub fn expect(&self, future: Py<PyAny>, wanted: Wanted) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.waiting).insert(number, (future, wanted));
        number
    }

    /// Forgets a future whose letter never comes.
    pub fn forget(&self, number: u64) {
        lock(&self.waiting).remove(&number);
    }

    /// Gives every letter to its future.
    pub fn collect(&self, py: Python<'_>) -> PyResult<()> {
        let mut bytes = [0; 64];
        // Read before the queue is taken: whatever comes later rings again.
        while matches!((&self.ear).read(&mut bytes), Ok(read) if read == bytes.len()) {}
        self.slit.is_rung.store(false, Ordering::Release);
        let letters = std::mem::take(&mut *lock(&self.slit.letters));
        for (number, found) in letters {
            let Some((future, wanted)) = lock(&self.waiting).remove(&number) else { continue };
            let future = future.bind(py);
            if future.call_method0("done")?.is_truthy()? {
                continue;
            }
            match wanted.convert(py, found) {
                Ok(value) => future.call_method1("set_result", (value,))?,
                Err(error) => future.call_method1("set_exception", (error,))?,
            };
        }
        Ok(())
    }
}

#[pymethods]
impl Mailbox {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        self.collect(py)
    }

    /// Gives out what has come and leaves the loop.
    fn retire(&self, py: Python<'_>, event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
        event_loop.call_method1("remove_reader", (self.descriptor(),))?;
        self.collect(py)
    }
}

#[cfg(unix)]
fn pair() -> io::Result<(Socket, Socket)> {
    Socket::pair()
}

#[cfg(not(unix))]
fn pair() -> io::Result<(Socket, Socket)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let bell = Socket::connect(listener.local_addr()?)?;
    loop {
        let (ear, peer) = listener.accept()?;
        if peer == bell.local_addr()? {
            return Ok((bell, ear));
        }
    }
}
