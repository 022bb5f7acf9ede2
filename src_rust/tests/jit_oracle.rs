//! Three ways to one value: a plain evaluation of the tree, the interpreter, native code, single and in
//! columns. They agree bit for bit, and on what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod expressions;
mod property_config;

use std::time::Duration;

use expressions::{Dice, FIELDS, Tree, Value};
use phantom_core::jit_compiler::{Column, Expression, Field, Stop, Type, Values, compile_expression};
use proptest::prelude::*;

const ROWS_EACH: usize = 24;

fn compiled(tree: &Tree, fields: usize) -> (String, Expression) {
    let mut text = String::new();
    tree.write(&mut text);
    let fields = Field::all(FIELDS[..fields].iter().copied()).unwrap();
    let expression = compile_expression(&text, &fields).unwrap_or_else(|error| panic!("{error}"));
    (text, expression)
}

fn slots(row: &[Value; 8]) -> [u64; 8] {
    row.map(Value::bits)
}

fn native(text: &str, expression: &Expression) {
    assert!(expression.wait_native(Duration::from_secs(60)), "{text} has no native code");
}

proptest! {
    #![proptest_config(property_config::cases(400))]

    #[test]
    fn interpreter_native_code_and_plain_evaluation_agree(seed in 1_u64.., depth in 0_usize..6) {
        let mut dice = Dice(seed);
        let tree = dice.tree(depth, false);
        let (text, expression) = compiled(&tree, 8);
        native(&text, &expression);
        for _ in 0..ROWS_EACH {
            let row = dice.row();
            let interpreted = expression.interpret(&slots(&row));
            prop_assert_eq!(interpreted, expression.evaluate(&slots(&row)), "{} on {:?}", text, row);
            let plain = tree.value(&row).map(Value::bits);
            prop_assert_eq!(plain, interpreted.ok(), "{} on {:?}: {:?}", text, row, interpreted);
        }
    }

    #[test]
    fn columns_give_what_single_rows_give(seed in 1_u64.., depth in 0_usize..5, is_wild: bool) {
        let mut dice = Dice(seed);
        let tree = dice.tree(depth, true);
        let (text, expression) = compiled(&tree, 3);
        native(&text, &expression);
        // More than the rows that are worth a loop of their own, and no multiple of anything.
        let rows = 600 + dice.below(300);
        let mut number = || if is_wild { dice.float() } else { (dice.below(2_000) as f64 - 500.0) / 7.0 };
        let columns: [Vec<f64>; 3] = std::array::from_fn(|_| (0..rows).map(|_| number()).collect());
        let views = [0, 1, 2].map(|index| Column::Float(&columns[index]));
        let all = expression.evaluate_rows(&views, 2).unwrap();
        let mut refused = all.refused.iter().peekable();
        for row in 0..rows {
            let single = expression.evaluate(&[0, 1, 2].map(|index| columns[index][row].to_bits()));
            let value = match &all.values {
                Values::Bool(values) => u64::from(values[row]),
                Values::Float(values) => values[row].to_bits(),
                Values::Int(values) => values[row].cast_unsigned(),
            };
            match single {
                Ok(bits) => prop_assert_eq!(bits, value, "{} in row {}", text, row),
                Err(stop) => prop_assert_eq!(refused.next_if(|next| next.0 == row), Some(&(row, stop))),
            }
        }
        prop_assert_eq!(refused.next(), None);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,80}") {
        let fields = Field::all(FIELDS).unwrap();
        if let Err(error) = compile_expression(&text, &fields) {
            prop_assert!(error.line >= 1 && error.column >= 1 && !error.to_string().is_empty());
        }
    }

    #[test]
    fn no_shuffle_of_words_makes_the_compiler_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "a", "i", "u", "p", "(", ")", "+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "and",
                "or", "not", "if", "else", "min", "ema(a, 3)", "rsi(", ",", "1", "0", "2.5", "1e308", "isnan",
                "ratio", "\"a\"", "'", "\n", "#", "é", "9223372036854775807", "True",
            ]),
            0..40,
        ),
        seed in 1_u64..,
    ) {
        let fields = Field::all(FIELDS).unwrap();
        let text = words.join(" ");
        if let Ok(expression) = compile_expression(&text, &fields) {
            native(&text, &expression);
            let row = slots(&Dice(seed).row());
            let native = expression.evaluate(&row);
            if !expression.is_stateful() {
                prop_assert_eq!(native, expression.interpret(&row));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_rule_compiler_panic(text in "(\\PC|\n|\\[let\\]|when|=|\"|\\[\\[rule\\]\\]){0,60}") {
        let fields = Field::all(FIELDS).unwrap();
        let _ = phantom_core::jit_compiler::compile_rules(&text, &fields, None);
    }
}

#[test]
fn results_have_the_types_of_python() {
    for (text, ty) in [
        ("i + j", Type::Int),
        ("i / j", Type::Float),
        ("i // j", Type::Int),
        ("i ** 3", Type::Int),
        ("i ** -1", Type::Float),
        ("i ** 0.5", Type::Float),
        ("i < a", Type::Bool),
        ("i if p else a", Type::Float),
    ] {
        let fields = Field::all(FIELDS).unwrap();
        assert_eq!(compile_expression(text, &fields).unwrap().result(), ty, "{text}");
    }
}

#[test]
fn a_wrong_number_of_values_is_an_error() {
    let (_, expression) = compiled(&Tree::Field(0), 3);
    assert_eq!(expression.evaluate(&[0; 2]), Err(Stop::WrongCount { found: 2, expected: 3 }));
    assert_eq!(expression.interpret(&[0; 4]), Err(Stop::WrongCount { found: 4, expected: 3 }));
}
