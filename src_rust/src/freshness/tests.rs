use super::*;

/// A watch with one open connection that covers account 0 since slot 10 and has shown slot 20.
fn watch(quorum: usize) -> Watch {
    let mut watch = Watch::new(quorum, 0);
    watch.register(0, 0);
    watch.confirmed(0, 0);
    watch.beat(0, 10, 9);
    for slot in 11..=20 {
        watch.beat(0, slot, slot - 1);
    }
    watch
}

fn read() -> Evidence {
    let mut evidence = Evidence::default();
    evidence.applied(true, false);
    evidence
}

#[test]
fn silence_after_a_reading_vouches_and_before_the_subscription_does_not() {
    let watch = watch(1);
    let at = |held| watch.freshness(0, held, read(), |_| None);
    assert_eq!((at(10).fresh_to, at(10).vouchers), (20, 1));
    assert_eq!((at(9).fresh_to, at(9).doubt, at(9).read_from), (9, Some(Doubt::Unread), Some(10)));
}

#[test]
fn silence_about_what_another_notified_does_not_vouch() {
    let watch = watch(1);
    let mut evidence = Evidence::default();
    evidence.applied(false, false);
    assert_eq!(watch.freshness(0, 15, evidence, |_| None).fresh_to, 15);
    let said = |slot, is_held| watch.freshness(0, 15, evidence, move |_| Some(Word { slot, is_held }));
    assert_eq!(said(15, true).fresh_to, 20);
    assert_eq!(said(14, true).fresh_to, 15);
    assert_eq!(said(15, false).doubt, Some(Doubt::Contradicted));
    assert_eq!(said(17, false).doubt, Some(Doubt::Contradicted));
}

#[test]
fn quorum_needs_so_many_vouchers() {
    let watch = watch(2);
    let found = watch.freshness(0, 12, read(), |_| None);
    assert_eq!((found.fresh_to, found.vouchers, found.doubt), (12, 1, Some(Doubt::Uncovered)));
}

#[test]
fn gap_within_what_is_allowed_is_none() {
    let mut watch = Watch::new(1, 2);
    watch.register(0, 0);
    watch.beat(0, 10, 9);
    watch.beat(0, 13, 12);
    assert_eq!(watch.report(0).gaps, 0);
    watch.beat(0, 17, 16);
    assert_eq!((watch.report(0).gaps, watch.report(0).slots_lost), (1, 3));
}

#[test]
fn stretches_beyond_those_remembered_are_forgotten_and_make_nothing_fresh() {
    let mut watch = watch(1);
    let mut evidence = Evidence::default();
    evidence.applied(false, false);
    let fresh_to =
        |watch: &Watch| watch.freshness(0, 15, evidence, |_| Some(Word { slot: 15, is_held: true })).fresh_to;
    watch.beat(0, 30, 29);
    assert_eq!(fresh_to(&watch), 20);
    for slot in 4..40 {
        watch.beat(0, slot * 10, slot * 10 - 1);
    }
    assert_eq!(fresh_to(&watch), 15);
    assert_eq!(watch.report(0).gaps, 37);
}

#[test]
fn programs_cover_what_they_have_pushed_until_they_are_left() {
    let mut watch = Watch::new(1, 0);
    watch.register(0, 0);
    watch.beat(0, 20, 19);
    let mut evidence = Evidence::default();
    evidence.applied(false, false);
    let word = |_| Some(Word { slot: 15, is_held: true });
    assert_eq!(watch.freshness(7, 15, evidence, word).fresh_to, 20);
    watch.left_programs(0);
    assert_eq!(watch.freshness(7, 15, evidence, word).doubt, Some(Doubt::Uncovered));
}
