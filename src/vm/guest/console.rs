//! Commands by the serial console, for images without ssh: log in, type, wait for an answer that no echo can fake.

use super::{Answer, GuestError, Transport, quote};
use crate::vm::serial::Keyboard;
use crate::vm::settings::Login;
use memchr::memmem;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A terminal in canonical mode takes no longer lines than 4095 bytes.
const LINE_LIMIT: usize = 1_000;
/// Larger files would take minutes.
const FILE_LIMIT: usize = 512 << 10;
/// What is kept of the console while an answer is awaited, bytes.
const KEPT: usize = 256 << 10;

/// A shell behind a serial port.
#[derive(Debug)]
pub struct Console {
    keyboard: Keyboard,
    output: Receiver<Vec<u8>>,
    login: Login,
    scale: f64,
    seen: Vec<u8>,
    number: u32,
}

impl Console {
    /// Over a keyboard and a copy of everything that the port prints.
    #[must_use]
    pub fn new(keyboard: Keyboard, output: Receiver<Vec<u8>>, login: Login, scale: f64) -> Self {
        Self { keyboard, output, login, scale, seen: Vec::new(), number: 0 }
    }

    fn type_line(&self, line: &str) -> Result<(), GuestError> {
        let mut bytes = line.as_bytes().to_vec();
        bytes.push(b'\n');
        self.keyboard
            .type_bytes(&bytes)
            .map_err(|error| GuestError::Unreachable(format!("the serial port takes no input: {error}")))
    }

    /// Forgets what was printed so far.
    fn forget(&mut self) {
        while self.output.try_recv().is_ok() {}
        self.seen.clear();
    }

    /// Waits until `find` finds something in what was printed since the last [`Console::forget`].
    fn wait<T>(&mut self, limit: Duration, find: impl Fn(&[u8]) -> Option<T>) -> Result<Option<T>, GuestError> {
        let deadline = Instant::now() + limit.mul_f64(self.scale);
        loop {
            if let Some(found) = find(&self.seen) {
                return Ok(Some(found));
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.seen.extend_from_slice(&bytes);
                    if self.seen.len() > 2 * KEPT {
                        self.seen.drain(..self.seen.len() - KEPT);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err(GuestError::Stopped),
            }
        }
    }

    /// Whether a shell is there: it computes what is typed, so that neither echo nor kernel messages look like it.
    fn has_shell(&mut self) -> Result<bool, GuestError> {
        self.number += 1;
        let number = self.number;
        self.forget();
        self.type_line(&format!("echo \"kanalyze\"$(({number}+1000))\"shell\""))?;
        let answer = format!("kanalyze{}shell", number + 1000);
        let found = self.wait(Duration::from_secs(1), |seen| {
            memmem::find(seen, answer.as_bytes())
                .map(|_| true)
                .or_else(|| (wants(seen, "ogin:") || wants(seen, "assword:")).then_some(false))
        })?;
        Ok(found == Some(true))
    }

    fn log_in(&mut self) -> Result<(), GuestError> {
        self.forget();
        self.type_line("")?;
        let prompted = self.wait(Duration::from_secs(1), |seen| wants(seen, "ogin:").then_some(()))?;
        if prompted.is_none() {
            return Err(GuestError::Unreachable("no login prompt on the serial console".to_owned()));
        }
        self.forget();
        self.type_line(&self.login.user.clone())?;
        let password = self.wait(Duration::from_millis(700), |seen| wants(seen, "assword:").then_some(()))?;
        if password.is_some() {
            let word = self.login.password.clone().unwrap_or_default();
            self.type_line(&word)?;
        }
        // Whether it worked is asked again by `has_shell`; login programs take their time.
        self.wait(Duration::from_millis(300), |_| None::<()>)?;
        Ok(())
    }
}

/// Whether a prompt was printed; kernel messages may follow on its line.
fn wants(seen: &[u8], prompt: &str) -> bool {
    memmem::find(seen, prompt.as_bytes()).is_some()
}

impl Transport for Console {
    fn reach(&mut self) -> Result<(), GuestError> {
        if !self.has_shell()? {
            self.log_in()?;
            if !self.has_shell()? {
                return Err(GuestError::Unreachable(format!(
                    "no shell on the serial console: is --user {} right, does it need --password?",
                    self.login.user
                )));
            }
        }
        // A reader without an editor: no escapes, no wrapping, no history, and no echo between the answers.
        self.type_line("stty -echo 2>/dev/null; PS1=; while IFS= read -r line; do eval \"$line\"; done")?;
        if self.has_shell()? { Ok(()) } else { Err(GuestError::Unreachable("the shell stopped answering".to_owned())) }
    }

    fn run(&mut self, command: &str, limit: Duration) -> Result<Answer, GuestError> {
        if command.len() > LINE_LIMIT || command.contains('\n') {
            // Longer ones go the long way, as a script.
            self.put("/tmp/.kanalyze-command", command.as_bytes(), false)?;
            return self.run("sh /tmp/.kanalyze-command", limit);
        }
        self.number += 1;
        let number = self.number;
        self.forget();
        // Kernel messages may stand before and between, hence markers with a number on both sides.
        self.type_line(&format!("echo \"kan\"\"begin{number}:\"; {command} ; echo \"kan\"\"end{number}:$?:\""))?;
        let (begin, end) = (format!("kanbegin{number}:"), format!("kanend{number}:"));
        let found = self.wait(limit, |seen| {
            let at = memmem::find(seen, end.as_bytes())?;
            let rest = &seen[at + end.len()..];
            let status = std::str::from_utf8(&rest[..memchr::memchr(b':', rest)?]).ok()?.parse().ok()?;
            let start = memmem::find(seen, begin.as_bytes()).map_or(0, |start| start + begin.len());
            let output = String::from_utf8_lossy(seen.get(start..at).unwrap_or_default());
            Some(Answer { status, output: output.trim_matches(['\r', '\n']).replace('\r', "") })
        })?;
        found.ok_or_else(|| GuestError::Unreachable("no answer on the serial console in time".to_owned()))
    }

    fn put(&mut self, path: &str, bytes: &[u8], executable: bool) -> Result<(), GuestError> {
        if bytes.len() > FILE_LIMIT {
            return Err(GuestError::Refused(format!(
                "{path}: {} bytes are too many for the serial console (limit {FILE_LIMIT}): use --transport ssh, put it into the image, or --share a folder",
                bytes.len()
            )));
        }
        let quoted = quote(path);
        let begin = self.run(&format!(": > {quoted}.part"), Duration::from_secs(10))?;
        if begin.status != 0 {
            return Err(GuestError::Refused(format!("{path}: {}", begin.output)));
        }
        for piece in bytes.chunks(LINE_LIMIT / 8) {
            let mut octal = String::with_capacity(piece.len() * 4);
            for byte in piece {
                // printf with octal escapes is in every shell; base64 is not in every image.
                octal.push_str(&format!("\\{byte:03o}"));
            }
            let answer = self.run(&format!("printf '{octal}' >> {quoted}.part"), Duration::from_secs(10))?;
            if answer.status != 0 {
                return Err(GuestError::Refused(format!("{path}: {}", answer.output)));
            }
        }
        let mode = if executable { "755" } else { "644" };
        let end =
            self.run(&format!("chmod {mode} {quoted}.part && mv {quoted}.part {quoted}"), Duration::from_secs(10))?;
        if end.status == 0 { Ok(()) } else { Err(GuestError::Refused(format!("{path}: {}", end.output))) }
    }

    fn is_console(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::channel;
    use std::thread;

    /// A console with a real `sh` behind it, a login program before it and kernel messages in between.
    fn console(login: &'static str) -> Console {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        let (sender, output) = channel();
        let script = format!("{login} while :; do echo '[   12.345678] kernel talks'; sleep 0.05; done & exec sh 2>&1");
        let input = theirs.try_clone().expect("cloned");
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(input)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh runs");
        let mut stdout = child.stdout.take().expect("piped");
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut chunk) {
                if sender.send(chunk[..count].to_vec()).is_err() {
                    break;
                }
            }
            let _ = child.kill();
            let _ = child.wait();
        });
        let mut hello = ours.try_clone().expect("cloned");
        hello.flush().expect("nothing to flush");
        drop(theirs);
        let login = Login { user: "root".to_owned(), key: None, password: Some("secret".to_owned()) };
        Console::new(Keyboard::new(ours).expect("a keyboard"), output, login, 8.0)
    }

    /// As the guest's thread does it: again until it works.
    fn reach(console: &mut Console) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = console.reach() {
            assert!(Instant::now() < deadline, "{error}");
        }
    }

    #[test]
    fn a_shell_answers_and_files_arrive_byte_for_byte() {
        let mut console = console("");
        reach(&mut console);
        let answer = console.run("echo one; echo two >&2; (exit 7)", Duration::from_secs(20)).expect("an answer");
        assert_eq!(answer.status, 7);
        assert!(answer.output.contains("one"), "{answer:?}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file it's");
        let bytes: Vec<u8> = (0..=255).cycle().take(700).collect();
        console.put(path.to_str().expect("utf-8"), &bytes, true).expect("put");
        assert_eq!(std::fs::read(&path).expect("read"), bytes);
        let long = format!("true {}; echo kept", "x ".repeat(2_000));
        assert!(console.run(&long, Duration::from_secs(20)).expect("an answer").output.contains("kept"));
    }

    #[test]
    fn a_login_with_password_is_passed() {
        let login = "while :; do printf 'guest login: '; read -r user || exit 1; case $user in root) ;; *) continue ;; esac; \
                     printf 'Password: '; read -r word; [ \"$word\" = secret ] && break; echo 'Login incorrect'; done;";
        let mut console = console(login);
        reach(&mut console);
        assert_eq!(console.run("true", Duration::from_secs(20)).expect("an answer").status, 0);
    }

    #[test]
    fn what_is_too_large_for_a_serial_line_is_refused() {
        let mut console = console("");
        let error = console.put("/tmp/x", &vec![0; FILE_LIMIT + 1], false).expect_err("too large").to_string();
        assert!(error.contains("--transport ssh"), "{error}");
    }
}
