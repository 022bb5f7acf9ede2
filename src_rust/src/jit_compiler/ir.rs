//! The typed form of a source: what both the interpreter and the code generator carry out.
//!
//! Nodes are pure and stand in an array, operands before their users, equal ones once. Inputs are
//! 64-bit slots: the fields, then the values of the indicators. A float that may be infinite or not
//! a number passes through a node [`Op::Finite`] before anything can hide it: a comparison, a
//! divisor, `min`, a function, a result. So the places where evaluation can end are nodes too, and
//! the interpreter and native code meet them in the same order.

use std::fmt;
use std::sync::Arc;

use super::error::Span;
use super::indicators::IndicatorKind;
use super::units::Unit;

/// The type of a field or a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A 64-bit float.
    Float,
    /// A 64-bit whole number.
    Int,
    /// True or false.
    Bool,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Float => "f64",
            Self::Int => "i64",
            Self::Bool => "bool",
        })
    }
}

/// How a field is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// A 64-bit float; infinities and NaN may come and refuse what reads them.
    Float,
    /// A signed whole number.
    Int,
    /// An unsigned whole number; above 2⁶³-1 it refuses what reads it.
    Unsigned,
    /// True or false.
    Bool,
}

impl FieldType {
    pub(super) const NAMES: [(&'static str, Self); 4] =
        [("f64", Self::Float), ("i64", Self::Int), ("u64", Self::Unsigned), ("bool", Self::Bool)];
}

/// A value that the caller offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// As the source names it.
    pub name: String,
    /// How it is handed over.
    pub field_type: FieldType,
    pub(super) unit: Unit,
}

impl Field {
    /// Returns the unit's name, if it has one.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        self.unit.word()
    }
}

/// Index of a node.
pub(super) type Id = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Arith {
    Add,
    Sub,
    Mul,
    /// Of floats only.
    Div,
    FloorDiv,
    Rem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cmp {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
}

/// Functions of one float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Math {
    Sqrt,
    Floor,
    Ceil,
    Exp,
    Log,
}

/// What a node does. Operands of one operation have one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Op {
    /// The value's bits.
    Const(u64),
    Field(u32),
    /// A `u64` field as a signed number.
    Unsigned(u32),
    IsNan(u32),
    Indicator(u32),
    IsReady(u32),
    /// A named value of an earlier step.
    Local(u32),
    /// The operand, if it is finite.
    Finite(Id),
    ToFloat(Id),
    Neg(Id),
    Abs(Id),
    Not(Id),
    Arith(Arith, Id, Id),
    /// A whole number to a whole power from 0.
    IntPow(Id, u32),
    Math(Math, Id),
    Pow(Id, Id),
    Min(Id, Id),
    Max(Id, Id),
    Compare(Cmp, Id, Id),
    And(Id, Id),
    Or(Id, Id),
    /// Condition, then, else.
    If(Id, Id, Id),
}

impl Op {
    /// Returns the operands.
    pub fn operands(self) -> impl Iterator<Item = Id> {
        let operands = match self {
            Self::Const(_)
            | Self::Field(_)
            | Self::Unsigned(_)
            | Self::IsNan(_)
            | Self::Indicator(_)
            | Self::IsReady(_)
            | Self::Local(_) => [None; 3],
            Self::Finite(a)
            | Self::ToFloat(a)
            | Self::Neg(a)
            | Self::Abs(a)
            | Self::Not(a)
            | Self::IntPow(a, _)
            | Self::Math(_, a) => [Some(a), None, None],
            Self::Arith(_, a, b)
            | Self::Pow(a, b)
            | Self::Min(a, b)
            | Self::Max(a, b)
            | Self::Compare(_, a, b)
            | Self::And(a, b)
            | Self::Or(a, b) => [Some(a), Some(b), None],
            Self::If(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        operands.into_iter().flatten()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub op: Op,
    pub ty: Type,
    pub span: Span,
    /// Longest chain of operands below.
    pub height: u32,
    /// Nodes of the tree below, shared ones counted as often as they are used.
    pub size: u32,
    /// Whether an indicator is read below.
    pub reads_indicator: bool,
}

/// One thing to do, in order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Computes a named value.
    Let { local: u32, node: Id },
    /// Ends with this rule if the node is true.
    RefuseIf { rule: u32, node: Id },
    /// Ends with this rule unless the node is true.
    RefuseUnless { rule: u32, node: Id },
    /// Writes a result.
    Output { index: u32, node: Id },
}

/// An indicator of one argument, and its state's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndicatorUse {
    pub kind: IndicatorKind,
    pub period: u32,
    pub argument: Id,
    pub span: Span,
}

/// Steps over the nodes of a program.
#[derive(Debug, Clone, Default)]
pub(super) struct Block {
    pub steps: Vec<Step>,
    pub outputs: usize,
}

/// A source that was understood.
#[derive(Debug)]
pub(super) struct Program {
    pub source: Arc<str>,
    pub fields: Vec<Field>,
    pub nodes: Vec<Node>,
    pub indicators: Vec<IndicatorUse>,
    pub locals: usize,
    /// Writes the indicators' arguments.
    pub arguments: Block,
    /// Rules, verdict, score or value.
    pub main: Block,
}

impl Program {
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    /// Number of slots that a block reads.
    pub fn inputs(&self) -> usize {
        self.fields.len() + self.indicators.len()
    }
}

/// Why an evaluation ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RefusalKind {
    /// A divisor is zero.
    DivisionByZero = 1,
    /// A field or a result is infinite or not a number.
    NotFinite = 2,
    /// A whole number left the range of 64 bits.
    Overflow = 3,
    /// An indicator has not seen enough values.
    WarmingUp = 4,
}

impl RefusalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::DivisionByZero, Self::NotFinite, Self::Overflow, Self::WarmingUp];

    /// Returns the stable word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DivisionByZero => "division_by_zero",
            Self::NotFinite => "not_finite",
            Self::Overflow => "overflow",
            Self::WarmingUp => "warming_up",
        }
    }
}

/// How a block ended, as a number: 0 is a value.
///
/// The low byte is a [`RefusalKind`] and the rest the node, or the low byte is [`Code::RULE`] and the
/// rest the rule's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(pub u32);

impl Code {
    const RULE: u32 = 0xff;

    pub fn refusal(kind: RefusalKind, node: Id) -> Self {
        Self(node << 8 | kind as u32)
    }

    pub fn rule(index: u32) -> Self {
        Self(index << 8 | Self::RULE)
    }

    /// Returns the rule's index, or the kind and the node.
    pub fn decode(self) -> Result<u32, (RefusalKind, Id)> {
        let kind = match self.0 & 0xff {
            1 => RefusalKind::DivisionByZero,
            3 => RefusalKind::Overflow,
            4 => RefusalKind::WarmingUp,
            Self::RULE => return Ok(self.0 >> 8),
            _ => RefusalKind::NotFinite,
        };
        Err((kind, self.0 >> 8))
    }
}
