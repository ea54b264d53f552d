//! What distinguishes one lock from another.

use super::pieces::Held;

/// What distinguishes one lock from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    /// The address of its lockdep map.
    Instance(&'a str),
    /// Its class, where no address is printed.
    Class(&'a str),
}

/// The key of a listed lock.
pub(super) fn key(lock: &Held) -> Key<'_> {
    match &lock.address {
        Some(address) if address.bytes().any(|byte| byte != b'0') => Key::Instance(address),
        _ => Key::Class(&lock.words.class),
    }
}
