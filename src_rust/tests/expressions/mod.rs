//! Random expressions as trees, their text, and a plain evaluation of the tree, written without a look
//! at the compiler: it checks every float as soon as it is computed.

use std::fmt::Write;

/// A value of the language.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    Float(f64),
    Int(i64),
    Bool(bool),
}

/// The fields that generated expressions read: name, type.
pub const FIELDS: [(&str, &str); 8] = [
    ("a", "f64"),
    ("b", "f64"),
    ("c", "f64"),
    ("i", "i64"),
    ("j", "i64"),
    ("u", "u64"),
    ("p", "bool"),
    ("q", "bool"),
];

#[derive(Debug, Clone)]
pub enum Tree {
    Float(f64),
    Int(i64),
    Bool(bool),
    Field(usize),
    Unary(&'static str, Box<Tree>),
    Binary(&'static str, Box<Tree>, Box<Tree>),
    Chain(Vec<Tree>, Vec<&'static str>),
    Call(&'static str, Vec<Tree>),
    If(Box<Tree>, Box<Tree>, Box<Tree>),
}

/// A small generator of numbers (xorshift*), seeded by proptest.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.roll() >> 16) % bound as u64).unwrap()
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    pub fn float(&mut self) -> f64 {
        const ODD: [f64; 18] = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            2.0,
            3.0,
            1e308,
            -1e308,
            1e-308,
            5e-324,
            f64::MAX,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            9_007_199_254_740_993.0,
            -2.5,
            1e16,
        ];
        match self.below(8) {
            0 => self.pick(&ODD),
            1 => f64::from_bits(self.roll()),
            2 => self.below(10) as f64 - 5.0,
            _ => (self.below(2_000_001) as f64 - 1e6) / 1e3,
        }
    }

    pub fn int(&mut self) -> i64 {
        match self.below(6) {
            0 => self.pick(&[0, 1, -1, i64::MAX, i64::MIN, 2, 1 << 53, (1 << 53) + 1, i64::MAX - 1]),
            1 => self.roll().cast_signed(),
            2 => self.roll().cast_signed() >> 31,
            _ => self.below(41).cast_signed() as i64 - 20,
        }
    }

    /// One row of the fields.
    pub fn row(&mut self) -> [Value; 8] {
        [
            Value::Float(self.float()),
            Value::Float(self.float()),
            Value::Float(self.float()),
            Value::Int(self.int()),
            Value::Int(self.int()),
            Value::Int(self.int()),
            Value::Bool(self.below(2) == 1),
            Value::Bool(self.below(2) == 1),
        ]
    }

    fn number(&mut self, depth: usize, floats_only: bool) -> Tree {
        if depth == 0 || self.below(7) == 0 {
            return match self.below(if floats_only { 6 } else { 10 }) {
                0..=3 => Tree::Field(self.below(3)),
                4 | 5 => Tree::Float(self.float().abs().min(f64::MAX)),
                6 | 7 => Tree::Field(3 + self.below(2)),
                8 => Tree::Field(5),
                _ => Tree::Int(i64::try_from(self.roll() >> 1 >> self.below(63)).unwrap()),
            };
        }
        let f = floats_only;
        let next = |dice: &mut Self| Box::new(dice.number(depth - 1, f));
        match self.below(if f { 13 } else { 17 }) {
            0..=2 => Tree::Binary("+", next(self), next(self)),
            3 | 4 => Tree::Binary("-", next(self), next(self)),
            5 | 6 => Tree::Binary("*", next(self), next(self)),
            7 => Tree::Binary("/", next(self), next(self)),
            8 => Tree::Unary("-", next(self)),
            9 => {
                let name = self.pick(&["abs", "sqrt", "floor", "ceil"]);
                Tree::Call(name, vec![*next(self)])
            }
            10 => {
                let name = self.pick(&["min", "max"]);
                let count = 2 + self.below(2);
                Tree::Call(name, (0..count).map(|_| *next(self)).collect())
            }
            11 => Tree::Call("clamp", vec![*next(self), *next(self), *next(self)]),
            12 => {
                let condition = Box::new(self.condition(depth - 1, f));
                Tree::If(condition, next(self), next(self))
            }
            13 => Tree::Binary("//", next(self), next(self)),
            14 => Tree::Binary("%", next(self), next(self)),
            15 => {
                let name = self.pick(&["exp", "log"]);
                Tree::Call(name, vec![*next(self)])
            }
            _ => {
                let exponent = match self.below(3) {
                    0 => *next(self),
                    1 => Tree::Float(self.below(9) as f64 / 2.0 - 1.0),
                    _ => Tree::Int(self.below(7).cast_signed() as i64),
                };
                match exponent {
                    // A minus in front of a literal makes another literal.
                    Tree::Float(x) if x < 0.0 => {
                        Tree::Binary("**", next(self), Box::new(Tree::Unary("-", Box::new(Tree::Float(-x)))))
                    }
                    // A whole number of any size is a compile error there.
                    Tree::Int(n) if n > 64 => next(self).as_ref().clone(),
                    exponent => Tree::Binary("**", next(self), Box::new(exponent)),
                }
            }
        }
    }

    fn condition(&mut self, depth: usize, floats_only: bool) -> Tree {
        const ORDER: [&str; 6] = ["<", "<=", ">", ">=", "==", "!="];
        if depth == 0 {
            return match self.below(if floats_only { 5 } else { 8 }) {
                0..=3 => {
                    let (left, right) = (self.number(0, floats_only), self.number(0, floats_only));
                    Tree::Binary(self.pick(&ORDER), Box::new(left), Box::new(right))
                }
                4 => Tree::Call("isnan", vec![Tree::Field(self.below(3))]),
                5 => Tree::Bool(self.below(2) == 1),
                _ => Tree::Field(6 + self.below(2)),
            };
        }
        let next = |dice: &mut Self| Box::new(dice.condition(depth - 1, floats_only));
        match self.below(if floats_only { 7 } else { 8 }) {
            0 => Tree::Unary("not ", next(self)),
            1 | 2 => Tree::Binary(" and ", next(self), next(self)),
            3 => Tree::Binary(" or ", next(self), next(self)),
            4 => {
                let count = 2 + self.below(2);
                let parts = (0..=count).map(|_| self.number(depth - 1, floats_only)).collect();
                Tree::Chain(parts, (0..count).map(|_| self.pick(&ORDER)).collect())
            }
            5 => {
                let condition = next(self);
                Tree::If(condition, next(self), next(self))
            }
            6 => {
                let (left, right) = (self.number(depth, floats_only), self.number(depth, floats_only));
                Tree::Binary(self.pick(&ORDER), Box::new(left), Box::new(right))
            }
            _ => Tree::Binary(self.pick(&["==", "!="]), next(self), next(self)),
        }
    }

    /// An expression of any type.
    pub fn tree(&mut self, depth: usize, floats_only: bool) -> Tree {
        if self.below(3) == 0 { self.number(depth, floats_only) } else { self.condition(depth, floats_only) }
    }
}

impl Tree {
    /// Writes the tree with parentheses around everything, so that precedence plays no part.
    pub fn write(&self, out: &mut String) {
        let list = |out: &mut String, parts: &[Self]| {
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                part.write(out);
            }
        };
        match self {
            Self::Float(x) => write!(out, "{x:?}").unwrap(),
            Self::Int(n) => write!(out, "{n}").unwrap(),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Field(index) => out.push_str(FIELDS[*index].0),
            Self::Unary(sign, a) => {
                write!(out, "({sign}").unwrap();
                a.write(out);
                out.push(')');
            }
            Self::Binary(sign, a, b) => {
                out.push('(');
                a.write(out);
                write!(out, " {sign} ").unwrap();
                b.write(out);
                out.push(')');
            }
            Self::Chain(parts, signs) => {
                out.push('(');
                parts[0].write(out);
                for (sign, part) in signs.iter().zip(&parts[1..]) {
                    write!(out, " {sign} ").unwrap();
                    part.write(out);
                }
                out.push(')');
            }
            Self::Call(name, parts) => {
                write!(out, "{name}(").unwrap();
                list(out, parts);
                out.push(')');
            }
            Self::If(condition, a, b) => {
                out.push('(');
                a.write(out);
                out.push_str(" if ");
                condition.write(out);
                out.push_str(" else ");
                b.write(out);
                out.push(')');
            }
        }
    }

    /// Whether the text is a float's or a whole number's.
    fn is_float(&self) -> bool {
        match self {
            Self::Float(_) | Self::Binary("/", ..) | Self::Call("sqrt" | "exp" | "log", _) => true,
            Self::Field(index) => *index < 3,
            Self::Unary(_, a) => a.is_float(),
            Self::Binary("+" | "-" | "*" | "//" | "%", a, b) | Self::If(_, a, b) => {
                a.is_float() || b.is_float()
            }
            Self::Binary("**", a, b) => a.is_float() || !matches!(**b, Self::Int(_)),
            Self::Call("abs" | "floor" | "ceil", parts) => parts[0].is_float(),
            Self::Call("min" | "max" | "clamp", parts) => parts.iter().any(Self::is_float),
            _ => false,
        }
    }

    /// The value, or nothing if the language refuses.
    pub fn value(&self, row: &[Value; 8]) -> Option<Value> {
        let truth = |tree: &Self| match tree.value(row)? {
            Value::Bool(is) => Some(is),
            other => panic!("{other:?} is no condition"),
        };
        let float = |tree: &Self| tree.value(row).map(to_float);
        let finite = |x: f64| x.is_finite().then_some(Value::Float(x));
        match self {
            Self::Float(x) => finite(*x),
            Self::Int(n) => Some(Value::Int(*n)),
            Self::Bool(is) => Some(Value::Bool(*is)),
            Self::Field(index) => match row[*index] {
                Value::Float(x) => finite(x),
                Value::Int(n) if *index == 5 && n < 0 => None,
                value => Some(value),
            },
            Self::Unary("-", a) => match a.value(row)? {
                Value::Float(x) => Some(Value::Float(-x)),
                Value::Int(n) => n.checked_neg().map(Value::Int),
                Value::Bool(_) => panic!("minus of a condition"),
            },
            Self::Unary(_, a) => Some(Value::Bool(!truth(a)?)),
            Self::Binary(" and ", a, b) => Some(Value::Bool(truth(a)? && truth(b)?)),
            Self::Binary(" or ", a, b) => Some(Value::Bool(truth(a)? || truth(b)?)),
            Self::If(condition, a, b) => {
                let value = if truth(condition)? { a.value(row)? } else { b.value(row)? };
                Some(match value {
                    Value::Int(_) if self.is_float() => Value::Float(to_float(value)),
                    value => value,
                })
            }
            Self::Chain(parts, signs) => {
                let mut left = parts[0].value(row)?;
                for (sign, part) in signs.iter().zip(&parts[1..]) {
                    let right = part.value(row)?;
                    if !ordered(sign, left, right) {
                        return Some(Value::Bool(false));
                    }
                    left = right;
                }
                Some(Value::Bool(true))
            }
            Self::Binary(sign @ ("<" | "<=" | ">" | ">=" | "==" | "!="), a, b) => {
                let (x, y) = (a.value(row)?, b.value(row)?);
                Some(Value::Bool(ordered(sign, x, y)))
            }
            Self::Binary("**", a, b) => match (a.value(row)?, &**b) {
                (Value::Int(n), Self::Int(exponent)) => {
                    n.checked_pow(u32::try_from(*exponent).unwrap()).map(Value::Int)
                }
                (Value::Float(x), Self::Int(2)) => finite(x * x),
                (x, _) => finite(to_float(x).powf(float(b)?)),
            },
            Self::Binary(sign, a, b) => match (a.value(row)?, b.value(row)?) {
                (Value::Int(x), Value::Int(y)) if *sign != "/" => whole(sign, x, y).map(Value::Int),
                (x, y) => {
                    let (x, y) = (to_float(x), to_float(y));
                    match *sign {
                        "+" => finite(x + y),
                        "-" => finite(x - y),
                        "*" => finite(x * y),
                        _ if y == 0.0 => None,
                        "/" => finite(x / y),
                        "//" => finite(floor_div(x, y)),
                        "%" => finite(remainder(x, y)),
                        _ => panic!("operator {sign}"),
                    }
                }
            },
            Self::Call("isnan", parts) => match &parts[0] {
                Self::Field(index) => match row[*index] {
                    Value::Float(x) => Some(Value::Bool(x.is_nan())),
                    _ => panic!("isnan of no float"),
                },
                _ => panic!("isnan of no field"),
            },
            Self::Call(name @ ("min" | "max" | "clamp"), parts) => {
                let values = parts.iter().map(|part| part.value(row)).collect::<Option<Vec<_>>>()?;
                let values: Vec<Value> = if self.is_float() {
                    values.into_iter().map(|value| Value::Float(to_float(value))).collect()
                } else {
                    values
                };
                let less = |x, y| ordered("<", x, y);
                let min = |x, y| if less(y, x) { y } else { x };
                let max = |x, y| if less(x, y) { y } else { x };
                Some(match *name {
                    "min" => values.into_iter().reduce(min)?,
                    "max" => values.into_iter().reduce(max)?,
                    _ => min(max(values[0], values[1]), values[2]),
                })
            }
            Self::Call("abs", parts) => match parts[0].value(row)? {
                Value::Float(x) => Some(Value::Float(x.abs())),
                Value::Int(n) => n.checked_abs().map(Value::Int),
                Value::Bool(_) => panic!("abs of a condition"),
            },
            Self::Call(name @ ("floor" | "ceil"), parts) => Some(match parts[0].value(row)? {
                Value::Float(x) => Value::Float(if *name == "floor" { x.floor() } else { x.ceil() }),
                value => value,
            }),
            Self::Call(name, parts) => {
                let x = float(&parts[0])?;
                finite(match *name {
                    "sqrt" => x.sqrt(),
                    "exp" => x.exp(),
                    "log" => x.ln(),
                    _ => panic!("function {name}"),
                })
            }
        }
    }
}

fn to_float(value: Value) -> f64 {
    match value {
        Value::Float(x) => x,
        Value::Int(n) => n as f64,
        Value::Bool(_) => panic!("a condition as a number"),
    }
}

fn ordered(sign: &str, x: Value, y: Value) -> bool {
    let order = match (x, y) {
        (Value::Int(x), Value::Int(y)) => x.cmp(&y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(&y),
        (x, y) => to_float(x).partial_cmp(&to_float(y)).unwrap(),
    };
    match sign {
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        ">=" => order.is_ge(),
        "==" => order.is_eq(),
        _ => order.is_ne(),
    }
}

fn whole(sign: &str, x: i64, y: i64) -> Option<i64> {
    // In 128 bits nothing overflows but the result.
    let (a, b) = (i128::from(x), i128::from(y));
    let floor = |a: i128, b: i128| a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0);
    let wide = match sign {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        _ if y == 0 => return None,
        "//" => floor(a, b),
        "%" => a - b * floor(a, b),
        _ => panic!("operator {sign}"),
    };
    i64::try_from(wide).ok()
}

/// `CPython`'s `float_divmod`, by its documentation: the remainder is exact and has the divisor's sign.
fn remainder(x: f64, y: f64) -> f64 {
    let rest = x % y;
    match rest {
        0.0 => 0.0_f64.copysign(y),
        rest if (rest < 0.0) == (y < 0.0) => rest,
        rest => rest + y,
    }
}

fn floor_div(x: f64, y: f64) -> f64 {
    let rest = x % y;
    let turned = rest != 0.0 && (rest < 0.0) != (y < 0.0);
    let quotient = (x - rest) / y - if turned { 1.0 } else { 0.0 };
    match quotient {
        0.0 => 0.0_f64.copysign(x / y),
        quotient if quotient - quotient.floor() > 0.5 => quotient.floor() + 1.0,
        quotient => quotient.floor(),
    }
}

impl Value {
    /// As a slot.
    pub fn bits(self) -> u64 {
        match self {
            Self::Float(x) => x.to_bits(),
            Self::Int(n) => n.cast_unsigned(),
            Self::Bool(is) => is.into(),
        }
    }
}
