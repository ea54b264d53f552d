//! Where bytes come from: plain, compressed, damaged, hostile and growing sources.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use kanalyze::input::{
    Begin, CHUNK, Damage, Follow, Input, InputError, MAPPED_FROM, Mapping, Source, Step, open, open_with,
};
use kanalyze::packing::Packing;
use proptest::prelude::*;
use tempfile::TempDir;

const FORMS: [Packing; 5] = [Packing::Gzip, Packing::Xz, Packing::Zstd, Packing::Bzip2, Packing::Lz4];

/// A log of about so many bytes; its lines differ, so that it is compressed as logs are.
fn log(bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 100);
    let mut number = 1u64;
    while out.len() < bytes {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let line = out.len();
        writeln!(out, "[{:5}.{:06}][{:>6}] event {:x}", line / 1000, line % 1000, "T1", number >> 20).expect("memory");
    }
    out
}

fn compress(form: Packing, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match form {
        Packing::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::default());
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory");
        }
        Packing::Xz => {
            let mut writer = liblzma::write::XzEncoder::new(&mut out, 6);
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory");
        }
        Packing::Zstd => {
            let mut writer = zstd::Encoder::new(&mut out, 3).expect("memory");
            writer.include_checksum(true).expect("a parameter");
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory");
        }
        Packing::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory");
        }
        Packing::Lzma | Packing::Lzo => unreachable!("not among the forms of logs"),
        Packing::Lz4 => {
            let blocks = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .content_checksum(true);
            let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(blocks, &mut out);
            writer.write_all(bytes).expect("memory");
            writer.finish().expect("memory");
        }
    }
    out
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn written(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a writable folder");
    path
}

/// Everything that a source gives, the largest piece, and what was wrong.
fn read(path: &Path) -> (Vec<u8>, usize, Option<Damage>) {
    drain(open(&Source::from(path)).expect("opens"))
}

fn drain(input: Input) -> (Vec<u8>, usize, Option<Damage>) {
    let (mut all, mut largest) = (Vec::new(), 0);
    let damage = input.feed(|bytes| {
        largest = largest.max(bytes.len());
        all.extend_from_slice(bytes);
        ControlFlow::Continue(())
    });
    (all, largest, damage)
}

#[test]
fn a_small_file_is_read_whatever_its_name() {
    let folder = folder();
    let path = written(&folder, "console.gz", b"plain text\n");
    assert!(matches!(open(&Source::from(&*path)), Ok(Input::Whole(whole)) if !whole.is_mapped()));
    assert_eq!(read(&path), (b"plain text\n".to_vec(), 11, None));
}

#[test]
fn a_large_quiet_file_is_mapped_and_one_in_use_is_streamed() {
    let folder = folder();
    let bytes = log(MAPPED_FROM as usize + 1000);
    let path = written(&folder, "log", &bytes);
    assert!(matches!(open(&Source::from(&*path)), Ok(Input::Stream(_))), "written just now");
    let (all, largest, damage) = read(&path);
    assert!(all == bytes && largest <= CHUNK && damage.is_none());
    let long_ago = SystemTime::now() - Duration::from_secs(60);
    File::options().write(true).open(&path).expect("opens").set_modified(long_ago).expect("a time");
    assert!(matches!(open(&Source::from(&*path)), Ok(Input::Whole(whole)) if whole.is_mapped() && *whole == *bytes));
    assert!(matches!(open_with(&Source::from(&*path), Mapping::Never), Ok(Input::Stream(_))));
    assert!(read(&path).0 == bytes);
}

#[test]
fn a_log_that_is_cut_while_it_is_mapped_is_reported_as_damaged() {
    kanalyze::files::outlive_faults();
    let folder = folder();
    let bytes = log(MAPPED_FROM as usize + 1000);
    for (kept, name) in [(0, "emptied"), (MAPPED_FROM / 2 + 77, "halved")] {
        let path = written(&folder, name, &bytes);
        let file = File::options().write(true).open(&path).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
        let Ok(Input::Whole(whole)) = open(&Source::from(&*path)) else { panic!("{name} is not mapped") };
        assert_eq!(whole.damage(), None, "{name}");
        file.set_len(kept).expect("a length");
        let kept = usize::try_from(kept).expect("a length");
        assert!(whole[..kept] == bytes[..kept], "{name}: what is left is read");
        assert!(whole[kept..].iter().all(|byte| *byte == 0), "{name}: zeros behind it");
        assert_eq!(whole.damage(), Some(Damage::Cut), "{name}");
        assert_eq!(Input::Whole(whole).feed(|_| std::ops::ControlFlow::Continue(())), Some(Damage::Cut), "{name}");
    }
}

#[test]
fn compressed_files_are_known_by_their_content() {
    let folder = folder();
    let bytes = log(3 * CHUNK);
    for form in FORMS {
        let path = written(&folder, "named.txt", &compress(form, &bytes));
        match open(&Source::from(&*path)) {
            Ok(Input::Stream(stream)) => assert_eq!(stream.compression(), Some(form)),
            other => panic!("{form}: {other:?}"),
        }
        let (all, largest, damage) = read(&path);
        assert!(all == bytes && largest <= CHUNK && damage.is_none(), "{form}: {} {damage:?}", all.len());
    }
}

#[test]
fn large_compressed_files_are_streamed_too() {
    let folder = folder();
    let mut noise = log(24 << 20);
    noise.iter_mut().step_by(3).enumerate().for_each(|(index, byte)| *byte ^= ((index * 2_654_435_761) >> 13) as u8);
    let packed = compress(Packing::Lz4, &noise);
    assert!(packed.len() as u64 > MAPPED_FROM);
    let path = written(&folder, "log", &packed);
    File::options().write(true).open(&path).expect("opens").set_modified(SystemTime::UNIX_EPOCH).expect("a time");
    let (all, _, damage) = read(&path);
    assert!(all == noise && damage.is_none(), "{damage:?}");
}

#[test]
fn members_and_frames_one_after_the_other_are_one_log() {
    let folder = folder();
    for form in FORMS {
        let both = [compress(form, b"first\n"), compress(form, b""), compress(form, b"second\n")].concat();
        let (all, _, damage) = read(&written(&folder, "log", &both));
        assert_eq!((&all[..], damage), (&b"first\nsecond\n"[..], None), "{form}");
    }
    let skippable = [&[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &compress(Packing::Zstd, b"a\n")].concat();
    assert_eq!(read(&written(&folder, "log", &skippable)).0, b"a\n");
    let empty = &[0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let around = [&compress(Packing::Lz4, b"a\n")[..], empty, &compress(Packing::Lz4, b"b\n")].concat();
    let (all, _, damage) = read(&written(&folder, "log", &around));
    assert_eq!((&all[..], damage), (&b"a\nb\n"[..], None));
}

#[test]
fn a_cut_compressed_file_gives_what_could_be_read() {
    let folder = folder();
    // bzip2 gives blocks of 100 kB out, lz4 of 64 KiB, zstd of 128 KiB: enough for several.
    let bytes = log(800 << 10);
    for form in FORMS {
        let packed = compress(form, &bytes);
        let path = written(&folder, "log", &packed[..packed.len() * 3 / 4]);
        let (all, _, damage) = read(&path);
        assert!(bytes.starts_with(&all) && all.len() > bytes.len() / 4, "{form}: {} bytes", all.len());
        assert_eq!(damage, Some(Damage::Truncated { compression: form, read: all.len() as u64 }), "{form}");
    }
}

#[test]
fn every_place_where_a_compressed_file_can_be_cut_is_noticed() {
    let folder = folder();
    for form in FORMS {
        let packed = compress(form, &log(400));
        for cut in Packing::MAGIC..packed.len() {
            let (_, _, damage) = read(&written(&folder, "log", &packed[..cut]));
            assert!(
                matches!(damage, Some(Damage::Truncated { .. })),
                "{form} cut at {cut} of {}: {damage:?}",
                packed.len()
            );
        }
    }
}

#[test]
fn a_damaged_compressed_file_gives_what_could_be_read() {
    let folder = folder();
    let bytes = log(800 << 10);
    for form in FORMS {
        let mut packed = compress(form, &bytes);
        let at = packed.len() * 3 / 4;
        packed[at..at + 64].fill(0xa5);
        let (all, _, damage) = read(&written(&folder, "log", &packed));
        assert!(matches!(damage, Some(Damage::Corrupt { .. } | Damage::Truncated { .. })), "{form}: {damage:?}");
        assert!(all.len() > bytes.len() / 4, "{form}: {} bytes", all.len());
    }
}

/// 96 MiB of zeros: enough to be refused. As members one after the other, so that it is quickly made.
fn zeros(form: Packing) -> Vec<u8> {
    compress(form, &vec![0; 4 << 20]).repeat(24)
}

#[test]
fn a_bomb_of_any_form_is_refused_early_and_clearly() {
    let folder = folder();
    for form in FORMS {
        let sentence = bomb(&folder, form);
        assert!(sentence.starts_with("refused as a decompression bomb: "), "{sentence}");
        assert!(sentence.contains(&format!("of {form} data")), "{sentence}");
    }
}

fn bomb(folder: &TempDir, form: Packing) -> String {
    let path = written(folder, "bomb", &zeros(form));
    let mut seen = 0;
    let damage = open(&Source::from(&*path)).expect("opens").feed(|bytes| {
        seen += bytes.len();
        ControlFlow::Continue(())
    });
    assert!(matches!(damage, Some(Damage::Bomb { .. })), "{form}: {damage:?} after {seen}");
    assert!(seen < 80 << 20, "{form}: {seen} bytes came out");
    damage.map(|damage| damage.to_string()).unwrap_or_default()
}

#[test]
fn a_repetitive_log_is_no_bomb() {
    let folder = folder();
    let bytes = log(1 << 20).repeat(66);
    let packed = compress(Packing::Zstd, &bytes);
    let (all, _, damage) = read(&written(&folder, "log", &packed));
    assert!(all.len() == bytes.len() && damage.is_none(), "{damage:?}, {} times", bytes.len() / packed.len());
}

#[test]
fn a_window_that_needs_too_much_memory_is_refused() {
    let folder = folder();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("memory");
    encoder.window_log(30).expect("zstd's own limit is 31");
    encoder.include_contentsize(false).expect("a parameter");
    encoder.write_all(b"line\n").expect("memory");
    let path = written(&folder, "log", &encoder.finish().expect("memory"));
    assert_eq!(read(&path).2, Some(Damage::Memory { compression: Packing::Zstd }));
}

#[test]
fn what_cannot_be_opened_says_why_and_what_to_do() {
    let folder = folder();
    let missing = Source::from(&*folder.path().join("gone"));
    let error = open(&missing).expect_err("is missing");
    assert!(matches!(error, InputError::Missing(_)));
    assert_eq!(error.to_string(), format!("{missing}: no such file (mistyped, or rotated away?)"));
    let error = open(&Source::from(folder.path())).expect_err("is a directory");
    assert!(matches!(error, InputError::Directory(_)) && error.to_string().contains("name the logs in it"));
    let denied = InputError::Denied(missing);
    assert!(denied.to_string().contains("permission denied: run as a user who may read it"));
}

#[test]
fn an_empty_source_is_a_note_and_no_error() {
    let folder = folder();
    assert_eq!(read(&written(&folder, "empty", b"")), (Vec::new(), 0, Some(Damage::Empty)));
    assert_eq!(read(Path::new("/dev/null")), (Vec::new(), 0, Some(Damage::Empty)));
}

#[test]
fn files_that_lie_about_their_length_are_read_whole() {
    if cfg!(target_os = "linux") {
        let (all, _, damage) = read(Path::new("/proc/self/status"));
        assert!(all.starts_with(b"Name:") && damage.is_none());
    }
}

#[test]
fn a_fifo_is_a_stream_and_may_be_compressed() {
    let folder = folder();
    let path = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let bytes = log(2 * CHUNK);
    for packed in [bytes.clone(), compress(Packing::Gzip, &bytes)] {
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut fifo = OpenOptions::new().write(true).open(path).expect("a reader");
                // A first piece that is shorter than any magic.
                fifo.write_all(&packed[..1]).expect("a reader");
                fifo.write_all(&packed[1..]).expect("a reader");
            }
        });
        let (all, largest, damage) = read(&path);
        writer.join().expect("wrote");
        assert!(all == bytes && largest <= CHUNK && damage.is_none());
    }
}

#[test]
fn a_reader_may_stop_early() {
    let folder = folder();
    let path = written(&folder, "log", &compress(Packing::Zstd, &log(4 * CHUNK)));
    let mut pieces = 0;
    open(&Source::from(&*path)).expect("opens").feed(|_| {
        pieces += 1;
        ControlFlow::Break(())
    });
    assert_eq!(pieces, 1);
}

#[test]
fn stdin_is_a_dash() {
    assert_eq!(Source::new("-".as_ref()), Source::Stdin);
    assert_eq!(Source::new("./-".as_ref()), Source::Path(PathBuf::from("./-")));
    assert_eq!(Source::Stdin.to_string(), "-");
}

const SOON: Duration = Duration::from_millis(1);

/// The next thing that is not [`Step::Idle`], bytes as text.
fn next(follow: &mut Follow) -> String {
    loop {
        match follow.next() {
            Step::Idle => {}
            Step::Bytes(bytes) => return String::from_utf8_lossy(bytes).into_owned(),
            other => return format!("{other:?}"),
        }
    }
}

#[test]
fn a_growing_log_is_followed_through_rotation_and_truncation() {
    let folder = folder();
    let path = written(&folder, "log", b"one\n");
    let mut follow = Follow::new(&path, Begin::Start, SOON).expect("opens");
    assert_eq!(next(&mut follow), "one\n");
    assert_eq!(follow.next(), Step::Idle);
    let mut writer = OpenOptions::new().append(true).open(&path).expect("opens");
    writer.write_all(b"two\n").expect("writes");
    assert_eq!(next(&mut follow), "two\n");

    fs::rename(&path, folder.path().join("log.1")).expect("renames");
    assert_eq!(follow.next(), Step::Idle, "no file has the name");
    writer.write_all(b"three\n").expect("writes");
    fs::write(&path, b"four\n").expect("writes");
    assert_eq!(next(&mut follow), "three\n", "the old file is read to its end");
    assert_eq!(next(&mut follow), "Rotated");
    assert_eq!(next(&mut follow), "four\n");

    File::create(&path).expect("truncates");
    assert_eq!(next(&mut follow), "Truncated");
    fs::write(&path, b"five\n").expect("writes");
    assert_eq!(next(&mut follow), "five\n");
}

#[test]
fn a_log_that_cannot_be_read_is_reported_once_and_so_is_that_it_can_be_again() {
    let folder = folder();
    let path = folder.path().join("log");
    // A plain file, for the system, of which no byte at the start can be read.
    std::os::unix::fs::symlink("/proc/self/mem", &path).expect("a link");
    let mut follow = Follow::new(&path, Begin::Start, SOON).expect("opens");
    let Step::Failing(words) = follow.next() else { panic!("nothing is said") };
    assert!(words.starts_with(&format!("{} cannot be read now: ", path.display())), "{words}");
    assert_eq!([(); 2].map(|()| format!("{:?}", follow.next())), ["Idle", "Idle"], "once");
    written(&folder, "new", b"one\n");
    fs::rename(folder.path().join("new"), &path).expect("renames");
    assert_eq!([next(&mut follow), next(&mut follow)], ["Rotated", "one\n"]);
}

#[test]
fn following_may_begin_at_the_end_and_be_stopped() {
    let folder = folder();
    let path = written(&folder, "log", b"old\n");
    let mut follow = Follow::new(&path, Begin::End, Duration::from_secs(3600)).expect("opens");
    OpenOptions::new().append(true).open(&path).expect("opens").write_all(b"new\n").expect("writes");
    assert_eq!(follow.next(), Step::Bytes(b"new\n"));
    let stopper = follow.stopper();
    let waiting = std::thread::spawn(move || follow.next() == Step::Stopped);
    stopper.stop();
    assert!(waiting.join().expect("came back"));
    assert!(matches!(Follow::new(folder.path(), Begin::Start, SOON), Err(InputError::Directory(_))));
    assert!(matches!(Follow::new(Path::new("/dev/null"), Begin::Start, SOON), Err(InputError::NotFollowable(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn any_damage_to_compressed_bytes_ends_without_harm(form in prop::sample::select(FORMS.to_vec()), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut packed = compress(form, &log(2000));
        for (at, byte) in changes {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        let folder = folder();
        let (all, _, _) = read(&written(&folder, "log", &packed));
        prop_assert!(all.len() <= 80 << 20);
    }
}
