//! A web server on a free port of this machine that misbehaves as told, and a clock that needs no time.

use kanalyze::net::{Client, Clock, Manners};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a request for a path gets.
#[derive(Clone)]
pub(crate) enum Answer {
    /// The file, as asked for.
    File(File),
    /// The file, but the connection breaks after so many bytes of it.
    Cut(File, usize),
    /// The file in pieces of so many bytes, each its own packet.
    Slow(File, usize),
    /// A status with headers and a body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Nothing, until the client goes.
    Silence,
    /// A byte every few milliseconds, for ever, until the client goes.
    Drip,
    /// A page that has not changed since the client got this `ETag` (304), and the page itself otherwise.
    Unchanged(File),
}

/// A file on the server.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
    pub(crate) etag: Option<&'static str>,
    /// Whether a range is honoured.
    pub(crate) ranges: bool,
}

impl File {
    pub(crate) fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), content_type: "application/octet-stream", etag: Some("\"one\""), ranges: true }
    }
}

/// A request that came: its path with query, and its `Range`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    /// `GET`, `POST`.
    pub(crate) method: String,
    /// What was posted.
    pub(crate) body: String,
}

/// What has come so far, and the news of it.
#[derive(Default)]
struct Requests {
    came: Mutex<Vec<Request>>,
    news: Condvar,
}

pub(crate) struct Server {
    pub(crate) url: String,
    answers: Arc<Mutex<BTreeMap<String, VecDeque<Answer>>>>,
    requests: Arc<Requests>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let answers: Arc<Mutex<BTreeMap<String, VecDeque<Answer>>>> = Arc::default();
        let requests: Arc<Requests> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (own_answers, own_requests, own_stop) = (answers.clone(), requests.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own_stop.load(Ordering::SeqCst) {
                    break;
                }
                // A client that goes in the middle is what half of the tests are about.
                let _ = serve(stream, &own_answers, &own_requests);
            }
        });
        Self { url, answers, requests, stop, thread: Some(thread) }
    }

    /// What `path` gets: the answers in turn, the last one for ever.
    pub(crate) fn put(&self, path: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        self.answers.lock().expect("no panic").insert(path.to_owned(), answers.into_iter().collect());
        self
    }

    pub(crate) fn file(&self, path: &str, body: impl Into<Vec<u8>>) -> &Self {
        self.put(path, [Answer::File(File::new(body))])
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.came.lock().expect("no panic").clone()
    }

    /// Waits until `count` requests for `path` have come; false if that takes longer than a minute.
    pub(crate) fn await_requests(&self, path: &str, count: usize) -> bool {
        let came = self.requests.came.lock().expect("no panic");
        let too_few = |came: &mut Vec<Request>| came.iter().filter(|request| request.path == path).count() < count;
        let minute = Duration::from_secs(60);
        !self.requests.news.wait_timeout_while(came, minute, too_few).expect("no panic").1.timed_out()
    }

    pub(crate) fn requests_for(&self, path: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.path == path).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &Mutex<BTreeMap<String, VecDeque<Answer>>>,
    requests: &Requests,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = reader.by_ref().lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let method = first.split(' ').next().unwrap_or_default().to_owned();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let request = Request { path: path.clone(), range: headers.get("range").cloned(), method, body };
    requests.came.lock().expect("no panic").push(request);
    requests.news.notify_all();
    let answer = {
        let mut answers = answers.lock().expect("no panic");
        match answers.get_mut(&path) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
    };
    match answer {
        Some(Answer::File(file)) => send(&mut stream, &file, &headers, usize::MAX, usize::MAX),
        Some(Answer::Cut(file, after)) => send(&mut stream, &file, &headers, after, usize::MAX),
        Some(Answer::Slow(file, piece)) => send(&mut stream, &file, &headers, usize::MAX, piece),
        Some(Answer::Status(status, more, body)) => {
            write!(stream, "HTTP/1.1 {status} As told\r\nConnection: close\r\nContent-Length: {}\r\n", body.len())?;
            for (name, value) in more {
                write!(stream, "{name}: {value}\r\n")?;
            }
            write!(stream, "\r\n{body}")
        }
        Some(Answer::Unchanged(file)) if file.etag == headers.get("if-none-match").map(String::as_str) => {
            write!(stream, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n")
        }
        Some(Answer::Unchanged(file)) => send(&mut stream, &file, &headers, usize::MAX, usize::MAX),
        Some(Answer::Drip) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                // Ends with the connection, when the client has had enough.
                stream.write_all(b".")?;
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Some(Answer::Silence) => stream.read(&mut [0; 1]).map(|_| ()),
        None => write!(stream, "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 9\r\n\r\nNot Found"),
    }
}

fn send(
    stream: &mut TcpStream,
    file: &File,
    headers: &BTreeMap<String, String>,
    cut_after: usize,
    piece: usize,
) -> std::io::Result<()> {
    let start = headers
        .get("range")
        .filter(|_| file.ranges && headers.get("if-range").is_none_or(|tag| Some(tag.as_str()) == file.etag))
        .and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
    let whole = file.body.len();
    let body = match start {
        Some(start) if start >= whole => {
            return write!(
                stream,
                "HTTP/1.1 416 Range\r\nConnection: close\r\nContent-Range: bytes */{whole}\r\nContent-Length: 0\r\n\r\n"
            );
        }
        Some(start) => {
            write!(stream, "HTTP/1.1 206 Partial\r\nContent-Range: bytes {start}-{}/{whole}\r\n", whole - 1)?;
            &file.body[start..]
        }
        None => {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            &file.body[..]
        }
    };
    if let Some(etag) = file.etag {
        write!(stream, "ETag: {etag}\r\n")?;
    }
    write!(
        stream,
        "Content-Type: {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        file.content_type,
        body.len()
    )?;
    for piece in body[..cut_after.min(body.len())].chunks(piece.max(1)) {
        stream.write_all(piece)?;
        stream.flush()?;
    }
    Ok(())
}

/// A clock that is told to wait and does not.
#[derive(Default)]
pub(crate) struct PatientClock {
    passed: Mutex<Duration>,
    pub(crate) waits: Mutex<Vec<Duration>>,
}

impl Clock for PatientClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000) + *self.passed.lock().expect("no panic")
    }

    fn sleep(&self, duration: Duration) {
        *self.passed.lock().expect("no panic") += duration;
        self.waits.lock().expect("no panic").push(duration);
    }
}

/// A client whose waiting costs no time.
pub(crate) fn client() -> (Client, Arc<PatientClock>) {
    client_with(Manners::default())
}

pub(crate) fn client_with(manners: Manners) -> (Client, Arc<PatientClock>) {
    let clock = Arc::new(PatientClock::default());
    (Client::new(manners, clock.clone()), clock)
}

/// xz of `bytes`.
pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::read::XzEncoder::new(bytes, 1).read_to_end(&mut packed).expect("memory");
    packed
}

/// gzip of `bytes`.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).expect("memory");
    packed
}

/// Bytes that do not pack well, always the same, without NULs at the ends.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8 | 1
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A disk with a boot sector, noise and a long hole.
pub(crate) fn disk() -> Vec<u8> {
    let mut disk = noise(200_000);
    disk.resize(3 << 20, 0);
    disk[510..512].copy_from_slice(b"\x55\xaa");
    disk[512..520].copy_from_slice(b"EFI PART");
    disk
}

/// A bzImage, as far as its header goes.
pub(crate) fn kernel() -> Vec<u8> {
    let mut kernel = noise(60_000);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel
}

/// An ELF file, as far as its magic goes.
pub(crate) fn vmlinux() -> Vec<u8> {
    let mut vmlinux = noise(90_000);
    vmlinux[..4].copy_from_slice(b"\x7fELF");
    vmlinux
}

/// What a folder holds, sorted.
pub(crate) fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name().into_string();
    let mut names: Vec<String> = entries.map(|entry| name(entry).expect("text")).collect();
    names.sort();
    names
}
