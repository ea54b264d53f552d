//! The reports of lockdep for which the program has words of its own.

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;

/// Reports of lockdep that have words of their own: the meanings of [`super::List::LockdepFlavours`] that the program knows. A row
/// may have another meaning; its reports are described in general words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// Two orders of the same locks.
    Circular,
    /// DEPT's: events and waits in a circle.
    Dept,
    /// A class taken twice.
    Recursive,
    /// A lock that interrupts take, and one that interrupts may break into, in both orders.
    IrqInversion,
    /// The same, found when the second is taken.
    IrqOrder,
    /// One lock inside and outside of interrupts.
    Inconsistent,
    /// A lock released by who does not hold it.
    BadUnlock,
    /// A lock contended for that nobody holds.
    BadContention,
    /// Memory freed with a held lock in it.
    HeldFreed,
    /// Back to user space with a lock.
    HeldReturn,
    /// Gone with a lock.
    HeldExit,
    /// A lock that may sleep where nobody may.
    WaitContext,
    /// A nested lock without the one around it.
    Nested,
    /// RCU without protection.
    Rcu,
}

impl Flavour {
    /// The flavour of that name, if the program knows it.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}
