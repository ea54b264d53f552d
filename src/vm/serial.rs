//! The guest's serial port: a unix socket that QEMU connects to, read by one thread and written by whoever has keys to press.

use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder for two sockets: their paths must be short, run folders may be anywhere. Removed with this value.
#[derive(Debug)]
pub struct SocketFolder(TempDir);

impl SocketFolder {
    /// Makes one that only this user can enter.
    ///
    /// # Errors
    /// What the system says of the temporary folder.
    pub fn create() -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        let base = if temporary.as_os_str().len() > 60 { Path::new("/tmp") } else { &temporary };
        let mut builder = tempfile::Builder::new();
        builder.prefix("kanalyze-").permissions(Permissions::from_mode(0o700));
        builder.tempdir_in(base).map(Self)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Waits until QEMU connects to a socket of ours; that QEMU is the client means that no byte is printed before somebody
/// listens.
///
/// # Errors
/// Nobody connected in time, or `gone` says that nobody will.
pub fn accept(listener: &UnixListener, limit: Duration, mut gone: impl FnMut() -> bool) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + limit;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if gone() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Writes to the guest's serial port; clones share it.
#[derive(Debug, Clone)]
pub struct Keyboard {
    stream: Arc<Mutex<UnixStream>>,
}

impl Keyboard {
    /// Over a connected stream. A guest whose UART is full is given five seconds to make room.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self { stream: Arc::new(Mutex::new(stream)) })
    }

    /// Types.
    ///
    /// # Errors
    /// QEMU is gone or takes nothing.
    pub fn type_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)
    }
}

/// An emulated UART hands over a few bytes at a time: a pause after each small piece lets the next ones come together,
/// which saves most of the work and costs a crash a tenth of the 50 ms within which it is to be reported.
const GATHER: Duration = Duration::from_millis(5);
/// Pieces from this size on are followed by the next one at once, bytes.
const GATHER_BELOW: usize = 4 << 10;

/// Reads until the other side is gone, calling `on_bytes` with each piece as it comes and with an empty one at the end.
pub fn read_all(mut stream: impl Read + Send + 'static, mut on_bytes: impl FnMut(&[u8]) + Send + 'static) {
    thread::spawn(move || {
        let mut chunk = vec![0; 64 << 10];
        loop {
            match stream.read(&mut chunk) {
                Ok(count @ 1..) => {
                    on_bytes(&chunk[..count]);
                    if count < GATHER_BELOW {
                        thread::sleep(GATHER);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        on_bytes(&[]);
    });
}
