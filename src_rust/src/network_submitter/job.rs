//! One dispatch: begun on the caller's thread, ended there or on the submitter's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{self, Answer, AnswerKind, Dispatch, Expected};
use super::http1::Response;
use super::lane::{Lane, Permit};
use super::link::{Http2Fault, Link, exchange_http2, open};
use super::target::Route;
use super::wire::{StartFault, Wire, WireFault};

/// A dispatch under way.
pub(super) struct Job {
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    /// When it began, on the clock of the rate limits.
    pub(super) now_ns: u64,
    pub(super) route: Route,
    /// To how many targets it goes at first.
    pub(super) first: usize,
    /// How long the others wait before it goes to them, or one of them, too.
    pub(super) hedge_after: Option<Duration>,
    /// When it goes to the others, if none has accepted.
    pub(super) hedge_at: Option<Instant>,
    /// One acceptance ends it.
    pub(super) one_is_enough: bool,
    pub(super) slots: Vec<Slot>,
}

/// One target of a dispatch.
pub(super) struct Slot {
    pub(super) lane: Arc<Lane>,
    pub(super) body: Bytes,
    pub(super) expected: Expected,
    state: State,
}

enum State {
    Done(Answer),
    /// Written, in part at least, on the caller's thread.
    Sent(Wire, Permit, Instant),
    /// Needs a connection, or goes over HTTP/2.
    Ready(Permit),
    /// Waits for the others.
    Held,
    /// A task of the submitter's thread has it.
    Running,
}

impl Slot {
    pub(super) fn new(lane: Arc<Lane>, body: Bytes, expected: Expected) -> Self {
        Self { lane, body, expected, state: State::Held }
    }

    /// Begins it: on an idle connection at once.
    fn launch(&mut self, route: Route, now_ns: u64) {
        let permit = match self.lane.admit(now_ns) {
            Ok(permit) => permit,
            Err(answer) => return self.state = State::Done(*answer),
        };
        let began = Instant::now();
        self.state = match self.lane.start_on_idle(route, &self.body) {
            Ok(Some(wire)) => State::Sent(wire, permit, began),
            Ok(None) => State::Ready(permit),
            Err(answer) => State::Done(self.lane.count(*answer)),
        };
    }
}

impl Job {
    /// Sends to the first targets that may be sent to, as far as connections stand.
    pub(super) fn begin(&mut self) {
        let mut launched = 0;
        for slot in &mut self.slots {
            if launched == self.first {
                break;
            }
            slot.launch(self.route, self.now_ns);
            launched += usize::from(!matches!(slot.state, State::Done(_)));
        }
    }

    /// Returns whether everything is sent, so that only answers are waited for.
    pub(super) fn is_all_sent(&self) -> bool {
        self.slots.iter().all(|slot| matches!(slot.state, State::Done(_) | State::Sent(..)))
    }

    fn limit(&self, lane: &Lane, began: Instant) -> Instant {
        self.deadline.min(began + lane.target.timeout)
    }

    /// Waits for the answers on this thread. Everything is sent.
    pub(super) fn finish_here(mut self) -> Dispatch {
        loop {
            let mut waiting: Vec<usize> = Vec::with_capacity(self.slots.len());
            let mut until: Option<Instant> = None;
            let mut polled = Vec::with_capacity(self.slots.len());
            for (index, slot) in self.slots.iter().enumerate() {
                let State::Sent(wire, _, began) = &slot.state else { continue };
                let limit = self.limit(&slot.lane, *began);
                until = Some(until.map_or(limit, |until| until.min(limit)));
                let wish = if wire.wants_write() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
                polled.push(PollFd::new(&wire.stream, wish));
                waiting.push(index);
            }
            let Some(until) = until else { return self.dispatch() };
            let wait = until.saturating_duration_since(Instant::now());
            // An interruption by a signal is as good as an event.
            let ready = poll(&mut polled, Some(&timespec(wait)));
            let is_ready: Vec<bool> = polled.iter().map(|one| !one.revents().is_empty()).collect();
            drop(polled);
            let now = if ready == Ok(0) || wait.is_zero() { Some(Instant::now()) } else { None };
            for (index, is_ready) in waiting.into_iter().zip(is_ready) {
                self.step(index, is_ready, now);
            }
        }
    }

    fn step(&mut self, index: usize, is_ready: bool, now: Option<Instant>) {
        let (deadline, now_ns, job_began) = (self.deadline, self.now_ns, self.began);
        let slot = &mut self.slots[index];
        let State::Sent(mut wire, permit, began) = std::mem::replace(&mut slot.state, State::Held) else {
            return;
        };
        let lane = &slot.lane;
        let found = if is_ready { wire.step() } else { Ok(None) };
        let limit = deadline.min(began + lane.target.timeout);
        let answer = match found {
            Ok(None) if now.is_some_and(|now| now >= limit) => lane.answer(AnswerKind::Timeout).sent(),
            Ok(None) => return slot.state = State::Sent(wire, permit, began),
            Ok(Some(response)) => lane.conclude(wire, Ok(response), slot.expected),
            Err(fault) => lane.conclude(wire, Err(fault), slot.expected),
        };
        let answer = timed(answer, began);
        lane.heed(&answer, now_ns.saturating_add(nanoseconds(job_began.elapsed())));
        slot.state = State::Done(lane.count(answer));
    }

    /// Finishes it on the submitter's thread.
    pub(super) async fn finish_there(mut self, mut closed: watch::Receiver<bool>) -> Dispatch {
        let mut tasks = JoinSet::new();
        let mut is_accepted = false;
        let for_tasks = closed.clone();
        self.spawn_all(&mut tasks, &for_tasks);
        loop {
            let is_held = !is_accepted && self.slots.iter().any(|slot| matches!(slot.state, State::Held));
            if is_held && tasks.is_empty() {
                // Whoever was to accept has not.
                if Instant::now() < self.deadline && !*closed.borrow() {
                    self.release(&mut tasks, &for_tasks);
                    continue;
                }
                break;
            }
            if tasks.is_empty() || (is_accepted && self.one_is_enough) {
                break;
            }
            let hedge = async {
                match self.hedge_at {
                    Some(at) if is_held => tokio::time::sleep_until(at.into()).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(done) = tasks.join_next() => {
                    if let Ok((index, answer)) = done {
                        is_accepted |= self.settle(index, answer);
                    }
                }
                () = hedge => {
                    if Instant::now() < self.deadline {
                        self.release(&mut tasks, &for_tasks);
                    } else {
                        // Too late to send; what is under way tells that its time is over.
                        self.hedge_at = None;
                    }
                }
                _ = closed.wait_for(|&closed| closed), if is_held => break,
            }
        }
        drop(tasks);
        for slot in &mut self.slots {
            let answer = match slot.state {
                State::Done(_) => continue,
                State::Running => slot.lane.answer(AnswerKind::Cancelled).sent(),
                _ if is_accepted => {
                    slot.lane.answer(AnswerKind::Cancelled).with_message("another target has accepted")
                }
                _ if Instant::now() >= self.deadline => slot.lane.answer(AnswerKind::Timeout),
                _ => slot.lane.answer(AnswerKind::Cancelled),
            };
            slot.state = State::Done(slot.lane.count(answer));
        }
        self.dispatch()
    }

    /// Takes an answer; returns whether it accepts.
    fn settle(&mut self, index: usize, answer: Answer) -> bool {
        let now_ns = self.now_ns.saturating_add(nanoseconds(self.began.elapsed()));
        let slot = &mut self.slots[index];
        slot.lane.heed(&answer, now_ns);
        let is_accepted = answer.kind == AnswerKind::Accepted;
        slot.state = State::Done(slot.lane.count(answer));
        is_accepted
    }

    /// Sends to the targets held back: to one more if one answer is enough, else to all of them.
    fn release(&mut self, tasks: &mut JoinSet<(usize, Answer)>, closed: &watch::Receiver<bool>) {
        let now_ns = self.now_ns.saturating_add(nanoseconds(self.began.elapsed()));
        let mut launched = 0;
        for slot in &mut self.slots {
            if matches!(slot.state, State::Held) && !(self.one_is_enough && launched == 1) {
                slot.launch(self.route, now_ns);
                launched += usize::from(!matches!(slot.state, State::Done(_)));
            }
        }
        if self.one_is_enough {
            self.hedge_at = self.hedge_after.map(|after| Instant::now() + after);
        }
        self.spawn_all(tasks, closed);
    }

    fn spawn_all(&mut self, tasks: &mut JoinSet<(usize, Answer)>, closed: &watch::Receiver<bool>) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let (wire, permit, began) = match std::mem::replace(&mut slot.state, State::Running) {
                State::Sent(wire, permit, began) => (Some(wire), permit, began),
                State::Ready(permit) => (None, permit, Instant::now()),
                other => {
                    slot.state = other;
                    continue;
                }
            };
            let errand = Errand {
                lane: Arc::clone(&slot.lane),
                body: slot.body.clone(),
                expected: slot.expected,
                route: self.route,
                is_sent: AtomicBool::new(wire.is_some()),
            };
            let limit = self.limit(&self.slots[index].lane, began);
            let closed = closed.clone();
            tasks.spawn(async move {
                let answer = errand.run(wire, limit, closed).await;
                drop(permit);
                (index, timed(answer, began))
            });
        }
    }

    fn dispatch(self) -> Dispatch {
        let answers = self
            .slots
            .into_iter()
            .map(|slot| match slot.state {
                State::Done(answer) => answer,
                _ => slot.lane.answer(AnswerKind::Cancelled),
            })
            .collect();
        Dispatch { answers, elapsed: self.began.elapsed() }
    }
}

/// A request on the submitter's thread.
struct Errand {
    lane: Arc<Lane>,
    body: Bytes,
    expected: Expected,
    route: Route,
    is_sent: AtomicBool,
}

impl Errand {
    async fn run(self, wire: Option<Wire>, limit: Instant, mut closed: watch::Receiver<bool>) -> Answer {
        let kind = tokio::select! {
            biased;
            answer = self.answer(wire, limit) => return answer,
            () = tokio::time::sleep_until(limit.into()) => AnswerKind::Timeout,
            _ = closed.wait_for(|&closed| closed) => AnswerKind::Cancelled,
        };
        let mut answer = self.lane.answer(kind);
        answer.is_sent = self.is_sent.load(Ordering::Relaxed);
        answer
    }

    /// Returns the answer; nothing is begun after `limit`, however late this thread gets its turn.
    async fn answer(&self, wire: Option<Wire>, limit: Instant) -> Answer {
        if let Some(wire) = wire {
            return self.finish(wire).await;
        }
        // A kept connection may turn out to be dead before a byte is sent; a new one is not retried.
        for _ in 0..2 {
            if Instant::now() >= limit {
                return self.lane.answer(AnswerKind::Timeout);
            }
            match self.lane.start_on_idle(self.route, &self.body) {
                Ok(Some(wire)) => {
                    self.is_sent.store(true, Ordering::Relaxed);
                    return self.finish(wire).await;
                }
                Ok(None) => {}
                Err(answer) => return *answer,
            }
            let kept = super::lane::lock(&self.lane.pool).http2.as_ref().map(|(_, sender)| sender.clone());
            let is_kept = kept.is_some();
            let sender = match kept {
                Some(sender) => sender,
                None => match open(&self.lane).await {
                    Ok(Link::Http2(sender)) => sender,
                    Ok(Link::Wire(wire)) if Instant::now() >= limit => {
                        self.lane.keep(wire);
                        return self.lane.answer(AnswerKind::Timeout);
                    }
                    Ok(Link::Wire(mut wire)) => {
                        self.is_sent.store(true, Ordering::Relaxed);
                        match self.lane.start(&mut wire, self.route, &self.body) {
                            Ok(()) => return self.finish(wire).await,
                            Err(StartFault::Lost(error)) => return self.lane.lost(&error),
                            Err(StartFault::NothingSent) => {
                                self.is_sent.store(false, Ordering::Relaxed);
                                continue;
                            }
                        }
                    }
                    Err(answer) => return answer,
                },
            };
            if Instant::now() >= limit {
                return self.lane.answer(AnswerKind::Timeout);
            }
            let before = self.lane.counters.requests.fetch_add(1, Ordering::Relaxed);
            let reused = u64::from(is_kept && before > 0);
            self.lane.counters.reused.fetch_add(reused, Ordering::Relaxed);
            let found =
                exchange_http2(&self.lane, sender, self.route, self.body.clone(), &self.is_sent).await;
            match found {
                Ok(response) => {
                    return answer::read(&self.lane.name, &self.lane.target, self.expected, response);
                }
                Err(Http2Fault::Response(fault)) => return answer::fault(&self.lane.name, fault),
                Err(Http2Fault::Lost(error)) => {
                    return self.lane.lost(&std::io::Error::other(error));
                }
                Err(Http2Fault::NothingSent) => super::lane::lock(&self.lane.pool).http2 = None,
            }
        }
        self.lane.answer(AnswerKind::ConnectFailed).with_message("the connection closed before the request")
    }

    async fn finish(&self, mut wire: Wire) -> Answer {
        let found = receive(&mut wire).await;
        self.lane.conclude(wire, found, self.expected)
    }
}

/// Waits for the answer with the reactor of this thread, which sees the socket meanwhile.
async fn receive(wire: &mut Wire) -> Result<Response, WireFault> {
    let seen = TcpStream::from_std(wire.stream.try_clone()?)?;
    loop {
        let wish =
            if wire.wants_write() { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        seen.ready(wish).await?;
        let found = seen.try_io(wish, || match wire.step() {
            Ok(None) => Err(std::io::ErrorKind::WouldBlock.into()),
            Ok(Some(response)) => Ok(Ok(response)),
            Err(fault) => Ok(Err(fault)),
        });
        match found {
            Ok(found) => return found,
            // `ready` takes no part in tokio's budget: without this, a socket that is said to be ready and
            // is not would keep timers and all other connections from their turn.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

fn timed(mut answer: Answer, began: Instant) -> Answer {
    answer.latency_ns = nanoseconds(began.elapsed());
    answer
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
