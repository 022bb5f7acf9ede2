//! A program with what it needs to run: native code once there is some, and the indicators' state.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::background;
use super::error::{Place, Span};
use super::indicators::Indicator;
use super::interpreter;
use super::ir::{Block, Code, Id, IndicatorUse, Op, Program, RefusalKind, Step, Type};
use super::native::{Machine, Pairs};

/// What several instances and the compiling thread share.
pub(super) struct Compiled {
    pub program: Program,
    pub result: Option<Type>,
    machine: OnceLock<Result<Machine, String>>,
    pairs: OnceLock<Option<Pairs>>,
}

impl Compiled {
    pub fn make_native(&self) {
        self.machine.get_or_init(|| {
            // A fault of the code generator leaves the interpreter, not a dead thread.
            let compile = AssertUnwindSafe(|| Machine::compile(&self.program));
            catch_unwind(compile).unwrap_or_else(|_| Err("the code generator panicked".to_owned()))
        });
    }

    pub fn machine(&self) -> Option<&Machine> {
        self.machine.get().and_then(|machine| machine.as_ref().ok())
    }

    /// The loop over columns, compiled at its first use.
    pub fn pairs(&self) -> Option<&Pairs> {
        let compile = || Pairs::compile(&self.program, self.result?).ok();
        self.pairs.get_or_init(|| catch_unwind(AssertUnwindSafe(compile)).ok().flatten()).as_ref()
    }

    pub fn run_main(&self, inputs: &[u64]) -> Result<u64, Code> {
        let mut output = [0];
        let code = match self.machine() {
            Some(machine) => machine.main(inputs, &mut output),
            None => interpreter::run(&self.program, &self.program.main, inputs, &mut output),
        };
        if code == Code(0) { Ok(output[0]) } else { Err(code) }
    }

    fn run_arguments(&self, inputs: &[u64], outputs: &mut [u64]) -> Code {
        match self.machine() {
            Some(machine) => machine.arguments(inputs, outputs),
            None => interpreter::run(&self.program, &self.program.arguments, inputs, outputs),
        }
    }
}

/// Why a tick has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason's class.
    pub kind: RefusalKind,
    /// The term that has no value, in the source.
    pub span: Span,
}

/// How a tick ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The expression has no value.
    Refused(Refusal),
    /// The rule with this index refuses.
    Rule(usize),
    /// There were not as many values as fields.
    WrongCount {
        /// Values handed over.
        found: usize,
        /// Fields declared.
        expected: usize,
    },
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => f.write_str(refusal.kind.name()),
            Self::Rule(index) => write!(f, "rule {index}"),
            Self::WrongCount { found, expected } => write!(f, "{found} values for {expected} fields"),
        }
    }
}

/// The state of indicators and the slots that a tick fills.
#[derive(Clone)]
struct State {
    indicators: Vec<Indicator>,
    /// Fields, then indicators.
    inputs: Vec<u64>,
    arguments: Vec<u64>,
}

/// A compiled source with its own state.
pub(super) struct Instance {
    pub compiled: Arc<Compiled>,
    state: Option<Mutex<State>>,
}

impl Instance {
    /// Takes over the state of those indicators that `previous` has too.
    pub fn new(program: Program, result: Option<Type>, previous: Option<&Self>) -> Self {
        let state = (!program.indicators.is_empty()).then(|| {
            let fresh = |used: &IndicatorUse| {
                let kept = previous.and_then(|previous| previous.indicator_like(&program, used));
                // The builder has checked the period.
                kept.or_else(|| Indicator::new(used.kind, used.period).ok())
            };
            Mutex::new(State {
                indicators: program.indicators.iter().filter_map(fresh).collect(),
                inputs: vec![0; program.inputs()],
                arguments: vec![0; program.indicators.len()],
            })
        });
        let compiled =
            Arc::new(Compiled { program, result, machine: OnceLock::new(), pairs: OnceLock::new() });
        background::request(Arc::downgrade(&compiled));
        Self { compiled, state }
    }

    pub fn program(&self) -> &Program {
        &self.compiled.program
    }

    pub fn is_stateful(&self) -> bool {
        self.state.is_some()
    }

    fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn indicator_like(&self, program: &Program, wanted: &IndicatorUse) -> Option<Indicator> {
        let own = self.program();
        let is_same = |used: &IndicatorUse| {
            (used.kind, used.period) == (wanted.kind, wanted.period)
                && is_same_term((own, used.argument), (program, wanted.argument))
        };
        let index = own.indicators.iter().position(is_same)?;
        self.state.as_ref().and_then(|state| Self::lock(state).indicators.get(index).cloned())
    }

    pub fn reset(&self) {
        if let Some(state) = &self.state {
            Self::lock(state).indicators.iter_mut().for_each(Indicator::reset);
        }
    }

    /// Returns the bits of the value; of rules without a score they mean nothing.
    pub fn evaluate(&self, fields: &[u64]) -> Result<u64, Stop> {
        let expected = self.program().fields.len();
        if fields.len() != expected {
            return Err(Stop::WrongCount { found: fields.len(), expected });
        }
        self.tick(fields).map_err(|code| self.stop(code))
    }

    /// One tick of as many values as there are fields.
    pub fn tick(&self, fields: &[u64]) -> Result<u64, Code> {
        let Some(state) = &self.state else { return self.compiled.run_main(fields) };
        self.tick_on(&mut Self::lock(state), fields)
    }

    /// Returns what [`Self::evaluate`] would, and moves no indicator.
    pub fn peek(&self, fields: &[u64]) -> Result<u64, Stop> {
        let Some(state) = &self.state else { return self.evaluate(fields) };
        let expected = self.program().fields.len();
        if fields.len() != expected {
            return Err(Stop::WrongCount { found: fields.len(), expected });
        }
        let mut copy = Self::lock(state).clone();
        self.tick_on(&mut copy, fields).map_err(|code| self.stop(code))
    }

    fn tick_on(&self, state: &mut State, fields: &[u64]) -> Result<u64, Code> {
        let (own, values) = state.inputs.split_at_mut(fields.len());
        own.copy_from_slice(fields);
        values.fill(f64::NAN.to_bits());
        let code = self.compiled.run_arguments(&state.inputs, &mut state.arguments);
        if code != Code(0) {
            return Err(code);
        }
        // All are taken or none, so a refused tick leaves no trace.
        let arguments = || state.arguments.iter().map(|&bits| f64::from_bits(bits));
        for (index, (indicator, x)) in state.indicators.iter().zip(arguments()).enumerate() {
            if !indicator.accepts(x) {
                let argument = self.program().indicators[index].argument;
                return Err(Code::refusal(RefusalKind::NotFinite, argument));
            }
        }
        let slots = state.inputs.iter_mut().skip(fields.len());
        for ((indicator, x), slot) in state.indicators.iter_mut().zip(arguments()).zip(slots) {
            indicator.update(x);
            *slot = indicator.value().unwrap_or(f64::NAN).to_bits();
        }
        self.compiled.run_main(&state.inputs)
    }

    pub fn stop(&self, code: Code) -> Stop {
        match code.decode() {
            Ok(rule) => Stop::Rule(rule as usize),
            Err((kind, node)) => {
                let node = self.program().nodes.get(node as usize);
                Stop::Refused(Refusal { kind, span: node.map_or(Span::default(), |node| node.span) })
            }
        }
    }

    /// Returns the refusal as a sentence with line, column and term.
    pub fn describe(&self, refusal: Refusal) -> (String, usize, usize) {
        let source = &self.program().source;
        let place = Place::of(refusal.span, source);
        let term: String = refusal.span.text(source).chars().take(80).collect();
        let text =
            format!("{}: `{term}` at line {}, column {}", refusal.kind.name(), place.line, place.column);
        (text, place.line, place.column)
    }

    pub fn is_native(&self) -> bool {
        self.compiled.machine().is_some()
    }

    pub fn wait_native(&self, timeout: Duration) -> bool {
        background::wait(timeout, || self.compiled.machine.get().is_some()) && self.is_native()
    }

    /// Runs the main block by the interpreter, whatever else there is.
    pub fn interpret(&self, fields: &[u64]) -> Result<u64, Code> {
        let mut output = [0];
        let main: &Block = &self.program().main;
        let code = interpreter::run(self.program(), main, fields, &mut output);
        if code == Code(0) { Ok(output[0]) } else { Err(code) }
    }
}

/// A term of a program.
type TermOf<'a> = (&'a Program, Id);

/// Compares two terms. The builder bounds the size of both.
fn is_same_term(left: TermOf<'_>, right: TermOf<'_>) -> bool {
    let nodes = (left.0.node(left.1), right.0.node(right.1));
    let field = |(program, _): TermOf<'_>, index: u32| {
        program.fields.get(index as usize).map(|field| (field.name.clone(), field.field_type))
    };
    let value = |(program, _): TermOf<'_>, local: u32| {
        program.arguments.steps.iter().find_map(|step| match *step {
            Step::Let { local: found, node } if found == local => Some(node),
            _ => None,
        })
    };
    let is_same_kind = match (nodes.0.op, nodes.1.op) {
        (Op::Field(own), Op::Field(other))
        | (Op::Unsigned(own), Op::Unsigned(other))
        | (Op::IsNan(own), Op::IsNan(other)) => field(left, own) == field(right, other),
        (Op::Const(own), Op::Const(other)) => own == other,
        (Op::IntPow(_, own), Op::IntPow(_, other)) => own == other,
        (Op::Arith(own, ..), Op::Arith(other, ..)) => own == other,
        (Op::Math(own, _), Op::Math(other, _)) => own == other,
        (Op::Compare(own, ..), Op::Compare(other, ..)) => own == other,
        (Op::Local(own), Op::Local(other)) => match (value(left, own), value(right, other)) {
            (Some(own), Some(other)) => is_same_term((left.0, own), (right.0, other)),
            _ => false,
        },
        (own, other) => mem::discriminant(&own) == mem::discriminant(&other),
    };
    let mut operands = nodes.0.op.operands().zip(nodes.1.op.operands());
    is_same_kind
        && nodes.0.ty == nodes.1.ty
        && operands.all(|(own, other)| is_same_term((left.0, own), (right.0, other)))
}
