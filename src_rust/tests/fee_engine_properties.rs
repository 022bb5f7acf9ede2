//! The fee engine against what it is defined by: a naive model, its bounds, and sources that lie.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;

use std::collections::BTreeMap;

use phantom_core::fee_engine::{
    FeeConfig, FeeEngine, HopUnits, MAX_COMPUTE_UNIT_LIMIT, MAX_SOURCES, PriceBasis, PriorityAttempt,
    price_for_budget, priority_fee_lamports,
};
use phantom_core::quantities::{Pubkey, Slot};
use proptest::prelude::*;

const ACCOUNTS: usize = 4;

fn key(number: usize) -> Pubkey {
    Pubkey([u8::try_from(number + 1).unwrap(); 32])
}

/// What the engine is told, also nonsense.
#[derive(Debug, Clone)]
enum Step {
    Advance(u64),
    Back(u64),
    Account { source: usize, account: usize, samples: Vec<(i64, u64)> },
    Block { source: usize, behind: i64, price: u64, fullness: Option<u32> },
    Priority { behind: u64, percentile: u32, landed: bool, exact: bool },
    Hop { venue: u8, crossings: u32, units: u32 },
    Floor { behind: i64, sol: [f64; 5] },
    Tip { behind: u64, tip: u64, landed: bool },
}

fn price() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..100_000_u64, 1 => Just(0), 1 => Just(u64::MAX), 1 => any::<u64>()]
}

fn sol() -> impl Strategy<Value = f64> {
    prop_oneof![8 => 0.0..0.01, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => any::<f64>()]
}

fn step() -> impl Strategy<Value = Step> {
    let samples = prop::collection::vec((-5..160_i64, 0..100_000_u64), 0..40);
    prop_oneof![
        4 => (0..20_u64).prop_map(Step::Advance),
        1 => (0..20_u64).prop_map(Step::Back),
        6 => (0..3_usize, 0..ACCOUNTS, samples)
            .prop_map(|(source, account, samples)| Step::Account { source, account, samples }),
        4 => (0..=MAX_SOURCES, -40..160_i64, price(), prop::option::of(0..=10_001_u32))
            .prop_map(|(source, behind, price, fullness)| Step::Block { source, behind, price, fullness }),
        2 => (0..200_u64, 0..=10_000_u32, any::<bool>(), any::<bool>())
            .prop_map(|(behind, percentile, landed, exact)| Step::Priority { behind, percentile, landed, exact }),
        2 => (0..5_u8, 0..9_u32, 0..1_500_000_u32)
            .prop_map(|(venue, crossings, units)| Step::Hop { venue, crossings, units }),
        3 => (-40..9_i64, prop::array::uniform5(sol())).prop_map(|(behind, mut sol)| {
            sol.sort_by(f64::total_cmp);
            Step::Floor { behind, sol }
        }),
        3 => (0..200_u64, price(), any::<bool>())
            .prop_map(|(behind, tip, landed)| Step::Tip { behind, tip, landed }),
    ]
}

fn slot_behind(now: Slot, behind: i64) -> Slot {
    now.saturating_add_signed(-behind)
}

fn take(engine: &mut FeeEngine, step: &Step) {
    let now = engine.now();
    match step {
        Step::Advance(slots) => engine.advance(now + slots).unwrap(),
        Step::Back(slots) => {
            assert_eq!(engine.advance(now - slots.min(&now)).is_ok(), *slots == 0 || now == 0);
        }
        Step::Account { source, account, samples } => {
            let samples: Vec<_> =
                samples.iter().map(|&(behind, price)| (slot_behind(now, behind), price)).collect();
            engine.observe_account(*source, key(*account), &samples).unwrap();
        }
        Step::Block { source, behind, price, fullness } => {
            let _ = engine.observe_block(*source, slot_behind(now, *behind), *price, *fullness);
        }
        Step::Priority { behind, percentile, landed, exact } => {
            let _ = engine.observe_priority(&PriorityAttempt {
                slot: now.saturating_sub(*behind),
                percentile_bps: *percentile,
                estimated_price: 7,
                paid_price: if *exact { 7 } else { 8 },
                landed: *landed,
            });
        }
        Step::Hop { venue, crossings, units } => {
            let hop = HopUnits { venue: &venue.to_string(), crossings: *crossings };
            let _ = engine.observe_hop(hop, *units);
        }
        Step::Floor { behind, sol } => {
            let _ = engine.observe_tip_floor(slot_behind(now, *behind), *sol, None);
        }
        Step::Tip { behind, tip, landed } => {
            let _ = engine.observe_tip(now.saturating_sub(*behind), *tip, *landed);
        }
    }
}

proptest! {
    #![proptest_config(property_config::cases(128))]

    /// Whatever the engine is told, what it answers is within its settings, and never a panic.
    #[test]
    fn answers_stay_within_bounds_whatever_is_told(
        start in 0..1_000_u64,
        steps in prop::collection::vec(step(), 0..120),
        percentile in 1..=9_999_u32,
        value in prop_oneof![0..10_000_000_u64, any::<u64>()],
        attempt in any::<u64>(),
    ) {
        let config = FeeConfig { max_accounts: 3, min_price: 5, ..FeeConfig::default() };
        let mut engine = FeeEngine::new(config.clone()).unwrap();
        engine.advance(start).unwrap();
        for step in &steps {
            take(&mut engine, step);
            prop_assert!(engine.known_accounts() <= 3);
        }
        let accounts: Vec<_> = (0..ACCOUNTS).map(key).collect();
        let found = engine.price(&accounts, percentile).unwrap();
        prop_assert!((config.min_price..=config.max_price).contains(&found.price_micro_lamports));
        prop_assert!((1..=9_999).contains(&found.used_bps));
        let higher = engine.price(&accounts, 9_999).unwrap();
        prop_assert!(higher.price_micro_lamports >= found.price_micro_lamports, "more is asked for more");
        for account in &accounts {
            let one = engine.price(&[*account], percentile).unwrap();
            prop_assert!(one.price_micro_lamports <= found.price_micro_lamports, "the busiest decides");
        }

        let hops: Vec<_> = ["0", "1", "9"].map(|venue| HopUnits { venue, crossings: 3 }).to_vec();
        let limit = engine.compute_unit_limit(&hops);
        prop_assert!((1..=MAX_COMPUTE_UNIT_LIMIT).contains(&limit.compute_unit_limit));
        prop_assert!(u64::from(limit.compute_unit_limit) >= limit.learned_units || limit.is_capped);

        let quote = engine.tip(value, attempt);
        let cap = (u128::from(value) * u128::from(config.max_tip_share_bps) / 10_000)
            .min(config.max_tip_lamports.into());
        prop_assert_eq!(u128::from(quote.cap_lamports), cap);
        match quote.tip_lamports {
            Some(tip) => prop_assert!(tip >= 1_000 && u128::from(tip) <= cap, "{quote:?}"),
            None => prop_assert!(cap < 1_000, "{quote:?}"),
        }
        if let Some(win) = quote.win_probability {
            prop_assert!((0.0..=1.0).contains(&win), "{quote:?}");
        }
        prop_assert_eq!(engine.tip(value, attempt), quote, "the same question, the same answer");
    }

    /// Prices of one account are those of a model that keeps everything and sorts it each time.
    #[test]
    fn prices_are_those_of_a_naive_model(
        quorum in 1..=3_usize,
        steps in prop::collection::vec(
            prop_oneof![
                (0..40_u64).prop_map(Step::Advance),
                (0..3_usize, prop::collection::vec((-32..200_i64, 0..1_000_u64), 0..60))
                    .prop_map(|(source, samples)| Step::Account { source, account: 0, samples }),
            ],
            1..60,
        ),
        percentile in 1..=9_999_u32,
    ) {
        let config = FeeConfig { quorum, min_samples: 1, ..FeeConfig::default() };
        let mut engine = FeeEngine::new(config).unwrap();
        engine.advance(500).unwrap();
        let mut told: BTreeMap<Slot, BTreeMap<usize, u64>> = BTreeMap::new();
        for step in &steps {
            if let Step::Account { source, samples, .. } = step {
                for &(behind, price) in samples {
                    let slot = slot_behind(engine.now(), behind);
                    if slot + 150 > engine.now() {
                        told.entry(slot).or_default().insert(*source, price);
                    }
                }
            }
            take(&mut engine, step);
        }
        let mut values: Vec<u64> = told
            .range(engine.now() - 149..)
            .filter(|(_, votes)| votes.len() >= quorum)
            .map(|(_, votes)| {
                let mut votes: Vec<u64> = votes.values().copied().collect();
                votes.sort_unstable();
                votes[(votes.len() - 1) / 2]
            })
            .collect();
        values.sort_unstable();
        let found = engine.price(&[key(0)], percentile).unwrap();
        prop_assert_eq!(found.samples, values.len());
        if !values.is_empty() {
            // The least value with at least this share of n + 1 not above it.
            let naive = values.iter().enumerate().find(|(below, _)| {
                (*below as u64 + 1) * 10_000 >= u64::from(percentile) * (values.len() as u64 + 1)
            });
            prop_assert_eq!(found.is_beyond_history, naive.is_none());
            let expected = naive.map_or(values[values.len() - 1], |(_, &value)| value);
            prop_assert_eq!((found.price_micro_lamports, found.basis), (expected, PriceBasis::Account(0)));
        }
    }

    /// With a quorum of two, one liar of three moves no estimate beyond what the honest two would say.
    #[test]
    fn one_liar_of_three_stays_between_the_honest(
        honest in prop::collection::vec((0..100_000_u64, 0..100_000_u64), 20..150),
        lies in prop::collection::vec((0..180_u64, prop_oneof![Just(0), Just(1_000_000_000_000), 0..100_000_u64]), 0..300),
        percentile in 1..=9_999_u32,
    ) {
        let config = FeeConfig { quorum: 2, max_price: u64::MAX, ..FeeConfig::default() };
        let told = |first: &dyn Fn(u64, u64) -> u64, liar: bool| {
            let mut engine = FeeEngine::new(config.clone()).unwrap();
            engine.advance(149).unwrap();
            for (slot, &(a, b)) in (0..).zip(&honest) {
                let one = first(a, b);
                engine.observe_account(0, key(0), &[(slot, if liar { a } else { one })]).unwrap();
                engine.observe_account(1, key(0), &[(slot, if liar { b } else { one })]).unwrap();
            }
            if liar {
                engine.observe_account(2, key(0), &lies).unwrap();
            }
            engine.price(&[key(0)], percentile).unwrap()
        };
        let least = told(&|a, b| a.min(b), false).price_micro_lamports;
        let most = told(&|a, b| a.max(b), false).price_micro_lamports;
        // A lie may repeat an honest word, but makes no slot of its own count.
        let found = told(&|a, _| a, true);
        prop_assert_eq!(found.samples, honest.len());
        prop_assert!((least..=most).contains(&found.price_micro_lamports), "{least} {most} {found:?}");
    }

    /// The conformal promise: with exchangeable slots at least the asked share of them is reached.
    #[test]
    fn exchangeable_slots_reach_what_was_asked(
        seed in any::<u64>(),
        percentile in prop_oneof![Just(2_500_u32), Just(5_000), Just(9_000), Just(9_500)],
    ) {
        let mut state = seed;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Ties and a heavy tail, as in real blocks.
            let uniform = (state >> 33) as f64 / f64::from(1_u32 << 31);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, at most 10^12")]
            let level = (1_000.0 / (1.0 - uniform).max(1e-9)) as u64;
            level / 500 * 500
        };
        let mut engine = FeeEngine::new(FeeConfig { max_price: u64::MAX, ..FeeConfig::default() }).unwrap();
        let (mut reached, tried) = (0, 4_000);
        for slot in 0..tried + 200 {
            let price = engine.price(&[], percentile).unwrap().price_micro_lamports;
            let needed = draw();
            reached += u64::from(slot >= 200 && price >= needed);
            engine.advance(slot).unwrap();
            engine.observe_block(0, slot, needed, None).unwrap();
        }
        let (share, asked) = (reached as f64 / tried as f64, f64::from(percentile) / 1e4);
        // Slots share their past, so the share varies more than 4,000 coins would.
        prop_assert!(share > asked - 0.04, "{share} of {asked}");
    }

    #[test]
    fn priority_fees_round_up_and_budgets_down(price in any::<u64>(), limit in 1..=1_400_000_u64) {
        let exact = u128::from(price) * u128::from(limit);
        match priority_fee_lamports(price, limit) {
            Ok(fee) => {
                prop_assert!(u128::from(fee) * 1_000_000 >= exact);
                prop_assert!(u128::from(fee) * 1_000_000 < exact + 1_000_000);
                let back = price_for_budget(fee, limit).unwrap();
                prop_assert!(back >= price);
            }
            Err(_) => prop_assert!(exact > u128::from(u64::MAX) * 1_000_000),
        }
    }

    /// The learned limit is enough nearly always, for hops whose units vary with what they cross.
    #[test]
    fn limits_are_enough_for_what_was_learned(
        base in 20_000..90_000_u32,
        each in 5_000..40_000_u32,
        noise in 1..5_000_u32,
        seed in any::<u32>(),
    ) {
        let mut engine = FeeEngine::new(FeeConfig::default()).unwrap();
        let mut state = seed;
        let mut draw = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let mut short = 0;
        for turn in 0..600 {
            let crossings = draw(6);
            let hop = HopUnits { venue: "orca_whirlpool", crossings };
            let units = base + each * crossings + draw(noise);
            let limit = engine.compute_unit_limit(&[hop]);
            short += u32::from(turn >= 200 && limit.compute_unit_limit < units + 500);
            prop_assert!(turn < 200 || u64::from(limit.compute_unit_limit) < 3 * u64::from(units) + 20_000);
            engine.observe_hop(hop, units).unwrap();
            engine.observe_overhead(500).unwrap();
        }
        prop_assert!(short == 0, "{short} of 400 too short");
    }
}

/// What a bidder gains in auctions whose best other bid is unknown to it; all bidders see the same ones.
struct Auctions {
    /// Value and best other bid, lamports.
    rounds: Vec<(u64, u64)>,
}

impl Auctions {
    /// `factor`: by how much the best other bid is above what landed tips say, at the median.
    fn new(seed: u64, factor: f64) -> Self {
        let mut state = seed;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and small")]
        let rounds = (0..6_000)
            .map(|_| {
                // The sum of twelve is nearly normal: a log-normal rival, spread by a factor of three.
                let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
                let value = 200_000.0 * 20.0_f64.powf(uniform());
                (value as u64, (10_000.0 * factor * 3.0_f64.powf(normal)) as u64)
            })
            .collect();
        Self { rounds }
    }

    /// Gains of the second half.
    fn gain(&self, mut bid: impl FnMut(usize, u64, u64) -> Option<u64>) -> u64 {
        let mut gained = 0;
        for (round, &(value, rival)) in self.rounds.iter().enumerate() {
            let tip = bid(round, value, rival).filter(|&tip| tip > rival);
            gained += tip.filter(|_| round >= self.rounds.len() / 2).map_or(0, |tip| value - tip);
        }
        gained
    }
}

#[test]
fn shading_learns_what_rivals_bid() {
    let floor = [5e-6, 1e-5, 2e-5, 6e-5, 1.2e-4];
    let mut report = Vec::new();
    for factor in [1.0, 5.0, 20.0] {
        let auctions = Auctions::new(7, factor);
        let best_fixed = (1..400_u64)
            .map(|step| auctions.gain(|_, value, _| Some((step * 2_500).min(value / 2))))
            .max()
            .unwrap();
        let run = |learns: bool| {
            let mut engine = FeeEngine::new(FeeConfig::default()).unwrap();
            engine.observe_tip_floor(0, floor, None).unwrap();
            auctions.gain(|round, value, rival| {
                if round % 100 == 0 {
                    engine.advance(round as u64).unwrap();
                    engine.observe_tip_floor(round as u64, floor, None).unwrap();
                }
                let tip = engine.tip(value, round as u64).tip_lamports?;
                if learns {
                    engine.observe_tip(engine.now(), tip, tip > rival).unwrap();
                }
                Some(tip)
            })
        };
        let share = |gain: u64| gain as f64 / best_fixed as f64;
        report.push((factor, share(run(true)), share(run(false))));
    }
    for &(_, learning, _) in &report {
        assert!(learning > 0.95, "rivals' factor, share of the best fixed tip learning and not: {report:?}");
    }
    // Where rivals bid twenty times what landed tips say, the tip floor alone is not enough.
    assert!(report[2].2 < 0.9 * report[2].1, "{report:?}");
}
