//! A loop over columns, two rows at a time in one vector, without branches.
//!
//! It computes both sides of every condition, so it may divide by zero where the expression would not.
//! All values that have to be finite are added up; if the sum of a stretch of rows is not finite, the
//! whole stretch is suspect, and the caller computes it row by row. So the loop never decides why or
//! whether a row is refused, and its answers are the interpreter's where it stands by them.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64X2, I8X16, I16X8, I32, I32X4, I64, I64X2};
use cranelift_codegen::ir::{BlockArg, ConstantData, Endianness, InstBuilder, MemFlags, Value};
use cranelift_frontend::FunctionBuilder;
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Module};

use super::codegen::{define_function, float_condition};
use super::ir::{Arith, FieldType, Id, Math, Op, Program, Step, Type};

/// Rows of one turn of the loop; a stretch is a multiple of it.
pub(super) const ROWS_PER_TURN: usize = 2 * TURNS;
const TURNS: usize = 4;

/// Returns whether the loop can compute this program: floats and conditions, one result, no calls.
pub(super) fn is_possible(program: &Program) -> bool {
    let is_simple = |node: &super::ir::Node| match node.op {
        Op::Field(index) => program.fields[index as usize].field_type == FieldType::Float,
        Op::Arith(arith, ..) => {
            node.ty == Type::Float && matches!(arith, Arith::Add | Arith::Sub | Arith::Mul | Arith::Div)
        }
        Op::Math(function, _) => matches!(function, Math::Sqrt | Math::Floor | Math::Ceil),
        Op::Unsigned(_)
        | Op::Indicator(_)
        | Op::IsReady(_)
        | Op::ToFloat(_)
        | Op::IntPow(..)
        | Op::Pow(..) => false,
        // A literal that became a float leaves its whole number behind, unused.
        Op::Const(_) => true,
        _ => node.ty != Type::Int,
    };
    let is_plain = |step: &Step| matches!(step, Step::Let { .. } | Step::Output { .. });
    let of_bools = |node: &super::ir::Node| match node.op {
        Op::Compare(_, a, _) => program.node(a).ty == Type::Float,
        _ => true,
    };
    let result = program.main.steps.iter().rev().find_map(|step| match step {
        Step::Output { node, .. } => Some(program.node(*node).ty),
        _ => None,
    });
    result.is_some_and(|ty| ty != Type::Int)
        && program.main.steps.iter().all(is_plain)
        && program.nodes.iter().all(|node| is_simple(node) && of_bools(node))
        && program.nodes.len() <= 256
}

/// Defines `extern "C" fn(columns: *const *const f64, from: usize, to: usize, out: *mut u8) -> u32`.
///
/// Row `from` is written to the first place of `out`. Returns 1 if the rows are suspect.
pub(super) fn define(module: &mut JITModule, program: &Program) -> Result<FuncId, String> {
    let pointer = module.target_config().pointer_type();
    if pointer != I64 {
        return Err("only for 64-bit machines".to_owned());
    }
    define_function(module, &[pointer, I64, I64, pointer], |_, builder, parameters| {
        let &[columns, from, to, out] = parameters else { return Err("four parameters".to_owned()) };
        let addresses = (0..program.fields.len()).map(|index| {
            let offset = i32::try_from(index * 8).map_err(|_| "too many columns".to_owned())?;
            Ok(builder.ins().load(I64, MemFlags::trusted().with_readonly(), columns, offset))
        });
        let addresses = addresses.collect::<Result<Vec<_>, String>>()?;
        let zero = builder.ins().f64const(0.0);
        let sum = builder.ins().splat(F64X2, zero);
        let (turn, done) = (builder.create_block(), builder.create_block());
        let row = builder.append_block_param(turn, I64);
        let total = builder.append_block_param(turn, F64X2);
        let last = builder.append_block_param(done, F64X2);
        let arguments = [BlockArg::Value(from), BlockArg::Value(sum)];
        builder.ins().jump(turn, &arguments);

        builder.switch_to_block(turn);
        let place = builder.ins().isub(row, from);
        let mut emitter = Emitter { program, builder, addresses, row, to_add: Vec::new() };
        let results = (0..TURNS).map(|index| emitter.two_rows(index)).collect::<Result<Vec<_>, _>>()?;
        let added = emitter.added();
        if emitter.builder.func.dfg.value_type(results[0]) == F64X2 {
            let bytes = emitter.builder.ins().ishl_imm(place, 3);
            let address = emitter.builder.ins().iadd(out, bytes);
            for (offset, &value) in (0..).step_by(16).zip(&results) {
                emitter.builder.ins().store(MemFlags::new(), value, address, offset);
            }
        } else {
            let packed = emitter.packed(&results);
            let address = emitter.builder.ins().iadd(out, place);
            emitter.builder.ins().store(MemFlags::new(), packed, address, 0);
        }
        let total = match added {
            Some(added) => builder.ins().fadd(total, added),
            None => total,
        };
        let next = builder.ins().iadd_imm(row, ROWS_PER_TURN.cast_signed() as i64);
        let goes_on = builder.ins().icmp(IntCC::UnsignedLessThan, next, to);
        let again = [BlockArg::Value(next), BlockArg::Value(total)];
        builder.ins().brif(goes_on, turn, &again, done, &[BlockArg::Value(total)]);

        builder.switch_to_block(done);
        let rest = builder.ins().fsub(last, last);
        let is_bad = builder.ins().fcmp(FloatCC::Unordered, rest, rest);
        let any = builder.ins().vany_true(is_bad);
        let code = builder.ins().uextend(I32, any);
        builder.ins().return_(&[code]);
        Ok(())
    })
}

struct Emitter<'e, 'f> {
    program: &'e Program,
    builder: &'e mut FunctionBuilder<'f>,
    addresses: Vec<Value>,
    row: Value,
    to_add: Vec<Value>,
}

type Emitted = Result<Value, String>;

/// What is known of the two rows at hand, by node and by local.
struct Rows {
    offset: i32,
    known: Vec<Option<Value>>,
    locals: Vec<Option<Value>>,
}

impl Emitter<'_, '_> {
    fn two_rows(&mut self, index: usize) -> Emitted {
        let offset = i32::try_from(index * 16).map_err(|_| "too many rows".to_owned())?;
        let program = self.program;
        let mut rows =
            Rows { offset, known: vec![None; program.nodes.len()], locals: vec![None; program.locals] };
        let mut result = Err("no result".to_owned());
        for &step in &program.main.steps {
            match step {
                Step::Let { local, node } => rows.locals[local as usize] = Some(self.value(node, &mut rows)?),
                Step::Output { node, .. } => result = self.value(node, &mut rows),
                Step::RefuseIf { .. } | Step::RefuseUnless { .. } => return Err("rules".to_owned()),
            }
        }
        result
    }

    fn value(&mut self, id: Id, rows: &mut Rows) -> Emitted {
        if let Some(value) = rows.known[id as usize] {
            return Ok(value);
        }
        let value = self.compute(id, rows)?;
        rows.known[id as usize] = Some(value);
        Ok(value)
    }

    fn compute(&mut self, id: Id, rows: &mut Rows) -> Emitted {
        let node = *self.program.node(id);
        Ok(match node.op {
            Op::Const(bits) if node.ty == Type::Float => {
                let value = self.builder.ins().f64const(f64::from_bits(bits));
                self.builder.ins().splat(F64X2, value)
            }
            Op::Const(bits) => {
                let value = self.builder.ins().iconst(I64, -i64::from(bits != 0));
                self.builder.ins().splat(I64X2, value)
            }
            Op::Field(index) => self.field(index, rows),
            Op::IsNan(index) => {
                let x = self.field(index, rows);
                self.builder.ins().fcmp(FloatCC::Unordered, x, x)
            }
            Op::Local(index) => rows.locals[index as usize].ok_or("a value is used before it is computed")?,
            Op::Finite(a) => {
                let x = self.value(a, rows)?;
                self.to_add.push(x);
                x
            }
            Op::Neg(a) => {
                let x = self.value(a, rows)?;
                self.builder.ins().fneg(x)
            }
            Op::Abs(a) => {
                let x = self.value(a, rows)?;
                self.builder.ins().fabs(x)
            }
            Op::Not(a) => {
                let x = self.value(a, rows)?;
                self.builder.ins().bnot(x)
            }
            Op::Math(function, a) => {
                let x = self.value(a, rows)?;
                match function {
                    Math::Sqrt => self.builder.ins().sqrt(x),
                    Math::Floor => self.builder.ins().floor(x),
                    Math::Ceil => self.builder.ins().ceil(x),
                    Math::Exp | Math::Log => return Err("a call".to_owned()),
                }
            }
            Op::Arith(arith, a, b) => {
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                match arith {
                    Arith::Add => self.builder.ins().fadd(x, y),
                    Arith::Sub => self.builder.ins().fsub(x, y),
                    Arith::Mul => self.builder.ins().fmul(x, y),
                    Arith::Div => self.builder.ins().fdiv(x, y),
                    Arith::FloorDiv | Arith::Rem => return Err("a call".to_owned()),
                }
            }
            Op::Min(a, b) | Op::Max(a, b) => {
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                let (low, high) = if matches!(node.op, Op::Min(..)) { (y, x) } else { (x, y) };
                let takes_second = self.builder.ins().fcmp(FloatCC::LessThan, low, high);
                self.select(takes_second, y, x)
            }
            Op::Compare(cmp, a, b) => {
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                self.builder.ins().fcmp(float_condition(cmp), x, y)
            }
            Op::And(a, b) => {
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                self.builder.ins().band(x, y)
            }
            Op::Or(a, b) => {
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                self.builder.ins().bor(x, y)
            }
            Op::If(condition, a, b) => {
                let mask = self.value(condition, rows)?;
                let (x, y) = (self.value(a, rows)?, self.value(b, rows)?);
                self.select(mask, x, y)
            }
            Op::Unsigned(_) | Op::Indicator(_) | Op::IsReady(_) | Op::ToFloat(_) => {
                return Err("not a column of floats".to_owned());
            }
            Op::IntPow(..) | Op::Pow(..) => return Err("a call".to_owned()),
        })
    }

    fn field(&mut self, index: u32, rows: &Rows) -> Value {
        let bytes = self.builder.ins().ishl_imm(self.row, 3);
        let address = self.builder.ins().iadd(self.addresses[index as usize], bytes);
        self.builder.ins().load(F64X2, MemFlags::new(), address, rows.offset)
    }

    fn cast(&mut self, value: Value, ty: cranelift_codegen::ir::Type) -> Value {
        let flags = MemFlags::new().with_endianness(Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    fn select(&mut self, mask: Value, x: Value, y: Value) -> Value {
        if self.builder.func.dfg.value_type(x) == I64X2 {
            return self.builder.ins().bitselect(mask, x, y);
        }
        let mask = self.cast(mask, F64X2);
        self.builder.ins().bitselect(mask, x, y)
    }

    /// The sum of what has to be finite in this turn, as a tree.
    fn added(&mut self) -> Option<Value> {
        let mut values = std::mem::take(&mut self.to_add);
        while values.len() > 1 {
            let pairs = values.chunks(2).map(|pair| match *pair {
                [a, b] => self.builder.ins().fadd(a, b),
                _ => pair[0],
            });
            values = pairs.collect();
        }
        values.pop()
    }

    /// Turns four vectors of two masks into eight bytes of 0 or 1.
    fn packed(&mut self, masks: &[Value]) -> Value {
        let even = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
        let halves: Vec<Value> = masks
            .chunks(2)
            .map(|pair| {
                let (a, b) = (self.cast(pair[0], I8X16), self.cast(pair[1], I8X16));
                let order = self.builder.func.dfg.immediates.push(ConstantData::from(even.as_slice()));
                let shuffled = self.builder.ins().shuffle(a, b, order);
                self.cast(shuffled, I32X4)
            })
            .collect();
        let words = self.builder.ins().snarrow(halves[0], halves[1]);
        debug_assert_eq!(self.builder.func.dfg.value_type(words), I16X8);
        let bytes = self.builder.ins().snarrow(words, words);
        let lanes = self.cast(bytes, I64X2);
        let low = self.builder.ins().extractlane(lanes, 0);
        self.builder.ins().band_imm(low, 0x0101_0101_0101_0101)
    }
}
