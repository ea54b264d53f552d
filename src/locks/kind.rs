//! What tasks wait for: the closed set of kinds of waits, and what follows from each.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize};

/// What a task waits for. In JSON it is its [word](WaitKind::word).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WaitKind {
    /// A mutex.
    Mutex,
    /// A real-time mutex.
    RtMutex,
    /// A reader-writer semaphore, to read.
    RwsemRead,
    /// A reader-writer semaphore, to write.
    RwsemWrite,
    /// A per-CPU reader-writer semaphore, to read.
    PercpuRwsemRead,
    /// A per-CPU reader-writer semaphore, to write.
    PercpuRwsemWrite,
    /// A line-discipline semaphore, to read.
    LdsemRead,
    /// A line-discipline semaphore, to write.
    LdsemWrite,
    /// A socket's lock.
    SocketLock,
    /// A counting semaphore.
    Semaphore,
    /// A spinlock, on a CPU.
    Spinlock,
    /// A lock of a kind that the log does not name.
    Lock,
    /// A completion.
    Completion,
    /// The end of a work item.
    Work,
    /// The end of a workqueue's items.
    Workqueue,
    /// An RCU grace period.
    Rcu,
    /// A kernel thread to stop or park.
    Kthread,
    /// Its first wake-up (a kernel thread that was created and never woken).
    FirstWakeup,
    /// A page's lock or bit.
    PageLock,
    /// A block device or file system.
    Io,
    /// A bit of an object.
    Bit,
    /// A futex of user space.
    Futex,
    /// The freezer.
    Freezer,
    /// Time to pass.
    Sleep,
    /// A child process.
    Child,
    /// A USB transfer.
    Usb,
    /// The last reference to a network device.
    DeviceReferences,
    /// An event.
    WaitQueue,
    /// Something that the log does not name.
    Unknown,
}

impl WaitKind {
    /// The kind of that word, as the grammar's vocabulary names it.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let word: StrDeserializer<'_, serde::de::value::Error> = word.into_deserializer();
        Self::deserialize(word).ok()
    }

    /// Its word in JSON and in the grammar's vocabulary.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::RtMutex => "rt-mutex",
            Self::RwsemRead => "rwsem-read",
            Self::RwsemWrite => "rwsem-write",
            Self::PercpuRwsemRead => "percpu-rwsem-read",
            Self::PercpuRwsemWrite => "percpu-rwsem-write",
            Self::LdsemRead => "ldsem-read",
            Self::LdsemWrite => "ldsem-write",
            Self::SocketLock => "socket-lock",
            Self::Semaphore => "semaphore",
            Self::Spinlock => "spinlock",
            Self::Lock => "lock",
            Self::Completion => "completion",
            Self::Work => "work",
            Self::Workqueue => "workqueue",
            Self::Rcu => "rcu",
            Self::Kthread => "kthread",
            Self::FirstWakeup => "first-wakeup",
            Self::PageLock => "page-lock",
            Self::Io => "io",
            Self::Bit => "bit",
            Self::Futex => "futex",
            Self::Freezer => "freezer",
            Self::Sleep => "sleep",
            Self::Child => "child",
            Self::Usb => "usb",
            Self::DeviceReferences => "device-references",
            Self::WaitQueue => "wait-queue",
            Self::Unknown => "unknown",
        }
    }

    /// What is awaited, in words that follow "waits for".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Mutex => "a mutex",
            Self::RtMutex => "a real-time mutex",
            Self::RwsemRead => "a reader-writer semaphore, to read",
            Self::RwsemWrite => "a reader-writer semaphore, to write",
            Self::PercpuRwsemRead => "a per-CPU reader-writer semaphore, to read",
            Self::PercpuRwsemWrite => "a per-CPU reader-writer semaphore, to write",
            Self::LdsemRead => "a line-discipline semaphore, to read",
            Self::LdsemWrite => "a line-discipline semaphore, to write",
            Self::SocketLock => "a socket's lock",
            Self::Semaphore => "a counting semaphore",
            Self::Spinlock => "a spinlock, on a CPU",
            Self::Lock => "a lock of a kind that the log does not name",
            Self::Completion => "a completion",
            Self::Work => "the end of a work item",
            Self::Workqueue => "the end of a workqueue's items",
            Self::Rcu => "an RCU grace period",
            Self::Kthread => "a kernel thread to stop or park",
            Self::FirstWakeup => "its first wake-up (a kernel thread that was created and never woken)",
            Self::PageLock => "a page's lock or bit",
            Self::Io => "a block device or file system",
            Self::Bit => "a bit of an object",
            Self::Futex => "a futex of user space",
            Self::Freezer => "the freezer",
            Self::Sleep => "time to pass",
            Self::Child => "a child process",
            Self::Usb => "a USB transfer",
            Self::DeviceReferences => "the last reference to a network device",
            Self::WaitQueue => "an event",
            Self::Unknown => "something that the log does not name",
        }
    }

    /// Whether lockdep lists what is awaited among what is held.
    #[must_use]
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Mutex | Self::RtMutex | Self::SocketLock | Self::Lock) || self.is_reader_writer()
    }

    /// Whether several tasks may hold it at once.
    #[must_use]
    pub fn is_shared(self) -> bool {
        self == Self::Lock || self.is_reader_writer()
    }

    /// Whether somebody must hold it, whoever that is: who waits for it is not the end of a chain of waits.
    #[must_use]
    pub fn has_holder(self) -> bool {
        matches!(self, Self::Semaphore | Self::Spinlock) || self.is_listed()
    }

    /// Whether it is a lock that readers share, which the task wants to read.
    #[must_use]
    pub fn is_read(self) -> bool {
        matches!(self, Self::RwsemRead | Self::PercpuRwsemRead | Self::LdsemRead)
    }

    /// Whether it is one of the kernel's semaphores for readers and writers.
    pub(super) fn is_rwsem(self) -> bool {
        matches!(self, Self::RwsemRead | Self::RwsemWrite)
    }

    /// Whether it is a semaphore of a line discipline.
    pub(super) fn is_ldsem(self) -> bool {
        matches!(self, Self::LdsemRead | Self::LdsemWrite)
    }

    fn is_reader_writer(self) -> bool {
        self.is_rwsem() || self.is_ldsem() || matches!(self, Self::PercpuRwsemRead | Self::PercpuRwsemWrite)
    }
}

impl std::fmt::Display for WaitKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.word())
    }
}

/// How a lock is distinguished from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Identity {
    /// By the address of its instance.
    Instance,
    /// By its class: another lock of the class may be meant.
    Class,
    /// Not at all.
    None,
}

#[cfg(test)]
mod tests {
    use super::WaitKind;

    #[test]
    fn a_kind_is_its_word() {
        for word in ["mutex", "percpu-rwsem-read", "first-wakeup", "io", "device-references", "unknown"] {
            assert_eq!(WaitKind::of(word).map(WaitKind::word), Some(word));
            assert_eq!(serde_json::to_value(WaitKind::of(word)).expect("a word"), word);
        }
        assert_eq!(WaitKind::of("rwsem"), None);
    }
}
