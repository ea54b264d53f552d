//! Messages of Arrow's IPC format from strangers: what they say of sizes is held against their bytes before a decoder takes memory for
//! it.

use arrow_ipc::Message;

/// How a message begins in all but the oldest files and streams; the length of its head follows.
pub(super) const MARK: [u8; 4] = [0xff; 4];
/// So much the packed parts of any message may have when they are unpacked, bytes.
const ALWAYS: u64 = 64 << 20;
/// So many times its own size, beyond that. No text is packed better.
const TIMES: u64 = 4_096;

/// Where the head of a message begins, behind its mark and its length.
pub(super) fn head_of(message: &[u8]) -> usize {
    if message.starts_with(&MARK) { 8 } else { 4 }
}

/// Whether the packed parts of a message have, as they say, no more bytes than are in proportion to its body. `word` gives the number
/// at a place of the body.
pub(super) fn is_in_proportion(message: &Message<'_>, word: impl Fn(u64) -> Option<i64>) -> bool {
    let batch = message.header_as_record_batch().or_else(|| message.header_as_dictionary_batch()?.data());
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else { return true };
    let most = ALWAYS.max(u64::try_from(message.bodyLength()).unwrap_or(0).saturating_mul(TIMES));
    let mut sum = 0_u64;
    for part in batch.buffers().into_iter().flat_map(|parts| parts.iter()).filter(|part| part.length() > 0) {
        let Some(length) = u64::try_from(part.offset()).ok().and_then(&word) else { return false };
        // A part that is not packed says -1.
        sum = sum.saturating_add(u64::try_from(length).unwrap_or(0));
    }
    sum <= most
}
