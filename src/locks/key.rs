//! What distinguishes one lock from another.

use crate::report::HeldLock;

/// What distinguishes one lock from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The address of its lockdep map.
    Instance(String),
    /// Its class, where no address is printed.
    Class(String),
}

/// The key of a listed lock.
pub(super) fn key(lock: &HeldLock) -> Key {
    match &lock.address {
        Some(address) if address.bytes().any(|byte| byte != b'0') => Key::Instance(address.clone()),
        _ => Key::Class(lock.class.clone()),
    }
}
