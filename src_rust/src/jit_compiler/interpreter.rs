//! The reference: carries out a block node by node.
//!
//! Recursion is bounded by [`limits::DEPTH`](super::limits::DEPTH), which the builder enforces.

use super::functions;
use super::ir::{Arith, Block, Cmp, Code, Id, Op, Program, RefusalKind, Step, Type};
use super::limits;

/// Runs `block` over `inputs` and fills `outputs`; returns code 0, or why it ended early.
///
/// Missing inputs read as 0; the callers check the number of both slices.
pub(super) fn run(program: &Program, block: &Block, inputs: &[u64], outputs: &mut [u64]) -> Code {
    let mut frame = Frame { program, inputs, locals: [0; limits::LETS] };
    for &step in &block.steps {
        if let Err(code) = frame.step(step, outputs) {
            return code;
        }
    }
    Code(0)
}

struct Frame<'a> {
    program: &'a Program,
    inputs: &'a [u64],
    locals: [u64; limits::LETS],
}

impl Frame<'_> {
    fn step(&mut self, step: Step, outputs: &mut [u64]) -> Result<(), Code> {
        match step {
            Step::Let { local, node } => {
                let value = self.value(node)?;
                if let Some(slot) = self.locals.get_mut(local as usize) {
                    *slot = value;
                }
            }
            Step::RefuseIf { rule, node } if self.value(node)? != 0 => return Err(Code::rule(rule)),
            Step::RefuseUnless { rule, node } if self.value(node)? == 0 => return Err(Code::rule(rule)),
            Step::RefuseIf { .. } | Step::RefuseUnless { .. } => {}
            Step::Output { index, node } => {
                let value = self.value(node)?;
                if let Some(slot) = outputs.get_mut(index as usize) {
                    *slot = value;
                }
            }
        }
        Ok(())
    }

    fn input(&self, index: usize) -> u64 {
        self.inputs.get(index).copied().unwrap_or(0)
    }

    fn float(&self, id: Id) -> Result<f64, Code> {
        self.value(id).map(f64::from_bits)
    }

    fn int(&self, id: Id) -> Result<i64, Code> {
        self.value(id).map(u64::cast_signed)
    }

    fn is_float(&self, id: Id) -> bool {
        self.program.node(id).ty == Type::Float
    }

    fn value(&self, id: Id) -> Result<u64, Code> {
        let refuse = |kind| Code::refusal(kind, id);
        let whole =
            |value: Option<i64>| value.map(i64::cast_unsigned).ok_or_else(|| refuse(RefusalKind::Overflow));
        Ok(match self.program.node(id).op {
            Op::Const(bits) => bits,
            Op::Field(index) => self.input(index as usize),
            Op::Unsigned(index) => whole(i64::try_from(self.input(index as usize)).ok())?,
            Op::IsNan(index) => f64::from_bits(self.input(index as usize)).is_nan().into(),
            Op::Indicator(index) => {
                let bits = self.input(self.program.fields.len() + index as usize);
                if f64::from_bits(bits).is_nan() {
                    return Err(refuse(RefusalKind::WarmingUp));
                }
                bits
            }
            Op::IsReady(index) => {
                let bits = self.input(self.program.fields.len() + index as usize);
                (!f64::from_bits(bits).is_nan()).into()
            }
            Op::Local(index) => self.locals.get(index as usize).copied().unwrap_or(0),
            Op::Finite(a) => {
                let x = self.float(a)?;
                if !x.is_finite() {
                    return Err(refuse(RefusalKind::NotFinite));
                }
                x.to_bits()
            }
            Op::ToFloat(a) => (self.int(a)? as f64).to_bits(),
            Op::Neg(a) if self.is_float(a) => (-self.float(a)?).to_bits(),
            Op::Neg(a) => whole(self.int(a)?.checked_neg())?,
            Op::Abs(a) if self.is_float(a) => self.float(a)?.abs().to_bits(),
            Op::Abs(a) => whole(self.int(a)?.checked_abs())?,
            Op::Not(a) => self.value(a)? ^ 1,
            Op::Arith(arith, a, b) if self.is_float(a) => {
                let (x, y) = (self.float(a)?, self.float(b)?);
                if y == 0.0 && matches!(arith, Arith::Div | Arith::FloorDiv | Arith::Rem) {
                    return Err(refuse(RefusalKind::DivisionByZero));
                }
                let value = match arith {
                    Arith::Add => x + y,
                    Arith::Sub => x - y,
                    Arith::Mul => x * y,
                    Arith::Div => x / y,
                    Arith::FloorDiv => functions::float_floor_div(x, y),
                    Arith::Rem => functions::float_rem(x, y),
                };
                value.to_bits()
            }
            Op::Arith(arith, a, b) => {
                let (x, y) = (self.int(a)?, self.int(b)?);
                whole(match arith {
                    Arith::Add => x.checked_add(y),
                    Arith::Sub => x.checked_sub(y),
                    Arith::Mul => x.checked_mul(y),
                    Arith::Div | Arith::FloorDiv | Arith::Rem if y == 0 => {
                        return Err(refuse(RefusalKind::DivisionByZero));
                    }
                    Arith::Rem => Some(functions::int_rem(x, y)),
                    Arith::Div | Arith::FloorDiv => x.checked_div(y).map(|_| functions::int_floor_div(x, y)),
                })?
            }
            Op::IntPow(a, exponent) => whole(self.int(a)?.checked_pow(exponent))?,
            Op::Math(function, a) => functions::math(function, self.float(a)?).to_bits(),
            Op::Pow(a, b) => functions::pow(self.float(a)?, self.float(b)?).to_bits(),
            // As Python: the first unless the second is really smaller (larger).
            Op::Min(a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                if self.less(a, y, x) { y } else { x }
            }
            Op::Max(a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                if self.less(a, x, y) { y } else { x }
            }
            Op::Compare(cmp, a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                match cmp {
                    Cmp::Less => self.less(a, x, y),
                    Cmp::LessEqual => !self.less(a, y, x),
                    Cmp::Greater => self.less(a, y, x),
                    Cmp::GreaterEqual => !self.less(a, x, y),
                    Cmp::Equal => !self.less(a, x, y) && !self.less(a, y, x),
                    Cmp::NotEqual => self.less(a, x, y) || self.less(a, y, x),
                }
                .into()
            }
            Op::And(a, b) => {
                if self.value(a)? == 0 {
                    0
                } else {
                    self.value(b)?
                }
            }
            Op::Or(a, b) => {
                if self.value(a)? == 0 {
                    self.value(b)?
                } else {
                    1
                }
            }
            Op::If(condition, a, b) => {
                if self.value(condition)? == 0 {
                    self.value(b)?
                } else {
                    self.value(a)?
                }
            }
        })
    }

    /// Orders two values of the type of node `like`; floats are never NaN here.
    fn less(&self, like: Id, x: u64, y: u64) -> bool {
        if self.is_float(like) {
            f64::from_bits(x) < f64::from_bits(y)
        } else {
            x.cast_signed() < y.cast_signed()
        }
    }
}
