//! Stand-in until the structure parsers are merged.
use super::*;
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "stand-in")]
pub struct Structure {
    pub stacks: Vec<Stack>,
    pub held_locks: Vec<HeldLocks>,
    pub lockdep: Option<Lockdep>,
    pub hung_tasks: Vec<HungTask>,
    pub registers: std::collections::BTreeMap<String, String>,
    pub code: Option<String>,
    pub task: Option<Task>,
    pub cpu: Option<u32>,
    pub taint: Option<String>,
    pub kernel_version: Option<String>,
    pub hardware: Option<String>,
    pub access: Option<Access>,
    pub damage: Vec<String>,
}
/// Nothing.
pub fn describe(_lines: &[Line]) -> Structure {
    Structure::default()
}
