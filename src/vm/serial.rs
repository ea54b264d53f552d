//! The guest's serial port: a unix socket that QEMU connects to, read by one thread and written by whoever has keys to press.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

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

/// Binds a socket in `folder`.
///
/// # Errors
/// What the system says; paths over 107 bytes do not fit a socket's address.
pub fn listen(folder: &Path, name: &str) -> io::Result<UnixListener> {
    UnixListener::bind(folder.join(name))
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

/// Reads until the other side is gone, calling `on_bytes` with each piece as it comes and with an empty one at the end.
pub fn read_all(mut stream: impl Read + Send + 'static, mut on_bytes: impl FnMut(&[u8]) + Send + 'static) {
    thread::spawn(move || {
        let mut chunk = vec![0; 64 << 10];
        loop {
            match stream.read(&mut chunk) {
                Ok(count @ 1..) => on_bytes(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        on_bytes(&[]);
    });
}
