//! What the arguments ask for: a run again, one kernel, or two in turn.

use super::job::Job;
use super::settings::{bundle, job};
use super::{Arguments, again};
use anyhow::{bail, ensure};

/// The jobs that the arguments ask for: one, or two with `--ab`.
///
/// # Errors
/// A sentence on what does not fit together; the bundle cannot be opened or fetched.
pub(super) fn jobs(arguments: &Arguments) -> anyhow::Result<Vec<Job>> {
    if let Some(run) = &arguments.source.again {
        ensure!(arguments.keep.ab.is_none(), "--again repeats a run of one kernel, --ab needs two");
        return Ok(vec![again::job(arguments, run)?]);
    }
    let given = &arguments.source.kernel;
    let bundle = bundle(arguments)?;
    let named = |kernels: &[String]| kernels.iter().cloned().map(Some).collect::<Vec<_>>();
    let kernels: Vec<Option<String>> = match (&arguments.keep.ab, given.len()) {
        (Some(named_there), 0) if named_there.len() == 2 => named(named_there),
        (Some(named_there), 2) if named_there.is_empty() => named(given),
        (Some(named_there), 0) if named_there.is_empty() && bundle.is_some() => {
            named(&["bundle".to_owned(), "local".to_owned()])
        }
        (Some(_), _) => bail!(
            "--ab: name two kernels (--ab bundle local), give --kernel twice, or a bundle with a kernel built by `kanalyze kernel build`"
        ),
        (None, 0) => vec![None],
        (None, 1) => named(given),
        (None, _) => bail!("--kernel twice: say --ab to run both in turn"),
    };
    kernels.into_iter().map(|kernel| job(arguments, bundle.as_ref(), kernel.as_deref())).collect()
}
