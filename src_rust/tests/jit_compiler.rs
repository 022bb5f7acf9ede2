//! What the strategy compiler promises beside right values: bounds, memory, state, native code in time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use phantom_core::jit_compiler::{
    Column, Expression, Field, RefusalKind, Stop, Values, compile_expression, compile_rules, limits,
};
use phantom_core::technical::{AnyIndicator, Ema, Indicator, RealisedVolatility, Rsi, Sma};

const LONG: Duration = Duration::from_secs(60);

fn floats(names: &[&'static str]) -> Vec<Field> {
    Field::all(names.iter().map(|name| (*name, "f64"))).unwrap()
}

fn native(source: &str, fields: &[Field]) -> Expression {
    let expression = compile_expression(source, fields).unwrap_or_else(|error| panic!("{error}"));
    assert!(expression.wait_native(LONG), "{source}");
    expression
}

/// Resident memory in pages, where the system tells.
fn resident_pages() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

fn mappings() -> Option<usize> {
    std::fs::read_to_string("/proc/self/maps").ok().map(|text| text.lines().count())
}

#[test]
fn recompiling_ten_thousand_times_does_not_grow_memory() {
    let fields = floats(&["a", "b"]);
    let columns = [vec![1.0; 512], vec![2.0; 512]];
    let recompile = |count: u32| {
        for index in 0..count {
            let expression = native(&format!("a * {index}.5 + sqrt(b) > exp(a) or ema(a, 3) < 1"), &fields);
            assert!(expression.evaluate(&[0, 0]).is_err());
            if index % 10 == 0 {
                let other = native(&format!("a * {index}.5 > b"), &fields);
                let views = [Column::Float(&columns[0]), Column::Float(&columns[1])];
                assert_eq!(other.evaluate_rows(&views, 1).unwrap().refused, []);
            }
        }
    };
    recompile(1_000);
    let (before, mapped) = (resident_pages(), mappings());
    recompile(9_000);
    if let (Some(before), Some(after)) = (before, resident_pages()) {
        // One page of code kept per compilation would be 9,000.
        assert!(after < before + 1_000, "{before} pages before, {after} after");
    }
    if let (Some(before), Some(after)) = (mapped, mappings()) {
        assert!(after < before + 200, "{before} mappings before, {after} after");
    }
}

#[test]
fn code_lives_as_long_as_anybody_uses_it() {
    let fields = floats(&["a"]);
    let expression = Arc::new(native("a * 2 > 3", &fields));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let expression = Arc::clone(&expression);
            thread::spawn(move || {
                (0..1_000_u32)
                    .filter(|&n| expression.evaluate(&[f64::from(n % 3).to_bits()]) == Ok(1))
                    .count()
            })
        })
        .collect();
    drop(expression);
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 333);
    }
}

#[test]
fn first_value_needs_no_native_code() {
    let fields = floats(&["a"]);
    for n in 0..50 {
        let expression = compile_expression(&format!("a + {n}"), &fields).unwrap();
        assert_eq!(expression.evaluate(&[1.0_f64.to_bits()]), Ok((1.0 + f64::from(n)).to_bits()));
    }
}

#[test]
fn largest_sources_compile_and_larger_ones_are_refused() {
    let fields = floats(&["a"]);
    // A balanced sum of as many terms as fit.
    let mut sum = "a".to_owned();
    for _ in 0..10 {
        sum = format!("({sum}+{sum})");
    }
    assert_eq!(native(&sum, &fields).evaluate(&[1.0_f64.to_bits()]), Ok(1024.0_f64.to_bits()));
    let sum = format!("({sum}+{sum}+{sum}+{sum})");
    let too_long = compile_expression(&sum, &fields).err().unwrap();
    assert!(too_long.to_string().contains(&limits::TOKENS.to_string()), "{too_long}");

    let chain = |terms: usize| vec!["a"; terms].join("-");
    let deepest = usize::try_from(limits::DEPTH).unwrap() - 1;
    native(&chain(deepest), &fields);
    assert!(compile_expression(&chain(deepest + 2), &fields).is_err());
    let nested = |levels: usize| "(".repeat(levels) + "a" + &")".repeat(levels);
    let most = usize::try_from(limits::NESTING).unwrap();
    native(&nested(most), &fields);
    assert!(compile_expression(&nested(most + 1), &fields).is_err());

    let all = |count: usize| (0..count).map(|n| format!("f{n}")).collect::<Vec<_>>();
    let names = all(limits::FIELDS);
    let fields = Field::all(names.iter().map(|name| (name.as_str(), "f64"))).unwrap();
    assert_eq!(native("f255 - f0", &fields).evaluate(&[0; 256]), Ok(0));
    let names = all(limits::FIELDS + 1);
    assert!(Field::all(names.iter().map(|name| (name.as_str(), "f64"))).is_err());
}

#[test]
fn chains_within_chains_stay_bounded() {
    let fields = floats(&["a"]);
    // The middle of a chain is used twice: doubling it at each level must meet a bound.
    let mut source = "a".to_owned();
    for _ in 0..30 {
        source = format!("(1.0 if 0 < {source} < 2 else 2.0)");
    }
    let error = compile_expression(&source, &fields).err().unwrap();
    assert!(error.message.contains("operations"), "{error}");
}

#[test]
fn rule_files_are_bounded() {
    let fields = floats(&["a"]);
    let rules = |count: usize| "[[rule]]\nwhen = 'a > 1'\nrefuse = 'r'\n".repeat(count);
    let largest = compile_rules(&rules(limits::RULES), &fields, None).unwrap();
    assert!(largest.wait_native(LONG));
    assert_eq!(largest.evaluate(&[2.0_f64.to_bits()]), Err(Stop::Rule(0)));
    assert!(compile_rules(&rules(limits::RULES + 1), &fields, None).is_err());
    let lets = |count: usize| {
        let lines: Vec<_> = (0..count).map(|n| format!("l{n} = 'a + {n}'")).collect();
        format!("score = 'l{}'\n[let]\n{}", count - 1, lines.join("\n"))
    };
    let largest = compile_rules(&lets(limits::LETS), &fields, None).unwrap();
    assert!(largest.wait_native(LONG));
    assert_eq!(largest.evaluate(&[0]), Ok(Some(63.0)));
    assert!(compile_rules(&lets(limits::LETS + 1), &fields, None).is_err());
}

#[test]
fn refused_tick_moves_no_indicator() {
    let fields = floats(&["a", "b"]);
    let expression = native("lag(a, 1) + lag(1 / b, 1)", &fields);
    let tick = |a: f64, b: f64| expression.evaluate(&[a.to_bits(), b.to_bits()]);
    let kind = |stop: Result<u64, Stop>| match stop {
        Err(Stop::Refused(refusal)) => refusal.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(tick(1.0, 1.0)), RefusalKind::WarmingUp);
    assert_eq!(kind(tick(2.0, 0.0)), RefusalKind::DivisionByZero);
    assert_eq!(kind(tick(f64::NAN, 1.0)), RefusalKind::NotFinite);
    assert_eq!(tick(5.0, 4.0), Ok(2.0_f64.to_bits()));
    assert_eq!(tick(5.0, 4.0), Ok(5.25_f64.to_bits()));
}

#[test]
fn volatility_of_what_has_no_logarithm_is_refused() {
    let fields = floats(&["a"]);
    let expression = native("volatility(a, 2) > 0", &fields);
    for bad in [0.0_f64, -1.0, 1e-160, 1e160] {
        let Err(Stop::Refused(refusal)) = expression.evaluate(&[bad.to_bits()]) else { panic!("{bad}") };
        assert_eq!(refusal.kind, RefusalKind::NotFinite);
        assert_eq!(expression.describe(refusal).0, "not_finite: `a` at line 1, column 12");
    }
}

#[test]
fn indicators_are_those_of_technical_to_the_last_bit() {
    let fields = floats(&["a"]);
    let names = ["ema(a, 9)", "sma(a, 9)", "rsi(a, 9)", "volatility(a, 9)"];
    let expressions = names.map(|text| native(text, &fields));
    let mut streams: [AnyIndicator; 4] = [
        Ema::new(9).unwrap().into(),
        Sma::new(9).unwrap().into(),
        Rsi::new(9).unwrap().into(),
        RealisedVolatility::new(9, 1.0).unwrap().into(),
    ];
    for tick in 0..500_u32 {
        let price = 1.0 + f64::from(tick.wrapping_mul(2_654_435_761) >> 16);
        for ((name, expression), stream) in names.iter().zip(&expressions).zip(&mut streams) {
            let expected = stream.update(price).map(f64::to_bits);
            assert_eq!(expression.evaluate(&[price.to_bits()]).ok(), expected, "{name}, tick {tick}");
        }
    }
}

#[test]
fn sums_that_overflow_only_in_the_check_are_not_refused() {
    // The loop over pairs adds what it checks; its sum overflows, the values do not.
    let fields = floats(&["a", "b"]);
    let expression = native("a > 1 and b > 1", &fields);
    let column = vec![1.7e308; 1_000];
    let rows = expression.evaluate_rows(&[Column::Float(&column), Column::Float(&column)], 2).unwrap();
    assert_eq!(rows.values, Values::Bool(vec![1; 1_000]));
    assert_eq!(rows.refused, []);
}
