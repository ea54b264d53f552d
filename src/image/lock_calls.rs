//! Which locks a function takes and releases, in the order of its code, and where their addresses come from.

use super::disassemble::{callee, decode_x86, disassemble};
use super::kernel_image::{KernelImage, Machine};
use super::origin::states;
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
    /// Where the lock's address comes from, if that can be told: `arg0+0x68`, `&rtnl_mutex`.
    pub lock: Option<String>,
}

/// Beginnings of the names of lock functions: take, try, release. The lock is their first argument.
const FAMILIES: [(&str, &str, &str); 16] = [
    ("mutex_lock", "mutex_trylock", "mutex_unlock"),
    ("rt_mutex_lock", "rt_mutex_trylock", "rt_mutex_unlock"),
    ("ww_mutex_lock", "ww_mutex_trylock", "ww_mutex_unlock"),
    ("raw_spin_lock", "raw_spin_trylock", "raw_spin_unlock"),
    ("raw_read_lock", "raw_read_trylock", "raw_read_unlock"),
    ("raw_write_lock", "raw_write_trylock", "raw_write_unlock"),
    ("rt_spin_lock", "rt_spin_trylock", "rt_spin_unlock"),
    ("queued_spin_lock_slowpath", "queued_spin_trylock", "queued_spin_unlock"),
    ("down_read", "down_read_trylock", "up_read"),
    ("down_write", "down_write_trylock", "up_write"),
    ("down", "down_trylock", "up"),
    ("percpu_down_read", "percpu_down_read_trylock", "percpu_up_read"),
    ("percpu_down_write", "percpu_down_write_trylock", "percpu_up_write"),
    ("lock_sock", "lock_sock_try", "release_sock"),
    ("srcu_read_lock", "srcu_read_trylock", "srcu_read_unlock"),
    ("folio_lock", "folio_trylock", "folio_unlock"),
];

/// Locks that have functions of their own and no argument.
const OWN: [(&str, &str, &str); 6] = [
    ("rtnl_lock", "rtnl_trylock", "rtnl_unlock"),
    ("console_lock", "console_trylock", "console_unlock"),
    ("cpus_read_lock", "cpus_read_trylock", "cpus_read_unlock"),
    ("cpus_write_lock", "cpus_write_trylock", "cpus_write_unlock"),
    ("rcu_read_lock", "rcu_read_trylock", "rcu_read_unlock"),
    ("lock_device_hotplug", "lock_device_hotplug_sysfs", "unlock_device_hotplug"),
];

/// What ends may follow: the variants of lockdep, interrupts, signals.
const ENDINGS: [&str; 12] = [
    "",
    "_nested",
    "_nest_lock",
    "_interruptible",
    "_killable",
    "_killable_nested",
    "_interruptible_nested",
    "_io",
    "_irq",
    "_irqsave",
    "_irqrestore",
    "_bh",
];

/// What a function does to a lock, and whether the lock is its first argument.
#[must_use]
pub fn lock_action(function: &str) -> Option<(Action, bool)> {
    let name = function.trim_start_matches('_');
    let is = |begin: &str| {
        name.strip_prefix(begin).is_some_and(|ending| {
            ENDINGS.contains(&ending)
                || matches!(ending, "_irqsave_nested" | "_timeout" | "_non_owner" | "_fast" | "_slow" | "_slowpath")
        })
    };
    let of = |families: &[(&str, &str, &str)]| {
        families.iter().find_map(|(take, attempt, release)| {
            if is(attempt) {
                Some(Action::Try)
            } else if is(release) {
                Some(Action::Release)
            } else {
                is(take).then_some(Action::Take)
            }
        })
    };
    of(&FAMILIES).map(|action| (action, true)).or_else(|| of(&OWN).map(|action| (action, false)))
}

/// The calls of lock functions in a function's code.
#[must_use]
pub fn lock_calls(image: &KernelImage, function: Symbol<'_>, bytes: &[u8]) -> Vec<LockCall> {
    if image.machine != Machine::X86 {
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
