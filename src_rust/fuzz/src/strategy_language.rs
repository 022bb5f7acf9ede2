//! Sources of the strategy language: whatever they hold, they compile or are refused, and native code says
//! to the bit what the interpreter says.

use std::time::Duration;

use phantom_core::jit_compiler::{Field, compile_expression, compile_rules};

/// Name and type of what sources can read.
const FIELDS: [(&str, &str); 6] = [
    ("price", "f64 price"),
    ("x", "f64"),
    ("net", "i64 lamports"),
    ("amount", "u64 lamports"),
    ("age", "u64 slots"),
    ("frozen", "bool"),
];

/// Where the fuzzer starts.
pub const SEEDS: [&str; 6] = [
    "net > 20_000 and age <= 1 and rsi(price, 14) < 70",
    "x ** 2 // 3 % 7 if not frozen else -exp(log(abs(x) + 1))",
    "clamp(lag(x, 3), min(x, 1), 1e9) / ratio(net / lamports(amount)) > floor(2.5)",
    "is_ready(ema(price, 3)) and sma(price, 2) > volatility(price, 4) or isnan(x)",
    "verdict = \"m > bps(15)\"\nscore = \"number(m)\"\n[let]\nm = \"bps(net / amount)\"\n[[rule]]\nwhen = \"age > 1\"\nrefuse = \"old\"\n",
    "[[rule]]\nwhen = '''frozen == True'''\nrefuse = \"frozen\"\n",
];

/// Compiles the text behind the first 48 bytes, and evaluates it on those.
pub fn sources(data: &[u8]) {
    let Some((head, text)) = data.split_at_checked(8 * FIELDS.len()) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(fields) = Field::all(FIELDS) else { panic!("the fields are fields") };
    let mut values: Vec<u64> =
        head.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
    if let Some(flag) = values.last_mut() {
        *flag &= 1;
    }
    if let Ok(expression) = compile_expression(text, &fields) {
        let _ = expression.evaluate(&values);
        assert!(expression.wait_native(Duration::from_secs(10)), "no native code: {text}");
        let native = expression.evaluate(&values);
        if !expression.is_stateful() {
            assert_eq!(native, expression.interpret(&values), "{text}");
        }
    }
    if let Ok(rules) = compile_rules(text, &fields, None) {
        let first = rules.peek(&values);
        assert!(rules.wait_native(Duration::from_secs(10)), "no native code: {text}");
        assert_eq!(first, rules.peek(&values), "{text}");
        assert_eq!(first, rules.evaluate(&values), "{text}");
    }
}
