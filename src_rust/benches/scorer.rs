//! One prospect at a time, 10,000 in columns, and a first look at quotes.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use phantom_core::scorer::{
    Candidate, Column, Columns, Context, Prospect, ScorerConfig, Scores, Share, SignalScorer, Stakes,
    TickRule, TokenFlags,
};

const ROWS: usize = 10_000;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn share(&mut self) -> Share {
        Share::new(u16::try_from(self.below(10_001)).unwrap()).unwrap()
    }

    fn prospect(&mut self) -> Prospect {
        Prospect {
            candidate: Candidate {
                amount_in: 1_000_000 + self.below(2_000_000_000),
                gross_profit: self.below(5_000_000),
                cost: 5_000 + self.below(2_000_000),
                min_net_profit: self.below(20_000),
                age_slots: self.below(12),
            },
            context: Context {
                depth_bps: u32::try_from(self.below(500)).unwrap(),
                volatility_bps: u32::try_from(self.below(100)).unwrap(),
                competition: self.share(),
                agreement: self.share(),
                token_flags: TokenFlags::new(u8::try_from(self.below(8)).unwrap()).unwrap(),
                landing: self.share(),
            },
            stakes: Stakes {
                gross_profit_lamports: self.below(5_000_000),
                tip_lamports: self.below(500_000),
                fee_lamports: 5_000 + self.below(100_000),
                failure_lamports: self.below(5_000),
            },
        }
    }
}

/// Every threshold is on.
fn scorer() -> SignalScorer {
    SignalScorer::new(ScorerConfig {
        max_depth_bps: 300,
        max_volatility_bps: 80,
        max_competition: Share::new(5_000).unwrap(),
        min_agreement: Share::new(3_000).unwrap(),
        refused_flags: TokenFlags::FREEZE_AUTHORITY,
        min_landing: Share::new(2_000).unwrap(),
        min_expected_value_lamports: 1_000,
        ..ScorerConfig::default()
    })
}

fn one(c: &mut Criterion) {
    let mut random = Random(1);
    let prospects: Vec<_> = (0..1_000).map(|_| random.prospect()).collect();
    let mut scorer = scorer();
    let mut group = c.benchmark_group("scorer");
    group.throughput(Throughput::Elements(prospects.len() as u64));
    group.bench_function("assess and count, 1,000 prospects", |b| {
        b.iter(|| {
            for prospect in black_box(&prospects) {
                let found = scorer.assess(prospect);
                scorer.count(found.reasons);
                black_box(found);
            }
        });
    });
    group.finish();
}

fn columns(c: &mut Criterion) {
    let mut random = Random(1);
    let rows: Vec<_> = (0..ROWS).map(|_| random.prospect()).collect();
    let wide = |of: fn(&Prospect) -> u64| rows.iter().map(of).collect::<Vec<_>>();
    let narrow = |of: fn(&Prospect) -> u32| rows.iter().map(of).collect::<Vec<_>>();
    let share = |of: fn(&Prospect) -> Share| rows.iter().map(|row| of(row).e4()).collect::<Vec<_>>();
    let amount_in = wide(|row| row.candidate.amount_in);
    let (gross, cost) = (wide(|row| row.candidate.gross_profit), wide(|row| row.candidate.cost));
    let (least, age) = (wide(|row| row.candidate.min_net_profit), wide(|row| row.candidate.age_slots));
    let stakes = [
        wide(|row| row.stakes.gross_profit_lamports),
        wide(|row| row.stakes.tip_lamports),
        wide(|row| row.stakes.fee_lamports),
        wide(|row| row.stakes.failure_lamports),
    ];
    let movements = [narrow(|row| row.context.depth_bps), narrow(|row| row.context.volatility_bps)];
    let shares = [
        share(|row| row.context.competition),
        share(|row| row.context.agreement),
        share(|row| row.context.landing),
    ];
    let flags: Vec<_> = rows.iter().map(|row| row.context.token_flags.bits()).collect();
    let columns = Columns {
        amount_in: &amount_in,
        gross_profit: Column::Each(&gross),
        cost: Column::Each(&cost),
        min_net_profit: Column::Each(&least),
        age_slots: Column::Each(&age),
        gross_profit_lamports: Column::Each(&stakes[0]),
        tip_lamports: Column::Each(&stakes[1]),
        fee_lamports: Column::Each(&stakes[2]),
        failure_lamports: Column::Each(&stakes[3]),
        depth_bps: Column::Each(&movements[0]),
        volatility_bps: Column::Each(&movements[1]),
        competition_e4: Column::Each(&shares[0]),
        agreement_e4: Column::Each(&shares[1]),
        landing_e4: Column::Each(&shares[2]),
        token_flags: Column::Each(&flags),
    };
    let (mut scorer, mut found) = (scorer(), Scores::default());
    let ticks: Vec<Vec<f64>> =
        (0..10).map(|_| (0..ROWS).map(|_| random.below(1_000) as f64).collect()).collect();
    let ticks = std::array::from_fn(|field| ticks[field].as_slice());
    let rule = TickRule::default();
    let mut group = c.benchmark_group("scorer/10,000 rows");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("assess_batch", |b| b.iter(|| scorer.assess_batch(black_box(&columns)).unwrap()));
    group.bench_function("assess_batch_into the same memory", |b| {
        b.iter(|| scorer.assess_batch_into(black_box(&columns), &mut found).unwrap());
    });
    group.bench_function("TickRule::score_batch", |b| b.iter(|| rule.score_batch(black_box(&ticks))));
    group.finish();
}

criterion_group!(benches, one, columns);
criterion_main!(benches);
