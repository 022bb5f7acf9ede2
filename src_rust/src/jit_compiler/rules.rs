//! Rule files: named values, rules that refuse, a verdict and a score, in TOML.
//!
//! Order of evaluation: all of `[let]` from top to bottom, then every `[[rule]]`, then `verdict`, then
//! `score`. The first rule that is true ends it with its reason.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::builder::{Builder, Term};
use super::error::{CompileError, Fault, Place, Span, nearest};
use super::instance::{Instance, Refusal, Stop};
use super::ir::{Field, Op, Program, Type};
use super::lexer::KEYWORDS;
use super::limits;
use super::parser::parse;
use super::rows::{self, Column, Rows, Values};

/// The reason of a verdict that is false.
const VERDICT_FALSE: &str = "verdict_false";

/// Longest reason, in bytes.
const REASON_BYTES: usize = 128;

/// Scores, and the rows that are no go.
pub type Judged = (Vec<f64>, Vec<(usize, Stop)>);

/// A compiled rule file with the state of its indicators.
pub struct RuleSet {
    instance: Instance,
    /// One per rule, then that of the verdict.
    reasons: Vec<String>,
    /// The condition of each rule, then the verdict's, if there is one.
    conditions: Vec<Span>,
    has_score: bool,
}

/// A file that was understood.
struct Built {
    program: Program,
    reasons: Vec<String>,
    conditions: Vec<Span>,
    has_score: bool,
}

/// Compiles a rule file over `fields`.
///
/// Indicators that `previous` has too, with the same argument over fields of the same names, keep what
/// they have seen: a reload does not warm up again.
///
/// # Errors
/// What is wrong with the file, with line, column and a hint.
pub fn compile_rules(
    source: &str,
    fields: &[Field],
    previous: Option<&RuleSet>,
) -> Result<RuleSet, CompileError> {
    let source = source.replace("\r\n", "\n");
    let Built { program, reasons, conditions, has_score } =
        build(&source, fields).map_err(|fault| fault.locate(&source))?;
    let instance = Instance::new(program, None, previous.map(|previous| &previous.instance));
    Ok(RuleSet { instance, reasons, conditions, has_score })
}

fn span(range: &Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

type Item<'i> = Spanned<DeValue<'i>>;

/// Returns the string at `item` with its place inside the quotes.
fn text<'s>(what: &str, source: &'s str, item: &Item<'_>) -> Result<(&'s str, usize), Fault> {
    let at = item.span();
    let DeValue::String(value) = item.get_ref() else {
        let message = format!("{what} is a string; found {}", item.get_ref().type_str());
        return Err(Fault::new(span(&at), message).hint("put it in quotes"));
    };
    // Quotes are one or three signs long; a newline right after three does not count.
    let raw = source.get(at.clone()).unwrap_or("");
    let inside = [4, 3, 1].into_iter().find(|&skip| {
        raw.get(skip..).is_some_and(|rest| rest.len() <= value.len() + 3 && rest.starts_with(value.as_ref()))
    });
    let Some(skip) = inside else {
        let message = format!("{what} has an escape such as \\n in its string");
        return Err(Fault::new(span(&at), message).hint("use single quotes: '…' or '''…'''"));
    };
    let start = at.start + skip;
    Ok((&source[start..start + value.len()], start))
}

fn table<'t, 'i>(what: &str, item: &'t Item<'i>) -> Result<&'t DeTable<'i>, Fault> {
    item.get_ref().as_table().ok_or_else(|| {
        let message = format!("{what} is a table; found {}", item.get_ref().type_str());
        Fault::new(span(&item.span()), message)
    })
}

fn known_keys(table: &DeTable<'_>, known: &[&str], place: &str) -> Result<(), Fault> {
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            let shown: String = name.chars().take(64).collect();
            let fault = Fault::new(span(&key.span()), format!("unknown key `{shown}` {place}"));
            return Err(match nearest(name, known.iter().copied()) {
                Some(near) => fault.hint(format!("did you mean {near}?")),
                None => fault.hint(format!("keys: {}", known.join(", "))),
            });
        }
    }
    Ok(())
}

fn expression(builder: &mut Builder<'_>, what: &str, source: &str, item: &Item<'_>) -> Result<Term, Fault> {
    let (text, offset) = text(what, source, item)?;
    parse(builder, text, offset)
}

/// Returns the place of a string's text. It was an expression, so it is a string without escapes.
fn condition_at(source: &str, item: &Item<'_>) -> Span {
    text("", source, item).map_or_else(|_| span(&item.span()), |(text, at)| Span::new(at, at + text.len()))
}

fn build(source: &str, fields: &[Field]) -> Result<Built, Fault> {
    if source.len() > limits::SOURCE_BYTES {
        let message = format!("the file has {} bytes; it may have {}", source.len(), limits::SOURCE_BYTES);
        return Err(Fault::new(Span::default(), message));
    }
    let parsed = DeTable::parse(source).map_err(|error| {
        let place = error.span().unwrap_or_default();
        let message = error.message().lines().next().unwrap_or("this is no TOML").to_owned();
        Fault::new(span(&place), format!("TOML: {message}"))
    })?;
    let file = parsed.get_ref();
    known_keys(file, &["let", "rule", "verdict", "score"], "in a rule file")?;
    let mut builder = Builder::new(source, fields);

    if let Some(item) = file.get("let") {
        lets(&mut builder, source, table("let", item)?)?;
    }
    let (mut reasons, mut conditions) = (Vec::new(), Vec::new());
    if let Some(item) = file.get("rule") {
        let rules = item.get_ref().as_array();
        let rules = rules.ok_or_else(|| Fault::new(span(&item.span()), "a rule starts with [[rule]]"))?;
        for item in rules {
            let (reason, condition) = rule(&mut builder, source, item, reasons.len())?;
            reasons.push(reason);
            conditions.push(condition);
        }
    }
    if let Some(item) = file.get("verdict") {
        let verdict = expression(&mut builder, "verdict", source, item)?;
        let index = u32::try_from(reasons.len()).unwrap_or(u32::MAX);
        builder.add_rule(index, verdict, false)?;
        conditions.push(condition_at(source, item));
    }
    let has_score = if let Some(item) = file.get("score") {
        let score = expression(&mut builder, "score", source, item)?;
        builder.number(score)?;
        let id = builder.as_float(score.id)?;
        builder.add_output(Term { id, ..score })?;
        true
    } else {
        false
    };
    if reasons.is_empty() && !has_score && !file.contains_key("verdict") {
        let fault = Fault::new(Span::default(), "the file decides nothing");
        return Err(fault.hint("it needs a [[rule]], a verdict or a score"));
    }
    reasons.push(VERDICT_FALSE.to_owned());
    Ok(Built { program: builder.finish(Arc::from(source))?, reasons, conditions, has_score })
}

fn lets(builder: &mut Builder<'_>, source: &str, table: &DeTable<'_>) -> Result<(), Fault> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (index, (key, item)) in entries.into_iter().enumerate() {
        let (name, place) = (key.get_ref().as_ref(), span(&key.span()));
        let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !is_word || name.len() > 128 || KEYWORDS.contains(&name) {
            return Err(Fault::new(place, "this cannot name a value: letters, digits and _ can"));
        }
        if index == limits::LETS {
            return Err(Fault::new(place, format!("more than {} named values", limits::LETS)));
        }
        if builder.is_taken(name) {
            return Err(Fault::new(place, format!("{name} is a field already")).hint("choose another name"));
        }
        let term = expression(builder, name, source, item)?;
        builder.add_let(name, term)?;
    }
    Ok(())
}

/// Builds one rule; returns its reason and where its condition stands.
fn rule(
    builder: &mut Builder<'_>,
    source: &str,
    item: &Item<'_>,
    index: usize,
) -> Result<(String, Span), Fault> {
    let rule = table("a rule", item)?;
    if index == limits::RULES {
        return Err(Fault::new(span(&item.span()), format!("more than {} rules", limits::RULES)));
    }
    known_keys(rule, &["when", "refuse"], "in a rule")?;
    let missing = |key| Fault::new(span(&item.span()), format!("this rule has no `{key}`"));
    let when = rule.get("when").ok_or_else(|| missing("when"))?;
    let refuse = rule.get("refuse").ok_or_else(|| missing("refuse"))?;
    let condition = expression(builder, "when", source, when)?;
    builder.add_rule(u32::try_from(index).unwrap_or(u32::MAX), condition, true)?;
    let (reason, _) = text("refuse", source, refuse)?;
    if reason.trim().is_empty() || reason.len() > REASON_BYTES || reason.contains(char::is_control) {
        let message = format!("a reason is one line of 1 to {REASON_BYTES} bytes");
        return Err(Fault::new(span(&refuse.span()), message));
    }
    Ok((reason.to_owned(), condition_at(source, when)))
}

impl RuleSet {
    /// Judges one tick: the score if there is one, or why it ended. `fields` as in
    /// [`Expression::evaluate`](super::Expression::evaluate).
    ///
    /// # Errors
    /// The rule that refuses ([`RuleSet::reason`] names it), or a refusal for want of a value.
    pub fn evaluate(&self, fields: &[u64]) -> Result<Option<f64>, Stop> {
        let bits = self.instance.evaluate(fields)?;
        Ok(self.has_score.then(|| f64::from_bits(bits)))
    }

    /// Returns what [`Self::evaluate`] would, and moves no indicator: this tick was none.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn peek(&self, fields: &[u64]) -> Result<Option<f64>, Stop> {
        let bits = self.instance.peek(fields)?;
        Ok(self.has_score.then(|| f64::from_bits(bits)))
    }

    /// Judges all rows of `columns`, one column per field; returns scores, NaN where there is none, and
    /// the rows that are no go.
    ///
    /// # Errors
    /// Columns that do not fit the fields.
    pub fn evaluate_rows(&self, columns: &[Column<'_>], threads: usize) -> Result<Judged, String> {
        let Rows { values, refused } = rows::evaluate(&self.instance, Type::Float, columns, threads)?;
        let Values::Float(mut scores) = values else { return Err("scores are floats".to_owned()) };
        if !self.has_score {
            scores.fill(f64::NAN);
        }
        Ok((scores, refused))
    }

    /// Returns the reason of a rule; the last is the verdict's.
    #[must_use]
    pub fn reason(&self, rule: usize) -> &str {
        self.reasons.get(rule).map_or(VERDICT_FALSE, String::as_str)
    }

    /// The reasons of all rules, in their order, then the verdict's.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Returns whether the file has a verdict.
    #[must_use]
    pub fn has_verdict(&self) -> bool {
        self.conditions.len() == self.reasons.len()
    }

    /// Returns whether the file has a score.
    #[must_use]
    pub fn has_score(&self) -> bool {
        self.has_score
    }

    /// Returns a rule's condition with its place, or the verdict's, which is the last.
    #[must_use]
    pub fn describe_rule(&self, rule: usize) -> String {
        let Some(&span) = self.conditions.get(rule) else { return String::new() };
        let place = Place::of(span, self.source());
        let words: Vec<&str> = span.text(self.source()).split_whitespace().collect();
        let term: String = words.join(" ").chars().take(80).collect();
        format!("`{term}` at line {}, column {}", place.line, place.column)
    }

    /// Returns the names of the fields that the file reads, in the order of their slots.
    pub fn used_fields(&self) -> impl Iterator<Item = &str> {
        let program = self.instance.program();
        let is_read = |index: usize| {
            program.nodes.iter().any(|node| match node.op {
                Op::Field(read) | Op::Unsigned(read) | Op::IsNan(read) => read as usize == index,
                _ => false,
            })
        };
        let fields = program.fields.iter().enumerate();
        fields.filter(move |&(index, _)| is_read(index)).map(|(_, field)| field.name.as_str())
    }

    /// Returns whether the file has indicators: what it says then depends on the ticks before.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.instance.is_stateful()
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
