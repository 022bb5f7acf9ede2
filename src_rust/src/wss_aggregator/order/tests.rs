//! The rules, one by one.

use super::super::budget::Budget;
use super::*;

const A: Content = 1;
const B: Content = 2;
const C: Content = 3;

fn open(count: usize) -> Vec<Connection> {
    vec![Connection { number: 0, open: true, provider: 0 }; count]
}

fn from(endpoint: usize, links: &[Connection]) -> Delivery<'_> {
    Delivery { endpoint, links, source: Source::Notification, at: NO_TIME }
}

#[test]
fn arrive_of_a_read_that_notifications_have_overtaken_changes_nothing() {
    let links = open(1);
    let mut writes = Writes::<()>::default();
    let read = Delivery { source: Source::Read, ..from(0, &links) };
    writes.advance(7, read, A);
    assert_eq!(writes.arrive(read, B), Arrival::Fresh); // reads alone are in order
    assert_eq!(writes.arrive(from(0, &links), C), Arrival::Fresh);
    assert_eq!(writes.arrive(read, B), Arrival::Overtaken);
    assert_eq!(writes.arrive(from(0, &links), A), Arrival::Fresh);
}

#[test]
fn arrive_of_a_notification_that_a_read_was_ahead_of_replaces_nothing() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), C), Arrival::Fresh);
    let read = Delivery { source: Source::Read, ..from(1, &links) };
    assert_eq!(writes.arrive(read, C), Arrival::Duplicate);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Held); // written before C, after A
    assert_eq!(writes.arrive(from(1, &links), C), Arrival::Duplicate);
}

#[test]
fn arrive_of_a_notification_after_reads_alone_is_fresh_once_all_agree() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    let reads = [0, 1].map(|endpoint| Delivery { source: Source::Read, ..from(endpoint, &links) });
    writes.advance(7, reads[0], A);
    assert_eq!(writes.arrive(reads[1], A), Arrival::Duplicate);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Held); // the reads may be ahead of it
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Fresh);
}

#[test]
fn arrive_from_a_laggard_never_replaces_a_newer_write() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh);
    assert_eq!(writes.arrive(from(1, &links), A), Arrival::Known);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Duplicate);
    assert_eq!(writes.arrive(from(1, &links), C), Arrival::Fresh);
}

#[test]
fn arrive_of_a_state_that_returns_within_the_slot_is_fresh() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh);
    assert_eq!(writes.arrive(from(0, &links), A), Arrival::Fresh);
    let late = [A, B, A].map(|content| writes.arrive(from(1, &links), content));
    assert_eq!(late, [Arrival::Duplicate, Arrival::Known, Arrival::Duplicate]);
}

#[test]
fn arrive_without_evidence_is_held_until_a_run_has_both() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Held); // it may be older than A
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh); // it is not
}

#[test]
fn arrive_of_a_write_that_another_run_has_before_the_applied_one_is_kept_back() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Duplicate);
    // After B in the second run, before B in the first: its second occurrence, or skipped B.
    assert_eq!(writes.arrive(from(1, &links), A), Arrival::Known);
    assert_eq!(writes.arrive(from(0, &links), A), Arrival::Fresh);
}

#[test]
fn settle_after_the_only_other_candidate_has_gone_releases_what_was_kept() {
    let mut links = open(2);
    let mut writes = Writes::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Held);
    writes.keep(1, Budget::new(1).charge("b", 1).ok());
    assert_eq!(writes.settle(&links), None);
    links[0].open = false;
    assert_eq!(writes.settle(&links), Some((7, "b")));
    assert_eq!(writes.settle(&links), None);
}

#[test]
fn settle_does_not_go_back_to_what_a_closed_connection_proves_older() {
    let mut links = open(2);
    let mut writes = Writes::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh);
    assert_eq!(writes.arrive(from(1, &links), A), Arrival::Known);
    writes.keep(1, Budget::new(1).charge("a", 1).ok());
    links[0].open = false;
    assert_eq!(writes.settle(&links), None);
    assert_eq!(writes.arrive(from(1, &links), B), Arrival::Duplicate);
}

#[test]
fn arrive_on_a_new_connection_alone_with_its_word_is_applied() {
    let mut links = open(1);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), A);
    assert_eq!(writes.arrive(from(0, &links), B), Arrival::Fresh);
    links[0].number = 1;
    assert_eq!(writes.arrive(from(0, &links), A), Arrival::Fresh);
}

#[test]
fn arrive_past_the_longest_run_keeps_the_last_elements() {
    let links = open(2);
    let mut writes = Writes::<()>::default();
    writes.advance(7, from(0, &links), 1);
    for content in 2..=2 * MAX_RUN as u128 {
        assert_eq!(writes.arrive(from(0, &links), content), Arrival::Fresh);
    }
    assert_eq!(writes.runs[0].elements.len(), MAX_RUN);
    for content in 1..2 * MAX_RUN as u128 {
        assert_ne!(writes.arrive(from(1, &links), content), Arrival::Fresh);
    }
}
