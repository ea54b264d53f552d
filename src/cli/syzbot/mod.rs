//! `kanalyze syzbot`: which bug next, is somebody on it, where is a title known?

mod find;
mod list;
mod work;

pub(super) use find::{KNOWN_SCHEMA, Known};
pub(super) use list::{LISTED_SCHEMA, ListedRecord};
pub(super) use work::ask;

use super::network::Network;
use super::output::{Format, Output, Reader};
use super::pager::Page;
use super::records::write_records;
use crate::net::Site;
use crate::render::Look;
use crate::syzbot::dashboard::DASHBOARD;
use crate::thread::lore::LORE;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// Which bug next, is somebody on it, where is this title known?
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    List(list::List),
    Pick(list::Pick),
    Show(work::Show),
    Find(find::Find),
}

/// Where bugs and mails are.
#[derive(Debug, clap::Args)]
pub(super) struct Servers {
    /// The dashboard, or a mirror of it; https, or http to this machine.
    #[arg(long, value_name = "URL", default_value = DASHBOARD)]
    pub base_url: Site,

    /// The archive of mails, or a mirror of it.
    #[arg(long, value_name = "URL", default_value = LORE)]
    pub archive_url: Site,

    #[command(flatten)]
    pub network: Network,
}

/// Who is asked, and how the answer looks.
#[derive(Debug, clap::Args)]
struct Asking {
    #[command(flatten)]
    servers: Servers,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    reader: Reader,
}

/// Runs the command.
///
/// # Errors
/// A server does not answer, or what it answers cannot be read.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.verb {
        Verb::List(arguments) => list::run_list(&arguments),
        Verb::Pick(arguments) => list::run_pick(&arguments),
        Verb::Show(arguments) => work::run(&arguments),
        Verb::Find(arguments) => find::run(&arguments),
    }
}

/// Writes records, or their text.
fn show<T: Serialize>(
    output: Output,
    reader: Reader,
    records: &[T],
    text: impl Fn(&Look) -> String,
) -> anyhow::Result<()> {
    let people = output.format == Format::Text;
    let mut out = Page::open(reader, people);
    if people {
        out.write_all(text(&output.look(reader)).as_bytes())?;
    } else {
        write_records(&mut out, output.format, records)?;
    }
    Ok(out.close()?)
}
