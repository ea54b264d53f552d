//! Packed bytes, whole and in pieces, with AddressSanitizer over the C of liblzma and libzstd.
#![no_main]

#[expect(dead_code, unused_imports, reason = "only the unpackers are tried here")]
#[path = "../../../src/packing/mod.rs"]
mod packing;

use packing::{Packing, Pushed, reader, unpack, zlib};
use std::io::{Cursor, Read, Write};

/// Nothing is unpacked to more, bytes.
const LIMIT: usize = 1 << 20;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let all = [Packing::Gzip, Packing::Xz, Packing::Zstd, Packing::Bzip2, Packing::Lz4, Packing::Lzma, Packing::Lzo];
    // What the bytes are by their magic, and sometimes what they are not.
    let packing = Packing::of_log(data).or(Packing::of(data)).unwrap_or(all[usize::from(*first) % all.len()]);
    if let Ok(bytes) = unpack(packing, data, LIMIT) {
        assert!(bytes.len() <= LIMIT);
    }
    let _ = zlib(data, LIMIT);
    if let Ok((mut stream, _)) = reader(packing, Box::new(Cursor::new(data.to_vec()))) {
        let mut out = vec![0; 4_096];
        let mut total = 0;
        while let Ok(got @ 1..) = stream.read(&mut out) {
            total += got;
            if total > LIMIT {
                break;
            }
        }
    }
    if Pushed::<Limited>::undoes(packing)
        && let Ok(mut pushed) = Pushed::new(packing, Limited(0))
    {
        for piece in data.chunks(usize::from(*first).max(1)) {
            if pushed.write_all(piece).is_err() {
                return;
            }
        }
        let _ = pushed.finish();
    }
});

/// A sink that is full at the limit.
struct Limited(usize);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > LIMIT { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
