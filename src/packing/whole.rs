//! Packed bytes that are all in memory: what kernels, modules and debug sections are packed with, within a bound on memory.

use super::magic::LZ4_OLD;
use super::{Packing, UnpackError, most_of, zstandard};
use std::io::Read;

/// Unpacks; bytes that follow the packed stream are ignored, as boot loaders do.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack(packing: Packing, bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let limit = plausible(packing, bytes.len(), limit);
    let damaged = |error: std::io::Error| UnpackError::Damaged(packing, error.to_string());
    match packing {
        Packing::Gzip => read(packing, flate2::bufread::GzDecoder::new(bytes), limit),
        Packing::Xz => read(packing, liblzma::bufread::XzDecoder::new(bytes), limit),
        Packing::Lzma => {
            let stream = liblzma::stream::Stream::new_lzma_decoder(limit as u64)
                .map_err(|error| UnpackError::Damaged(packing, error.to_string()))?;
            read(packing, liblzma::bufread::XzDecoder::new_stream(bytes, stream), limit)
        }
        Packing::Zstd => read(packing, zstandard::Frames::new(bytes, true).map_err(damaged)?, limit),
        Packing::Bzip2 => read(packing, bzip2::bufread::BzDecoder::new(bytes), limit),
        Packing::Lz4 => lz4(bytes, limit),
        Packing::Lzo => lzo(bytes, limit),
    }
}

/// Unpacks a zlib stream (compressed debug sections).
///
/// # Errors
/// [`UnpackError`].
pub fn zlib(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let limit = plausible(Packing::Gzip, bytes.len(), limit);
    read(Packing::Gzip, flate2::bufread::ZlibDecoder::new(bytes), limit)
}

/// The limit, or less: nothing that is worth reading has been packed from more than that.
fn plausible(packing: Packing, packed: usize, limit: usize) -> usize {
    usize::try_from(most_of(packing, packed as u64)).map_or(limit, |most| most.min(limit))
}

fn read(packing: Packing, reader: impl Read, limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut out = Vec::new();
    let read = reader.take(limit as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(_) if out.len() > limit => Err(UnpackError::TooLarge(packing, limit)),
        Ok(_) => Ok(out),
        Err(error) => Err(UnpackError::Damaged(packing, error.to_string())),
    }
}

/// The kernel uses lz4's old format: a magic number, then blocks of 8 MiB, each after its packed length.
fn lz4(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    const BLOCK: usize = 8 << 20;
    if !bytes.starts_with(&LZ4_OLD) {
        return read(Packing::Lz4, lz4_flex::frame::FrameDecoder::new(bytes), limit);
    }
    let mut rest = &bytes[4.min(bytes.len())..];
    let mut out = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        // A further stream may follow at once; anything that is not a block ends the data (the kernel appends its size).
        if length == u32::from_le_bytes(LZ4_OLD) {
            rest = after;
            continue;
        }
        let Some(block) =
            usize::try_from(length).ok().filter(|length| *length > 0).and_then(|length| after.get(..length))
        else {
            break;
        };
        if out.len() > limit {
            return Err(UnpackError::TooLarge(Packing::Lz4, limit));
        }
        let mut piece = vec![0; BLOCK];
        let filled = lz4_flex::block::decompress_into(block, &mut piece)
            .map_err(|error| UnpackError::Damaged(Packing::Lz4, error.to_string()))?;
        out.extend_from_slice(&piece[..filled]);
        rest = &after[block.len()..];
        if filled < BLOCK {
            break;
        }
    }
    if out.is_empty() { Err(UnpackError::Damaged(Packing::Lz4, "no block".into())) } else { Ok(out) }
}

/// lzop: a header of variable length, then blocks `unpacked length, packed length, checksums, data`, big-endian.
fn lzo(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let damaged = |what: &str| UnpackError::Damaged(Packing::Lzo, what.into());
    let number = |at: usize| bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let short = |at: usize| bytes.get(at..at + 2).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    let version = short(9).ok_or_else(|| damaged("cut header"))?;
    // version, library version, [version needed], method, [level], flags, [filter], mode, time, [time], name
    let mut at = 13 + if version >= 0x940 { 2 } else { 0 } + 1 + usize::from(version >= 0x940);
    let flags = number(at).ok_or_else(|| damaged("cut header"))?;
    at += 4;
    if flags & 0x800 != 0 {
        at += 4;
    }
    at += 8 + if version >= 0x940 { 4 } else { 0 };
    let name = *bytes.get(at).ok_or_else(|| damaged("cut header"))?;
    at += 1 + usize::from(name) + 4;
    let mut out = Vec::new();
    loop {
        let unpacked = number(at).ok_or_else(|| damaged("cut block"))? as usize;
        if unpacked == 0 {
            return Ok(out);
        }
        let packed = number(at + 4).ok_or_else(|| damaged("cut block"))? as usize;
        at += 8;
        // adler32 and crc32 of the unpacked data; of the packed data only if it is smaller
        at += 4 * (usize::from(flags & 1 != 0) + usize::from(flags & 0x100 != 0));
        if packed < unpacked {
            at += 4 * (usize::from(flags & 2 != 0) + usize::from(flags & 0x200 != 0));
        }
        let block = bytes.get(at..at.saturating_add(packed)).ok_or_else(|| damaged("cut block"))?;
        if unpacked > 64 << 20 || out.len() + unpacked > limit {
            return Err(UnpackError::TooLarge(Packing::Lzo, limit));
        }
        if packed == unpacked {
            out.extend_from_slice(block);
        } else {
            let mut piece = vec![0; unpacked];
            let filled =
                lzokay::decompress::decompress(block, &mut piece).map_err(|error| damaged(&format!("{error:?}")))?;
            out.extend_from_slice(&piece[..filled]);
        }
        at += packed;
    }
}
