//! One expression, compiled: a value per tick, or columns of values.

use std::sync::Arc;
use std::time::Duration;

use super::builder::Builder;
use super::error::CompileError;
use super::instance::{Instance, Refusal, Stop};
use super::ir::{Field, Type};
use super::parser::parse;
use super::rows::{self, Column, Rows};

/// A compiled expression with the state of its indicators.
///
/// It can be evaluated from its construction on, by the interpreter; native code follows from a
/// background thread and takes over between two ticks. Both give the same bits.
pub struct Expression {
    instance: Instance,
    result: Type,
}

/// Compiles an expression over `fields`.
///
/// # Errors
/// What is wrong with the source, with line, column and a hint.
pub fn compile_expression(source: &str, fields: &[Field]) -> Result<Expression, CompileError> {
    let mut builder = Builder::new(source, fields);
    let built = parse(&mut builder, source, 0).and_then(|term| {
        let result = builder.add_output(term)?;
        Ok((builder.finish(Arc::from(source))?, result))
    });
    let (program, result) = built.map_err(|fault| fault.locate(source))?;
    Ok(Expression { instance: Instance::new(program, Some(result), None), result })
}

impl Expression {
    /// Returns the value's bits: of an `f64`, of an `i64`, or 0 and 1. See [`Expression::result`].
    ///
    /// `fields` are slots in the order of the fields: bits of an `f64` or `i64`, a `u64`, or 0 and 1.
    ///
    /// # Errors
    /// A refusal, or that the number of slots is wrong. A tick in which an
    /// indicator's argument has no value changes no indicator; one refused elsewhere has.
    pub fn evaluate(&self, fields: &[u64]) -> Result<u64, Stop> {
        self.instance.evaluate(fields)
    }

    /// Returns what the interpreter says, native code or not, of an expression without indicators.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub fn interpret(&self, fields: &[u64]) -> Result<u64, Stop> {
        let expected = self.fields().len();
        if fields.len() != expected {
            return Err(Stop::WrongCount { found: fields.len(), expected });
        }
        self.instance.interpret(fields).map_err(|code| self.instance.stop(code))
    }

    /// Evaluates all rows of `columns`, one column per field, each row as one tick.
    ///
    /// Without indicators large inputs are shared among at most `threads` threads.
    ///
    /// # Errors
    /// Columns that do not fit the fields.
    pub fn evaluate_rows(&self, columns: &[Column<'_>], threads: usize) -> Result<Rows, String> {
        rows::evaluate(&self.instance, self.result, columns, threads)
    }

    /// The type of the value.
    #[must_use]
    pub fn result(&self) -> Type {
        self.result
    }

    /// The fields, in the order of their slots.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.instance.program().fields
    }

    /// The text that was compiled.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.instance.program().source
    }

    /// Returns whether evaluations depend on those before.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.instance.is_stateful()
    }

    /// Makes the indicators forget everything.
    pub fn reset(&self) {
        self.instance.reset();
    }

    /// Returns whether native code is in use.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.instance.is_native()
    }

    /// Waits for native code; returns whether it is in use.
    #[must_use]
    pub fn wait_native(&self, timeout: Duration) -> bool {
        self.instance.wait_native(timeout)
    }

    /// Returns a refusal as a sentence, with line and column.
    #[must_use]
    pub fn describe(&self, refusal: Refusal) -> (String, usize, usize) {
        self.instance.describe(refusal)
    }
}
