//! A ten-term strategy: from text to the first verdict, to native code, per tick, and over columns.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use phantom_core::engine::{candidate_fields, candidate_values};
use phantom_core::jit_compiler::{Column, Expression, Field, compile_expression, compile_rules};
use phantom_core::scorer::{Candidate, Context, Prospect, ScorerConfig, SignalScorer, Stakes};

/// That of the peer suite.
const FOUR: &str = "spread_bps > 12 and net_profit > 0.01*sqrt(liquidity) and rsi < 70";
/// Ten operations, no short way out.
const TEN: &str = "(net_profit - 0.3 * spread_bps) / (1.0 + sqrt(liquidity)) + max(rsi, 30) * 0.01 > 0.25 or rsi - net_profit * 2 < 3";
const RULES: &str = r#"
verdict = "margin > 0.0001"
score = "margin * 1e4 - spread_bps / 10"
[let]
margin = "net_profit / liquidity"
[[rule]]
when = "rsi > 70"
refuse = "overbought"
[[rule]]
when = "spread_bps < 5"
refuse = "thin"
"#;
const FIELDS: [(&str, &str); 4] =
    [("spread_bps", "f64"), ("net_profit", "f64"), ("liquidity", "f64"), ("rsi", "f64")];
/// Of a candidate in the engine.
const CANDIDATE_RULES: &str = r#"
verdict = "net_profit > 20_000 and landing > 0.2"
score = "net_bps * number(landing)"
[[rule]]
when = "age > 1 and hops > 2"
refuse = "long and late"
[[rule]]
when = "depth > 500"
refuse = "deep"
"#;
const ROW: [f64; 4] = [30.0, 25.0, 1e6, 40.0];

fn native(source: &str) -> Expression {
    let expression = compile_expression(source, &Field::all(FIELDS).unwrap()).unwrap();
    assert!(expression.wait_native(Duration::from_secs(5)));
    expression
}

fn ticks(c: &mut Criterion) {
    let fields = Field::all(FIELDS).unwrap();
    let row = ROW.map(f64::to_bits);
    let mut group = c.benchmark_group("jit_compiler");
    group.bench_function("compile to interpreter", |b| {
        b.iter(|| compile_expression(black_box(TEN), &fields).unwrap());
    });
    group.bench_function("compile to native", |b| {
        b.iter_custom(|count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                let start = Instant::now();
                black_box(native(TEN));
                total += start.elapsed();
            }
            total
        });
    });
    for (name, source) in [("four terms", FOUR), ("ten terms", TEN)] {
        let expression = native(source);
        group.bench_function(format!("tick, {name}"), |b| b.iter(|| expression.evaluate(black_box(&row))));
        group.bench_function(format!("tick, {name}, interpreted"), |b| {
            b.iter(|| expression.interpret(black_box(&row)));
        });
    }
    let stateful = native("rsi(net_profit, 14) < 70 and ema(spread_bps, 20) > 12");
    group.bench_function("tick, two indicators", |b| b.iter(|| stateful.evaluate(black_box(&row))));
    let rules = compile_rules(RULES, &fields, None).unwrap();
    assert!(rules.wait_native(Duration::from_secs(5)));
    group.bench_function("tick, rule file", |b| b.iter(|| rules.evaluate(black_box(&row))));
    let candidate = Candidate {
        amount_in: 1_000_000,
        gross_profit: 50_000,
        cost: 20_000,
        min_net_profit: 1,
        age_slots: 1,
    };
    let stakes = Stakes { gross_profit_lamports: 50_000, ..Stakes::default() };
    let prospect = Prospect { candidate, context: Context::default(), stakes };
    let assessment = SignalScorer::new(ScorerConfig::default()).assess(&prospect);
    let rules = compile_rules(CANDIDATE_RULES, &candidate_fields(), None).unwrap();
    assert!(rules.wait_native(Duration::from_secs(5)));
    group.bench_function("tick, rules of a candidate with its fields", |b| {
        b.iter(|| {
            let values = candidate_values(black_box(&prospect), black_box(&assessment), 3, 1_234).unwrap();
            rules.evaluate(&values)
        });
    });
    group.finish();
}

fn columns(c: &mut Criterion) {
    const ROWS: usize = 1_000_000;
    let mut state = 1_u64;
    let mut uniform = |low: f64, high: f64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let data = [(0.0, 40.0), (0.0, 30.0), (1e3, 1e7), (0.0, 100.0)]
        .map(|(low, high)| (0..ROWS).map(|_| uniform(low, high)).collect::<Vec<_>>());
    let views = [0, 1, 2, 3].map(|index| Column::Float(&data[index]));
    let mut group = c.benchmark_group("jit_compiler/columns");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    for (name, source) in [("four terms", FOUR), ("ten terms", TEN), ("exp", "exp(-rsi) * net_profit > 1")] {
        let expression = native(source);
        for threads in [1, 2] {
            group.bench_function(format!("{name}, {threads} threads"), |b| {
                b.iter(|| expression.evaluate_rows(&views, threads).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, ticks, columns);
criterion_main!(benches);
