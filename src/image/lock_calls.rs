//! Which locks a function takes and releases, in the order of its code, and where their addresses come from.

use super::disassemble::{callee, decode_x86, disassemble};
use super::kernel_image::KernelImage;
use super::origin::states;
use crate::architecture::Architecture;
use crate::grammar::{Grammar, List};
use crate::symbols::Symbol;
use serde::Serialize;

/// What a call does to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Waits for it.
    Take,
    /// Takes it if that is possible at once.
    Try,
    /// Gives it back.
    Release,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LockCall {
    /// Where the call is.
    pub address: u64,
    /// Bytes from the start of the function.
    pub offset: u64,
    /// What is done.
    pub action: Action,
    /// The function that is called.
    pub function: String,
    /// Where the lock's address comes from, if that can be determined: `arg0+0x68`, `&rtnl_mutex`.
    pub lock: Option<String>,
}

/// What a function does to a lock, and whether the lock is its first argument. The names are those of the grammar's list of
/// lock calls; leading underscores do not count.
#[must_use]
pub fn lock_action(function: &str) -> Option<(Action, bool)> {
    let grammar = Grammar::built_in();
    let meaning = grammar.vocabulary.function(List::LockCalls, function.trim_start_matches('_'))?;
    let (action, has_argument) = match meaning.strip_prefix("own ") {
        Some(action) => (action, false),
        None => (meaning, true),
    };
    match action {
        "take" => Some((Action::Take, has_argument)),
        "try" => Some((Action::Try, has_argument)),
        "release" => Some((Action::Release, has_argument)),
        _ => None,
    }
}

/// The calls of lock functions in a function's code.
#[must_use]
pub fn lock_calls(image: &KernelImage, function: Symbol<'_>, bytes: &[u8]) -> Vec<LockCall> {
    if image.machine != Some(Architecture::Amd64) {
        let calls = disassemble(image, function, bytes)
            .into_iter()
            .filter_map(|line| line.calls.map(|name| (line.address, name)));
        return calls
            .filter_map(|(address, name)| {
                let (action, _) = lock_action(&name)?;
                Some(LockCall { address, offset: address - function.address, action, function: name, lock: None })
            })
            .collect();
    }
    let code = decode_x86(bytes, function.address);
    let states = states(&code, &image.symbols, function);
    code.iter()
        .zip(&states)
        .filter_map(|(instruction, state)| {
            let name = callee(instruction, &image.symbols, function)?;
            let (action, has_argument) = lock_action(&name)?;
            let lock = state
                .as_ref()
                .filter(|_| has_argument)
                .and_then(|state| state.argument(0))
                .map(|value| value.text(&image.symbols));
            Some(LockCall {
                address: instruction.ip(),
                offset: instruction.ip() - function.address,
                action,
                function: name,
                lock,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_functions_are_known_by_their_names() {
        for (name, expected) in [
            ("mutex_lock", Some((Action::Take, true))),
            ("mutex_lock_killable", Some((Action::Take, true))),
            ("__mutex_lock_nested", Some((Action::Take, true))),
            ("mutex_unlock", Some((Action::Release, true))),
            ("_raw_spin_lock_irqsave", Some((Action::Take, true))),
            ("_raw_spin_unlock_irqrestore", Some((Action::Release, true))),
            ("down_read_trylock", Some((Action::Try, true))),
            ("up_write", Some((Action::Release, true))),
            ("up", Some((Action::Release, true))),
            ("rtnl_lock", Some((Action::Take, false))),
            ("update_curr", None),
            ("down_timeout", Some((Action::Take, true))),
            ("mutex_is_locked", None),
            ("downgrade_write", None),
        ] {
            assert_eq!(lock_action(name), expected, "{name}");
        }
    }
}
