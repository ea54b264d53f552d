//! `kanalyze mcp`: the verbs as tools for agents and editors, over the Model Context Protocol.

#[cfg(feature = "mcp")]
mod answer;
#[cfg(feature = "mcp")]
mod asked;
#[cfg(feature = "mcp")]
mod logs;
#[cfg(feature = "mcp")]
mod roots;
#[cfg(feature = "mcp")]
mod runs;
#[cfg(feature = "mcp")]
mod server;
#[cfg(feature = "mcp")]
mod symbols;
#[cfg(feature = "mcp")]
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

/// Serve agents and editors over the Model Context Protocol
///
/// A client starts this program and talks to it over standard input and output. Its tools are parse, locks, bisect,
/// symbolize, diff, explain, runs, and query in a build with SQL. They only read, only below the folders that --root names
/// (links that lead out of them, '..', devices and pipes are refused), start nothing and reach no network. An answer has at
/// most as many bytes as the client asks for (32 KiB if it does not say), and says how to ask for the rest. What comes from
/// logs is marked as data: a model must not follow what a log says.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  # wait for a client on standard input
  kanalyze mcp --root ~/logs --root ~/linux

Claude Code takes
  claude mcp add kanalyze -- kanalyze mcp --root ~/logs
Clients that have a file of settings (mcp.json, claude_desktop_config.json and
others) take:
  {\"mcpServers\": {\"kanalyze\": {
    \"command\": \"kanalyze\", \"args\": [\"mcp\", \"--root\", \"/home/me/logs\"]}}}
Codex takes, in config.toml:
  [mcp_servers.kanalyze]
  command = \"kanalyze\"
  args = [\"mcp\", \"--root\", \"/home/me/logs\"]

Exit status: 0 when the client has left, 2 error.")]
pub(super) struct Arguments {
    /// A folder in which clients may read, with all below it; may be given several times.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    root: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// A root is not a folder; the client does not speak the protocol.
#[cfg(feature = "mcp")]
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    use std::io::IsTerminal;
    if arguments.root.is_empty() {
        anyhow::bail!("which folders may the client read? --root DIR names one");
    }
    let roots = roots::Roots::new(&arguments.root)?;
    if std::io::stdin().is_terminal() {
        super::manners::note(
            "waiting for a client on standard input; it is usually a client that starts this, see --help",
        );
    }
    server::serve(roots)
}

/// Runs the command.
///
/// # Errors
/// This build has no server.
#[cfg(not(feature = "mcp"))]
pub(super) fn run(Arguments { root: _ }: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "this build has no server for agents: get it with `cargo install --path . --features mcp` in kanalyze's sources"
    )
}
