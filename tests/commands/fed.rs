//! kanalyze as the tests run it: with nothing to read, or fed through a pipe as a shell does it.

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

/// What kanalyze answers to these arguments, with nothing on standard input.
pub(crate) fn kanalyze(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// Starts it with pipes at all three ends.
pub(crate) fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// What it answers to bytes on standard input.
pub(crate) fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = started(command);
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        // The program may refuse before it has read all.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("it ends")
    })
}
