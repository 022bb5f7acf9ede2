//! All rows at once: on the caller's thread, and with others once it proves to be much.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::layer::index;
use super::plan::{Found, Plan};
use super::walk::{Memory, Pause, Task, Walker};

/// Hops looked at between two looks at the clock: about a fifth of a millisecond.
pub(super) const SPELL: usize = 1 << 16;
/// Hops looked at before other threads are worth their start (about 50 µs each).
const ALONE: usize = 1 << 18;
/// Values copied before other threads are worth it.
const COPY_ALONE: usize = 1 << 20;

/// Finds the first `limit` rows, or more, in order; returns the memory lent.
pub(super) fn list(
    plan: &Plan,
    memory: Memory,
    limit: usize,
    threads: usize,
    interrupted: &(dyn Fn() -> bool + Sync),
    found: &mut Found,
) -> Memory {
    let full = limit.saturating_mul(plan.walk_hops);
    let mut walker = Walker::new(memory, plan);
    let mut spells = 0;
    'targets: for target in 0..plan.targets.len() {
        walker.begin(plan, &whole(plan, target));
        loop {
            match walker.run(plan, &mut found.values, full, SPELL) {
                Pause::Full => break 'targets,
                Pause::Done if found.values.len() >= full => break 'targets,
                Pause::Done => break,
                Pause::Tired => {}
            }
            if interrupted() {
                found.is_interrupted = true;
                break 'targets;
            }
            spells += 1;
            if threads > 1 && spells * SPELL >= ALONE {
                let mut tasks = Vec::new();
                walker.rest().for_each(|task| split(plan, &task, &mut tasks));
                (target + 1..plan.targets.len()).for_each(|next| split(plan, &whole(plan, next), &mut tasks));
                share(plan, &tasks, found, full, threads, interrupted);
                break 'targets;
            }
        }
    }
    walker.into_memory(plan)
}

/// All walks of a target.
pub(super) fn whole(plan: &Plan, target: usize) -> Task {
    let (first, end) = plan.layer.leaving(plan.targets[target].start);
    Task { target: index(target), len: 0, path: Default::default(), first, end }
}

/// Cuts a task into pieces of a size that is worth handing out, in order.
fn split(plan: &Plan, task: &Task, tasks: &mut Vec<Task>) {
    // Hops at the second place (or the last but one): each stands for a tree below it.
    let piece = match plan.walk_hops {
        2 | 3 => 4096,
        4 => 64,
        _ => 8,
    };
    let pieces = |task: Task, tasks: &mut Vec<Task>| {
        for first in (task.first..task.end).step_by(piece) {
            tasks.push(task.between(first, task.end.min(first.saturating_add(index(piece)))));
        }
    };
    if task.len > 0 || plan.walk_hops == 2 {
        pieces(*task, tasks);
        return;
    }
    let (target, layer) = (task.target as usize, &*plan.layer);
    let (mut first, mut size) = (task.first, 0);
    for place in task.first..task.end {
        let to = layer.hops[place as usize].to;
        let (begin, end) = layer.leaving(to);
        let below = (end - begin) as usize;
        let is_walked = to != plan.targets[target].end && !plan.is_closed(target, to);
        if is_walked && below > piece {
            tasks.extend((first < place).then_some(task.between(first, place)));
            pieces(task.after(place).between(begin, end), tasks);
            (first, size) = (place + 1, 0);
            continue;
        }
        size += 1 + below;
        if size > piece {
            tasks.push(task.between(first, place + 1));
            (first, size) = (place + 1, 0);
        }
    }
    tasks.extend((first < task.end).then_some(task.between(first, task.end)));
}

/// What became of one task: its first rows, and whether they are all it has or enough.
type Outcome = Option<(Vec<i32>, bool)>;

/// Walks tasks with several threads and appends what they find, in the order of the tasks.
fn share(
    plan: &Plan,
    tasks: &[Task],
    found: &mut Found,
    full: usize,
    threads: usize,
    interrupted: &(dyn Fn() -> bool + Sync),
) {
    let wanted = full - found.values.len();
    let outcomes: Vec<Mutex<Outcome>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    // Values of finished tasks. They are handed out in order, so every task still to come lies behind
    // all of these: once they are enough it is not needed.
    let finished = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let work = || {
        let mut walker = Walker::new(Memory::default(), plan);
        while !is_over.load(Ordering::Relaxed) && finished.load(Ordering::Relaxed) < wanted {
            if interrupted() {
                is_over.store(true, Ordering::Relaxed);
                return;
            }
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(number) else {
                return;
            };
            walker.begin(plan, task);
            let mut values = Vec::new();
            let is_whole = loop {
                match walker.run(plan, &mut values, wanted, SPELL) {
                    Pause::Done | Pause::Full => break true,
                    Pause::Tired if is_over.load(Ordering::Relaxed) => break false,
                    Pause::Tired if interrupted() => {
                        is_over.store(true, Ordering::Relaxed);
                        break false;
                    }
                    Pause::Tired => {}
                }
            };
            finished.fetch_add(values.len(), Ordering::Relaxed);
            *outcomes[number].lock().unwrap_or_else(PoisonError::into_inner) = Some((values, is_whole));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(tasks.len()) {
            // A thread that cannot be had is done without.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });

    let mut parts = Vec::new();
    let mut total = 0;
    for outcome in outcomes {
        let Some((values, is_whole)) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner) else {
            found.is_interrupted |= total < wanted;
            break;
        };
        total += values.len();
        parts.push(values);
        if !is_whole {
            found.is_interrupted = true;
            break;
        }
        if total >= wanted {
            break;
        }
    }
    append(&mut found.values, parts, total, threads);
}

/// Appends parts whose lengths sum to `total`.
fn append(values: &mut Vec<i32>, mut parts: Vec<Vec<i32>>, total: usize, threads: usize) {
    if total < COPY_ALONE || threads < 2 {
        values.reserve_exact(total);
        for part in &parts {
            values.extend_from_slice(part);
        }
        return;
    }
    // Zeroed memory comes from the system page by page, by whichever thread writes there first.
    parts.insert(0, std::mem::take(values));
    let mut all = vec![0; total + parts[0].len()];
    let each = all.len().div_ceil(threads);
    thread::scope(|scope| {
        let mut rest = all.as_mut_slice();
        let mut parts = parts.as_slice();
        while !parts.is_empty() {
            let (mut count, mut size) = (0, 0);
            while count < parts.len() && (count == 0 || size < each) {
                size += parts[count].len();
                count += 1;
            }
            let (mine, others) = parts.split_at(count);
            let (target, tail) = rest.split_at_mut(size);
            (rest, parts) = (tail, others);
            let copy = move || {
                let mut target = target;
                for part in mine {
                    let (here, after) = target.split_at_mut(part.len());
                    here.copy_from_slice(part);
                    target = after;
                }
            };
            scope.spawn(copy);
        }
    });
    *values = all;
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::{Between, Bounds, EdgeArrays, Level, Multiverse};
    use super::*;

    /// A graph of `edges` edges between `nodes` nodes, the same for the same seed.
    fn graph(nodes: u32, edges: usize, seed: u64) -> Multiverse {
        let mut state = seed;
        let mut below = |bound: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(((state >> 32) * u64::from(bound)) >> 32).unwrap()
        };
        let (mut src, mut dst, mut pool, mut weight) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..edges {
            let from = below(nodes);
            src.push(from);
            dst.push((from + 1 + below(nodes - 1)) % nodes);
            pool.push(below(u32::try_from(edges).unwrap()));
            weight.push(f64::from(below(2048)) / 1024.0 - 0.5);
        }
        let arrays =
            EdgeArrays { src: &src, dst: &dst, pool: Some(&pool), weight: Some(&weight), liquidity: None };
        Multiverse::new(nodes as usize, arrays).unwrap()
    }

    fn listed(plan: &Plan, threads: usize, interrupted: &(dyn Fn() -> bool + Sync)) -> Found {
        let mut found = Found::default();
        list(plan, Memory::default(), usize::MAX, threads, interrupted, &mut found);
        found
    }

    /// What `share` makes of a question cut into pieces from the start, or after a spell.
    fn shared(plan: &Plan, limit: usize, threads: usize, spell: Option<usize>) -> Found {
        let full = limit.saturating_mul(plan.walk_hops);
        let mut found = Found::default();
        let mut tasks = Vec::new();
        let mut walker = Walker::new(Memory::default(), plan);
        let mut targets = 0..plan.targets.len();
        if let Some(spell) = spell {
            walker.begin(plan, &whole(plan, targets.next().unwrap()));
            if walker.run(plan, &mut found.values, full, spell) == Pause::Full {
                return found;
            }
            walker.rest().for_each(|task| split(plan, &task, &mut tasks));
        }
        targets.for_each(|target| split(plan, &whole(plan, target), &mut tasks));
        if found.values.len() < full {
            share(plan, &tasks, &mut found, full, threads, &|| false);
        }
        found
    }

    #[test]
    fn share_gives_the_rows_of_one_thread_however_the_work_is_cut() {
        for seed in 0..40 {
            let graph = graph(12, 90, seed);
            for max_hops in 2..=5 {
                let bounds = Bounds { max_weight: (seed % 2 == 0).then_some(0.2), ..Bounds::up_to(max_hops) };
                let level = if seed % 4 < 2 { Level::Pool } else { Level::Mint };
                let plan = Plan::new(&graph, Between::Cycles(&[3, 0, 7]), level, &bounds).unwrap();
                let all = listed(&plan, 1, &|| false);
                let rows = all.values.len() / plan.walk_hops;
                for (threads, spell) in [(1, None), (3, None), (2, Some(1)), (4, Some(60))] {
                    for limit in [usize::MAX, rows, rows / 2, 1] {
                        let found = shared(&plan, limit, threads, spell);
                        let wanted = rows.min(limit) * plan.walk_hops;
                        assert!(!found.is_interrupted);
                        assert!(found.values.len() >= wanted);
                        let some = found.values.len();
                        assert_eq!(found.values, all.values[..some], "seed {seed}, {max_hops} hops");
                    }
                }
            }
        }
    }

    #[test]
    fn interrupted_work_ends_with_a_true_prefix_and_says_so() {
        let graph = graph(40, 2000, 1);
        let plan = Plan::new(&graph, Between::Cycles(&[0]), Level::Pool, &Bounds::up_to(5)).unwrap();
        let all = listed(&plan, 2, &|| false);
        assert!(all.values.len() > COPY_ALONE, "large enough for threads, copies included");
        for threads in [1, 2, 4] {
            let whole = listed(&plan, threads, &|| false);
            assert_eq!(whole.values, all.values);
            for allowed in [0, 3, 9] {
                let asked = AtomicUsize::new(0);
                let interrupted = || asked.fetch_add(1, Ordering::Relaxed) >= allowed;
                let found = listed(&plan, threads, &interrupted);
                assert!(found.is_interrupted);
                assert!(found.values.len() < all.values.len());
                assert_eq!(found.values, all.values[..found.values.len()]);
            }
        }
    }
}
