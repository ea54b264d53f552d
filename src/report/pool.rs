//! A pool of workers that makes no progress: what it runs, in the kernel's words.

use super::scan::{find, split};

/// Where the first line of such a report names the pool, and what follows.
const POOL: &str = "workqueue lockup - pool ";
const STUCK: &str = " stuck for ";

/// The lines of the dump below that tell what the pool of this header runs: `in-flight: 77:widget_reset_work`, and how its workers stand.
pub(super) fn of_stuck<'line>(header: &[u8], lines: impl Iterator<Item = &'line [u8]>) -> Vec<&'line [u8]> {
    let pool = split(header, POOL).and_then(|(_, rest)| split(rest, STUCK)).map(|(pool, _)| pool);
    let Some(pool) = pool else { return Vec::new() };
    let mut inside = false;
    let tells = |line: &&[u8]| {
        if line.starts_with(b"pwq ") || line.starts_with(b"workqueue ") {
            inside = line.starts_with(b"pwq ") && is_of(line, pool);
        }
        (inside && line.starts_with(b"in-flight: ")) || (line.starts_with(b"pool ") && is_of(line, pool))
    };
    lines.filter(tells).collect()
}

/// Whether a row is of the pool with these attributes: `pwq 6: cpus=1 node=0 flags=0x0 nice=0 active=3 refcnt=4`.
fn is_of(row: &[u8], pool: &[u8]) -> bool {
    let attributes = find(row, ": ").map(|at| &row[at + 2..]);
    attributes
        .and_then(|rest| rest.strip_prefix(pool))
        .is_some_and(|rest| rest.first().is_none_or(|byte| *byte == b' '))
}

#[cfg(test)]
mod tests {
    use super::of_stuck;

    #[test]
    fn what_other_pools_run_is_not_told() {
        let dump = "Showing busy workqueues and worker pools:
workqueue events: flags=0x0
pwq 2: cpus=0 node=0 flags=0x0 nice=0 active=1/256 refcnt=2
in-flight: 7:lamp_work
pwq 6: cpus=1 node=0 flags=0x0 nice=0 active=3 refcnt=4
in-flight: 77:widget_reset_work
pending: lamp_work
workqueue lamps: flags=0x8
pwq 7: cpus=1 node=0 flags=0x0 nice=-20 active=1 refcnt=2
in-flight: 8:lamp_off
pool 6: cpus=1 node=0 flags=0x0 nice=0 hung=41s workers=2 manager: 20
pool 7: cpus=1 node=0 flags=0x0 nice=-20 hung=0s workers=2 idle: 9";
        let header = b"BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 41s!";
        let told = of_stuck(header, dump.lines().map(str::as_bytes)).into_iter().map(String::from_utf8_lossy);
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "in-flight: 77:widget_reset_work",
                "pool 6: cpus=1 node=0 flags=0x0 nice=0 hung=41s workers=2 manager: 20"
            ]
        );
    }
}
