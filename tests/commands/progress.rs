//! What takes over a second says on a terminal how far it is: the terminal is `script`'s, the work waits for a pipe or a server until the
//! line is there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long a line that comes after a second is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// kanalyze with its standard error at a terminal.
struct AtTerminal {
    script: Child,
    shown: Receiver<Vec<u8>>,
    seen: String,
}

impl AtTerminal {
    /// Starts `kanalyze WORDS` in a folder; its answer goes to `answer` there.
    fn start(folder: &Path, words: &str, environment: &[(&str, &str)]) -> Self {
        let program = env!("CARGO_BIN_EXE_kanalyze");
        let mut command = Command::new("script");
        command.args(["-qec", &format!("exec '{program}' {words} > answer"), "/dev/null"]).current_dir(folder);
        command.envs(environment.iter().copied()).env_remove("KBUILD_OUTPUT").env("HOME", folder);
        let mut script = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` runs: install the package bsdutils or util-linux");
        let mut out = script.stdout.take().expect("a pipe");
        let (send, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                // Whoever has seen enough is gone.
                let _ = send.send(bytes[..count].to_vec());
            }
        });
        Self { script, shown, seen: String::new() }
    }

    /// Waits until the terminal was shown these words.
    fn await_words(&mut self, words: &str) {
        while !self.seen.contains(words) {
            let bytes = self.shown.recv_timeout(PATIENCE);
            let bytes = bytes.unwrap_or_else(|_| panic!("'{words}' did not come, but: {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
    }

    /// All that the terminal was shown, once the program has ended.
    fn ended(mut self) -> String {
        while let Ok(bytes) = self.shown.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        self.script.wait().expect("it has ended");
        self.seen
    }
}

/// A named pipe that nobody finds closed until it is dropped.
fn held(path: &Path) -> File {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
    OpenOptions::new().read(true).write(true).open(path).expect("it opens at once when it is both ends")
}

const CRASH: &[u8] = b"[    1.000000] BUG: KASAN: slab-use-after-free in widget_take+0x1f/0x40\n";

/// Reads a log that comes late.
fn reads_late(words: &str, answer: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("other.log"), "[    1.000000] eth0: link is up\n").expect("written");
    let mut pipe = held(&folder.path().join("slow.log"));
    let mut terminal = AtTerminal::start(folder.path(), words, &[]);
    terminal.await_words("read 0 MB");
    pipe.write_all(CRASH).expect("somebody reads");
    drop(pipe);
    let shown = terminal.ended();
    let gone = "\r\u{1b}[K";
    assert!(shown.trim_end().ends_with(gone) || shown.contains(&format!("{gone}kanalyze: ")), "{words}: {shown:?}");
    let told = std::fs::read_to_string(folder.path().join("answer")).expect("an answer");
    assert!(told.contains(answer), "{words}: {told}");
}

#[test]
fn reading_shows_how_much_was_read_and_takes_the_line_away() {
    std::thread::scope(|scope| {
        for (words, answer) in [
            ("parse --brief slow.log", "widget_take"),
            ("check slow.log", "widget_take"),
            ("diff slow.log other.log", "widget_take"),
            ("table --cluster slow.log", "widget_take"),
            ("locks slow.log", "slow.log"),
        ] {
            scope.spawn(move || reads_late(words, answer));
        }
    });
}

#[test]
fn symbolize_says_that_it_reads_the_kernel() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line =
        "CPU: 1 UID: 0 PID: 7 Comm: widgetd Not tainted 9.9.9-widget #3 0123456789abcdef0123456789abcdef01234567";
    std::fs::write(folder.path().join("crash.log"), format!("[    1.000000] {line}\n")).expect("written");
    // A server that takes its time to say that it has no such image.
    let server = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", server.local_addr().expect("an address"));
    let cache = folder.path().join("debuginfod").display().to_string();
    let environment = [("DEBUGINFOD_URLS", &*url), ("DEBUGINFOD_CACHE_PATH", &*cache)];
    let mut terminal = AtTerminal::start(folder.path(), "symbolize crash.log", &environment);
    let (mut asked, _) = server.accept().expect("it is asked for the image");
    terminal.await_words("reading the kernel's image and debug information, 1 s");
    asked.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").expect("it waits");
    let shown = terminal.ended();
    assert!(shown.contains("\r\u{1b}[Kkanalyze: "), "{shown:?}");
}
