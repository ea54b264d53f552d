//! Reports grouped by cause: the title, the likeness of the blamed stack, lock classes.
//!
//! Reports are taken in the order of their titles, logs and indices, whatever order they come in. One whose title, stack and
//! locks are those of an earlier one joins it. Any other joins the first cluster of its title whose founder has a like cause;
//! a damaged report, whose title names nothing that can be trusted, joins a cluster of its type only where the stacks are
//! nearly the same. Else it founds a cluster.
//!
//! A cluster bears the name of its founder's cause, so that it keeps it as reports come: [`clusters_into`] puts new reports to
//! clusters that are [`Known`], whose founders stay what they were.
//!
//! Alternative titles do not join clusters here: `bad-access in f` stands for every kind of bad access in a function, and on
//! syzbot's bugs of seven years that puts reports of different bugs together more often than it finds one bug again.

use super::cause::{Cause, likeness};
use super::founders::Founders;
use super::sample::Same;
pub use super::sample::{Member, Sample, sample};
use super::stacks::Stacks;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

/// The schema name of [`Cluster`].
pub const CLUSTER_SCHEMA: &str = "kanalyze.cluster/1";

/// Reports of one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[non_exhaustive]
pub struct Cluster {
    /// [`CLUSTER_SCHEMA`].
    pub schema: &'static str,
    /// Number of the cluster, from 0, the largest first.
    pub cluster: usize,
    /// The `cause_id` of the report that founded it: it stays the same as reports come.
    pub id: String,
    /// Whether no cluster was known that these reports join.
    pub new: bool,
    /// How many reports.
    pub size: u64,
    /// The representative's title.
    pub title: String,
    /// All titles of the cluster, sorted.
    pub titles: Vec<String>,
    /// What stands for all.
    pub representative: Member,
    /// The representative's cause.
    pub cause: Cause,
    /// The reports, by log and index. Of reports that came as one row with their count, the first stands for all.
    pub members: Vec<Member>,
}

/// A cluster that was found before.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Known {
    /// Its name.
    pub id: String,
    /// What its reports are about: each cause once, the founder's first.
    pub causes: Vec<Sample>,
}

impl Known {
    /// The cluster of this name with these causes, the founder's first.
    #[must_use]
    pub fn new(id: String, causes: Vec<Sample>) -> Self {
        Self { id, causes }
    }
}

/// Groups reports; the largest cluster first, equals by title.
#[must_use]
pub fn clusters(samples: Vec<Sample>) -> Vec<Cluster> {
    clusters_into(Vec::new(), samples).into_iter().map(|(cluster, _)| cluster).collect()
}

/// Puts reports to known clusters, and groups those that fit into none; the largest cluster first, equals by title. Each
/// comes with what is to be known of it the next time.
#[must_use]
pub fn clusters_into(known: Vec<Known>, samples: Vec<Sample>) -> Vec<(Cluster, Known)> {
    let mut ids: Vec<String> = Vec::with_capacity(known.len());
    let mut causes: Vec<Sample> = Vec::new();
    // The cluster of each cause; those of the first causes are known.
    let mut home: Vec<usize> = Vec::new();
    let known = known.into_iter().filter(|cluster| !cluster.causes.is_empty());
    for (number, cluster) in known.enumerate() {
        ids.push(cluster.id);
        home.extend(std::iter::repeat_n(number, cluster.causes.len()));
        causes.extend(cluster.causes);
    }
    let old = ids.len();
    let mut members = gather(&mut causes, samples);
    let stacks = Stacks::of(&causes);
    let mut found: Vec<Vec<usize>> = vec![Vec::new(); old];
    {
        let mut founders = Founders::new(&causes, &stacks);
        for (at, cause) in causes.iter().enumerate() {
            let cluster = match home.get(at) {
                Some(cluster) => *cluster,
                None => founders.home(at).unwrap_or(found.len()),
            };
            if cluster == found.len() {
                ids.push(cause.cause_id().to_string());
                found.push(Vec::new());
            }
            if found[cluster].is_empty() {
                founders.add(at, cluster);
            }
            found[cluster].push(at);
        }
    }
    let sizes: Vec<u64> = found.iter().map(|group| group.iter().map(|at| causes[*at].count).sum()).collect();
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by(|one, other| {
        let first = |cluster: &usize| &causes[found[*cluster][0]];
        let (a, b) = (first(one), first(other));
        sizes[*other]
            .cmp(&sizes[*one])
            .then_with(|| (a.damaged, &a.member.title, &a.member).cmp(&(b.damaged, &b.member.title, &b.member)))
    });
    // Each cause and its reports are of one cluster, which takes them: copies of a million would cost much.
    let mut causes: Vec<Option<Sample>> = causes.into_iter().map(Some).collect();
    order
        .into_iter()
        .enumerate()
        .map(|(number, at)| {
            let group = &found[at];
            let own: Vec<Sample> = group.iter().filter_map(|cause| causes[*cause].take()).collect();
            let best = &own[most_alike(group, &own, &stacks)];
            let mut titles: Vec<String> = own.iter().map(|cause| cause.member.title.clone()).collect();
            titles.sort();
            titles.dedup();
            let mut all: Vec<Member> = group.iter().flat_map(|cause| std::mem::take(&mut members[*cause])).collect();
            all.sort();
            let cluster = Cluster {
                schema: CLUSTER_SCHEMA,
                cluster: number,
                id: ids[at].clone(),
                new: at >= old,
                size: sizes[at],
                title: best.member.title.clone(),
                titles,
                representative: best.member.clone(),
                cause: best.cause.clone(),
                members: all,
            };
            (cluster, Known { id: std::mem::take(&mut ids[at]), causes: own })
        })
        .collect()
}

/// Adds reports to causes: each cause once, with the reports that have it. Whole reports come before damaged ones, so that they
/// found clusters before those look for theirs.
fn gather(causes: &mut Vec<Sample>, mut samples: Vec<Sample>) -> Vec<Vec<Member>> {
    samples.sort_by(|one, other| {
        let (a, b) = (&one.member, &other.member);
        (one.damaged, &a.title, &a.log, a.index).cmp(&(other.damaged, &b.title, &b.log, b.index))
    });
    let places: Vec<usize> = {
        let mut equal: HashMap<Same<'_>, usize> = HashMap::new();
        for (at, cause) in causes.iter().enumerate() {
            equal.entry(cause.same()).or_insert(at);
        }
        let mut next = causes.len();
        let mut places = Vec::with_capacity(samples.len());
        for sample in &samples {
            let place = *equal.entry(sample.same()).or_insert(next);
            next += usize::from(place == next);
            places.push(place);
        }
        places
    };
    let mut members: Vec<Vec<Member>> = causes.iter().map(|cause| vec![cause.member.clone()]).collect();
    for (sample, place) in samples.into_iter().zip(places) {
        if place == causes.len() {
            members.push(vec![sample.member.clone()]);
            causes.push(sample);
        } else {
            members[place].push(sample.member);
            causes[place].count += sample.count;
        }
    }
    members
}

/// Which cause of a cluster is most like the others, each as often as there are reports of it; the first of equals.
fn most_alike(group: &[usize], causes: &[Sample], stacks: &Stacks) -> usize {
    /// Very large clusters are judged by a part.
    const JUDGED: usize = 50;
    let judged = &group[..group.len().min(JUDGED)];
    let count = |at: usize| super::statistics::count(usize::try_from(causes[at].count).unwrap_or(usize::MAX));
    let mut worth: Vec<f64> = (0..judged.len()).map(count).collect();
    for (one, cause) in judged.iter().enumerate() {
        for (other, next) in judged.iter().enumerate().skip(one + 1) {
            let likeness = likeness(stacks.stack(*cause), stacks.stack(*next));
            worth[one] += likeness * count(other);
            worth[other] += likeness * count(one);
        }
    }
    let mut best = 0;
    for (at, value) in worth.iter().enumerate() {
        if *value > worth[best] + 1e-9 {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn report(log: &str, title: &str, stack: &str) -> Sample {
        let stack: Vec<String> = stack.split_whitespace().map(str::to_owned).collect();
        let member = Member { log: log.to_owned(), index: 0, title: title.to_owned() };
        Sample::new(member, "BUG".to_owned(), stack.is_empty(), Cause { stack, ..Cause::default() })
    }

    #[test]
    fn reports_join_what_is_known_and_its_name_stays() {
        let first = vec![
            report("b.log", "BUG in f", "f g h"),
            report("c.log", "BUG in x", "x y z"),
            report("c.log", "BUG", ""),
        ];
        let known = clusters_into(Vec::new(), first.clone());
        assert!(
            known.iter().all(|(cluster, known)| cluster.new && cluster.id == known.causes[0].cause_id().to_string())
        );
        let before: Vec<String> = known.iter().map(|(cluster, _)| cluster.id.clone()).collect();
        let known: Vec<Known> = known.into_iter().map(|(_, known)| known).collect();
        // One that is like an old one, and sorted before it; one that is equal; one that is like none.
        let later =
            vec![report("a.log", "BUG in f", "f g i j"), report("d.log", "BUG", ""), report("d.log", "BUG in n", "n")];
        let now = clusters_into(known, later.clone());
        let new: Vec<&str> = now.iter().filter(|(it, _)| it.new).map(|(it, _)| it.title.as_str()).collect();
        assert_eq!(new, ["BUG in n"]);
        let sizes: BTreeMap<&str, u64> = now.iter().map(|(it, _)| (it.title.as_str(), it.size)).collect();
        assert_eq!(sizes, [("BUG", 2), ("BUG in f", 2), ("BUG in n", 1), ("BUG in x", 1)].into());
        assert!(before.iter().all(|id| now.iter().any(|(cluster, _)| cluster.id == *id)), "{before:?}");
        // All at once they are the same groups.
        let once = clusters([first, later].concat());
        let groups = |all: &[&Cluster]| -> Vec<Vec<Member>> {
            let mut groups: Vec<Vec<Member>> = all.iter().map(|it| it.members.clone()).collect();
            groups.sort();
            groups
        };
        assert_eq!(
            groups(&once.iter().collect::<Vec<_>>()),
            groups(&now.iter().map(|(cluster, _)| cluster).collect::<Vec<_>>())
        );
    }

    #[test]
    fn a_cause_with_a_count_weighs_as_many_reports() {
        let many = Sample { count: 7, ..report("a.log", "BUG in f", "f g h") };
        let found = clusters(vec![many, report("b.log", "BUG in f", "f g h"), report("c.log", "BUG in z", "z")]);
        assert_eq!(found.iter().map(|it| (it.size, it.members.len())).collect::<Vec<_>>(), [(8, 2), (1, 1)]);
    }
}
