//! The table of a test robot: how often each failure came with the commits that it compares.

use schemars::JsonSchema;
use serde::Serialize;

/// How often each failure came with some commits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The commits, as written: the one before, the one that is tested, and others.
    pub compared: Vec<String>,
    /// How many runs there were with each commit; null where the table does not say.
    pub runs: Vec<Option<u32>>,
    /// The failures.
    pub failures: Vec<Failure>,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Failure {
    /// Its name, as the robot writes it.
    pub name: String,
    /// How often it came with each commit; null where nothing is written.
    pub counts: Vec<Option<u32>>,
}

/// Failures that the sentence names.
const NAMED: usize = 3;
/// No table of one mail has more rows.
const MOST: usize = 500;

impl Comparison {
    /// The first table in some lines.
    #[must_use]
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut lines = lines.map(str::trim).skip_while(|line| !is_rule(line)).skip(1);
        let heads = cells(lines.next()?)?;
        let (corner, compared) = heads.split_first()?;
        let is_commit = |cell: &&str| cell.len() >= 7 && cell.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !corner.is_empty() || compared.len() < 2 || !compared[..2].iter().all(is_commit) {
            return None;
        }
        let rows = lines.filter(|line| !is_rule(line)).map_while(cells).take(MOST);
        let rows = rows.filter(|row| row.len() == heads.len());
        let rows: Vec<Failure> = rows
            .map(|row| Failure {
                name: row[0].to_owned(),
                counts: row[1..].iter().map(|count| count.parse().ok()).collect(),
            })
            .collect();
        // All runs are boots, and each went well or not.
        let (boots, failures): (Vec<Failure>, Vec<Failure>) =
            rows.into_iter().partition(|row| matches!(row.name.as_str(), "boot_successes" | "boot_failures"));
        let of_column = |column: usize| boots.iter().try_fold(0_u32, |sum, row| sum.checked_add(row.counts[column]?));
        let runs = (0..compared.len()).map(|column| of_column(column).filter(|_| boots.len() == 2)).collect();
        let compared = compared.iter().map(|commit| (*commit).to_owned()).collect();
        (!failures.is_empty()).then_some(Self { compared, runs, failures })
    }

    /// What came with the commit that is tested and not with the one before, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let (before, told) = (&self.compared[0], &self.compared[1]);
        let came = |failure: &&Failure| failure.counts[1].is_some_and(|count| count > 0);
        // Where nothing is written nobody knows.
        let with = |count: Option<u32>| self.failures.iter().filter(came).filter(move |one| one.counts[0] == count);
        let (new, unknown): (Vec<&Failure>, Vec<&Failure>) = (with(Some(0)).collect(), with(None).collect());
        match (&new[..], &unknown[..]) {
            ([], []) => format!("no failure is new with {told} against {before}"),
            ([], unknown) => format!("with {told}: {}; with {before} nothing is written", self.named(unknown)),
            (new, _) => format!("new with {told}, not with {before}: {}", self.named(new)),
        }
    }

    /// `BUG:KASAN:in_mill_turn 12 of 18, 3 more`
    fn named(&self, failures: &[&Failure]) -> String {
        let runs = self.runs[1].map_or(" times".to_owned(), |runs| format!(" of {runs}"));
        let name = |one: &&Failure| format!("{} {}{runs}", one.name, one.counts[1].unwrap_or(0));
        let mut named: Vec<String> = failures.iter().take(NAMED).map(name).collect();
        if failures.len() > NAMED {
            named.push(format!("{} more", failures.len() - NAMED));
        }
        named.join(", ")
    }
}

/// `+-----+-----+`
fn is_rule(line: &str) -> bool {
    line.len() > 4
        && line.starts_with("+-")
        && line.ends_with("-+")
        && line.bytes().all(|byte| matches!(byte, b'+' | b'-'))
}

/// What stands between the bars of a row.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
+------------------------+------------+------------+---------------+
|                        | 77d821d060 | c8cf175037 | next-20260105 |
+------------------------+------------+------------+---------------+
| boot_successes         | 17         | 2          |               |
| boot_failures          | 1          | 16         |               |
| WARNING:in_mill_grind  | 1          | 1          |               |
| BUG:KASAN:in_mill_turn | 0          | 12         |               |
| EIP:mill_turn          |            | 4          |               |
+------------------------+------------+------------+---------------+
";

    #[test]
    fn what_is_new_is_told_with_its_runs() {
        let found =
            Comparison::of(format!("kernel test robot noticed\n\n{TABLE}\nIf you fix\n").lines()).expect("a table");
        assert_eq!(found.runs, [Some(18), Some(18), None]);
        assert_eq!(found.failures[2].counts, [None, Some(4), None]);
        assert_eq!(found.sentence(), "new with c8cf175037, not with 77d821d060: BUG:KASAN:in_mill_turn 12 of 18");
        let sentence = |table: &str| Comparison::of(table.lines()).expect("a table").sentence();
        let unsaid = TABLE.replace("| 0 ", "| 3 ");
        assert_eq!(sentence(&unsaid), "with c8cf175037: EIP:mill_turn 4 of 18; with 77d821d060 nothing is written");
        let same = unsaid.replace("|            | 4 ", "| 5          | 4 ");
        assert_eq!(sentence(&same), "no failure is new with c8cf175037 against 77d821d060");
    }

    #[test]
    fn other_tables_are_none() {
        for text in [
            TABLE.replace("77d821d060", "before    "),
            TABLE.replace("boot_", "").replace('|', ":"),
            "+-----+\n| a |\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(Comparison::of(text.lines()), None, "{text}");
        }
    }
}
