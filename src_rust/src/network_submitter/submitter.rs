//! The submitter: what callers see.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::answer::{Answer, Dispatch, Expected};
use super::driver::{Completion, Driver};
use super::job::{Job, Slot};
use super::lane::{Lane, lock};
use super::status::Question;
use super::target::{Route, Target, TargetKind};
use super::{SubmitError, TargetStats, body, tls};

/// Longest deadline.
const MAX_DEADLINE: Duration = Duration::from_secs(120);

/// Settings of a submitter.
#[derive(Debug, Clone)]
pub struct SubmitterConfig {
    /// Certificates (PEM) trusted besides Mozilla's roots.
    pub extra_roots: Option<Vec<u8>>,
    /// Idle connections older than this are replaced. Default 45 s: shorter than servers wait.
    pub max_idle: Duration,
}

impl Default for SubmitterConfig {
    fn default() -> Self {
        Self { extra_roots: None, max_idle: Duration::from_secs(45) }
    }
}

/// How one dispatch is to go.
#[derive(Debug, Clone)]
pub struct SubmitOptions {
    /// Names of the targets, in order of preference; `None`: all.
    pub targets: Option<Vec<String>>,
    /// Nothing is sent after it; what is under way then is dropped and reported. Default 2 s.
    pub deadline: Duration,
    /// To how many targets it goes at first; `None`: to all, or with `hedge_after` to one.
    pub first: Option<usize>,
    /// When it goes to the others if none has accepted; `None`: when all of the first have failed.
    pub hedge_after: Option<Duration>,
    /// An RPC node refuses the transaction while it is behind that slot.
    pub min_context_slot: Option<u64>,
    /// The time on the clock of the rate limits, nanoseconds; `None`: the submitter's own clock.
    pub now_ns: Option<u64>,
}

impl Default for SubmitOptions {
    fn default() -> Self {
        Self {
            targets: None,
            deadline: Duration::from_secs(2),
            first: None,
            hedge_after: None,
            min_context_slot: None,
            now_ns: None,
        }
    }
}

/// Sends bundles and transactions to several targets at once. See the [module](super).
pub struct NetworkSubmitter {
    lanes: Vec<Arc<Lane>>,
    driver: Mutex<Option<Driver>>,
    is_closed: AtomicBool,
    process: u32,
    began: Instant,
}

impl NetworkSubmitter {
    /// Returns a submitter; neither a thread nor a connection is made yet.
    ///
    /// # Errors
    /// [`SubmitError`] for no targets, a name used twice, and roots that are no certificates.
    pub fn new(targets: Vec<Target>, config: &SubmitterConfig) -> Result<Self, SubmitError> {
        if !(1..=64).contains(&targets.len()) {
            return Err(SubmitError::TargetCount(targets.len()));
        }
        for (index, target) in targets.iter().enumerate() {
            if targets[..index].iter().any(|other| other.name == target.name) {
                return Err(SubmitError::TargetTwice(target.name.clone()));
            }
        }
        let tls = tls::settings(config.extra_roots.as_deref())?;
        let lanes = targets.into_iter().map(|target| Lane::new(target, &tls, config.max_idle).map(Arc::new));
        Ok(Self {
            lanes: lanes.collect::<Result<_, _>>()?,
            driver: Mutex::new(None),
            is_closed: AtomicBool::new(false),
            process: std::process::id(),
            began: Instant::now(),
        })
    }

    /// Returns the targets' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.lanes.iter().map(|lane| lane.target.name())
    }

    /// Sends and waits for all answers, on this thread where connections stand.
    ///
    /// # Errors
    /// [`SubmitError`]: then nothing was sent.
    pub fn submit_blocking(
        &self,
        transactions: &[&[u8]],
        options: &SubmitOptions,
    ) -> Result<Dispatch, SubmitError> {
        let job = self.submission(transactions, options)?;
        self.finish_blocking(job)
    }

    /// Sends what can be sent at once and returns; `tell` gets the answers, on another thread.
    ///
    /// # Errors
    /// [`SubmitError`]: then nothing was sent, and `tell` is not called.
    pub fn submit(
        &self,
        transactions: &[&[u8]],
        options: &SubmitOptions,
        tell: impl FnOnce(Result<Dispatch, SubmitError>) + Send + 'static,
    ) -> Result<(), SubmitError> {
        let mut job = self.submission(transactions, options)?;
        self.with_driver(|driver| {
            job.begin();
            driver.finish(job, Completion::new(tell));
        })
    }

    /// Asks one target after the other until one answers, and waits for it.
    ///
    /// # Errors
    /// [`SubmitError`]: then nothing was asked.
    pub fn ask_blocking(
        &self,
        question: &Question,
        options: &SubmitOptions,
    ) -> Result<Dispatch, SubmitError> {
        let job = self.question(question, options)?;
        self.finish_blocking(job)
    }

    /// Asks one target after the other until one answers; `tell` gets the answers.
    ///
    /// # Errors
    /// [`SubmitError`]: then nothing was asked, and `tell` is not called.
    pub fn ask(
        &self,
        question: &Question,
        options: &SubmitOptions,
        tell: impl FnOnce(Result<Dispatch, SubmitError>) + Send + 'static,
    ) -> Result<(), SubmitError> {
        let mut job = self.question(question, options)?;
        self.with_driver(|driver| {
            job.begin();
            driver.finish(job, Completion::new(tell));
        })
    }

    /// Opens connections ahead, and keeps them from now on; `tell` gets an answer per target.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn warm(
        &self,
        deadline: Duration,
        tell: impl FnOnce(Result<Dispatch, SubmitError>) + Send + 'static,
    ) -> Result<(), SubmitError> {
        self.check()?;
        self.with_driver(|driver| driver.warm(self.lanes.clone(), deadline, Completion::new(tell)))
    }

    /// Opens connections ahead, keeps them from now on, and waits until they stand.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub fn warm_blocking(&self, deadline: Duration) -> Result<Dispatch, SubmitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.warm(deadline, move |found| drop(sender.send(found)))?;
        receiver.recv().map_err(|_| SubmitError::Closed)?
    }

    /// Returns counters of every target.
    ///
    /// # Errors
    /// [`SubmitError::Forked`].
    pub fn stats(&self) -> Result<Vec<TargetStats>, SubmitError> {
        self.check_process()?;
        Ok(self.lanes.iter().map(|lane| lane.stats()).collect())
    }

    /// Closes all connections and ends the thread; what is under way is reported as cancelled.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        if self.check_process().is_err() {
            return;
        }
        let driver = lock(&self.driver).take();
        if let Some(mut driver) = driver {
            driver.close();
        }
        for lane in &self.lanes {
            let pool = std::mem::take(&mut *lock(&lane.pool));
            drop(pool);
        }
    }

    fn check_process(&self) -> Result<(), SubmitError> {
        if self.process == std::process::id() { Ok(()) } else { Err(SubmitError::Forked) }
    }

    fn check(&self) -> Result<(), SubmitError> {
        self.check_process()?;
        if self.is_closed.load(Ordering::Relaxed) { Err(SubmitError::Closed) } else { Ok(()) }
    }

    fn finish_blocking(&self, mut job: Job) -> Result<Dispatch, SubmitError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let mut sent = None;
        self.with_driver(|driver| {
            job.begin();
            if job.is_all_sent() {
                sent = Some(job);
            } else {
                driver.finish(job, Completion::new(move |found| drop(sender.send(found))));
            }
        })?;
        if let Some(job) = sent {
            return Ok(job.finish_here());
        }
        receiver.recv().map_err(|_| SubmitError::Closed)?
    }

    /// Calls `act` with the thread's handle: an error means that `act` was not called, and until it returns
    /// nobody closes.
    fn with_driver(&self, act: impl FnOnce(&Driver)) -> Result<(), SubmitError> {
        let mut driver = lock(&self.driver);
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(SubmitError::Closed);
        }
        let driver = match &mut *driver {
            Some(driver) => driver,
            none => none.insert(Driver::start(self.lanes.clone())?),
        };
        act(driver);
        Ok(())
    }

    fn chosen(&self, options: &SubmitOptions) -> Result<Vec<Arc<Lane>>, SubmitError> {
        let Some(names) = &options.targets else { return Ok(self.lanes.clone()) };
        let mut chosen: Vec<Arc<Lane>> = Vec::with_capacity(names.len());
        for name in names {
            let lane = self.lanes.iter().find(|lane| lane.target.name == *name);
            let lane = lane.ok_or_else(|| SubmitError::UnknownTarget(name.clone()))?;
            if chosen.iter().any(|other| Arc::ptr_eq(other, lane)) {
                return Err(SubmitError::TargetTwice(name.clone()));
            }
            chosen.push(Arc::clone(lane));
        }
        if chosen.is_empty() { Err(SubmitError::TargetCount(0)) } else { Ok(chosen) }
    }

    fn submission(&self, transactions: &[&[u8]], options: &SubmitOptions) -> Result<Job, SubmitError> {
        self.check()?;
        body::check(transactions)?;
        let lanes = self.chosen(options)?;
        let mut bodies: [Option<Bytes>; 3] = [None, None, None];
        let mut slots = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let kind = lane.target.kind;
            if kind != TargetKind::JitoBundle && transactions.len() > 1 {
                return Err(SubmitError::NoBundles(lane.target.name.clone()));
            }
            let expected = if kind == TargetKind::JitoBundle {
                Expected::BundleId
            } else {
                Expected::Signature(body::signature(transactions[0]))
            };
            let body = bodies[kind as usize].get_or_insert_with(|| {
                Bytes::from(body::submission(kind, transactions, options.min_context_slot))
            });
            slots.push(Slot::new(lane, body.clone(), expected));
        }
        let hedged = options.hedge_after.map(|_| 1);
        self.job(options, slots, Route::Submit, options.first.or(hedged), false)
    }

    fn question(&self, question: &Question, options: &SubmitOptions) -> Result<Job, SubmitError> {
        self.check()?;
        question.check()?;
        let mut lanes = self.chosen(options)?;
        if options.targets.is_none() {
            lanes.retain(|lane| lane.target.kind.is_jito() == question.is_for_jito());
            // The last is what a dispatch that hedges uses least: its rate limit is spared the most.
            lanes.reverse();
        } else if let Some(lane) =
            lanes.iter().find(|lane| lane.target.kind.is_jito() != question.is_for_jito())
        {
            return Err(SubmitError::WrongKind(lane.target.name.clone()));
        }
        if lanes.is_empty() {
            return Err(SubmitError::NobodyToAsk(question.method()));
        }
        let body = Bytes::from(question.body());
        let slots: Vec<Slot> =
            lanes.into_iter().map(|lane| Slot::new(lane, body.clone(), Expected::Value)).collect();
        self.job(options, slots, question.route(), Some(options.first.unwrap_or(1)), true)
    }

    fn job(
        &self,
        options: &SubmitOptions,
        slots: Vec<Slot>,
        route: Route,
        first: Option<usize>,
        one_is_enough: bool,
    ) -> Result<Job, SubmitError> {
        if options.deadline.is_zero() || options.deadline > MAX_DEADLINE {
            return Err(SubmitError::BadDeadline);
        }
        if first == Some(0) {
            return Err(SubmitError::FirstZero);
        }
        let began = Instant::now();
        let own_ns = || u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Ok(Job {
            began,
            deadline: began + options.deadline,
            now_ns: options.now_ns.unwrap_or_else(own_ns),
            route,
            first: first.unwrap_or(slots.len()),
            hedge_after: options.hedge_after.map(|after| after.min(MAX_DEADLINE)),
            hedge_at: options.hedge_after.map(|after| began + after.min(MAX_DEADLINE)),
            one_is_enough,
            slots,
        })
    }
}

impl Drop for NetworkSubmitter {
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            self.close();
            return;
        }
        // Another thread of the parent may have held any lock in there at the moment of the fork.
        std::mem::forget(std::mem::take(&mut self.lanes));
        std::mem::forget(self.driver.get_mut().map(Option::take));
    }
}

impl std::fmt::Debug for NetworkSubmitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.lanes.iter().map(|lane| &lane.target)).finish()
    }
}

/// Returns the answers without the kind `accepted`, as one text.
pub(super) fn why_not(answers: &[Answer]) -> String {
    let words = answers.iter().map(|answer| {
        let message = answer.message.as_deref().map_or_else(String::new, |text| format!(" ({text})"));
        format!("{}: {}{message}", answer.target, answer.kind.name())
    });
    words.collect::<Vec<_>>().join("; ")
}
