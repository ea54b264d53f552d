//! `kanalyze symbolize` on programs that are compiled for the test: lines, inlines, refusals, load offsets, pipes, damage.

use super::compiled::{compile, has_gcc, line_of, return_frame};
use super::fed::fed;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const BANNER: &str =
    "[    0.000000][    T0] Linux version 6.99.1-test (builder@host) (gcc 12) #7 SMP Mon Jan 1 00:00:00 UTC 2026";

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.arg("symbolize").args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.env_remove("DEBUGINFOD_URLS").env_remove("DEBUGINFOD_CACHE_PATH").env_remove("KBUILD_OUTPUT");
    command
}

fn filter(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    fed(&mut command(folder, arguments), input)
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn records(output: &Output) -> Vec<Value> {
    text(output).lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// `function file:line` of the frames of a record, innermost first.
fn chain(record: &Value) -> Vec<String> {
    let frames = record["frames"].as_array().expect("frames");
    frames
        .iter()
        .map(|frame| {
            let text = |key: &str| frame[key].as_str().unwrap_or("-").to_owned();
            format!("{} {}:{}", text("function"), text("file"), frame["line"])
        })
        .collect()
}

fn expected() -> Vec<String> {
    ["inner", "middle", "outer"].iter().map(|name| format!("{name} init/main.c:{}", line_of(name))).collect()
}

#[test]
fn a_frame_names_the_line_of_the_call_with_everything_inlined_there_in_every_form_of_debug_information() {
    if !has_gcc() {
        return;
    }
    for flags in [
        &["-gdwarf-5"][..],
        &["-gdwarf-4"],
        &["-gdwarf-5", "-gz=zlib"],
        &["-gdwarf-4", "-gz=zlib"],
        &["-gdwarf-5", "-gsplit-dwarf"],
        &["-gdwarf-4", "-gsplit-dwarf"],
        &["-gdwarf-5", "-flto", "-fno-ipa-cp", "-fno-ipa-sra"],
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let vmlinux = compile(folder.path(), flags);
        let (frame, _) = return_frame(&vmlinux, "outer", "leaf");
        let log = format!("{BANNER}\n[    1.0][   T12]  {frame}\n");
        for run in ["cold", "warm"] {
            let done = filter(folder.path(), &["-k", "vmlinux", "--format", "jsonl"], log.as_bytes());
            assert!(done.status.success(), "{flags:?} {run}: {}", String::from_utf8_lossy(&done.stderr));
            let found = records(&done);
            assert_eq!(found.len(), 1, "{flags:?} {run}");
            assert_eq!(chain(&found[0]), expected(), "{flags:?} {run}");
            assert_eq!((found[0]["log_line"].as_u64(), found[0]["confidence"].as_str()), (Some(2), Some("certain")));
        }
    }
}

#[test]
fn text_gets_lines_for_inlined_functions_and_keeps_the_rest_byte_for_byte() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (frame, _) = return_frame(&vmlinux, "outer", "leaf");
    let log = format!("noise \u{1b}[0m\r\n[    1.0][   T12]  ? {frame}\r\nno newline at the end");
    let done = filter(folder.path(), &["-k", "vmlinux"], log.as_bytes());
    let at = |name: &str| format!("init/main.c:{}", line_of(name));
    let expected = format!(
        "noise \u{1b}[0m\r\n[    1.0][   T12]  ? inner {} [inline]\r\n[    1.0][   T12]  ? middle {} [inline]\r\n\
         [    1.0][   T12]  ? {frame} {}\r\nno newline at the end",
        at("inner"),
        at("middle"),
        at("outer")
    );
    assert_eq!(text(&done), expected);
    // What is decoded already stays as it is.
    let again = filter(folder.path(), &["-k", "vmlinux"], expected.as_bytes());
    assert_eq!(text(&again), expected);
}

#[test]
fn bytes_that_are_no_frames_pass_through_untouched() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    compile(folder.path(), &["-g"]);
    let mut seed = 7_u64;
    let noise: Vec<u8> = (0..200_000)
        .map(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"\n\r\t +0x/[]<>:.abcf019\0\xff\x1b?"[(seed >> 33) as usize % 25]
        })
        .collect();
    let done = filter(folder.path(), &["-k", "vmlinux", "--no-code"], &noise);
    assert!(done.status.success());
    assert!(done.stdout == noise, "the noise was changed");
}

#[test]
fn a_line_is_handed_on_before_the_next_one_comes() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (frame, _) = return_frame(&vmlinux, "second", "leaf");
    let mut child = command(folder.path(), &["-k", "vmlinux"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    for (line, end) in
        [("hello".to_owned(), String::new()), (format!(" {frame}"), format!(" init/main.c:{}", line_of("second")))]
    {
        writeln!(stdin, "{line}").expect("the pipe is open");
        stdin.flush().expect("the pipe is open");
        let mut got = String::new();
        lines.read_line(&mut got).expect("an answer while the input is still open");
        assert_eq!(got, format!("{line}{end}\n"));
    }
    drop(stdin);
    assert!(child.wait().expect("the program ends").success());
}

#[test]
fn another_kernels_log_is_refused_and_force_marks_it_doubtful() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (frame, _) = return_frame(&vmlinux, "second", "leaf");
    let other = BANNER.replace("#7", "#8");
    let header = "CPU: 0 PID: 1 Comm: init Not tainted 6.99.2-test #7";
    let id = "CPU: 0 PID: 1 Comm: init Not tainted 6.99.1-test #7 0123456789012345678901234567890123456789";
    for says in [other.as_str(), header, id] {
        let log = format!("{says}\n {frame}\n");
        let done = filter(folder.path(), &["-k", "vmlinux"], log.as_bytes());
        assert_eq!(done.status.code(), Some(2), "{says}");
        assert_eq!(text(&done), log, "{says}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("is another kernel"), "{says}");
        let forced = filter(folder.path(), &["-k", "vmlinux", "--force", "--format", "jsonl"], log.as_bytes());
        assert_eq!(forced.status.code(), Some(0), "{says}");
        assert_eq!(records(&forced)[0]["confidence"].as_str(), Some("doubtful"), "{says}");
    }
    // A boot of the right kernel behind one of another is decoded.
    let log = format!("{other}\n {frame}\n{BANNER}\n {frame}\n");
    let done = filter(folder.path(), &["-k", "vmlinux", "--format", "jsonl"], log.as_bytes());
    let lengths: Vec<usize> = records(&done).iter().map(|record| chain(record).len()).collect();
    assert_eq!(lengths, [0, 1]);
}

#[test]
fn a_function_of_another_size_is_a_miss_with_a_reason() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    compile(folder.path(), &["-g"]);
    let done = filter(folder.path(), &["-k", "vmlinux", "--format", "jsonl"], b" second+0x5/0x7777\n absent+0x1/0x2\n");
    let found = records(&done);
    assert!(found[0]["reason"].as_str().is_some_and(|reason| reason.contains("another build")), "{found:?}");
    assert_eq!(found[1]["reason"].as_str(), Some("no function absent"));
    assert!(found.iter().all(|record| chain(record).is_empty()));
}

#[test]
fn raw_addresses_are_decoded_by_a_stated_a_known_or_an_inferred_load_offset() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let moved = 0x0c60_0000;
    let returns: Vec<u64> =
        [("outer", "leaf"), ("second", "leaf"), ("kernel_init", "outer"), ("kernel_init", "second")]
            .iter()
            .map(|(function, callee)| return_frame(&vmlinux, function, callee).1 + moved)
            .collect();
    let stack: String = returns.iter().map(|address| format!(" [<{address:016x}>]\n")).collect();
    let stated = format!(
        "{stack}Kernel Offset: {moved:#x} from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)\n"
    );
    std::fs::write(folder.path().join("stated.log"), stated).expect("writable");
    std::fs::write(folder.path().join("plain.log"), &stack).expect("writable");
    std::fs::write(folder.path().join("one.log"), format!(" [<{:016x}>]\n", returns[0])).expect("writable");
    let image = kanalyze::image::KernelImage::open(&vmlinux).expect("an image");
    let running: String = image
        .symbols
        .iter()
        .map(|symbol| {
            format!(
                "{:016x} {} {}\n",
                symbol.address + moved,
                char::from(symbol.letter),
                if symbol.name == "leaf" { "_text" } else { symbol.name }
            )
        })
        .collect();
    std::fs::write(folder.path().join("kallsyms"), running).expect("writable");
    let offset = format!("{moved:#x}");
    for (arguments, confidence) in [
        (&["stated.log"][..], "certain"),
        (&["plain.log", "--kaslr-offset", &offset], "certain"),
        (&["plain.log"], "likely"),
    ] {
        let all = [&["-k", "vmlinux", "--format", "jsonl"], arguments].concat();
        let found = records(&filter(folder.path(), &all, b""));
        assert_eq!(found.len(), 4, "{arguments:?}");
        assert_eq!(chain(&found[0]), expected(), "{arguments:?}");
        assert_eq!(found[0]["confidence"].as_str(), Some(confidence), "{arguments:?}");
        assert_eq!(chain(&found[2]), [format!("kernel_init init/main.c:{}", line_of("init"))], "{arguments:?}");
    }
    let alone = records(&filter(folder.path(), &["-k", "vmlinux", "--format", "jsonl", "one.log"], b""));
    assert!(chain(&alone[0]).is_empty(), "one address cannot tell where a kernel was loaded");
    assert!(alone[0]["reason"].as_str().is_some_and(|reason| reason.contains("--kallsyms")));
}

#[test]
fn symbols_alone_name_functions_and_say_what_they_lack() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (_, address) = return_frame(&vmlinux, "second", "leaf");
    let image = kanalyze::image::KernelImage::open(&vmlinux).expect("an image");
    let map: String = image
        .symbols
        .iter()
        .map(|symbol| format!("{:016x} {} {}\n", symbol.address, char::from(symbol.letter), symbol.name))
        .collect();
    std::fs::write(folder.path().join("System.map"), map).expect("writable");
    let log = format!("Kernel Offset: disabled\n [<{address:016x}>]\n");
    let done = filter(folder.path(), &["-k", "System.map", "--format", "jsonl"], log.as_bytes());
    let found = records(&done);
    assert_eq!((found[0]["function"].as_str(), chain(&found[0]).len()), (Some("second"), 1));
    assert!(String::from_utf8_lossy(&done.stderr).contains("names and addresses only"));
}

#[test]
fn a_module_is_found_decoded_and_checked() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    compile(folder.path(), &["-g"]);
    let deep = folder.path().join("modules/kernel/drivers");
    std::fs::create_dir_all(&deep).expect("writable");
    // Two sections, so that addresses of the file alone are ambiguous.
    let source = "volatile int state;\nextern void other(int);\n\n__attribute__((section(\".init.text\"))) int begin(void)\n{\n\tother(1); /* line 6 */\n\treturn state;\n}\n\
        int work(int value)\n{\n\tstate = value;\n\tother(value); /* line 12 */\n\treturn state;\n}\n";
    let info = "const char fact[] __attribute__((section(\".modinfo\"))) = \"vermagic=RELEASE SMP mod_unload \";\n";
    for (name, release) in [("my-module.ko", "6.99.1-test"), ("stranger.ko", "5.0.0")] {
        std::fs::write(deep.join("source.c"), format!("{source}{}", info.replace("RELEASE", release)))
            .expect("writable");
        let done = Command::new("gcc")
            .current_dir(&deep)
            .args(["-g", "-O2", "-c", "-fno-pie", "-mcmodel=kernel", "-fcf-protection=none", "source.c", "-o", name])
            .status();
        assert!(done.is_ok_and(|done| done.success()));
    }
    let done = Command::new("nm").args(["-S"]).arg(deep.join("my-module.ko")).output().expect("nm runs");
    let sizes = String::from_utf8(done.stdout).expect("text");
    let size = |name: &str| {
        let line = sizes
            .lines()
            .find(|line| line.ends_with(&format!(" T {name}")) || line.ends_with(&format!(" t {name}")))
            .expect("a function");
        u64::from_str_radix(line.split(' ').nth(1).expect("a size"), 16).expect("a number")
    };
    // The address after the call, found by trying: the chain must name the line of the call at exactly one offset.
    let lines_of = |function: &str, module: &str| -> Vec<Option<u64>> {
        let size = size(function);
        let log: String = (1..size).map(|offset| format!(" {function}+{offset:#x}/{size:#x} [{module}]\n")).collect();
        let done =
            filter(folder.path(), &["-k", "vmlinux", "--modules", "modules", "--format", "jsonl"], log.as_bytes());
        records(&done).iter().map(|record| record["frames"][0]["line"].as_u64()).collect()
    };
    assert!(lines_of("work", "my_module").contains(&Some(12)));
    let begin = lines_of("begin", "my_module");
    assert!(begin.contains(&Some(6)) && begin.iter().flatten().all(|line| (4..=8).contains(line)), "{begin:?}");
    assert!(lines_of("work", "stranger").iter().all(Option::is_none), "a module of another kernel was used");
}

#[test]
fn compat_looks_up_the_return_address_and_prints_as_the_script_does() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (frame, _) = return_frame(&vmlinux, "second", "leaf");
    let log = format!("[    1.000000][   T12]  ? {frame}\r\n  plain   text \r\n[ 1.0]  absent+0x1/0x2 [gone]\r\n");
    let done = filter(folder.path(), &["--compat", "vmlinux", "auto"], log.as_bytes());
    // The line after the call; an unknown symbol stays, its module loses the brackets.
    let after = line_of("second") + 1;
    assert_eq!(
        text(&done),
        format!(
            "[ 1.000000][ T12] ? second (init/main.c:{after}) \nplain   text \n[         1.0] absent+0x1/0x2 gone\n"
        )
    );
}

#[test]
fn the_debug_file_comes_from_a_debuginfod_server_once() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (frame, _) = return_frame(&vmlinux, "second", "leaf");
    let whole = std::fs::read(&vmlinux).expect("readable");
    let stripped =
        Command::new("strip").args(["--strip-debug", "vmlinux", "-o", "stripped"]).current_dir(folder.path()).status();
    assert!(stripped.is_ok_and(|done| done.success()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("an address");
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            request.push(byte[0]);
        }
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", whole.len())
            .expect("the client listens");
        stream.write_all(&whole).expect("the client listens");
        String::from_utf8_lossy(&request).lines().next().unwrap_or("").to_owned()
    });
    let run = |urls: &str| {
        let mut child = command(folder.path(), &["-k", "stripped"])
            .env("DEBUGINFOD_URLS", urls)
            .env("DEBUGINFOD_CACHE_PATH", folder.path().join("debuginfod"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        writeln!(child.stdin.take().expect("a pipe"), " {frame}").expect("the pipe is open");
        child.wait_with_output().expect("the program ends")
    };
    let url = format!("http://{address}");
    let expected = format!(" {frame} init/main.c:{}\n", line_of("second"));
    let first = run(&url);
    assert_eq!(text(&first), expected, "{}", String::from_utf8_lossy(&first.stderr));
    let request = server.join().expect("the server was asked");
    assert!(request.starts_with("GET /buildid/") && request.contains("/debuginfo "), "{request}");
    // The server is gone; the file stays.
    assert_eq!(text(&run(&url)), expected);
}

#[test]
fn damaged_files_give_errors_and_misses_and_no_panic() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g", "-Wl,--build-id=none"]);
    let good = std::fs::read(&vmlinux).expect("readable");
    let (frame, address) = return_frame(&vmlinux, "outer", "leaf");
    let log = format!(" {frame}\n [<{address:016x}>]\n");
    let mut seed = 99_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let mut opened = 0;
    for round in 0..1500 {
        let mut bytes = good.clone();
        if round % 3 == 0 {
            bytes.truncate(next() % good.len());
        }
        if !bytes.is_empty() {
            for _ in 0..=next() % 6 {
                let at = next() % bytes.len();
                bytes[at] ^= 1 << (next() % 8);
            }
        }
        let view = kanalyze::symbols::View::owned(bytes);
        if let Ok(elf) = kanalyze::symbols::Elf::of(view, Path::new("damaged")) {
            opened += 1;
            let kernel = kanalyze::symbols::Kernel::of_elf(elf, None);
            let mut decoder = kanalyze::symbols::LogDecoder::new(
                &kernel,
                kanalyze::symbols::LogOptions { force: true, offset: Some(0) },
            );
            decoder.survey(log.as_bytes());
            for line in log.lines() {
                let _ = decoder.line(line.as_bytes());
            }
        }
    }
    assert!(opened > 500, "hardly any damaged file was opened: {opened}");
}

#[test]
fn an_image_for_a_big_endian_machine_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // A header without anything: 64-bit PowerPC, executable, no segments, no sections.
    let mut image = b"\x7fELF\x02\x02\x01".to_vec();
    image.resize(16, 0);
    image.extend([0, 2, 0, 21, 0, 0, 0, 1]);
    image.resize(52, 0);
    image.extend([0, 64, 0, 56, 0, 0, 0, 64, 0, 0, 0, 0]);
    std::fs::write(folder.path().join("vmlinux"), image).expect("written");
    let done = filter(folder.path(), &["-k", "vmlinux"], b"[    1.0][   T12]  f+0x1/0x2\n");
    assert_eq!(done.status.code(), Some(2));
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(words.contains("vmlinux: this is for a big-endian machine"), "{words}");
}
