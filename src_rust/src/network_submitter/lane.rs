//! One target at work: its limits, its connections, its counters.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use super::answer::{self, Answer, AnswerKind, Expected};
use super::http1::Response;
use super::limiter::Limiter;
use super::target::{Route, Target};
use super::tls::Tls;
use super::wire::{StartFault, Wire, WireFault};
use super::{SubmitError, TargetStats};

/// Back-off after the first failure to connect; doubled with every further one.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) struct Lane {
    pub(super) name: Arc<str>,
    pub(super) target: Target,
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(super) max_idle: Duration,
    /// The heads of submissions, the most frequent request, up to the length of the body.
    submit_head: Vec<u8>,
    limiter: Mutex<Limiter>,
    pub(super) pool: Mutex<Pool>,
    in_flight: AtomicUsize,
    pub(super) counters: Counters,
}

/// The connections of a target.
#[derive(Default)]
pub(super) struct Pool {
    /// The last used comes first again: the others grow old and are replaced.
    pub(super) idle: Vec<Wire>,
    /// The HTTP/2 connection, and its number.
    pub(super) http2: Option<(u64, SendRequest<Bytes>)>,
    /// Used or asked for once, so kept open.
    pub(super) is_wanted: bool,
    /// Being opened ahead: see [`Lane::opening`].
    pub(super) is_opening: bool,
    failures: u32,
    pub(super) not_before: Option<Instant>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) opened: AtomicU64,
    pub(super) open_failures: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) reused: AtomicU64,
    pub(super) kinds: [AtomicU64; AnswerKind::ALL.len()],
}

/// A request under way; its end makes room for another.
pub(super) struct Permit(Arc<Lane>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that is being opened ahead; its end, however it ends, makes room for another.
pub(super) struct Opening(Arc<Lane>);

impl Drop for Opening {
    fn drop(&mut self) {
        lock(&self.0.pool).is_opening = false;
    }
}

impl Lane {
    /// Says that a connection is being opened ahead. `pool` is this lane's.
    pub(super) fn opening(self: &Arc<Self>, pool: &mut Pool) -> Opening {
        pool.is_opening = true;
        Opening(Arc::clone(self))
    }

    pub(super) fn new(target: Target, tls: &Tls, max_idle: Duration) -> Result<Self, SubmitError> {
        let refuse = || SubmitError::BadTarget {
            name: target.name.clone(),
            problem: "the host is no name that a certificate can be for",
        };
        let session = if target.is_tls {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| refuse())?;
            let config = if target.http2 { &tls.with_http2 } else { &tls.http1_only };
            Some((Arc::clone(config), name))
        } else {
            None
        };
        Ok(Self {
            name: Arc::from(target.name.as_str()),
            tls: session,
            max_idle,
            submit_head: head(&target, Route::Submit),
            limiter: Mutex::new(Limiter::new(target.requests_per_second)),
            pool: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            counters: Counters::default(),
            target,
        })
    }

    /// Counts a request that is about to begin, or says why it may not.
    pub(super) fn admit(self: &Arc<Self>, now_ns: u64) -> Result<Permit, Box<Answer>> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.target.max_in_flight {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            let message = format!("{} requests are under way", self.target.max_in_flight);
            return Err(Box::new(self.count(self.answer(AnswerKind::SkippedBusy).with_message(message))));
        }
        let permit = Permit(Arc::clone(self));
        lock(&self.limiter).take(now_ns).map_err(|wait_ns| {
            let mut answer = self.answer(AnswerKind::SkippedRateLimit);
            answer.retry_after_ns = Some(wait_ns);
            Box::new(self.count(answer))
        })?;
        Ok(permit)
    }

    /// Returns whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }

    pub(super) fn answer(&self, kind: AnswerKind) -> Answer {
        Answer::new(&self.name, kind)
    }

    /// Counts an answer.
    pub(super) fn count(&self, answer: Answer) -> Answer {
        self.counters.kinds[answer.kind as usize].fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// Begins a request on an idle connection; `None` if there is none.
    ///
    /// # Errors
    /// The answer, if part of the request has gone and the rest cannot.
    pub(super) fn start_on_idle(&self, route: Route, body: &[u8]) -> Result<Option<Wire>, Box<Answer>> {
        loop {
            let Some(mut wire) = lock(&self.pool).idle.pop() else { return Ok(None) };
            if !wire.is_alive() {
                continue;
            }
            match self.start(&mut wire, route, body) {
                Ok(()) => return Ok(Some(wire)),
                Err(StartFault::NothingSent) => {}
                Err(StartFault::Lost(error)) => return Err(Box::new(self.lost(&error))),
            }
        }
    }

    /// Begins a request on this connection.
    pub(super) fn start(&self, wire: &mut Wire, route: Route, body: &[u8]) -> Result<(), StartFault> {
        let reused = u64::from(wire.requests > 0);
        let mut head = Vec::with_capacity(self.submit_head.len() + 64);
        if route == Route::Submit {
            head.extend_from_slice(&self.submit_head);
        } else {
            head = self::head(&self.target, route);
        }
        head.extend_from_slice(body.len().to_string().as_bytes());
        head.extend_from_slice(b"\r\n\r\n");
        wire.start(&head, body)?;
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        self.counters.reused.fetch_add(reused, Ordering::Relaxed);
        Ok(())
    }

    /// Ends a request: keeps the connection if it can carry another.
    pub(super) fn conclude(
        &self,
        wire: Wire,
        found: Result<Response, WireFault>,
        expected: Expected,
    ) -> Answer {
        match found {
            Ok(response) => {
                // An answer may come before the request has gone: the rest of it would stand before the next.
                if response.is_reusable && !wire.wants_write() {
                    self.keep(wire);
                }
                answer::read(&self.name, &self.target, expected, response)
            }
            Err(WireFault::Response(fault)) => answer::fault(&self.name, fault),
            Err(WireFault::Lost(error)) => self.lost(&error),
        }
    }

    /// Heeds a wish for silence that came with an answer, `now_ns` on the limiter's clock.
    pub(super) fn heed(&self, answer: &Answer, now_ns: u64) {
        if let (AnswerKind::RateLimited, Some(silence_ns)) = (answer.kind, answer.retry_after_ns) {
            lock(&self.limiter).be_silent_until(now_ns.saturating_add(silence_ns));
        }
    }

    /// Puts a connection back.
    pub(super) fn keep(&self, wire: Wire) {
        let mut pool = lock(&self.pool);
        if pool.idle.len() < self.target.max_in_flight {
            pool.idle.push(wire);
        }
    }

    pub(super) fn lost(&self, error: &std::io::Error) -> Answer {
        self.answer(AnswerKind::Unknown).sent().with_message(format!("the connection was lost: {error}"))
    }

    /// Notes that a connection stands, or that it could not be opened.
    pub(super) fn note_opened(&self, is_open: bool) {
        let mut pool = lock(&self.pool);
        pool.is_wanted = true;
        if is_open {
            self.counters.opened.fetch_add(1, Ordering::Relaxed);
            pool.failures = 0;
            pool.not_before = None;
            return;
        }
        self.counters.open_failures.fetch_add(1, Ordering::Relaxed);
        let backoff = FIRST_BACKOFF.saturating_mul(1 << pool.failures.min(10)).min(LONGEST_BACKOFF);
        pool.failures += 1;
        pool.not_before = Some(Instant::now() + backoff.mul_f64(0.5 + 0.5 * fraction()));
    }

    pub(super) fn stats(&self) -> TargetStats {
        let pool = lock(&self.pool);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TargetStats {
            name: self.target.name.clone(),
            url: self.target.shown_url(),
            kind: self.target.kind,
            is_connected: !pool.idle.is_empty() || pool.http2.is_some(),
            is_http2: pool.http2.is_some(),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            connections_opened: read(&self.counters.opened),
            connection_failures: read(&self.counters.open_failures),
            requests: read(&self.counters.requests),
            requests_on_kept_connection: read(&self.counters.reused),
            answers: AnswerKind::ALL
                .into_iter()
                .map(|kind| (kind, read(&self.counters.kinds[kind as usize])))
                .filter(|&(_, count)| count > 0)
                .collect(),
        }
    }
}

/// Returns a head up to the value of its last header, the length of the body.
fn head(target: &Target, route: Route) -> Vec<u8> {
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n",
        target.path_of(route),
        target.authority
    );
    if let Some(auth) = &target.auth {
        head.push_str("x-jito-auth: ");
        head.push_str(auth);
        head.push_str("\r\n");
    }
    head.push_str("content-length: ");
    head.into_bytes()
}

/// Returns a number from 0 to 1 that differs from call to call and from process to process.
fn fraction() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let bits = std::hash::RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
