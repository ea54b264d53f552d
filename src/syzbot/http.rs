//! HTTP as a polite and distrustful guest: one request a second, 429 obeyed, https only, redirects looked at before they are followed.

use super::url::{may_lead, permitted};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use ureq::http::{HeaderMap, Uri};
use ureq::tls::{PemItem, RootCerts, TlsConfig};

/// How often a request is followed elsewhere before we call it a loop.
const REDIRECTS: usize = 5;

/// How much of an error page is read, to find words in it.
const ERROR_PAGE: u64 = 4 << 10;

/// Time, so that tests need none.
pub trait Clock: Send + Sync {
    /// What time it is.
    fn now(&self) -> SystemTime;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// How patient and how polite a client is.
#[derive(Debug, Clone)]
pub struct Manners {
    /// The least time between two requests to one host. The dashboard asks for a second.
    pub interval: Duration,
    /// The longest wait that a server may ask for (`Retry-After`) before we give up and say so.
    pub patience: Duration,
    /// How often a request is tried that fails for a passing reason.
    pub attempts: u32,
    /// How long a connection may be silent.
    pub silence: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            patience: Duration::from_secs(300),
            attempts: 5,
            silence: Duration::from_secs(60),
        }
    }
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// We do not go there.
    #[error("{url:?}: refused: {reason}")]
    Refused {
        /// The address, or what was to be one.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server said no.
    #[error("{url}: the server answers {status}{}", words(*.status))]
    Status {
        /// The address.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The server wants us to wait longer than we are willing to.
    #[error("{url}: the server asks for a pause of {} s (too many requests); try again then", .wait.as_secs())]
    Busy {
        /// The address.
        url: String,
        /// How long it asks for.
        wait: Duration,
    },
    /// The line is broken.
    #[error("{url}: {reason}")]
    Line {
        /// The address.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// More than we take.
    #[error("{url}: more than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The bound.
        limit: u64,
    },
}

fn words(status: u16) -> &'static str {
    match status {
        400 => " (malformed request)",
        401 | 403 => " (not public)",
        404 => " (not found)",
        410 => " (gone)",
        429 => " (too many requests)",
        500..=599 => " (its own trouble; try again later)",
        _ => "",
    }
}

/// A client. It may be shared between threads; they then share the one request a second.
pub struct Client {
    agent: ureq::Agent,
    clock: Arc<dyn Clock>,
    manners: Manners,
    last_request: Mutex<BTreeMap<String, SystemTime>>,
}

/// An answer whose body is still to be read.
pub struct Response {
    /// 200, 206 or 416; everything else is an error.
    pub status: u16,
    /// Where the answer came from, after redirects.
    pub url: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. A connection that ends before `Content-Length` yields an error here, not an end.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Content-Length`.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it came from, after redirects.
    pub url: Uri,
    /// `Content-Type`, as sent.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Fetches one small thing with a client of its own.
///
/// # Errors
/// As [`Client::get`].
pub fn get(url: &str, limit: u64) -> Result<Page, HttpError> {
    Client::new(Manners::default(), Arc::new(SystemClock)).get(url, limit)
}

impl Client {
    /// A client with these manners and this clock.
    #[must_use]
    pub fn new(manners: Manners, clock: Arc<dyn Clock>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!(
                "kanalyze/",
                env!("CARGO_PKG_VERSION"),
                " (kernel log analysis; reproduces syzbot bugs)"
            ))
            .accept_encoding("identity")
            .tls_config(TlsConfig::builder().root_certs(root_certificates()).build())
            .timeout_connect(Some(manners.silence.min(Duration::from_secs(30))))
            .timeout_recv_response(Some(manners.silence))
            .timeout_per_read(Some(manners.silence))
            .timeout_per_write(Some(manners.silence))
            .build();
        Self { agent: config.into(), clock, manners, last_request: Mutex::new(BTreeMap::new()) }
    }

    /// The manners that the client was made with.
    #[must_use]
    pub fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Seconds since 1970, by the client's clock.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.clock.now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
    }

    /// Waits, by the client's clock.
    pub fn pause(&self, duration: Duration) {
        self.clock.sleep(duration);
    }

    /// Fetches a small thing whole.
    ///
    /// # Errors
    /// Any [`HttpError`]; a body larger than `limit` is one.
    pub fn get(&self, url: &str, limit: u64) -> Result<Page, HttpError> {
        let mut attempt = 1;
        loop {
            let error = match self.open(url, &[]) {
                Ok(response) => match read_page(response, limit) {
                    Ok(page) => return Ok(page),
                    Err(error) => error,
                },
                Err(error) => return Err(error),
            };
            if attempt == self.manners.attempts || !matches!(error, HttpError::Line { .. }) {
                return Err(error);
            }
            self.pause(backoff(attempt));
            attempt += 1;
        }
    }

    /// Sends a request, obeys 429 and 503, tries again what may pass, follows permitted redirects.
    ///
    /// # Errors
    /// Any [`HttpError`] but [`HttpError::TooLarge`].
    pub fn open(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        let refused = |url: &str, reason: String| HttpError::Refused { url: url.to_owned(), reason };
        let mut target = permitted(url).map_err(|reason| refused(url, reason))?;
        for _ in 0..=REDIRECTS {
            let response = self.insist(&target, headers)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response.header("location").unwrap_or_default();
            let next = super::url::resolve(&target, location);
            target = may_lead(&target, &next)
                .map_err(|reason| refused(&next, format!("{target} redirects there, and {reason}")))?;
        }
        Err(refused(url, format!("more than {REDIRECTS} redirects")))
    }

    /// One address, as often as its troubles may pass.
    fn insist(&self, target: &Uri, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        let url = target.to_string();
        let mut attempt = 1;
        loop {
            let last = attempt >= self.manners.attempts;
            self.wait_for_turn(target);
            let response = match self.send(target, headers) {
                Ok(response) => response,
                Err(reason) if reason.contains("certificate") => {
                    let reason = format!("{reason}; SSL_CERT_FILE may name a file of further certificates to trust");
                    return Err(HttpError::Line { url, reason });
                }
                Err(reason) if last => return Err(HttpError::Line { url, reason }),
                Err(_) => {
                    self.pause(backoff(attempt));
                    attempt += 1;
                    continue;
                }
            };
            let status = response.status;
            match status {
                200 | 206 | 416 | 301 | 302 | 303 | 307 | 308 => return Ok(response),
                429 | 500 | 502..=504 => {
                    let wait = self.asked_pause(response).unwrap_or_else(|| backoff(attempt));
                    if wait > self.manners.patience || (last && status == 429) {
                        return Err(HttpError::Busy { url, wait });
                    }
                    if last {
                        return Err(HttpError::Status { url, status });
                    }
                    self.pause(wait);
                    attempt += 1;
                }
                status => return Err(HttpError::Status { url, status }),
            }
        }
    }

    fn send(&self, target: &Uri, headers: &[(&str, &str)]) -> Result<Response, String> {
        let mut request = self.agent.get(target.clone());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if target.host().is_some_and(super::url::is_loopback) {
            // A proxy has no business between us and ourselves.
            request = request.config().proxy(None).build();
        }
        let response = request.call().map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        Ok(Response {
            status: parts.status.as_u16(),
            url: target.clone(),
            headers: parts.headers,
            body: Box::new(body.into_reader()),
        })
    }

    /// Keeps the interval between two requests to one host.
    fn wait_for_turn(&self, target: &Uri) {
        let host = target.host().unwrap_or_default().to_ascii_lowercase();
        let now = self.clock.now();
        let wait = {
            let mut turns = self.last_request.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = turns.get(&host).map_or(now, |last| (*last + self.manners.interval).max(now));
            // A clock that was set back must not make us wait for hours.
            let turn = turn.min(now + self.manners.interval);
            turns.insert(host, turn);
            turn.duration_since(now).unwrap_or_default()
        };
        if !wait.is_zero() {
            self.clock.sleep(wait);
        }
    }

    /// How long the server wants us to stay away: `Retry-After` in seconds or as a date, or the dashboard's own words.
    fn asked_pause(&self, response: Response) -> Option<Duration> {
        if let Some(value) = response.header("retry-after") {
            let value = value.trim();
            if let Ok(seconds) = value.parse() {
                return Some(Duration::from_secs(seconds));
            }
            if let Some(date) = http_date(value) {
                return Some(date.duration_since(self.clock.now()).unwrap_or_default());
            }
        }
        if response.status != 429 {
            return None;
        }
        let mut text = String::new();
        let _ = response.body.take(ERROR_PAGE).read_to_string(&mut text);
        // "Allowed rate is 60 requests per 60 seconds."
        let (_, rest) = text.split_once("requests per ")?;
        rest.split(' ').next()?.parse().ok().map(Duration::from_secs)
    }
}

fn read_page(response: Response, limit: u64) -> Result<Page, HttpError> {
    let url = response.url.clone();
    let content_type = response.header("content-type").unwrap_or_default().to_owned();
    if response.length().is_some_and(|length| length > limit) {
        return Err(HttpError::TooLarge { url: url.to_string(), limit });
    }
    let mut body = Vec::new();
    response
        .body
        .take(limit + 1)
        .read_to_end(&mut body)
        .map_err(|error| HttpError::Line { url: url.to_string(), reason: error.to_string() })?;
    if body.len() as u64 > limit {
        return Err(HttpError::TooLarge { url: url.to_string(), limit });
    }
    Ok(Page { url, content_type, body })
}

/// 1, 2, 4, 8 … seconds.
#[must_use]
pub(crate) fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(6))
}

/// Mozilla's certificates, or those of `SSL_CERT_FILE`, with which a company names its own.
fn root_certificates() -> RootCerts {
    let Some(path) = std::env::var_os("SSL_CERT_FILE") else { return RootCerts::WebPki };
    let Ok(bytes) = std::fs::read(path) else { return RootCerts::WebPki };
    let certificates: Vec<_> = ureq::tls::parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`, the one form that servers send today.
fn http_date(text: &str) -> Option<SystemTime> {
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = words.next()?;
    let month = month.iter().position(|known| *known == name)? as u64;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(|part| part.parse::<u64>().ok().filter(|number| *number <= 60));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=31).contains(&day) || words.next() != Some("GMT") {
        return None;
    }
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let before_month = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][usize::try_from(month).ok()?];
    let years: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = years + before_month + u64::from(leap(year) && month > 1) + day - 1;
    Some(UNIX_EPOCH + Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_retry_is_understood() {
        let seconds = |text| http_date(text).map(|date| date.duration_since(UNIX_EPOCH).expect("after 1970").as_secs());
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(1_445_412_480));
        assert_eq!(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for bad in ["", "soon", "Wed, 21 Oct 2015", "Wed, 99 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 CET"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
