//! From what the parser meets to typed nodes: names, types, units, and where results are checked.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::error::{Fault, Span, nearest};
use super::ir::{Arith, Block, Cmp, Field, FieldType, Id, IndicatorUse, Math, Node, Op, Program, Step, Type};
use super::limits;
use super::units::{Factor, Unit};

/// A node as the parser passes it on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub id: Id,
    pub unit: Unit,
    pub span: Span,
    /// The value, if it is a whole number in the source.
    pub literal: Option<i64>,
}

/// Operators of two numbers as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Power,
}

/// Builds one program.
pub(super) struct Builder<'a> {
    pub source: &'a str,
    pub(super) fields: &'a [Field],
    by_name: FxHashMap<&'a str, u32>,
    pub(super) lets: Vec<(String, Term)>,
    pub(super) nodes: Vec<Node>,
    known: FxHashMap<(Op, Type), Id>,
    pub(super) indicators: Vec<IndicatorUse>,
    steps: Vec<Step>,
    argument_steps: Vec<Step>,
    terms: u32,
}

pub(super) type Built = Result<Term, Fault>;

impl<'a> Builder<'a> {
    pub fn new(source: &'a str, fields: &'a [Field]) -> Self {
        let by_name = (0..).zip(fields).map(|(index, field)| (field.name.as_str(), index)).collect();
        Self {
            source,
            fields,
            by_name,
            lets: Vec::new(),
            nodes: Vec::new(),
            known: FxHashMap::default(),
            indicators: Vec::new(),
            steps: Vec::new(),
            argument_steps: Vec::new(),
            terms: 0,
        }
    }

    // ---- nodes

    pub(super) fn push(&mut self, op: Op, ty: Type, span: Span) -> Result<Id, Fault> {
        if let Some(&id) = self.known.get(&(op, ty)) {
            return Ok(id);
        }
        let mut node = Node { op, ty, span, height: 1, size: 1, reads_indicator: false };
        for operand in op.operands() {
            let below = self.node(operand);
            node.height = node.height.max(below.height + 1);
            node.size = node.size.saturating_add(below.size);
            node.reads_indicator |= below.reads_indicator;
        }
        node.reads_indicator |= match op {
            Op::Indicator(_) | Op::IsReady(_) => true,
            Op::Local(index) => self.node(self.lets[index as usize].1.id).reads_indicator,
            _ => false,
        };
        if node.height > limits::DEPTH {
            let message =
                format!("more than {} operations, each on the result of the one before", limits::DEPTH);
            return Err(Fault::new(span, message).hint("parentheses make a long sum flat: (a + b) + (c + d)"));
        }
        if node.size > limits::TERMS {
            return Err(Fault::new(span, format!("more than {} operations", limits::TERMS)));
        }
        let id = Id::try_from(self.nodes.len()).unwrap_or(Id::MAX);
        self.nodes.push(node);
        self.known.insert((op, ty), id);
        Ok(id)
    }

    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    pub fn ty(&self, term: Term) -> Type {
        self.node(term.id).ty
    }

    fn plain(&mut self, op: Op, ty: Type, span: Span) -> Built {
        let id = self.push(op, ty, span)?;
        Ok(Term { id, unit: Unit::Any, span, literal: None })
    }

    pub fn int(&mut self, value: i64, span: Span) -> Built {
        let term = self.plain(Op::Const(value.cast_unsigned()), Type::Int, span)?;
        Ok(Term { literal: Some(value), ..term })
    }

    pub fn float(&mut self, value: f64, span: Span) -> Built {
        self.plain(Op::Const(value.to_bits()), Type::Float, span)
    }

    pub fn bool(&mut self, value: bool, span: Span) -> Built {
        self.plain(Op::Const(value.into()), Type::Bool, span)
    }

    fn text(&self, term: Term) -> &'a str {
        let text = term.span.text(self.source);
        text.char_indices().nth(48).map_or(text, |(end, _)| &text[..end])
    }

    /// Returns the node as a float.
    pub(super) fn as_float(&mut self, id: Id) -> Result<Id, Fault> {
        let node = *self.node(id);
        match (node.ty, node.op) {
            (Type::Int, Op::Const(bits)) => {
                let value = bits.cast_signed() as f64;
                self.push(Op::Const(value.to_bits()), Type::Float, node.span)
            }
            (Type::Int, _) => self.push(Op::ToFloat(id), Type::Float, node.span),
            _ => Ok(id),
        }
    }

    /// Returns the node, checked if it is a float that may not be finite.
    pub(super) fn finite(&mut self, id: Id) -> Result<Id, Fault> {
        let node = *self.node(id);
        if node.ty != Type::Float || self.is_finite(id) {
            return Ok(id);
        }
        self.push(Op::Finite(id), Type::Float, node.span)
    }

    fn is_finite(&self, id: Id) -> bool {
        match self.node(id).op {
            Op::Const(_) | Op::Finite(_) | Op::ToFloat(_) | Op::Local(_) | Op::Min(..) | Op::Max(..) => true,
            Op::Neg(a) | Op::Abs(a) | Op::Math(Math::Floor | Math::Ceil, a) => self.is_finite(a),
            Op::If(_, a, b) => self.is_finite(a) && self.is_finite(b),
            _ => false,
        }
    }

    pub(super) fn finite_float(&mut self, id: Id) -> Result<Id, Fault> {
        let float = self.as_float(id)?;
        self.finite(float)
    }

    // ---- demands on terms

    pub(super) fn number(&self, term: Term) -> Result<Term, Fault> {
        if self.ty(term) == Type::Bool {
            let message = format!("`{}` is true or false; a number is expected", self.text(term));
            return Err(Fault::new(term.span, message).hint("`1 if condition else 0` makes a number of it"));
        }
        Ok(term)
    }

    pub(super) fn condition(&self, term: Term) -> Result<Term, Fault> {
        if self.ty(term) != Type::Bool {
            let message = format!("`{}` is a number; true or false is expected", self.text(term));
            return Err(Fault::new(term.span, message).hint("compare it: x != 0"));
        }
        Ok(term)
    }

    pub(super) fn plain_number(&self, what: &str, term: Term) -> Result<Term, Fault> {
        self.number(term)?;
        if !term.unit.is_plain() {
            let text = self.text(term);
            let message = format!("{what} takes a ratio or a plain number; `{text}` is {}", term.unit);
            let cure = if term.unit.factor(Unit::RATIO).is_some() { "ratio" } else { "number" };
            return Err(Fault::new(term.span, message).hint(format!("{cure}({text})")));
        }
        Ok(term)
    }

    /// Brings two numbers to one type; returns them and their common unit.
    fn pair(&mut self, doing: &str, a: Term, b: Term, at: Span) -> Result<(Id, Id, Type, Unit), Fault> {
        self.number(a)?;
        self.number(b)?;
        let Some(unit) = a.unit.common(b.unit) else { return Err(self.mismatch(doing, a, b, at)) };
        if self.ty(a) == Type::Int && self.ty(b) == Type::Int {
            return Ok((a.id, b.id, Type::Int, unit));
        }
        Ok((self.as_float(a.id)?, self.as_float(b.id)?, Type::Float, unit))
    }

    fn mismatch(&self, doing: &str, a: Term, b: Term, at: Span) -> Fault {
        let (left, right) = (self.text(a), self.text(b));
        let message = format!(
            "cannot {} {} and {}: `{left}` is {}, `{right}` is {}",
            doing, a.unit, b.unit, a.unit, b.unit
        );
        let share = Unit::RATIO;
        let hint = if let (Some(_), Some(word)) = (b.unit.factor(a.unit), a.unit.word()) {
            format!("{word}({right}) converts it")
        } else if b.unit.factor(share).is_some() {
            format!("`{left} * ratio({right})` is that share of it")
        } else if a.unit.factor(share).is_some() {
            format!("`{right} * ratio({left})` is that share of it")
        } else {
            format!("number({right}) drops the unit, if you know better")
        };
        Fault::new(at, message).hint(hint)
    }

    // ---- operators

    pub fn negate(&mut self, a: Term, span: Span) -> Built {
        self.number(a)?;
        let negated = a.literal.and_then(i64::checked_neg);
        if let Some(value) = negated {
            return self.int(value, span);
        }
        let id = match (self.node(a.id).op, self.ty(a)) {
            (Op::Const(bits), Type::Float) => {
                self.push(Op::Const((-f64::from_bits(bits)).to_bits()), Type::Float, span)?
            }
            (_, ty) => self.push(Op::Neg(a.id), ty, span)?,
        };
        Ok(Term { id, unit: a.unit, span, literal: None })
    }

    pub fn not(&mut self, a: Term, span: Span) -> Built {
        self.condition(a)?;
        self.plain(Op::Not(a.id), Type::Bool, span)
    }

    pub fn logic(&mut self, is_and: bool, a: Term, b: Term) -> Built {
        self.condition(a)?;
        self.condition(b)?;
        let op = if is_and { Op::And(a.id, b.id) } else { Op::Or(a.id, b.id) };
        self.plain(op, Type::Bool, a.span.to(b.span))
    }

    pub fn conditional(&mut self, condition: Term, a: Term, b: Term) -> Built {
        self.condition(condition)?;
        let span = a.span.to(b.span);
        let (x, y, ty, unit) = match (self.ty(a), self.ty(b)) {
            (Type::Bool, Type::Bool) => (a.id, b.id, Type::Bool, Unit::Any),
            _ => self.pair("choose between", a, b, span)?,
        };
        let id = self.push(Op::If(condition.id, x, y), ty, span)?;
        Ok(Term { id, unit, span, literal: None })
    }

    pub fn compare(&mut self, cmp: Cmp, a: Term, b: Term, at: Span) -> Built {
        let span = a.span.to(b.span);
        if self.ty(a) == Type::Bool && self.ty(b) == Type::Bool {
            if !matches!(cmp, Cmp::Equal | Cmp::NotEqual) {
                let message = "true and false have no order";
                return Err(Fault::new(at, message).hint("use and, or, not, == or !="));
            }
            return self.plain(Op::Compare(cmp, a.id, b.id), Type::Bool, span);
        }
        let (x, y, ..) = self.pair("compare", a, b, at)?;
        let (x, y) = (self.finite(x)?, self.finite(y)?);
        self.plain(Op::Compare(cmp, x, y), Type::Bool, span)
    }

    pub fn binary(&mut self, operator: Operator, a: Term, b: Term, at: Span) -> Built {
        let span = a.span.to(b.span);
        let (arith, doing) = match operator {
            Operator::Power => return self.power(a, b, at),
            Operator::Add => (Arith::Add, "add"),
            Operator::Sub => (Arith::Sub, "subtract"),
            Operator::Rem => (Arith::Rem, "take the remainder of"),
            Operator::Mul => (Arith::Mul, ""),
            Operator::Div => (Arith::Div, ""),
            Operator::FloorDiv => (Arith::FloorDiv, ""),
        };
        self.number(a)?;
        self.number(b)?;
        let unit = if doing.is_empty() {
            let sign = if arith == Arith::Mul { 1 } else { -1 };
            let product = a.unit.product(b.unit, sign);
            product.ok_or_else(|| Fault::new(at, "this product's unit has a power above 8"))?
        } else {
            a.unit.common(b.unit).ok_or_else(|| self.mismatch(doing, a, b, at))?
        };
        let bare = |term| Term { unit: Unit::Any, ..term };
        let (x, y, ty, _) = self.pair(doing, bare(a), bare(b), at)?;
        let id = match (arith, ty) {
            (Arith::Div, _) => {
                let (x, y) = (self.as_float(x)?, self.finite_float(y)?);
                self.push(Op::Arith(arith, x, y), Type::Float, span)?
            }
            (Arith::FloorDiv | Arith::Rem, Type::Float) => {
                let (x, y) = (self.finite(x)?, self.finite(y)?);
                self.push(Op::Arith(arith, x, y), Type::Float, span)?
            }
            _ => self.push(Op::Arith(arith, x, y), ty, span)?,
        };
        Ok(Term { id, unit, span, literal: None })
    }

    pub(super) fn power(&mut self, a: Term, b: Term, at: Span) -> Built {
        let span = a.span.to(b.span);
        self.number(a)?;
        let Some(exponent) = b.literal else {
            self.plain_number("a power that is not a whole number", a)?;
            self.plain_number("an exponent", b)?;
            let (x, y) = (self.finite_float(a.id)?, self.finite_float(b.id)?);
            return self.plain(Op::Pow(x, y), Type::Float, span);
        };
        let unit = a.unit.power(exponent);
        let unit = unit.ok_or_else(|| Fault::new(at, format!("{} to this power has no unit", a.unit)))?;
        let id = match (self.ty(a), exponent) {
            (Type::Int, 0..=limits::INT_EXPONENT) => {
                let exponent = u32::try_from(exponent).unwrap_or(0);
                self.push(Op::IntPow(a.id, exponent), Type::Int, span)?
            }
            (Type::Int, 1..) => {
                let message = format!("a whole number's exponent may be 0 to {}", limits::INT_EXPONENT);
                return Err(Fault::new(b.span, message).hint("a float's may be larger: write 2.0 ** n"));
            }
            (Type::Float, 2) => self.push(Op::Arith(Arith::Mul, a.id, a.id), Type::Float, span)?,
            _ => {
                let (x, y) = (self.finite_float(a.id)?, self.as_float(b.id)?);
                self.push(Op::Pow(x, y), Type::Float, span)?
            }
        };
        Ok(Term { id, unit, span, literal: None })
    }

    /// Multiplies by a fraction; a whole number stays one if the fraction is one.
    pub(super) fn scaled(&mut self, a: Term, (over, under): Factor, span: Span) -> Result<Id, Fault> {
        let by = |builder: &mut Self, arith, x, factor: i64| {
            let (x, factor) = if builder.node(x).ty == Type::Int && arith == Arith::Mul {
                (x, builder.push(Op::Const(factor.cast_unsigned()), Type::Int, span)?)
            } else {
                let bits = (factor as f64).to_bits();
                (builder.as_float(x)?, builder.push(Op::Const(bits), Type::Float, span)?)
            };
            let ty = builder.node(x).ty;
            builder.push(Op::Arith(arith, x, factor), ty, span)
        };
        match (over, under) {
            (1, 1) => Ok(a.id),
            (_, 1) => by(self, Arith::Mul, a.id, over),
            (1, _) => by(self, Arith::Div, a.id, under),
            _ => {
                let product = by(self, Arith::Mul, a.id, over)?;
                by(self, Arith::Div, product, under)
            }
        }
    }

    /// Brings the operands of `min` and `max` to one type, each checked.
    pub(super) fn extremum(&mut self, is_min: bool, a: Term, b: Term) -> Built {
        let span = a.span.to(b.span);
        let (x, y, ty, unit) = self.pair("choose between", a, b, b.span)?;
        let (x, y) = (self.finite(x)?, self.finite(y)?);
        let id = self.push(if is_min { Op::Min(x, y) } else { Op::Max(x, y) }, ty, span)?;
        Ok(Term { id, unit, span, literal: None })
    }

    // ---- names

    pub fn name(&mut self, name: &str, span: Span) -> Built {
        if let Some(local) = self.lets.iter().position(|(known, _)| known == name) {
            let term = self.lets[local].1;
            let index = u32::try_from(local).unwrap_or(u32::MAX);
            let id = self.push(Op::Local(index), self.ty(term), span)?;
            return Ok(Term { id, unit: term.unit, span, literal: None });
        }
        let Some(&index) = self.by_name.get(name) else { return Err(self.unknown(name, span)) };
        let field = &self.fields[index as usize];
        let (op, ty) = match field.field_type {
            FieldType::Float => (Op::Field(index), Type::Float),
            FieldType::Int => (Op::Field(index), Type::Int),
            FieldType::Unsigned => (Op::Unsigned(index), Type::Int),
            FieldType::Bool => (Op::Field(index), Type::Bool),
        };
        let unit = field.unit;
        let id = self.push(op, ty, span)?;
        Ok(Term { id, unit, span, literal: None })
    }

    fn unknown(&self, name: &str, span: Span) -> Fault {
        let names: Vec<&str> = self
            .fields
            .iter()
            .map(|f| f.name.as_str())
            .chain(self.lets.iter().map(|l| l.0.as_str()))
            .collect();
        let shown: String = name.chars().take(64).collect();
        let fault = Fault::new(span, format!("unknown field `{shown}`"));
        if super::calls::is_function(name) {
            return fault.hint(format!("{name} is a function: {name}(…)"));
        }
        if let Some(near) = nearest(name, names.iter().copied()) {
            return fault.hint(format!("did you mean {near}?"));
        }
        let mut list = names.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        if names.len() > 12 {
            list.push_str(", …");
        }
        fault.hint(if list.is_empty() {
            "no fields are offered".to_owned()
        } else {
            format!("fields: {list}")
        })
    }

    // ---- steps

    fn count(&mut self, id: Id) -> Result<(), Fault> {
        self.terms = self.terms.saturating_add(self.node(id).size);
        if self.terms > limits::ALL_TERMS {
            let message = format!("more than {} operations in all", limits::ALL_TERMS);
            return Err(Fault::new(self.node(id).span, message));
        }
        Ok(())
    }

    pub fn add_let(&mut self, name: &str, term: Term) -> Result<(), Fault> {
        let id = self.finite(term.id)?;
        self.count(id)?;
        let local = u32::try_from(self.lets.len()).unwrap_or(u32::MAX);
        let step = Step::Let { local, node: id };
        self.steps.push(step);
        if !self.node(id).reads_indicator {
            // An indicator's argument may name it.
            self.argument_steps.push(step);
        }
        self.lets.push((name.to_owned(), Term { id, ..term }));
        Ok(())
    }

    pub fn is_taken(&self, name: &str) -> bool {
        self.by_name.contains_key(name) || self.lets.iter().any(|(known, _)| known == name)
    }

    pub fn add_rule(&mut self, rule: u32, term: Term, refuses_if: bool) -> Result<(), Fault> {
        self.condition(term)?;
        self.count(term.id)?;
        let node = term.id;
        self.steps.push(if refuses_if {
            Step::RefuseIf { rule, node }
        } else {
            Step::RefuseUnless { rule, node }
        });
        Ok(())
    }

    pub fn add_output(&mut self, term: Term) -> Result<Type, Fault> {
        let id = self.finite(term.id)?;
        self.count(id)?;
        self.steps.push(Step::Output { index: 0, node: id });
        Ok(self.node(id).ty)
    }

    pub fn finish(mut self, source: Arc<str>) -> Result<Program, Fault> {
        let arguments: Vec<Id> = self.indicators.iter().map(|used| used.argument).collect();
        if !self.nodes.iter().any(|node| matches!(node.op, Op::Local(_))) {
            self.argument_steps.clear();
        }
        for (index, &node) in (0..).zip(&arguments) {
            self.count(node)?;
            self.argument_steps.push(Step::Output { index, node });
        }
        if arguments.is_empty() {
            self.argument_steps.clear();
        }
        Ok(Program {
            source,
            fields: self.fields.to_vec(),
            nodes: self.nodes,
            locals: self.lets.len(),
            arguments: Block { steps: self.argument_steps, outputs: arguments.len() },
            indicators: self.indicators,
            main: Block { steps: self.steps, outputs: 1 },
        })
    }
}
