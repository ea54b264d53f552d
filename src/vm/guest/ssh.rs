//! Commands by the system's ssh client: batch mode, short sessions, every one with a hard time limit.

use super::{Answer, GuestError, Transport, quote};
use crate::vm::command::{self, Finished, Leash};
use crate::vm::settings::Login;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// ssh's own failures have this status.
const SSH_FAILED: i32 = 255;

/// Sessions to one guest.
#[derive(Debug, Clone)]
pub struct Ssh {
    leash: Leash,
    login: Login,
    port: u16,
    scale: f64,
    /// Since when the guest's first answer is awaited.
    since: Instant,
}

/// QEMU takes connections before the guest does: for so long that means nothing.
const BANNER_PATIENCE: Duration = Duration::from_secs(60);

impl Ssh {
    /// To the guest behind `port` of 127.0.0.1; limits are `scale` times as long as for a native machine.
    #[must_use]
    pub fn new(leash: Leash, login: Login, port: u16, scale: f64) -> Self {
        Self { leash, login, port, scale, since: Instant::now() }
    }

    /// Whether a server greets behind the port. Asked without ssh, which would wait ten seconds on a guest that boots.
    fn has_banner(&self) -> bool {
        let wait = Duration::from_secs(1).mul_f64(self.scale);
        let mut greeting = [0; 4];
        TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], self.port)), wait)
            .and_then(|mut stream| {
                stream.set_read_timeout(Some(wait))?;
                stream.read_exact(&mut greeting)
            })
            .is_ok_and(|()| &greeting == b"SSH-")
    }

    fn command(&self, remote: &str) -> Command {
        let mut command = Command::new("ssh");
        // -F: what the user's own configuration says of hosts has nothing to do with this guest.
        command.args(["-F", "/dev/null", "-p", &self.port.to_string()]);
        if let Some(key) = &self.login.key {
            command.arg("-i").arg(key);
        }
        for option in [
            "BatchMode=yes",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "IdentitiesOnly=yes",
            "ConnectTimeout=10",
            "ServerAliveInterval=10",
            "ServerAliveCountMax=3",
            "LogLevel=ERROR",
        ] {
            command.args(["-o", option]);
        }
        command.args(["-l", &self.login.user, "127.0.0.1", "--", remote]);
        command
    }

    fn finish(&self, remote: &str, input: Option<&[u8]>, limit: Duration) -> Result<Finished, GuestError> {
        let finished = command::run(&self.leash, &mut self.command(remote), input, limit.mul_f64(self.scale))
            .map_err(|error| GuestError::Unreachable(start_error(&error)))?;
        if finished.timed_out || finished.status.code().is_none_or(|code| code == SSH_FAILED) {
            return Err(GuestError::Unreachable(finished.last_words()));
        }
        Ok(finished)
    }

    /// Starts a session that goes on; its output is piped.
    ///
    /// # Errors
    /// The client cannot be started.
    pub fn start(&self, remote: &str) -> Result<Child, GuestError> {
        let mut command = self.command(remote);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.leash.spawn(&mut command).map_err(|error| GuestError::Unreachable(start_error(&error)))
    }

    /// Takes a session that was waited for off the leash.
    pub fn release(&self, child: &Child) {
        self.leash.release(child);
    }
}

fn start_error(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            "ssh is not installed: apt-get install openssh-client, or use --transport console".to_owned()
        }
        _ => format!("ssh: {error}"),
    }
}

impl Transport for Ssh {
    fn reach(&mut self) -> Result<(), GuestError> {
        if !self.has_banner() {
            let words = if self.since.elapsed() < BANNER_PATIENCE.mul_f64(self.scale) {
                "the guest's ssh server does not answer yet"
            } else {
                "Connection timed out during banner exchange"
            };
            return Err(GuestError::Unreachable(words.to_owned()));
        }
        self.finish("true", None, Duration::from_secs(15)).map(drop)
    }

    fn run(&mut self, command: &str, limit: Duration) -> Result<Answer, GuestError> {
        let finished = self.finish(command, None, limit)?;
        let mut output = String::from_utf8_lossy(&finished.stdout).into_owned();
        output.push_str(&String::from_utf8_lossy(&finished.stderr));
        Ok(Answer { status: finished.status.code().unwrap_or(SSH_FAILED), output })
    }

    fn put(&mut self, path: &str, bytes: &[u8], executable: bool) -> Result<(), GuestError> {
        // `cat` is in every image; scp needs a server side that small images have not.
        let (path, mode) = (quote(path), if executable { "755" } else { "644" });
        let remote = format!("cat > {path}.part && chmod {mode} {path}.part && mv {path}.part {path}");
        let limit = Duration::from_secs(60 + bytes.len() as u64 / 500_000);
        let finished = self.finish(&remote, Some(bytes), limit)?;
        if finished.status.success() { Ok(()) } else { Err(GuestError::Refused(finished.last_words())) }
    }

    fn is_console(&self) -> bool {
        false
    }
}
