//! Files that cannot be read as tables: what their first and last bytes tell before a library is given them.

use super::TableError;
use super::form::Form;
use super::messages::{MARK, head_of, is_in_proportion};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How a Parquet file begins and ends.
const PARQUET: &[u8] = b"PAR1";
/// How an Arrow file begins and ends.
const ARROW: &[u8] = b"ARROW1";
/// What a library cannot say more about.
pub(super) const DAMAGED: &str = "it is damaged";

/// A file that cannot be read as a table, why, and what to do.
pub(super) fn unreadable(path: &Path, why: &str) -> TableError {
    let shown = path.display();
    TableError::Request(format!(
        "{shown}: cannot be read as a table: {why}: copy it again, or write it again with `kanalyze table`"
    ))
}

/// Looks whether a file begins and ends as its name says, and whether what its end speaks of lies in it.
///
/// # Errors
/// It cannot be opened, or it is another thing, cut, or damaged.
pub(super) fn ends_well(path: &Path) -> Result<(), TableError> {
    let looked = || -> std::io::Result<Option<&'static str>> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(Some("it is empty"));
        }
        let begins = beginning(&file, length)?;
        if Form::of(path) == Some(Form::Arrow) {
            arrow_fault(&file, length, &begins)
        } else {
            parquet_fault(&file, length, &begins)
        }
    };
    let failed = |source| TableError::File { path: path.display().to_string(), source };
    looked().map_err(failed)?.map_or(Ok(()), |why| Err(unreadable(path, why)))
}

/// The first bytes of a file, zeros where it is shorter.
fn beginning(file: &File, length: u64) -> std::io::Result<[u8; 8]> {
    let mut bytes = [0; 8];
    let there = usize::try_from(length).unwrap_or(bytes.len()).min(bytes.len());
    file.read_exact_at(&mut bytes[..there], 0)?;
    Ok(bytes)
}

/// The number before the mark at the end of a file: how long its footer is; none if the file does not end with that mark.
fn footer_length(file: &File, length: u64, mark: &[u8]) -> std::io::Result<Option<u64>> {
    let size = 4 + mark.len();
    let Some(start) = length.checked_sub(size as u64) else { return Ok(None) };
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, start)?;
    let Some((word, end)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    // A length below zero is longer than any file.
    Ok((end == mark).then(|| u64::try_from(i32::from_le_bytes(*word)).unwrap_or(u64::MAX)))
}

const CUT: &str = "its end is missing, so that it was cut or is still being written";
const FOOTER: &str = "its end is damaged, where it says what lies where";

fn parquet_fault(file: &File, length: u64, begins: &[u8]) -> std::io::Result<Option<&'static str>> {
    if begins.starts_with(ARROW) {
        return Ok(Some("it is an Arrow file, whose name ends in .arrow"));
    }
    if !begins.starts_with(PARQUET) {
        return Ok(Some("it does not begin as a Parquet file"));
    }
    let Some(footer) = footer_length(file, length, PARQUET)? else { return Ok(Some(CUT)) };
    let within = footer.checked_add(12).is_some_and(|least| least <= length);
    Ok((!within).then_some(FOOTER))
}

fn arrow_fault(file: &File, length: u64, begins: &[u8]) -> std::io::Result<Option<&'static str>> {
    if begins.starts_with(PARQUET) {
        return Ok(Some("it is a Parquet file, whose name ends in .parquet"));
    }
    if begins.starts_with(&MARK) {
        return Ok(Some("it is a stream of Arrow batches and not a file of them"));
    }
    if !begins.starts_with(ARROW) {
        return Ok(Some("it does not begin as an Arrow file"));
    }
    let Some(footer) = footer_length(file, length, ARROW)? else { return Ok(Some(CUT)) };
    Ok(match length.checked_sub(4 + ARROW.len() as u64).and_then(|end| end.checked_sub(footer)) {
        None => Some(FOOTER),
        Some(start) if holds_its_blocks(file, length, start, footer)? => None,
        Some(_) => Some("its end speaks of parts that are not in it, so that it is damaged"),
    })
}

/// Whether all parts of which an Arrow file's footer speaks lie in it: readers take as much memory as those bytes say. A footer that
/// is none is refused by its reader.
fn holds_its_blocks(file: &File, length: u64, start: u64, size: u64) -> std::io::Result<bool> {
    let Ok(size) = usize::try_from(size) else { return Ok(false) };
    let mut footer = vec![0; size];
    file.read_exact_at(&mut footer, start)?;
    let Ok(footer) = arrow_ipc::root_as_footer(&footer) else { return Ok(true) };
    let within = |block: &arrow_ipc::Block| {
        let part = |number: i64| u64::try_from(number).ok();
        let sum = part(block.offset())?
            .checked_add(part(block.metaDataLength().into())?)?
            .checked_add(part(block.bodyLength())?)?;
        (sum <= length).then_some(())?;
        // What it says of its packed parts.
        let (offset, size) = (part(block.offset())?, usize::try_from(block.metaDataLength()).ok()?);
        let mut head = vec![0; size];
        file.read_exact_at(&mut head, offset).ok()?;
        let message = arrow_ipc::root_as_message(head.get(head_of(&head)..)?).ok()?;
        let word = |place: u64| {
            let mut word = [0; 8];
            file.read_exact_at(&mut word, offset.checked_add(size as u64)?.checked_add(place)?).ok()?;
            Some(i64::from_le_bytes(word))
        };
        Some(is_in_proportion(&message, word))
    };
    let blocks = footer.recordBatches().into_iter().chain(footer.dictionaries());
    Ok(blocks.flat_map(|blocks| blocks.iter()).all(|block| within(block) == Some(true)))
}
