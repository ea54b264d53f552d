//! Where a register's value comes from in a function of x86-64: an argument, something loaded from it, a symbol.
//!
//! Every path through the function is followed until nothing changes any more; what differs between paths is unknown.

use super::disassemble::callee;
use crate::symbols::{Symbol, SymbolTable};
use iced_x86::{FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A value, as far as it can be determined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// The argument of this number, from 0.
    Argument(usize),
    /// The place of a symbol.
    Address(u64),
    /// What the function of that name returned.
    Result(Rc<str>),
    /// So many bytes above another value.
    Plus(Rc<Self>, i64),
    /// What lies in memory so many bytes above another value.
    Load(Rc<Self>, i64),
    /// What lies in the per-CPU variable at an address.
    PerCpu(u64),
    /// So many bytes above the stack pointer at the function's entry.
    Stack(i64),
}

/// Loads of loads of loads: beyond this nobody reads them.
const DEPTH: usize = 6;

impl Value {
    fn depth(&self) -> usize {
        match self {
            Self::Plus(inner, _) | Self::Load(inner, _) => 1 + inner.depth(),
            _ => 0,
        }
    }

    fn plus(&self, by: i64) -> Self {
        match self {
            _ if by == 0 => self.clone(),
            Self::Plus(inner, offset) => inner.plus(offset.wrapping_add(by)),
            Self::Address(address) => Self::Address(address.wrapping_add_signed(by)),
            Self::Stack(offset) => Self::Stack(offset.wrapping_add(by)),
            other => Self::Plus(Rc::new(other.clone()), by),
        }
    }

    /// The value as people read it: `arg0+0x68`, `[arg0+0x20]+0x18`, `&rtnl_mutex`, `result of foo()`.
    #[must_use]
    pub(super) fn text(&self, symbols: &SymbolTable) -> String {
        let offset = |by: i64| match by {
            0 => String::new(),
            by if by < 0 => format!("-{:#x}", by.unsigned_abs()),
            by => format!("+{by:#x}"),
        };
        let symbol = |address: u64| match symbols.covering(address) {
            Some(symbol) => format!("{}{}", symbol.name, offset((address - symbol.address).cast_signed())),
            None => format!("{address:#x}"),
        };
        match self {
            Self::Argument(number) => format!("arg{number}"),
            Self::Address(address) => format!("&{}", symbol(*address)),
            Self::Result(function) => format!("result of {function}()"),
            Self::Plus(inner, by) => format!("{}{}", inner.text(symbols), offset(*by)),
            Self::Load(inner, by) => format!("[{}{}]", inner.text(symbols), offset(*by)),
            Self::PerCpu(address) => match symbols.covering(*address) {
                Some(variable)
                    if matches!(variable.name, "current_task" | "pcpu_hot" | "const_pcpu_hot")
                        && variable.address == *address =>
                {
                    "current".to_owned()
                }
                _ => format!("this CPU's {}", symbol(*address)),
            },
            Self::Stack(by) => format!("stack{}", offset(*by)),
        }
    }
}

/// What is known at one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    registers: [Option<Value>; 16],
    stack: BTreeMap<i64, Value>,
}

const ARGUMENTS: [Register; 6] =
    [Register::RDI, Register::RSI, Register::RDX, Register::RCX, Register::R8, Register::R9];

/// Number of a general register of any width.
fn slot(register: Register) -> Option<usize> {
    let full = register.full_register();
    full.is_gpr64().then(|| full.number())
}

impl State {
    fn at_entry() -> Self {
        let mut state = Self { registers: [const { None }; 16], stack: BTreeMap::new() };
        for (number, register) in ARGUMENTS.iter().enumerate() {
            state.set(*register, Some(Value::Argument(number)));
        }
        state.set(Register::RSP, Some(Value::Stack(0)));
        state
    }

    fn get(&self, register: Register) -> Option<&Value> {
        slot(register).and_then(|slot| self.registers[slot].as_ref())
    }

    fn set(&mut self, register: Register, value: Option<Value>) {
        if let Some(slot) = slot(register) {
            self.registers[slot] = value.filter(|value| value.depth() <= DEPTH);
        }
    }

    /// The value of the argument that a call is about to be given.
    #[must_use]
    pub(super) fn argument(&self, number: usize) -> Option<&Value> {
        ARGUMENTS.get(number).and_then(|register| self.get(*register))
    }

    /// Keeps what both know alike; whether anything was lost.
    fn join(&mut self, other: &Self) -> bool {
        let before = self.clone();
        for (own, other) in self.registers.iter_mut().zip(&other.registers) {
            if own != other {
                *own = None;
            }
        }
        self.stack.retain(|at, value| other.stack.get(at) == Some(value));
        *self != before
    }

    /// The address that a memory operand means, without what cannot be determined.
    fn place(&self, instruction: &Instruction) -> Option<(Value, i64)> {
        if instruction.is_ip_rel_memory_operand() {
            return Some((Value::Address(instruction.ip_rel_memory_address()), 0));
        }
        let by = instruction.memory_displacement64().cast_signed();
        if instruction.memory_index() != Register::None {
            return None;
        }
        match instruction.memory_base() {
            Register::None => Some((Value::Address(instruction.memory_displacement64()), 0)),
            base => Some((self.get(base)?.clone(), by)),
        }
    }

    fn load(&self, instruction: &Instruction) -> Option<Value> {
        let (base, by) = self.place(instruction)?;
        match (base, instruction.segment_prefix()) {
            (Value::Address(address), Register::GS) => Some(Value::PerCpu(address.wrapping_add_signed(by))),
            (_, Register::GS | Register::FS) => None,
            (Value::Stack(at), _) => self.stack.get(&at.wrapping_add(by)).cloned(),
            (Value::Plus(inner, more), _) => Some(Value::Load(inner, more.wrapping_add(by))),
            (base, _) => Some(Value::Load(Rc::new(base), by)),
        }
    }

    fn store(&mut self, instruction: &Instruction, value: Option<Value>) {
        if let Some((Value::Stack(at), by)) = self.place(instruction) {
            self.stack.remove(&at.wrapping_add(by));
            if let Some(value) = value {
                self.stack.insert(at.wrapping_add(by), value);
            }
        }
    }

    fn push(&mut self, value: Option<Value>) {
        let Some(Value::Stack(at)) = self.get(Register::RSP).cloned() else { return };
        self.set(Register::RSP, Some(Value::Stack(at - 8)));
        self.stack.remove(&(at - 8));
        if let Some(value) = value {
            self.stack.insert(at - 8, value);
        }
    }

    /// What is known after an instruction; `called` names the function if it is a call.
    fn step(&mut self, instruction: &Instruction, called: Option<String>, info: &mut InstructionInfoFactory) {
        let wide = |operand: u32| {
            instruction.op_kind(operand) == OpKind::Register && instruction.op_register(operand).is_gpr64()
        };
        match instruction.mnemonic() {
            Mnemonic::Mov if wide(0) => {
                let value = match instruction.op1_kind() {
                    OpKind::Register => self.get(instruction.op1_register()).cloned(),
                    OpKind::Memory => self.load(instruction),
                    OpKind::Immediate32to64 | OpKind::Immediate64 => Some(Value::Address(instruction.immediate(1))),
                    _ => None,
                };
                self.set(instruction.op0_register(), value);
            }
            Mnemonic::Mov if instruction.op0_kind() == OpKind::Memory => {
                let value = if wide(1) { self.get(instruction.op1_register()).cloned() } else { None };
                self.store(instruction, value);
            }
            Mnemonic::Lea if wide(0) => {
                let value = self.place(instruction).map(|(base, by)| base.plus(by));
                self.set(instruction.op0_register(), value);
            }
            Mnemonic::Add | Mnemonic::Sub
                if wide(0) && matches!(instruction.op1_kind(), OpKind::Immediate8to64 | OpKind::Immediate32to64) =>
            {
                let by = instruction.immediate(1).cast_signed();
                let by = if instruction.mnemonic() == Mnemonic::Add { by } else { by.wrapping_neg() };
                let value = self.get(instruction.op0_register()).map(|value| value.plus(by));
                self.set(instruction.op0_register(), value);
            }
            Mnemonic::Push => {
                let value = if wide(0) { self.get(instruction.op0_register()).cloned() } else { None };
                self.push(value);
            }
            Mnemonic::Pop => {
                let top = match self.get(Register::RSP) {
                    Some(Value::Stack(at)) => Some(*at),
                    _ => None,
                };
                let value = top.and_then(|at| self.stack.remove(&at));
                self.set(instruction.op0_register(), value);
                self.set(Register::RSP, top.map(|at| Value::Stack(at + 8)));
            }
            Mnemonic::Call => {
                for register in ARGUMENTS.iter().chain(&[Register::R10, Register::R11]) {
                    self.set(*register, None);
                }
                self.set(Register::RAX, called.map(|name| Value::Result(name.into())));
            }
            _ => {
                for used in info.info(instruction).used_registers() {
                    if matches!(
                        used.access(),
                        OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
                    ) {
                        self.set(used.register(), None);
                    }
                }
                if instruction.op_count() > 0 && instruction.op0_kind() == OpKind::Memory {
                    self.store(instruction, None);
                }
            }
        }
    }
}

/// What is known before each instruction of a function; `None` for those that no path was found to.
#[must_use]
pub(super) fn states(code: &[Instruction], symbols: &SymbolTable, function: Symbol<'_>) -> Vec<Option<State>> {
    let number: BTreeMap<u64, usize> =
        code.iter().enumerate().map(|(number, instruction)| (instruction.ip(), number)).collect();
    let mut states: Vec<Option<State>> = vec![None; code.len()];
    let mut waiting = vec![(0, State::at_entry())];
    let mut info = InstructionInfoFactory::new();
    // Each join loses something or ends; this bound is for damaged code.
    let mut left = code.len().saturating_mul(64);
    while let Some((at, state)) = waiting.pop() {
        let (Some(instruction), Some(known)) = (code.get(at), states.get_mut(at)) else { continue };
        match known {
            Some(known) => {
                if !known.join(&state) {
                    continue;
                }
            }
            None => *known = Some(state),
        }
        let Some(rest) = left.checked_sub(1) else { break };
        left = rest;
        let Some(mut after) = states[at].clone() else { continue };
        after.step(instruction, callee(instruction, symbols, function), &mut info);
        let target = || number.get(&instruction.near_branch_target()).copied();
        match instruction.flow_control() {
            FlowControl::UnconditionalBranch => waiting.extend(target().map(|at| (at, after))),
            FlowControl::ConditionalBranch => {
                waiting.extend(target().map(|at| (at, after.clone())));
                waiting.push((at + 1, after));
            }
            FlowControl::Return | FlowControl::IndirectBranch | FlowControl::Exception => {}
            _ => waiting.push((at + 1, after)),
        }
    }
    states
}
