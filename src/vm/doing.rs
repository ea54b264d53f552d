//! What a run is doing, for the status line and for how its workload's end is taken.

/// What is done at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doing {
    /// The guest takes no commands yet.
    #[default]
    Booting,
    /// Files are copied and settings made.
    Preparing,
    /// The workload runs.
    Running,
    /// The workload is over, what it left behind may still come.
    Settling,
    /// A log that somebody else's machine writes.
    Watching,
}

impl Doing {
    /// In one word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booting => "booting",
            Self::Preparing => "preparing",
            Self::Running => "running",
            Self::Settling => "settling",
            Self::Watching => "watching",
        }
    }
}
