//! Machine code for one program, by Cranelift: the same nodes in the same order as the interpreter.
//!
//! A block becomes a function of two pointers, inputs and outputs, that returns a [`Code`]. Offsets
//! are constants below the numbers of slots that `native` checks before each call. Values computed on
//! the way are kept by node and forgotten where a branch ends, so a check is made once per path.

use std::sync::OnceLock;

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I8, I32, I64};
use cranelift_codegen::ir::{
    AbiParam, Block as Label, BlockArg, FuncRef, InstBuilder, MemFlags, Signature, Type as IrType, Value,
};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module, default_libcall_names};

use super::functions;
use super::ir::{Arith, Block, Cmp, Code, Id, Math, Op, Program, RefusalKind, Step, Type};

/// Functions that are called rather than emitted.
const HELPERS: [(&str, bool); 7] = [
    ("phantom_exp", false),
    ("phantom_log", false),
    ("phantom_pow", false),
    ("phantom_float_floor_div", false),
    ("phantom_float_rem", false),
    ("phantom_int_floor_div", true),
    ("phantom_int_rem", true),
];

fn isa() -> Result<OwnedTargetIsa, String> {
    static ISA: OnceLock<Result<OwnedTargetIsa, String>> = OnceLock::new();
    let make = || {
        let mut flags = settings::builder();
        let options = [
            ("opt_level", "speed"),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("enable_probestack", "false"),
            ("unwind_info", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ];
        for (name, value) in options {
            flags.set(name, value).map_err(|error| error.to_string())?;
        }
        let native = cranelift_native::builder().map_err(str::to_owned)?;
        native.finish(settings::Flags::new(flags)).map_err(|error| error.to_string())
    };
    ISA.get_or_init(make).clone()
}

/// Returns an empty module that knows the helpers.
pub(super) fn module() -> Result<JITModule, String> {
    let mut builder = JITBuilder::with_isa(isa()?, default_libcall_names());
    let addresses = [
        functions::exp as *const u8,
        functions::log as *const u8,
        functions::pow as *const u8,
        functions::float_floor_div as *const u8,
        functions::float_rem as *const u8,
        functions::int_floor_div as *const u8,
        functions::int_rem as *const u8,
    ];
    for ((name, _), address) in HELPERS.into_iter().zip(addresses) {
        builder.symbol(name, address);
    }
    Ok(JITModule::new(builder))
}

/// Defines `extern "C" fn(inputs: *const u64, outputs: *mut u64) -> u32` for a block.
pub(super) fn define(module: &mut JITModule, program: &Program, block: &Block) -> Result<FuncId, String> {
    let pointer = module.target_config().pointer_type();
    define_function(module, &[pointer, pointer], |module, builder, parameters| {
        let exit = builder.create_block();
        builder.append_block_param(exit, I32);
        builder.set_cold_block(exit);
        let mut emitter = Emitter {
            program,
            module,
            builder,
            inputs: parameters[0],
            exit,
            known: vec![None; program.nodes.len()],
            log: Vec::new(),
            locals: vec![None; program.locals],
            helpers: [None; HELPERS.len()],
        };
        for &step in &block.steps {
            emitter.step(step, parameters[1])?;
        }
        let done = emitter.builder.ins().iconst(I32, 0);
        emitter.builder.ins().return_(&[done]);
        emitter.builder.switch_to_block(exit);
        let code = emitter.builder.block_params(exit)[0];
        emitter.builder.ins().return_(&[code]);
        Ok(())
    })
}

/// Defines a function with these parameters that returns an `u32`; `fill` emits the body.
pub(super) fn define_function(
    module: &mut JITModule,
    parameters: &[IrType],
    fill: impl FnOnce(&mut JITModule, &mut FunctionBuilder<'_>, &[Value]) -> Result<(), String>,
) -> Result<FuncId, String> {
    let text = |error: cranelift_module::ModuleError| error.to_string();
    let mut context = module.make_context();
    context.func.signature.params.extend(parameters.iter().map(|&ty| AbiParam::new(ty)));
    context.func.signature.returns.push(AbiParam::new(I32));
    let mut frontend = FunctionBuilderContext::new();
    let mut builder = FunctionBuilder::new(&mut context.func, &mut frontend);
    let entry = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let values = builder.block_params(entry).to_vec();
    fill(module, &mut builder, &values)?;
    builder.seal_all_blocks();
    builder.finalize();
    let id = module.declare_anonymous_function(&context.func.signature).map_err(text)?;
    module.define_function(id, &mut context).map_err(text)?;
    Ok(id)
}

struct Emitter<'e, 'f> {
    program: &'e Program,
    module: &'e mut JITModule,
    builder: &'e mut FunctionBuilder<'f>,
    inputs: Value,
    exit: Label,
    known: Vec<Option<Value>>,
    /// Nodes in `known`, in the order in which they were put there.
    log: Vec<Id>,
    locals: Vec<Option<Value>>,
    helpers: [Option<FuncRef>; HELPERS.len()],
}

type Emitted = Result<Value, String>;

impl Emitter<'_, '_> {
    fn step(&mut self, step: Step, outputs: Value) -> Result<(), String> {
        match step {
            Step::Let { local, node } => {
                let value = self.value(node)?;
                *self.locals.get_mut(local as usize).ok_or("a value without a place")? = Some(value);
            }
            Step::RefuseIf { rule, node } | Step::RefuseUnless { rule, node } => {
                let (refused, goes_on) = (self.builder.create_block(), self.builder.create_block());
                if matches!(step, Step::RefuseIf { .. }) {
                    self.branch(node, refused, goes_on)?;
                } else {
                    self.branch(node, goes_on, refused)?;
                }
                self.builder.switch_to_block(refused);
                let code = self.builder.ins().iconst(I32, i64::from(Code::rule(rule).0));
                self.builder.ins().jump(self.exit, &[BlockArg::Value(code)]);
                self.builder.switch_to_block(goes_on);
            }
            Step::Output { index, node } => {
                let mut value = self.value(node)?;
                if self.program.node(node).ty == Type::Bool {
                    value = self.builder.ins().uextend(I64, value);
                }
                let offset = slot_offset(index as usize)?;
                self.builder.ins().store(MemFlags::trusted(), value, outputs, offset);
            }
        }
        Ok(())
    }

    fn load(&mut self, index: usize, ty: IrType) -> Emitted {
        if index >= self.program.inputs() {
            return Err(format!("input {index} does not exist"));
        }
        let offset = slot_offset(index)?;
        Ok(self.builder.ins().load(ty, MemFlags::trusted().with_readonly(), self.inputs, offset))
    }

    /// Leaves with a refusal if `condition` is true.
    fn refuse_if(&mut self, condition: Value, kind: RefusalKind, node: Id) {
        let goes_on = self.builder.create_block();
        let code = self.builder.ins().iconst(I32, i64::from(Code::refusal(kind, node).0));
        self.builder.ins().brif(condition, self.exit, &[BlockArg::Value(code)], goes_on, &[]);
        self.builder.switch_to_block(goes_on);
    }

    fn forget_from(&mut self, length: usize) {
        for id in self.log.drain(length..) {
            self.known[id as usize] = None;
        }
    }

    fn flatten(&self, id: Id, is_and: bool, into: &mut Vec<Id>) {
        match self.program.node(id).op {
            Op::And(a, b) if is_and => {
                self.flatten(a, is_and, into);
                self.flatten(b, is_and, into);
            }
            Op::Or(a, b) if !is_and => {
                self.flatten(a, is_and, into);
                self.flatten(b, is_and, into);
            }
            _ => into.push(id),
        }
    }

    /// Goes to one of two labels. What is still known afterwards was computed on the way to both.
    fn branch(&mut self, id: Id, then: Label, otherwise: Label) -> Result<(), String> {
        match self.program.node(id).op {
            Op::Not(a) => self.branch(a, otherwise, then),
            op @ (Op::And(..) | Op::Or(..)) => {
                let is_and = matches!(op, Op::And(..));
                let mut parts = Vec::new();
                self.flatten(id, is_and, &mut parts);
                let mut certain = None;
                let last = parts.len() - 1;
                for (index, &part) in parts.iter().enumerate() {
                    let next = if index < last {
                        self.builder.create_block()
                    } else if is_and {
                        then
                    } else {
                        otherwise
                    };
                    if is_and {
                        self.branch(part, next, otherwise)?;
                    } else {
                        self.branch(part, then, next)?;
                    }
                    certain.get_or_insert(self.log.len());
                    if index < last {
                        self.builder.switch_to_block(next);
                    }
                }
                self.forget_from(certain.unwrap_or(0));
                Ok(())
            }
            _ => {
                let condition = self.value(id)?;
                self.builder.ins().brif(condition, then, &[], otherwise, &[]);
                Ok(())
            }
        }
    }

    /// Joins two values, each computed behind its label.
    fn choose(&mut self, condition: Id, ty: IrType, sides: [&dyn Fn(&mut Self) -> Emitted; 2]) -> Emitted {
        let labels = [self.builder.create_block(), self.builder.create_block()];
        let join = self.builder.create_block();
        let joined = self.builder.append_block_param(join, ty);
        self.branch(condition, labels[0], labels[1])?;
        let before = self.log.len();
        for (label, side) in labels.into_iter().zip(sides) {
            self.builder.switch_to_block(label);
            let value = side(self)?;
            self.builder.ins().jump(join, &[BlockArg::Value(value)]);
            self.forget_from(before);
        }
        self.builder.switch_to_block(join);
        Ok(joined)
    }

    fn value(&mut self, id: Id) -> Emitted {
        if let Some(value) = self.known[id as usize] {
            return Ok(value);
        }
        let value = self.compute(id)?;
        self.known[id as usize] = Some(value);
        self.log.push(id);
        Ok(value)
    }

    fn compute(&mut self, id: Id) -> Emitted {
        let node = *self.program.node(id);
        let fields = self.program.fields.len();
        Ok(match node.op {
            Op::Const(bits) => match node.ty {
                Type::Float => self.builder.ins().f64const(f64::from_bits(bits)),
                Type::Int => self.builder.ins().iconst(I64, bits.cast_signed()),
                Type::Bool => self.builder.ins().iconst(I8, i64::from(bits != 0)),
            },
            Op::Field(index) => match node.ty {
                Type::Float => self.load(index as usize, F64)?,
                Type::Int => self.load(index as usize, I64)?,
                Type::Bool => {
                    let bits = self.load(index as usize, I64)?;
                    self.builder.ins().icmp_imm(IntCC::NotEqual, bits, 0)
                }
            },
            Op::Unsigned(index) => {
                let bits = self.load(index as usize, I64)?;
                let is_large = self.builder.ins().icmp_imm(IntCC::SignedLessThan, bits, 0);
                self.refuse_if(is_large, RefusalKind::Overflow, id);
                bits
            }
            Op::IsNan(index) => {
                let x = self.load(index as usize, F64)?;
                self.builder.ins().fcmp(FloatCC::Unordered, x, x)
            }
            Op::Indicator(index) => {
                let x = self.load(fields + index as usize, F64)?;
                let is_missing = self.builder.ins().fcmp(FloatCC::Unordered, x, x);
                self.refuse_if(is_missing, RefusalKind::WarmingUp, id);
                x
            }
            Op::IsReady(index) => {
                let x = self.load(fields + index as usize, F64)?;
                self.builder.ins().fcmp(FloatCC::Ordered, x, x)
            }
            Op::Local(index) => {
                let local = self.locals.get(index as usize).copied().flatten();
                local.ok_or("a value is used before it is computed")?
            }
            Op::Finite(a) => {
                let x = self.value(a)?;
                // 0 if x is finite, NaN otherwise.
                let zero = self.builder.ins().fsub(x, x);
                let is_bad = self.builder.ins().fcmp(FloatCC::Unordered, zero, zero);
                self.refuse_if(is_bad, RefusalKind::NotFinite, id);
                x
            }
            Op::ToFloat(a) => {
                let x = self.value(a)?;
                self.builder.ins().fcvt_from_sint(F64, x)
            }
            Op::Neg(a) | Op::Abs(a) => self.sign(node.op, a, id)?,
            Op::Not(a) => {
                let x = self.value(a)?;
                self.builder.ins().bxor_imm(x, 1)
            }
            Op::Arith(arith, a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                if node.ty == Type::Float {
                    self.float_arithmetic(arith, x, y, id)?
                } else {
                    self.int_arithmetic(arith, x, y, id)?
                }
            }
            Op::IntPow(a, exponent) => {
                let x = self.value(a)?;
                self.int_power(x, exponent, id)
            }
            Op::Math(function, a) => {
                let x = self.value(a)?;
                match function {
                    Math::Sqrt => self.builder.ins().sqrt(x),
                    Math::Floor => self.builder.ins().floor(x),
                    Math::Ceil => self.builder.ins().ceil(x),
                    Math::Exp => self.helper(0, &[x])?,
                    Math::Log => self.helper(1, &[x])?,
                }
            }
            Op::Pow(a, b) => {
                let arguments = [self.value(a)?, self.value(b)?];
                self.helper(2, &arguments)?
            }
            Op::Min(a, b) | Op::Max(a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                let (low, high) = if matches!(node.op, Op::Min(..)) { (y, x) } else { (x, y) };
                let takes_second = if node.ty == Type::Float {
                    self.builder.ins().fcmp(FloatCC::LessThan, low, high)
                } else {
                    self.builder.ins().icmp(IntCC::SignedLessThan, low, high)
                };
                self.builder.ins().select(takes_second, y, x)
            }
            Op::Compare(cmp, a, b) => {
                let (x, y) = (self.value(a)?, self.value(b)?);
                if self.program.node(a).ty == Type::Float {
                    self.builder.ins().fcmp(float_condition(cmp), x, y)
                } else {
                    self.builder.ins().icmp(int_condition(cmp), x, y)
                }
            }
            Op::And(..) | Op::Or(..) => {
                let side = |bit: i64| move |emitter: &mut Self| Ok(emitter.builder.ins().iconst(I8, bit));
                self.choose(id, I8, [&side(1), &side(0)])?
            }
            Op::If(condition, a, b) => {
                let ty = ir_type(node.ty);
                self.choose(condition, ty, [&|emitter| emitter.value(a), &|emitter| emitter.value(b)])?
            }
        })
    }

    fn sign(&mut self, op: Op, a: Id, id: Id) -> Emitted {
        let x = self.value(a)?;
        let is_negation = matches!(op, Op::Neg(_));
        if self.program.node(a).ty == Type::Float {
            let ins = self.builder.ins();
            return Ok(if is_negation { ins.fneg(x) } else { ins.fabs(x) });
        }
        let is_least = self.builder.ins().icmp_imm(IntCC::Equal, x, i64::MIN);
        self.refuse_if(is_least, RefusalKind::Overflow, id);
        let ins = self.builder.ins();
        Ok(if is_negation { ins.ineg(x) } else { ins.iabs(x) })
    }

    fn float_arithmetic(&mut self, arith: Arith, x: Value, y: Value, id: Id) -> Emitted {
        if matches!(arith, Arith::Div | Arith::FloorDiv | Arith::Rem) {
            let zero = self.builder.ins().f64const(0.0);
            let is_zero = self.builder.ins().fcmp(FloatCC::Equal, y, zero);
            self.refuse_if(is_zero, RefusalKind::DivisionByZero, id);
        }
        Ok(match arith {
            Arith::Add => self.builder.ins().fadd(x, y),
            Arith::Sub => self.builder.ins().fsub(x, y),
            Arith::Mul => self.builder.ins().fmul(x, y),
            Arith::Div => self.builder.ins().fdiv(x, y),
            Arith::FloorDiv => self.helper(3, &[x, y])?,
            Arith::Rem => self.helper(4, &[x, y])?,
        })
    }

    fn int_arithmetic(&mut self, arith: Arith, x: Value, y: Value, id: Id) -> Emitted {
        let (value, overflows) = match arith {
            Arith::Add => self.builder.ins().sadd_overflow(x, y),
            Arith::Sub => self.builder.ins().ssub_overflow(x, y),
            Arith::Mul => self.builder.ins().smul_overflow(x, y),
            Arith::Div | Arith::FloorDiv | Arith::Rem => {
                let is_zero = self.builder.ins().icmp_imm(IntCC::Equal, y, 0);
                self.refuse_if(is_zero, RefusalKind::DivisionByZero, id);
                if arith == Arith::Rem {
                    return self.helper(6, &[x, y]);
                }
                let is_least = self.builder.ins().icmp_imm(IntCC::Equal, x, i64::MIN);
                let is_minus_one = self.builder.ins().icmp_imm(IntCC::Equal, y, -1);
                let overflows = self.builder.ins().band(is_least, is_minus_one);
                self.refuse_if(overflows, RefusalKind::Overflow, id);
                return self.helper(5, &[x, y]);
            }
        };
        self.refuse_if(overflows, RefusalKind::Overflow, id);
        Ok(value)
    }

    /// Squares and multiplies; every factor divides the result, so none overflows where it does not.
    fn int_power(&mut self, x: Value, exponent: u32, id: Id) -> Value {
        let mut result: Option<Value> = None;
        let (mut base, mut left) = (x, exponent);
        loop {
            if left % 2 == 1 {
                result = Some(match result {
                    Some(result) => self.checked_product(result, base, id),
                    None => base,
                });
            }
            left /= 2;
            if left == 0 {
                break;
            }
            base = self.checked_product(base, base, id);
        }
        result.unwrap_or_else(|| self.builder.ins().iconst(I64, 1))
    }

    fn checked_product(&mut self, x: Value, y: Value, id: Id) -> Value {
        let (value, overflows) = self.builder.ins().smul_overflow(x, y);
        self.refuse_if(overflows, RefusalKind::Overflow, id);
        value
    }

    fn helper(&mut self, index: usize, arguments: &[Value]) -> Emitted {
        let function = if let Some(function) = self.helpers[index] {
            function
        } else {
            let (name, is_int) = HELPERS[index];
            let ty = AbiParam::new(if is_int { I64 } else { F64 });
            let mut signature = Signature::new(self.module.isa().default_call_conv());
            signature.params.extend(arguments.iter().map(|_| ty));
            signature.returns.push(ty);
            let id = self.module.declare_function(name, Linkage::Import, &signature);
            let id = id.map_err(|error| error.to_string())?;
            let function = self.module.declare_func_in_func(id, self.builder.func);
            self.helpers[index] = Some(function);
            function
        };
        let call = self.builder.ins().call(function, arguments);
        Ok(self.builder.inst_results(call)[0])
    }
}

fn slot_offset(index: usize) -> Result<i32, String> {
    i32::try_from(index * 8).map_err(|_| format!("slot {index} is out of reach"))
}

fn ir_type(ty: Type) -> IrType {
    match ty {
        Type::Float => F64,
        Type::Int => I64,
        Type::Bool => I8,
    }
}

pub(super) fn float_condition(cmp: Cmp) -> FloatCC {
    match cmp {
        Cmp::Less => FloatCC::LessThan,
        Cmp::LessEqual => FloatCC::LessThanOrEqual,
        Cmp::Greater => FloatCC::GreaterThan,
        Cmp::GreaterEqual => FloatCC::GreaterThanOrEqual,
        Cmp::Equal => FloatCC::Equal,
        Cmp::NotEqual => FloatCC::NotEqual,
    }
}

fn int_condition(cmp: Cmp) -> IntCC {
    match cmp {
        Cmp::Less => IntCC::SignedLessThan,
        Cmp::LessEqual => IntCC::SignedLessThanOrEqual,
        Cmp::Greater => IntCC::SignedGreaterThan,
        Cmp::GreaterEqual => IntCC::SignedGreaterThanOrEqual,
        Cmp::Equal => IntCC::Equal,
        Cmp::NotEqual => IntCC::NotEqual,
    }
}
