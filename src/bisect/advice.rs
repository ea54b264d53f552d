//! stub
use super::record::{Bisection, Nuisance, Step};
use super::crash_text::Seen;
/// x
pub fn answer(_found: &Bisection) -> String { String::new() }
/// x
pub fn infrastructure(_s: &[Step]) -> Vec<Nuisance> { Vec::new() }
/// x
pub fn give(_found: &mut Bisection, _seen: &Seen) {}
