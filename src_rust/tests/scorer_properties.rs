//! The scorer's columns against its rows, and the expected value against exact fractions.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod property_config;

use phantom_core::scorer::{
    BatchError, Candidate, Column, Columns, Context, Prospect, ScorerConfig, Share, SignalScorer, Stakes,
    TokenFlags,
};
use proptest::prelude::*;

/// Amounts around the bounds at which a block is judged otherwise.
fn amount() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![
        6 => 0..1_000_000_u64,
        2 => (0..64_u32).prop_map(|shift| 1_u64 << shift),
        1 => (0..64_u32).prop_map(|shift| (1_u64 << shift) - 1),
        1 => any::<u64>(),
    ]
}

/// Amounts of a usual market: a block of them is judged in floating point.
fn usual() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![4 => 0..200_000_u64, 1 => 0..1_u64 << 36, 1 => Just((1_u64 << 36) - 1)]
}

fn share() -> impl Strategy<Value = Share> {
    prop_oneof![Just(0_u16), Just(10_000), 0..=10_000_u16].prop_map(|e4| Share::new(e4).unwrap())
}

fn prospect(amount: impl Strategy<Value = u64> + Clone) -> impl Strategy<Value = Prospect> {
    let one = amount.clone().prop_map(|amount| amount.max(1));
    let candidate = (
        one,
        amount.clone(),
        amount.clone(),
        amount.clone(),
        prop_oneof![4 => 0..12_u64, 1 => amount.clone()],
    );
    let context = (any::<u32>(), any::<u32>(), share(), share(), 0..8_u8, share());
    let stakes = (amount.clone(), amount.clone(), amount.clone(), amount);
    (candidate, context, stakes).prop_map(|(candidate, context, stakes)| {
        let (amount_in, gross_profit, cost, min_net_profit, age_slots) = candidate;
        let (depth_bps, volatility_bps, competition, agreement, flags, landing) = context;
        let (gross_profit_lamports, tip_lamports, fee_lamports, failure_lamports) = stakes;
        Prospect {
            candidate: Candidate { amount_in, gross_profit, cost, min_net_profit, age_slots },
            context: Context {
                depth_bps,
                volatility_bps,
                competition,
                agreement,
                token_flags: TokenFlags::new(flags).unwrap(),
                landing,
            },
            stakes: Stakes { gross_profit_lamports, tip_lamports, fee_lamports, failure_lamports },
        }
    })
}

fn config() -> impl Strategy<Value = ScorerConfig> {
    let floor = prop_oneof![Just(i64::MIN), Just(i64::MAX), -100_000..100_000_i64, any::<i64>()];
    let most = prop_oneof![Just(u32::MAX), any::<u32>()];
    let bps = prop_oneof![Just(0.0), -1e6..1e6_f64];
    let age = prop_oneof![4 => 0..12_u64, 1 => any::<u64>()];
    (bps, age, most.clone(), most, (share(), share(), share()), 0..8_u8, floor).prop_map(
        |(min_net_bps, max_age_slots, max_depth_bps, max_volatility_bps, shares, flags, floor)| {
            ScorerConfig {
                min_net_profit_lamports: 0,
                min_net_bps,
                max_age_slots,
                max_depth_bps,
                max_volatility_bps,
                max_competition: shares.0,
                min_agreement: shares.1,
                refused_flags: TokenFlags::new(flags).unwrap(),
                min_landing: shares.2,
                min_expected_value_lamports: floor,
            }
        },
    )
}

fn column<T>(rows: &[Prospect], of: impl Fn(&Prospect) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// Holds that columns of `rows` give what the rows give one by one, counts included.
fn columns_equal_rows(config: &ScorerConfig, rows: &[Prospect]) -> Result<(), TestCaseError> {
    let amount_in = column(rows, |row| row.candidate.amount_in);
    let gross_profit = column(rows, |row| row.candidate.gross_profit);
    let cost = column(rows, |row| row.candidate.cost);
    let min_net_profit = column(rows, |row| row.candidate.min_net_profit);
    let age_slots = column(rows, |row| row.candidate.age_slots);
    let gross_profit_lamports = column(rows, |row| row.stakes.gross_profit_lamports);
    let tip_lamports = column(rows, |row| row.stakes.tip_lamports);
    let fee_lamports = column(rows, |row| row.stakes.fee_lamports);
    let failure_lamports = column(rows, |row| row.stakes.failure_lamports);
    let depth_bps = column(rows, |row| row.context.depth_bps);
    let volatility_bps = column(rows, |row| row.context.volatility_bps);
    let competition_e4 = column(rows, |row| row.context.competition.e4());
    let agreement_e4 = column(rows, |row| row.context.agreement.e4());
    let landing_e4 = column(rows, |row| row.context.landing.e4());
    let token_flags = column(rows, |row| row.context.token_flags.bits());
    let columns = Columns {
        amount_in: &amount_in,
        gross_profit: Column::Each(&gross_profit),
        cost: Column::Each(&cost),
        min_net_profit: Column::Each(&min_net_profit),
        age_slots: Column::Each(&age_slots),
        gross_profit_lamports: Column::Each(&gross_profit_lamports),
        tip_lamports: Column::Each(&tip_lamports),
        fee_lamports: Column::Each(&fee_lamports),
        failure_lamports: Column::Each(&failure_lamports),
        depth_bps: Column::Each(&depth_bps),
        volatility_bps: Column::Each(&volatility_bps),
        competition_e4: Column::Each(&competition_e4),
        agreement_e4: Column::Each(&agreement_e4),
        landing_e4: Column::Each(&landing_e4),
        token_flags: Column::Each(&token_flags),
    };
    let (mut together, mut alone) = (SignalScorer::new(config.clone()), SignalScorer::new(config.clone()));
    let found = together.assess_batch(&columns).unwrap();
    for (row, prospect) in rows.iter().enumerate() {
        let expected = alone.assess(prospect);
        alone.count(expected.reasons);
        prop_assert_eq!(found.reasons[row], expected.reasons.bits(), "row {}: {:?}", row, prospect);
        prop_assert_eq!(found.scores[row].to_bits(), expected.score.to_bits(), "row {}", row);
        prop_assert_eq!(found.expected_values[row], expected.expected_value_lamports, "row {}", row);
    }
    prop_assert_eq!(together.go_count(), alone.go_count());
    prop_assert_eq!(together.counts().collect::<Vec<_>>(), alone.counts().collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(property_config::cases(64))]

    #[test]
    fn columns_equal_rows_whatever_the_amounts(
        config in config(), rows in prop::collection::vec(prospect(amount()), 0..600)
    ) {
        columns_equal_rows(&config, &rows)?;
    }

    #[test]
    fn columns_equal_rows_on_usual_amounts(
        config in config(), rows in prop::collection::vec(prospect(usual()), 0..600)
    ) {
        columns_equal_rows(&config, &rows)?;
    }

    #[test]
    fn expected_value_is_the_floor_of_the_exact_fraction(prospect in prospect(amount())) {
        let Prospect { stakes, context, .. } = prospect;
        let p = i128::from(context.landing.e4());
        let won = p * i128::from(stakes.gross_profit_lamports);
        let lost = p * i128::from(stakes.tip_lamports)
            + 10_000 * i128::from(stakes.fee_lamports)
            + (10_000 - p) * i128::from(stakes.failure_lamports);
        let found = stakes.expected_value_lamports(context.landing);
        match found {
            Some(value) => {
                let value = 10_000 * i128::from(value);
                prop_assert!(value <= won - lost && won - lost < value + 10_000);
            }
            None => prop_assert!((won - lost).abs() >= 10_000 * i128::from(i64::MAX)),
        }
    }
}

#[test]
fn wrong_columns_are_named_and_nothing_is_counted() {
    let neutral = Columns {
        amount_in: &[5, 6, 0],
        gross_profit: Column::All(1),
        cost: Column::All(0),
        min_net_profit: Column::All(0),
        age_slots: Column::All(0),
        gross_profit_lamports: Column::All(1),
        tip_lamports: Column::All(0),
        fee_lamports: Column::All(0),
        failure_lamports: Column::All(0),
        depth_bps: Column::All(0),
        volatility_bps: Column::All(0),
        competition_e4: Column::All(0),
        agreement_e4: Column::All(10_000),
        landing_e4: Column::All(10_000),
        token_flags: Column::All(0),
    };
    let mut scorer = SignalScorer::new(ScorerConfig::default());
    let zero = scorer.assess_batch(&neutral).unwrap_err();
    assert_eq!(zero.to_string(), "amount_in is 0 in row 2; it may be 1 to 18446744073709551615");
    let good = Columns { amount_in: &[5, 6], ..neutral };
    let short = Columns { cost: Column::Each(&[1]), ..good };
    let error = scorer.assess_batch(&short).unwrap_err();
    assert_eq!(error, BatchError::Length { column: "cost", found: 1, rows: 2 });
    let above = Columns { landing_e4: Column::Each(&[0, 10_001]), ..good };
    assert!(scorer.assess_batch(&above).unwrap_err().to_string().contains("landing_e4 is 10001 in row 1"));
    assert_eq!((scorer.go_count(), scorer.counts().map(|(_, count)| count).sum::<u64>()), (0, 0));
    assert_eq!(scorer.assess_batch(&good).unwrap().reasons, [0, 0]);
    assert_eq!(scorer.go_count(), 2);
    assert!(scorer.counts().all(|(_, count)| count == 0));
}
