//! Calls of compiled code: the one module of this crate with `unsafe`.
//!
//! Why it is sound:
//! - The functions are emitted by `codegen::define` and `pairs::define` with exactly the signatures below,
//!   in the platform's C convention; a source has no way to name an address.
//! - Compiled code reads slots `0..inputs` (or rows `from..to` of every column) and writes slots
//!   `0..outputs` (or `to - from` results); the offsets are constants that the emitters bound by the same
//!   numbers that the safe functions here assert before each call.
//! - It calls only the functions of `functions`, which never panic, and does not recurse or loop, but for
//!   the loop over `from..to`.
//! - The memory is executable as long as the [`Machine`] lives: it is freed in `Drop`, and a call borrows
//!   the `Machine`.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::mem;
use std::sync::{Mutex, PoisonError};

use cranelift_jit::JITModule;
use cranelift_module::FuncId;

use super::ir::{Code, Program, Type};
use super::{codegen, pairs};

type BlockFn = unsafe extern "C" fn(inputs: *const u64, outputs: *mut u64) -> u32;
type PairsFn = unsafe extern "C" fn(columns: *const *const f64, from: usize, to: usize, out: *mut u8) -> u32;

/// Memory with finished code; never read, only kept and freed.
struct Memory(Mutex<Option<JITModule>>);

impl Memory {
    /// Finishes the module's code; returns it with the addresses of the functions.
    fn finish<const N: usize>(
        mut module: JITModule,
        functions: Result<[FuncId; N], String>,
    ) -> Result<(Self, [*const u8; N]), String> {
        let finished = functions.and_then(|functions| {
            module.finalize_definitions().map_err(|error| error.to_string())?;
            Ok(functions.map(|id| module.get_finalized_function(id)))
        });
        let memory = Self(Mutex::new(Some(module)));
        // On an error `memory` is dropped and frees what was allocated.
        finished.map(|addresses| (memory, addresses))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let module = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(module) = module {
            // SAFETY: the function pointers live beside this in a `Machine` or `Pairs`, which is being
            // dropped (or was never made), and calls borrow it: none is running, none will follow.
            unsafe { module.free_memory() };
        }
    }
}

/// The compiled blocks of a program.
pub(super) struct Machine {
    arguments: BlockFn,
    main: BlockFn,
    fields: usize,
    inputs: usize,
    outputs: [usize; 2],
    _memory: Memory,
}

impl Machine {
    pub fn compile(program: &Program) -> Result<Self, String> {
        let mut module = codegen::module()?;
        let mut define = |block| codegen::define(&mut module, program, block);
        let functions = define(&program.main).and_then(|main| {
            // Without indicators there is nothing to prepare.
            let arguments = if program.indicators.is_empty() { main } else { define(&program.arguments)? };
            Ok([main, arguments])
        });
        let (memory, [main, arguments]) = Memory::finish(module, functions)?;
        // SAFETY: `codegen::define` gave both functions the signature of `BlockFn`.
        let [main, arguments] = unsafe {
            [mem::transmute::<*const u8, BlockFn>(main), mem::transmute::<*const u8, BlockFn>(arguments)]
        };
        Ok(Self {
            arguments,
            main,
            fields: program.fields.len(),
            inputs: program.inputs(),
            outputs: [program.arguments.outputs, program.main.outputs],
            _memory: memory,
        })
    }

    /// Runs the main block.
    ///
    /// # Panics
    /// If the slices have fewer slots than the program has.
    pub fn main(&self, inputs: &[u64], outputs: &mut [u64]) -> Code {
        assert!(inputs.len() >= self.inputs && outputs.len() >= self.outputs[1], "slots of the main block");
        // SAFETY: the block reads `self.inputs` slots and writes `self.outputs[1]`; both are there.
        Code(unsafe { (self.main)(inputs.as_ptr(), outputs.as_mut_ptr()) })
    }

    /// Runs the block that computes the indicators' arguments, which reads fields only.
    ///
    /// # Panics
    /// If the slices have fewer slots than the program has.
    pub fn arguments(&self, inputs: &[u64], outputs: &mut [u64]) -> Code {
        assert!(self.outputs[0] > 0, "a block to run");
        assert!(inputs.len() >= self.inputs.max(self.fields), "slots of the arguments");
        assert!(outputs.len() >= self.outputs[0], "slots of the arguments");
        // SAFETY: as in `main`; with outputs there are indicators, so this is the block of arguments.
        Code(unsafe { (self.arguments)(inputs.as_ptr(), outputs.as_mut_ptr()) })
    }
}

/// The compiled loop over columns of floats.
pub(super) struct Pairs {
    run: PairsFn,
    columns: usize,
    result: Type,
    _memory: Memory,
}

/// Where a stretch of results goes.
pub(super) enum Target<'a> {
    Bool(&'a mut [u8]),
    Float(&'a mut [f64]),
}

impl Pairs {
    pub fn compile(program: &Program, result: Type) -> Result<Self, String> {
        if !pairs::is_possible(program) || result == Type::Int {
            return Err("not for this program".to_owned());
        }
        let mut module = codegen::module()?;
        let functions = pairs::define(&mut module, program).map(|run| [run]);
        let (memory, [run]) = Memory::finish(module, functions)?;
        // SAFETY: `pairs::define` gave the function the signature of `PairsFn`.
        let run = unsafe { mem::transmute::<*const u8, PairsFn>(run) };
        Ok(Self { run, columns: program.fields.len(), result, _memory: memory })
    }

    /// Takes the columns of one call.
    ///
    /// # Panics
    /// If there is not one column per field.
    pub fn over<'a>(&'a self, columns: &[&'a [f64]]) -> Columns<'a> {
        assert!(columns.len() == self.columns, "one column per field");
        let rows = columns.iter().map(|column| column.len()).min().unwrap_or(0);
        let addresses = columns.iter().map(|column| column.as_ptr()).collect();
        Columns { pairs: self, addresses, rows, borrowed: PhantomData }
    }
}

/// Columns, one per field, and the loop over them.
pub(super) struct Columns<'a> {
    pairs: &'a Pairs,
    addresses: Vec<*const f64>,
    /// Length of the shortest column.
    rows: usize,
    borrowed: PhantomData<&'a [f64]>,
}

impl Columns<'_> {
    /// Fills `out` with the results of as many rows from `from`; returns whether they can be trusted.
    ///
    /// # Panics
    /// If a column ends before the last row, the number of rows is not a multiple of a turn's, or `out`
    /// is of another type than the result.
    pub fn run(&self, from: usize, out: Target<'_>) -> bool {
        let (rows, ty, out) = match out {
            Target::Bool(out) => (out.len(), Type::Bool, out.as_mut_ptr()),
            Target::Float(out) => (out.len(), Type::Float, out.as_mut_ptr().cast::<u8>()),
        };
        assert!(ty == self.pairs.result, "results of one type");
        assert!(rows > 0 && rows.is_multiple_of(pairs::ROWS_PER_TURN), "whole turns");
        let to = from.checked_add(rows).expect("rows fit the address space");
        assert!(to <= self.rows, "columns as long as the rows");
        // SAFETY: the loop reads rows `from..to` of the columns, which are borrowed and all at least `to`
        // long, and writes `to - from` results of the checked type to `out`, which has room for them.
        unsafe { (self.pairs.run)(self.addresses.as_ptr(), from, to, out) == 0 }
    }
}
