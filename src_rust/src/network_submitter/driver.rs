//! The submitter's own thread: opens connections ahead, keeps them, and waits for answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

use super::SubmitError;
use super::answer::{Answer, AnswerKind, Dispatch};
use super::job::Job;
use super::lane::{Lane, lock};
use super::link::{Link, open};

/// How often connections are looked after.
const TICK: Duration = Duration::from_millis(250);
/// How long opening a connection ahead may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long closing waits for what is under way to be reported.
const FAREWELL: Duration = Duration::from_secs(1);

type Tell = Box<dyn FnOnce(Result<Dispatch, SubmitError>) + Send>;

/// Takes the outcome of a job; it is told even if the thread ends first.
pub(super) struct Completion(Option<Tell>);

impl Completion {
    pub(super) fn new(tell: impl FnOnce(Result<Dispatch, SubmitError>) + Send + 'static) -> Self {
        Self(Some(Box::new(tell)))
    }

    fn tell(mut self, dispatch: Dispatch) {
        if let Some(tell) = self.0.take() {
            tell(Ok(dispatch));
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(tell) = self.0.take() {
            tell(Err(SubmitError::Closed));
        }
    }
}

pub(super) struct Driver {
    runtime: Handle,
    closed: watch::Sender<bool>,
    jobs: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// Counts a job until it is told.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Driver {
    /// Starts the thread.
    pub(super) fn start(lanes: Vec<Arc<Lane>>) -> Result<Self, SubmitError> {
        let no_thread = |error: std::io::Error| SubmitError::NoThread(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // Names are looked up beside it; such a thread ends when it is idle.
            .max_blocking_threads(4)
            .thread_name("phantom-names")
            .build()
            .map_err(no_thread)?;
        let handle = runtime.handle().clone();
        let (closed, seen) = watch::channel(false);
        let jobs = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&jobs);
        let thread = std::thread::Builder::new()
            .name("phantom-net".to_owned())
            .spawn(move || {
                runtime.block_on(look_after(lanes, seen, left));
                // A name that is still being looked up is not waited for.
                runtime.shutdown_background();
            })
            .map_err(no_thread)?;
        Ok(Self { runtime: handle, closed, jobs, thread: Some(thread) })
    }

    /// Finishes a job on the thread.
    pub(super) fn finish(&self, job: Job, completion: Completion) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.jobs));
        let closed = self.closed.subscribe();
        self.runtime.spawn(async move {
            completion.tell(job.finish_there(closed).await);
            drop(under_way);
        });
    }

    /// Opens a connection to every target that has none, and keeps one open from now on.
    pub(super) fn warm(&self, lanes: Vec<Arc<Lane>>, deadline: Duration, completion: Completion) {
        self.jobs.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.jobs));
        let mut closed = self.closed.subscribe();
        self.runtime.spawn(async move {
            let began = Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            for (index, lane) in lanes.iter().enumerate() {
                let lane = Arc::clone(lane);
                tasks.spawn(async move { (index, connected(&lane).await) });
            }
            let mut answers: Vec<Option<Answer>> = vec![None; lanes.len()];
            let all = async {
                while let Some(done) = tasks.join_next().await {
                    if let Ok((index, answer)) = done {
                        answers[index] = Some(answer);
                    }
                }
            };
            let missing = tokio::select! {
                biased;
                () = all => AnswerKind::Cancelled,
                () = tokio::time::sleep(deadline) => AnswerKind::Timeout,
                _ = closed.wait_for(|&closed| closed) => AnswerKind::Cancelled,
            };
            let answers = answers
                .into_iter()
                .zip(&lanes)
                .map(|(answer, lane)| lane.count(answer.unwrap_or_else(|| lane.answer(missing))))
                .collect();
            completion.tell(Dispatch { answers, elapsed: began.elapsed() });
            drop(under_way);
        });
    }

    /// Ends the thread; what is under way is reported as cancelled.
    pub(super) fn close(&mut self) {
        let _ = self.closed.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Returns the answer of a target to the wish for a connection.
async fn connected(lane: &Arc<Lane>) -> Answer {
    let began = Instant::now();
    let opening = {
        let mut pool = lock(&lane.pool);
        pool.is_wanted = true;
        pool.idle.retain_mut(super::wire::Wire::is_alive);
        if !pool.idle.is_empty() || pool.http2.is_some() {
            return lane.answer(AnswerKind::Connected);
        }
        lane.opening(&mut pool)
    };
    let mut answer = match open(lane).await {
        Ok(link) => {
            keep(lane, link);
            lane.answer(AnswerKind::Connected)
        }
        Err(answer) => answer,
    };
    drop(opening);
    answer.latency_ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    answer
}

fn keep(lane: &Lane, link: Link) {
    match link {
        Link::Wire(wire) => lane.keep(wire),
        // It is in the pool already.
        Link::Http2(_) => {}
    }
}

/// Keeps the connections of all targets that have been used until the submitter is closed.
async fn look_after(lanes: Vec<Arc<Lane>>, mut closed: watch::Receiver<bool>, jobs: Arc<AtomicUsize>) {
    loop {
        for lane in &lanes {
            tend(lane);
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = closed.wait_for(|&closed| closed) => break,
        }
    }
    let until = Instant::now() + FAREWELL;
    while jobs.load(Ordering::Relaxed) > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Drops connections that are dead, replaces the one that is old, opens one where there is none.
fn tend(lane: &Arc<Lane>) {
    let now = Instant::now();
    let mut pool = lock(&lane.pool);
    if !pool.is_wanted {
        return;
    }
    pool.idle.retain_mut(super::wire::Wire::is_alive);
    let is_old = |wire: &super::wire::Wire| now.duration_since(wire.idle_since) > lane.max_idle;
    let has_fresh = pool.http2.is_some() || pool.idle.iter().any(|wire| !is_old(wire));
    if has_fresh {
        pool.idle.retain(|wire| !is_old(wire));
        return;
    }
    let has_some = !pool.idle.is_empty();
    let may_open = pool.not_before.is_none_or(|not_before| now >= not_before);
    // A request under way brings its connection back.
    if pool.is_opening || !may_open || (!has_some && lane.is_busy()) {
        return;
    }
    let opening = lane.opening(&mut pool);
    drop(pool);
    let lane = Arc::clone(lane);
    tokio::spawn(async move {
        let opened = tokio::time::timeout(OPEN_TIMEOUT, open(&lane)).await;
        if opened.is_err() {
            lane.note_opened(false);
        }
        if let Ok(Ok(link)) = opened {
            keep(&lane, link);
        }
        drop(opening);
    });
}
