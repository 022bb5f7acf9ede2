//! Strategy expressions and rule files, compiled at run time.
//!
//! The one idea: a source is understood once, into typed nodes (`ir`); an interpreter carries them
//! out at once and is the reference, native code of the same nodes follows a moment later and gives
//! the same bits. A source can touch nothing but the fields offered to it: no memory, no names of the
//! program, no loops. Whatever would be a wrong number (division by zero, infinity, NaN, an integer
//! out of range, an indicator that is not ready) is a [`Refusal`] instead.
//!
//! `docs/STRATEGY_LANGUAGE.md` is the language's description. Life of a source: `lexer` → `parser` →
//! `builder` and `calls` (names, types, units, checks) → `ir` → `interpreter`, `codegen` (one tick),
//! `pairs` (columns) → `native`, the only module with `unsafe`.

mod background;
mod builder;
mod calls;
mod codegen;
mod error;
mod expression;
mod fields;
mod functions;
mod indicators;
mod instance;
mod interpreter;
mod ir;
mod lexer;
pub mod limits;
mod native;
mod pairs;
mod parser;
mod rows;
mod rules;
mod units;

pub use error::{CompileError, Span};
pub use expression::{Expression, compile_expression};
pub use indicators::{Indicator, IndicatorKind};
pub use instance::{Refusal, Stop};
pub use ir::{Field, FieldType, RefusalKind, Type};
pub use rows::{Column, Rows, Values};
pub use rules::{Judged, RuleSet, compile_rules};
