//! The smallest program that still crashes: what to try next, how many runs a step needs, and what is already known.
//!
//! The search itself is a function of the answers that it gets, so that it can be broken off and repeated: the answers are
//! kept by the text of the program that was tried.

use super::shorten::Cut;
use super::{Program, ProgramError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The schema name of [`Ledger`].
pub const MINIMIZE_SCHEMA: &str = "kanalyze.minimize/1";

/// Everything that is known of a program that is made smaller; the file that a broken-off search goes on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// [`MINIMIZE_SCHEMA`].
    pub schema: String,
    /// SHA-256 of the program that it began with, hex.
    pub program: String,
    /// Titles that count as the crash.
    pub titles: Vec<String>,
    /// The runs of the whole program.
    pub base: Count,
    /// Each program that was tried, in order.
    pub steps: Vec<Step>,
}

/// Runs and those that crashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// Runs that say something.
    pub runs: u32,
    /// Those with the crash.
    pub hits: u32,
}

/// One program that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// SHA-256 of its text, hex.
    pub program: String,
    /// Its file beside the ledger.
    pub file: String,
    /// What it lacks beside what the step before that crashed lacked.
    pub cut: String,
    /// How many calls it has.
    pub calls: usize,
    /// The runs so far.
    pub count: Count,
    /// Whether it crashes; absent while that is not known.
    pub crashes: Option<bool>,
}

impl Count {
    /// How many runs without a crash make it unlikely (`risk`) that a program crashes as often as one with this count does.
    /// The rate is Laplace's: three of three do not prove that it always crashes.
    #[must_use]
    pub fn runs_needed(self, risk: f64) -> u32 {
        let rate = (f64::from(self.hits) + 1.0) / (f64::from(self.runs) + 2.0);
        let runs = (risk.ln() / (1.0 - rate).ln()).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just here")]
        let runs = runs.clamp(1.0, 10_000.0) as u32;
        runs
    }
}

impl Ledger {
    /// Nothing is known of this program.
    #[must_use]
    pub fn new(program: &Program) -> Self {
        Self {
            schema: MINIMIZE_SCHEMA.to_owned(),
            program: digest(&program.to_bytes()),
            titles: Vec::new(),
            base: Count::default(),
            steps: Vec::new(),
        }
    }

    /// The step of a program, made if it is new.
    pub fn step(&mut self, program: &Program, cut: &str) -> &mut Step {
        let digest = digest(&program.to_bytes());
        let at = self.steps.iter().position(|step| step.program == digest).unwrap_or(self.steps.len());
        if at == self.steps.len() {
            self.steps.push(Step {
                program: digest,
                file: format!("step-{:03}.syz", at + 1),
                cut: cut.to_owned(),
                calls: program.calls.len(),
                count: Count::default(),
                crashes: None,
            });
        }
        &mut self.steps[at]
    }
}

/// SHA-256 in hex.
#[must_use]
pub fn digest(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Searches for the smallest program: halves, quarters … single calls from the end, as often as something goes; then the
/// properties of calls; then the options. `crashes` is asked once per text.
///
/// # Errors
/// What `crashes` answers.
pub fn minimize<E>(
    program: &Program,
    mut crashes: impl FnMut(&Program, &str) -> Result<bool, E>,
) -> Result<Program, E> {
    let mut search = Search { best: program.clone(), known: BTreeMap::new(), crashes: &mut crashes };
    let mut size = program.calls.len().div_ceil(2);
    while size > 0 {
        let before = search.best.calls.len();
        let mut to = before;
        while to > 0 {
            let from = to.saturating_sub(size);
            if to - from < search.best.calls.len() {
                search.try_without(&Cut::Calls(from, to))?;
            }
            to = from;
        }
        // A call may only be needed by one that went since.
        let again = size == 1 && search.best.calls.len() < before;
        size = if again { 1 } else { size / 2 };
    }
    for at in search.best.calls_with_properties() {
        search.try_without(&Cut::Properties(at))?;
    }
    for cut in search.best.lesser_options() {
        search.try_without(&cut)?;
    }
    Ok(search.best)
}

struct Search<'a, E> {
    best: Program,
    known: BTreeMap<Vec<u8>, bool>,
    crashes: &'a mut dyn FnMut(&Program, &str) -> Result<bool, E>,
}

impl<E> Search<'_, E> {
    fn try_without(&mut self, cut: &Cut) -> Result<(), E> {
        let shorter = match self.best.without(cut) {
            Ok(shorter) => shorter,
            Err(ProgramError::Nothing | ProgramError::Page | ProgramError::C) => return Ok(()),
        };
        let text = shorter.to_bytes();
        let crashes = match self.known.get(&text) {
            Some(known) => *known,
            None => (self.crashes)(&shorter, &cut.words(&self.best))?,
        };
        self.known.insert(text, crashes);
        if crashes {
            self.best = shorter;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn program(calls: usize) -> Program {
        let mut text = "#{\"threaded\":true,\"repeat\":true,\"procs\":2,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"tun\":true}\n".to_owned();
        for number in 0..calls {
            text.push_str(&format!("r{number} = call{number}(0x0)\n"));
        }
        Program::parse(text.as_bytes()).expect("a program")
    }

    fn names(program: &Program) -> Vec<&str> {
        program.calls.iter().map(|call| call.name.as_str()).collect()
    }

    #[test]
    fn two_of_eight_calls_are_found() {
        let mut asked = 0;
        let found = minimize(&program(8), |program, _| {
            asked += 1;
            let has = |name| names(program).contains(&name);
            Ok::<_, ()>(has("call1") && has("call5"))
        });
        let found = found.expect("nobody fails");
        assert_eq!(names(&found), ["call1", "call5"]);
        assert!(
            String::from_utf8_lossy(&found.to_bytes()).contains("\"procs\":1") && asked < 24,
            "{asked} programs tried"
        );
    }

    #[test]
    fn a_search_that_broke_off_asks_only_what_is_new() {
        let whole = program(6);
        let crash = |program: &Program| names(program).contains(&"call2");
        let mut ledger = Ledger::new(&whole);
        let mut asked = 0;
        let broken = minimize(&whole, |program, cut| {
            asked += 1;
            if asked > 3 {
                return Err("the machine was switched off");
            }
            ledger.step(program, cut).crashes = Some(crash(program));
            Ok(crash(program))
        });
        assert_eq!(broken.map(drop), Err("the machine was switched off"));
        let text = serde_json::to_string(&ledger).expect("JSON");
        let mut ledger: Ledger = serde_json::from_str(&text).expect("the same");
        let mut asked_anew = 0;
        let found = minimize(&whole, |program, cut| {
            let step = ledger.step(program, cut);
            Ok::<_, ()>(*step.crashes.get_or_insert_with(|| {
                asked_anew += 1;
                crash(program)
            }))
        });
        assert_eq!(names(&found.expect("nobody fails")), ["call2"]);
        assert_eq!(ledger.steps.len(), 3 + asked_anew);
    }

    #[test]
    fn a_flaky_crash_needs_more_runs() {
        let count = |hits, runs| Count { runs, hits };
        assert_eq!(count(3, 3).runs_needed(0.05), 2);
        assert_eq!(count(10, 10).runs_needed(0.05), 2);
        assert_eq!(count(1, 3).runs_needed(0.05), 6);
        assert_eq!(count(1, 20).runs_needed(0.05), 32);
        assert!(count(1, 20).runs_needed(0.2) < 20);
    }

    proptest! {
        #[test]
        fn what_is_found_crashes_and_no_call_of_it_is_too_many(calls in 1_usize..12, needed in prop::collection::btree_set(0_usize..12, 1..4)) {
            let needed: Vec<String> = needed.into_iter().filter(|at| *at < calls).map(|at| format!("call{at}")).collect();
            prop_assume!(!needed.is_empty());
            let crash = |program: &Program| needed.iter().all(|name| names(program).contains(&name.as_str()));
            let found = minimize(&program(calls), |program, _| Ok::<_, ()>(crash(program))).expect("nobody fails");
            prop_assert_eq!(names(&found), needed.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}
