//! What takes the rows of a table: a file, a folder of partitions, a stream.

use super::{Origin, Row, TableError};

/// Where rows go.
pub(super) trait Place {
    /// Takes rows.
    fn write(&mut self, rows: &[&Row], origin: &Origin) -> Result<(), TableError>;

    /// Puts everything in its place.
    fn finish(self: Box<Self>) -> Result<(), TableError>;
}
