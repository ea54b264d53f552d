//! A kernel tree in git: the code of a place, who wrote it and when, whether it is fixed, whom to tell.
//!
//! ```text
//! names of a log ─► base_of (which commit) ─► place (which lines) ─► code · blame · history ─► fixed · people ─► BlamePage
//! ```
//!
//! The tree is only read, by the `git` command ([`Git`]), in a way that runs nothing which the repository's settings name, fetches
//! nothing and takes no locks. What cannot be determined (a shallow or partial clone, a file that is not there) is a value.

mod address;
mod answers;
mod base;
mod blame;
mod code;
mod commit;
mod definition;
mod fixed;
mod git;
mod history;
mod mailmap;
mod maintainers;
mod page;
mod pattern;
mod people;
mod place;
mod record;
mod tree;

pub use base::{Hints, base_of};
pub use code::{function_around, function_named};
pub use fixed::{Query, fixed};
pub use git::{Git, SourceError, plain_git};
pub use maintainers::{Listed, Maintainers};
pub use page::{PageOptions, blame_page, commit_page, dump_page};
pub use place::{Wanted, places_of, places_of_dump};
pub use record::{
    BLAME_SCHEMA, Base, BaseKind, BlamePage, CodeLine, Commit, Copied, FIXED_SCHEMA, Fix, FixGrade, Fixed,
    FunctionBlame, LineBlame, People, Person, Place, PlaceRole, Revert, TreeState, WhoSays,
};
pub use tree::Tree;
