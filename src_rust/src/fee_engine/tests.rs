//! The engine as a whole; its parts have tests of their own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const ASKED: u32 = 7_500;

fn key(number: u16) -> Pubkey {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    Pubkey(bytes)
}

fn engine() -> FeeEngine {
    FeeEngine::new(FeeConfig::default()).unwrap()
}

/// Told of `slots` slots with prices 1 to `slots` times `unit` for one account.
fn told(engine: &mut FeeEngine, account: Pubkey, slots: u64, unit: u64) {
    engine.advance(engine.now().max(slots)).unwrap();
    let samples: Vec<_> = (0..slots).map(|slot| (slot + 1, (slot + 1) * unit)).collect();
    assert_eq!(engine.observe_account(0, account, &samples), Ok(samples.len()));
}

#[test]
fn nothing_known_answers_the_cold_price_and_says_so() {
    let found = engine().price(&[key(1)], ASKED).unwrap();
    assert_eq!((found.price_micro_lamports, found.basis, found.samples), (50_000, PriceBasis::Cold, 0));
    assert!(found.is_beyond_history);
    assert_eq!(engine().price(&[], ASKED).unwrap().basis, PriceBasis::Cold);
}

#[test]
fn the_busiest_account_decides() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    told(&mut engine, key(2), 99, 1_000);
    told(&mut engine, key(3), 99, 100);
    let found = engine.price(&[key(1), key(2), key(3)], ASKED).unwrap();
    // Rank 75 of 99.
    assert_eq!(
        (found.price_micro_lamports, found.basis, found.samples),
        (75_000, PriceBasis::Account(1), 99)
    );
    assert_eq!(engine.price(&[key(1)], ASKED).unwrap().price_micro_lamports, 750);
}

#[test]
fn an_unknown_account_is_judged_by_whole_blocks() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    (1..=99).for_each(|slot| assert_eq!(engine.observe_block(0, slot, slot * 100, None), Ok(true)));
    let found = engine.price(&[key(1), key(9)], ASKED).unwrap();
    assert_eq!((found.price_micro_lamports, found.basis), (7_500, PriceBasis::Blocks));
    // A known and busier one still decides.
    told(&mut engine, key(2), 99, 1_000);
    assert_eq!(engine.price(&[key(9), key(2)], ASKED).unwrap().basis, PriceBasis::Account(1));
    // Too few samples are as good as none.
    engine.observe_account(0, key(3), &[(99, 9_999_999)]).unwrap();
    assert_eq!(engine.price(&[key(3)], ASKED).unwrap().basis, PriceBasis::Blocks);
}

#[test]
fn samples_age_out_and_the_engine_falls_back() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    engine.advance(199).unwrap();
    // Slots 50 to 99 are left: rank 39 of 50 is slot 88.
    let found = engine.price(&[key(1)], ASKED).unwrap();
    assert_eq!((found.price_micro_lamports, found.samples), (880, 50));
    engine.advance(300).unwrap();
    assert_eq!(engine.price(&[key(1)], ASKED).unwrap().basis, PriceBasis::Cold);
    assert_eq!(engine.observe_account(0, key(1), &[(99, 1)]), Ok(0), "long past");
    assert_eq!(engine.observe_block(0, 99, 1, Some(10_000)), Ok(false));
    assert_eq!(engine.fullness_bps(), None);
}

#[test]
fn answers_stay_within_the_settings() {
    let config = FeeConfig { min_price: 500, max_price: 60_000, ..FeeConfig::default() };
    let mut engine = FeeEngine::new(config).unwrap();
    told(&mut engine, key(1), 99, 1);
    let found = engine.price(&[key(1)], ASKED).unwrap();
    assert_eq!((found.price_micro_lamports, found.is_capped), (500, true));
    told(&mut engine, key(2), 99, 1_000_000);
    let found = engine.price(&[key(2)], ASKED).unwrap();
    assert_eq!((found.price_micro_lamports, found.is_capped), (60_000, true));
}

#[test]
fn a_percentile_beyond_the_sample_says_so() {
    let mut engine = engine();
    told(&mut engine, key(1), 50, 10);
    let found = engine.price(&[key(1)], 9_900).unwrap();
    assert_eq!((found.price_micro_lamports, found.is_beyond_history), (500, true));
}

#[test]
fn full_blocks_raise_the_percentile() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    (84..=99).for_each(|slot| assert_eq!(engine.observe_block(0, slot, 0, Some(10_000)), Ok(true)));
    let found = engine.price(&[key(1)], ASKED).unwrap();
    assert_eq!((found.asked_bps, found.used_bps, found.price_micro_lamports), (7_500, 8_750, 880));
}

#[test]
fn misses_at_the_estimate_raise_it() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    let before = engine.price(&[key(1)], ASKED).unwrap().price_micro_lamports;
    for _ in 0..20 {
        let price = engine.price(&[key(1)], ASKED).unwrap().price_micro_lamports;
        let missed = PriorityAttempt {
            slot: 99,
            percentile_bps: ASKED,
            estimated_price: price,
            paid_price: price,
            landed: false,
        };
        assert_eq!(engine.observe_priority(&missed), Ok(true));
    }
    let after = engine.price(&[key(1)], ASKED).unwrap();
    assert!(after.price_micro_lamports > before && after.used_bps <= 8_750, "{after:?}");
}

#[test]
fn accounts_are_bounded_and_the_one_heard_of_least_lately_goes() {
    let config = FeeConfig { max_accounts: 8, min_samples: 1, ..FeeConfig::default() };
    let mut engine = FeeEngine::new(config).unwrap();
    engine.advance(100).unwrap();
    for number in 0..1_000 {
        engine.observe_account(0, key(number), &[(u64::from(number) / 10, 7)]).unwrap();
        assert!(engine.known_accounts() <= 8);
    }
    assert_eq!(engine.price(&[key(999)], ASKED).unwrap().basis, PriceBasis::Account(0));
    assert_eq!(engine.price(&[key(0)], ASKED).unwrap().basis, PriceBasis::Cold);
}

#[test]
fn bad_observations_are_refused_and_change_nothing() {
    let mut engine = engine();
    told(&mut engine, key(1), 99, 10);
    let before = engine.price(&[key(1)], ASKED).unwrap();
    assert_eq!(engine.advance(98), Err(FeeError::SlotWentBack { found: 98, now: 99 }));
    let ahead = engine.observe_account(0, key(1), &[(99, 0), (132, 0)]);
    assert_eq!(ahead, Err(FeeError::SlotAhead { found: 132, now: 99, most: 32 }));
    let absurd = engine.observe_account(0, key(1), &[(98, 0), (99, u64::MAX)]);
    assert!(matches!(absurd, Err(FeeError::AbsurdPrice { found: u64::MAX, slot: 99, .. })));
    assert_eq!(engine.observe_account(8, key(1), &[(99, 0)]), Err(FeeError::Source { found: 8 }));
    assert_eq!(engine.observe_block(0, 99, 0, Some(10_001)), Err(FeeError::Fullness { found: 10_001 }));
    for found in [0, 10_000] {
        assert_eq!(engine.price(&[], found), Err(FeeError::Percentile { found }));
    }
    assert_eq!(
        engine.observe_tip(132, 1_000, true),
        Err(FeeError::SlotAhead { found: 132, now: 99, most: 32 })
    );
    assert_eq!(engine.price(&[key(1)], ASKED).unwrap(), before);
}

#[test]
fn impossible_settings_are_refused_by_name() {
    let refused = |config| FeeEngine::new(config).unwrap_err().to_string();
    let base = FeeConfig::default;
    assert!(refused(FeeConfig { min_tip_lamports: 999, ..base() }).starts_with("min_tip_lamports is 999"));
    assert!(refused(FeeConfig { max_tip_share_bps: 10_001, ..base() }).contains("it may be 0 to 10000"));
    assert!(refused(FeeConfig { quorum: 9, ..base() }).starts_with("quorum is 9"));
    assert!(refused(FeeConfig { window_slots: 0, ..base() }).starts_with("window_slots is 0"));
}

// ---- tips

const FLOOR: [f64; 5] = [5e-6, 1e-5, 4e-5, 1e-3, 1e-2];

fn with_floor() -> FeeEngine {
    let mut engine = engine();
    engine.advance(1_000).unwrap();
    engine.observe_tip_floor(1_000, FLOOR, None).unwrap();
    engine
}

#[test]
fn a_tip_without_floor_is_the_cold_one_within_the_caps() {
    let quote = engine().tip(1_000_000, 0);
    assert_eq!(
        (quote.tip_lamports, quote.bound, quote.win_probability),
        (Some(10_000), TipBound::Cold, None)
    );
    let quote = engine().tip(10_000, 0);
    assert_eq!((quote.tip_lamports, quote.bound), (Some(5_000), TipBound::ShareCap));
    let mut old = with_floor();
    old.advance(2_501).unwrap();
    assert_eq!((old.tip_floor(), old.tip(1_000_000, 0).bound), (None, TipBound::Cold));
}

#[test]
fn a_tip_is_shaded_and_grows_with_the_value() {
    let engine = with_floor();
    let mut last = 0;
    for value in [10_000, 30_000, 100_000, 1_000_000, 10_000_000, 100_000_000] {
        let quote = engine.tip(value, 0);
        let tip = quote.tip_lamports.unwrap();
        assert!(tip >= last.max(1_000) && tip <= value / 2 && tip <= 10_000_000, "{value}: {quote:?}");
        last = tip;
    }
    assert_eq!(engine.tip(1_000_000_000, 0).cap_lamports, 10_000_000);
}

#[test]
fn the_shaded_tip_is_the_best_of_a_dense_search() {
    let config = FeeConfig { max_tip_share_bps: 10_000, max_tip_lamports: u64::MAX, ..FeeConfig::default() };
    let mut engine = FeeEngine::new(config).unwrap();
    engine.observe_tip_floor(0, FLOOR, None).unwrap();
    for value in [20_000_u64, 77_777, 1_234_567, 30_000_000] {
        let quote = engine.tip(value, 0);
        let tip = quote.tip_lamports.unwrap();
        let gain = (value - tip) as f64 * quote.win_probability.unwrap();
        let floor = engine.tip_floor().unwrap();
        // The prior alone: the share of landed tips, which falls nowhere.
        let best = (0..20_000)
            .map(|step| value as f64 * f64::from(step) / 20_000.0)
            .map(|bid| (value as f64 - bid) * floor.share_up_to(bid))
            .fold(0.0, f64::max);
        assert!(gain > 0.98 * best, "{value}: {gain} of {best}");
    }
}

#[test]
fn too_little_value_is_no_bid() {
    let quote = with_floor().tip(1_999, 0);
    assert_eq!((quote.tip_lamports, quote.bound), (None, TipBound::NotWorthIt));
    assert_eq!(with_floor().tip(2_000, 0).tip_lamports, Some(1_000));
    assert_eq!(with_floor().tip(0, 0).bound, TipBound::NotWorthIt);
}

#[test]
fn losing_raises_the_tip_and_winning_lowers_it() {
    let (mut losing, mut winning) = (with_floor(), with_floor());
    let start = winning.tip(100_000, 0).tip_lamports.unwrap();
    // Winning with one tip says nothing of lower ones: that takes exploring.
    for attempt in 0..2_000 {
        let tip = losing.tip(1_000_000, attempt).tip_lamports.unwrap();
        assert_eq!(losing.observe_tip(1_000, tip, tip > 200_000), Ok(true));
        let tip = winning.tip(100_000, attempt).tip_lamports.unwrap();
        assert_eq!(winning.observe_tip(1_000, tip, true), Ok(true));
    }
    let (raised, lowered) = (losing.tip(1_000_000, 0), winning.tip(100_000, 0));
    assert!(raised.tip_lamports.unwrap() > 200_000, "{raised:?}");
    assert!(lowered.tip_lamports.unwrap() < start, "{lowered:?}");
}

#[test]
fn exploring_bids_are_counted_bounded_and_repeatable() {
    let engine = with_floor();
    let usual = engine.tip(1_000_000, 0).tip_lamports.unwrap();
    let bids: Vec<_> = (0..6_400).map(|attempt| engine.tip(1_000_000, attempt)).collect();
    let exploring: Vec<_> = bids.iter().filter(|bid| bid.is_exploring).collect();
    assert_eq!(exploring.len(), 200);
    for bid in &bids {
        let tip = bid.tip_lamports.unwrap();
        assert!(bid.is_exploring || tip == usual);
        assert!(tip * 100 <= usual * 119 && tip * 119 >= usual * 99, "{tip} of {usual}");
    }
    assert!(exploring.iter().any(|bid| bid.tip_lamports < Some(usual)));
    assert!(exploring.iter().any(|bid| bid.tip_lamports > Some(usual)));
    assert!(engine.tip(1_000_000, u64::MAX).tip_lamports.is_some());
}

#[test]
fn without_exploration_no_bid_explores() {
    let mut engine = FeeEngine::new(FeeConfig { explore_every: 0, ..FeeConfig::default() }).unwrap();
    engine.observe_tip_floor(0, FLOOR, None).unwrap();
    for attempt in [0, 31, 32, u64::MAX] {
        let bid = engine.tip(1_000_000, attempt);
        assert!(!bid.is_exploring && bid.tip_lamports == bid.shaded_lamports, "{bid:?}");
    }
}

#[test]
fn a_bad_floor_changes_nothing() {
    let mut engine = with_floor();
    let before = engine.tip(1_000_000, 0);
    assert!(engine.observe_tip_floor(1_000, [f64::NAN; 5], None).is_err());
    assert!(engine.observe_tip_floor(1_000, [1e-5, 9e-6, 1.0, 1.0, 1.0], None).is_err());
    assert!(engine.observe_tip_floor(999, FLOOR, None).is_err());
    assert!(engine.observe_tip_floor(1_033, FLOOR, None).is_err());
    assert_eq!(engine.tip(1_000_000, 0), before);
    assert_eq!(engine.observe_tip(1_000, 0, true), Ok(false), "a tip of nothing is none");
    assert_eq!(engine.observe_tip(1_000, u64::MAX, true), Ok(true));
    assert!(engine.tip(u64::MAX, 0).tip_lamports.unwrap() <= 10_000_000);
}
