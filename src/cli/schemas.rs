//! The JSON Schema of every record.

use crate::bisect::{Bisection, record::SCHEMA as BISECT_SCHEMA};
use crate::report::{EVENT_SCHEMA, Event, REPORT_SCHEMA, Report};
use crate::runs::manifest::RUN_SCHEMA;
use crate::vm::doctor::DOCTOR_SCHEMA;
use crate::vm::happening::LIVE_SCHEMA;

/// The schema of every record, by name.
#[must_use]
pub fn schemas() -> Vec<(String, serde_json::Value)> {
    vec![
        (REPORT_SCHEMA.to_owned(), schemars::schema_for!(Report).to_value()),
        (EVENT_SCHEMA.to_owned(), schemars::schema_for!(Event).to_value()),
        (crate::locks::LOCKS_SCHEMA.to_owned(), schemars::schema_for!(crate::locks::Dump).to_value()),
        (RUN_SCHEMA.to_owned(), schemars::schema_for!(crate::runs::Manifest).to_value()),
        (LIVE_SCHEMA.to_owned(), schemars::schema_for!(crate::vm::happening::Record<'_>).to_value()),
        (crate::runs::tally::SERIES_SCHEMA.to_owned(), schemars::schema_for!(crate::runs::tally::Series).to_value()),
        (
            crate::syzbot::repro::minimize::MINIMIZE_SCHEMA.to_owned(),
            schemars::schema_for!(crate::syzbot::repro::minimize::Ledger).to_value(),
        ),
        (DOCTOR_SCHEMA.to_owned(), schemars::schema_for!(crate::vm::doctor::Check).to_value()),
        (
            crate::syzbot::manifest::SCHEMA.to_owned(),
            schemars::schema_for!(crate::syzbot::manifest::Manifest).to_value(),
        ),
        (super::bundle::CHECK_SCHEMA.to_owned(), schemars::schema_for!(super::bundle::Checked<'_>).to_value()),
        (super::repro::REPRO_SCHEMA.to_owned(), schemars::schema_for!(super::repro::Shown<'_>).to_value()),
        (super::repro::FLAGS_SCHEMA.to_owned(), schemars::schema_for!(super::repro::Told).to_value()),
        (super::kernel::SCHEMA.to_owned(), schemars::schema_for!(super::kernel::Built<'_>).to_value()),
        (super::symbolize::SCHEMA.to_owned(), schemars::schema_for!(super::symbolize::Record<'_>).to_value()),
        (super::image::SCHEMA.to_owned(), schemars::schema_for!(super::image::Info<'_>).to_value()),
        (crate::diff::DIFF_SCHEMA.to_owned(), schemars::schema_for!(crate::diff::Difference).to_value()),
        (
            crate::diff::cluster::CLUSTER_SCHEMA.to_owned(),
            schemars::schema_for!(crate::diff::cluster::Cluster).to_value(),
        ),
        (super::table::COLUMN_SCHEMA.to_owned(), schemars::schema_for!(super::table::ColumnRecord<'_>).to_value()),
        (crate::render::CHECK_LOG_SCHEMA.to_owned(), schemars::schema_for!(crate::render::CheckedLog).to_value()),
        (crate::thread::THREAD_SCHEMA.to_owned(), schemars::schema_for!(crate::thread::Thread).to_value()),
        (crate::syzbot::rank::PICK_SCHEMA.to_owned(), schemars::schema_for!(crate::syzbot::rank::Ranked).to_value()),
        (crate::thread::work::BUG_SCHEMA.to_owned(), schemars::schema_for!(crate::thread::work::Work).to_value()),
        (crate::render::NOTE_SCHEMA.to_owned(), schemars::schema_for!(crate::render::Note).to_value()),
        (super::syzbot::LISTED_SCHEMA.to_owned(), schemars::schema_for!(super::syzbot::ListedRecord<'_>).to_value()),
        (super::syzbot::KNOWN_SCHEMA.to_owned(), schemars::schema_for!(super::syzbot::Known).to_value()),
        (crate::source::BLAME_SCHEMA.to_owned(), schemars::schema_for!(crate::source::BlamePage).to_value()),
        (super::config::SETTING_SCHEMA.to_owned(), schemars::schema_for!(super::config::Shown).to_value()),
        (crate::host::BOOT_SCHEMA.to_owned(), schemars::schema_for!(crate::host::Boot).to_value()),
        (crate::host::SOURCE_SCHEMA.to_owned(), schemars::schema_for!(crate::host::SourceRead).to_value()),
        (crate::source::FIXED_SCHEMA.to_owned(), schemars::schema_for!(crate::source::Fixed).to_value()),
        (BISECT_SCHEMA.to_owned(), schemars::schema_for!(Bisection).to_value()),
        (super::bisect::STEP_SCHEMA.to_owned(), schemars::schema_for!(super::bisect::Contradiction<'_>).to_value()),
    ]
}
