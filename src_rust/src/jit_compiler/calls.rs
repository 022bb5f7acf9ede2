//! Calls of the known functions: mathematics, choices, units, indicators.

use super::builder::{Builder, Built, Term};
use super::error::{Fault, Span, nearest};
use super::indicators::IndicatorKind;
use super::ir::{IndicatorUse, Math, Op, Type};
use super::limits;
use super::units::Unit;

/// Functions that are neither an indicator nor named like a unit.
const FUNCTIONS: [&str; 13] = [
    "abs", "min", "max", "sqrt", "exp", "log", "pow", "floor", "ceil", "clamp", "isnan", "is_ready", "number",
];

fn names() -> impl Iterator<Item = &'static str> {
    let indicators = IndicatorKind::NAMES.iter().map(|(name, _)| *name);
    FUNCTIONS.into_iter().chain(indicators).chain(Unit::names())
}

/// Returns whether there is a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    names().any(|known| known == name)
}

fn one<const N: usize>(name: &str, arguments: &[Term], span: Span) -> Result<[Term; N], Fault> {
    arguments.try_into().map_err(|_| {
        let plural = if N == 1 { "" } else { "s" };
        let message = format!("{name} takes {N} argument{plural}, found {}", arguments.len());
        Fault::new(span, message)
    })
}

impl Builder<'_> {
    /// Builds the call of function `name`, which stands at `at`; `span` is the whole call.
    pub fn call(&mut self, name: &str, arguments: &[Term], at: Span, span: Span) -> Built {
        if let Some(&(_, kind)) = IndicatorKind::NAMES.iter().find(|(known, _)| *known == name) {
            return self.indicator(kind, arguments, span);
        }
        if let Some(unit) = Unit::named(name) {
            let [x] = one(name, arguments, span)?;
            return self.convert(x, unit, at, span);
        }
        let term = match name {
            "abs" => {
                let [x] = one(name, arguments, span)?;
                self.number(x)?;
                let id = self.push(Op::Abs(x.id), self.ty(x), span)?;
                Term { id, ..x }
            }
            "min" | "max" => {
                let [first, second, rest @ ..] = arguments else {
                    let message = format!("{name} takes 2 arguments or more, found {}", arguments.len());
                    return Err(Fault::new(span, message));
                };
                let both = self.extremum(name == "min", *first, *second)?;
                rest.iter().try_fold(both, |best, &next| self.extremum(name == "min", best, next))?
            }
            "clamp" => {
                let [x, low, high] = one(name, arguments, span)?;
                let raised = self.extremum(false, x, low)?;
                self.extremum(true, raised, high)?
            }
            "floor" | "ceil" => {
                let [x] = one(name, arguments, span)?;
                self.number(x)?;
                if self.ty(x) == Type::Int {
                    x
                } else {
                    let function = if name == "floor" { Math::Floor } else { Math::Ceil };
                    Term { id: self.push(Op::Math(function, x.id), Type::Float, span)?, ..x }
                }
            }
            "sqrt" => {
                let [x] = one(name, arguments, span)?;
                self.number(x)?;
                let Some(unit) = x.unit.root() else {
                    let text = x.span.text(self.source);
                    let message = format!("the square root of {} has no unit", x.unit);
                    return Err(Fault::new(x.span, message).hint(format!("sqrt(number({text}))")));
                };
                let float = self.as_float(x.id)?;
                Term { id: self.push(Op::Math(Math::Sqrt, float), Type::Float, span)?, unit, ..x }
            }
            "exp" | "log" => {
                let [x] = one(name, arguments, span)?;
                self.plain_number(name, x)?;
                let float = self.finite_float(x.id)?;
                let function = if name == "exp" { Math::Exp } else { Math::Log };
                let id = self.push(Op::Math(function, float), Type::Float, span)?;
                Term { id, unit: Unit::Any, ..x }
            }
            "pow" => {
                let [x, y] = one(name, arguments, span)?;
                self.power(x, y, span)?
            }
            "number" => {
                let [x] = one(name, arguments, span)?;
                Term { unit: Unit::Any, ..self.number(x)? }
            }
            "isnan" => {
                let [x] = one(name, arguments, span)?;
                let (Op::Field(index), Type::Float) = (self.node(x.id).op, self.ty(x)) else {
                    let message = "isnan asks whether a field is missing; it takes the name of an f64 field";
                    return Err(
                        Fault::new(x.span, message).hint("a computed NaN refuses by itself: not_finite")
                    );
                };
                let id = self.push(Op::IsNan(index), Type::Bool, span)?;
                Term { id, unit: Unit::Any, ..x }
            }
            "is_ready" => {
                let [x] = one(name, arguments, span)?;
                let Op::Indicator(index) = self.node(x.id).op else {
                    let message = "is_ready takes the call of an indicator: is_ready(rsi(price, 14))";
                    return Err(Fault::new(x.span, message));
                };
                let id = self.push(Op::IsReady(index), Type::Bool, span)?;
                Term { id, unit: Unit::Any, ..x }
            }
            _ => return Err(self.unknown_function(name, at)),
        };
        Ok(Term { span, literal: None, ..term })
    }

    fn unknown_function(&self, name: &str, at: Span) -> Fault {
        let shown: String = name.chars().take(64).collect();
        let fault = Fault::new(at, format!("unknown function `{shown}`"));
        if self.is_taken(name) {
            return fault.hint(format!("{name} is a value, not a function"));
        }
        match nearest(name, names()) {
            Some(near) => fault.hint(format!("did you mean {near}?")),
            None => fault.hint(format!("functions: {}", names().collect::<Vec<_>>().join(", "))),
        }
    }

    /// A plain number is taken to be in the unit already.
    fn convert(&mut self, x: Term, unit: Unit, at: Span, span: Span) -> Built {
        self.number(x)?;
        let id = if x.unit == Unit::Any {
            x.id
        } else if let Some(factor) = x.unit.factor(unit) {
            self.scaled(x, factor, span)?
        } else {
            let text = x.span.text(self.source);
            let message = format!("{} cannot become {unit}: `{text}` is {}", x.unit, x.unit);
            return Err(Fault::new(at, message).hint(format!("number({text}) drops the unit")));
        };
        Ok(Term { id, unit, span, literal: None })
    }

    fn indicator(&mut self, kind: IndicatorKind, arguments: &[Term], span: Span) -> Built {
        let name = kind.name();
        let [x, period] = one(name, arguments, span)?;
        self.number(x)?;
        let most = limits::PERIOD;
        let range = format!("the period of {name} is a whole number from 1 to {most}");
        let Some(literal) = period.literal else { return Err(Fault::new(period.span, range)) };
        let fits = u32::try_from(literal).ok().filter(|period| (1..=most).contains(period));
        let Some(periods) = fits else {
            return Err(Fault::new(period.span, format!("{range}, found {literal}")));
        };
        let argument = self.finite_float(x.id)?;
        if self.node(argument).reads_indicator {
            let message = "an indicator of an indicator is not offered";
            return Err(Fault::new(x.span, message));
        }
        let same = |used: &IndicatorUse| (used.kind, used.period, used.argument) == (kind, periods, argument);
        let index = if let Some(index) = self.indicators.iter().position(same) {
            index
        } else {
            if self.indicators.len() == limits::INDICATORS {
                let message = format!("more than {} different indicators", limits::INDICATORS);
                return Err(Fault::new(span, message));
            }
            self.indicators.push(IndicatorUse { kind, period: periods, argument, span });
            self.indicators.len() - 1
        };
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let id = self.push(Op::Indicator(index), Type::Float, span)?;
        let unit = if kind.keeps_unit() { x.unit } else { Unit::Any };
        Ok(Term { id, unit, span, literal: None })
    }
}
