//! The program: arguments in, exit status out.

use std::io::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    match kanalyze::cli::run() {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            kanalyze::cli::fail(&error);
            ExitCode::from(2)
        }
    }
}

/// Whoever reads our output may stop early (`| head`); that is not a failure of ours.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        json.or_else(|| Some(cause.downcast_ref::<std::io::Error>()?.kind()))
    };
    error.chain().any(|cause| kind(cause) == Some(ErrorKind::BrokenPipe))
}
