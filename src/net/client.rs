//! HTTP as a polite and distrustful guest: one request a second, 429 obeyed, https only, redirects looked at before they are followed.

use super::address::{AddressError, is_loopback, may_lead, permitted, resolve};
use super::body::{Paced, TooSlow};
use super::error::HttpError;
use super::kept::{Facts, Kept};
use super::pace::{Clock, Manners, SystemClock, Turns, backoff};
use super::response::{Page, Response};
use super::trust::{distrust, root_certificates};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};
use ureq::http::Uri;
use ureq::tls::TlsConfig;

/// How often a request is followed elsewhere before we call it a loop.
const REDIRECTS: usize = 5;

/// How much of an error page is read, to find words in it.
const ERROR_PAGE: u64 = 4 << 10;

/// How much is read from the network at once.
const PIECE: usize = 64 << 10;

/// A client. It may be shared between threads; they then share the one request a second.
///
/// The proxies of the environment are used (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`), but for this machine itself.
pub struct Client {
    agent: ureq::Agent,
    clock: Arc<dyn Clock>,
    manners: Manners,
    turns: Turns,
    kept: Option<Kept>,
    offline: bool,
}

/// What is asked of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask<'ask> {
    Get,
    /// A form, encoded as in an address's query.
    Post(&'ask str),
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
        Self { agent: config.into(), clock, manners, turns: Turns::default(), kept: None, offline: false }
    }

    /// Keeps pages ([`Self::get`], [`Self::post`]) in `folder` and asks the server only whether they still hold.
    #[must_use]
    pub fn keeping(mut self, folder: PathBuf) -> Self {
        self.kept = Some(Kept::new(folder));
        self
    }

    /// Never touches the network: what is kept answers, everything else is [`HttpError::Offline`].
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Self {
        self.offline = offline;
        self
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

    /// Fetches a small thing whole, from the kept pages if the client has some and the server says that they hold.
    ///
    /// # Errors
    /// Any [`HttpError`]; a body larger than `limit` bytes is one.
    pub fn get(&self, url: &str, limit: u64) -> Result<Page, HttpError> {
        self.page(url, Ask::Get, limit)
    }

    /// Sends a form (`x=m&q=a+b`, encoded by the caller) and takes what comes, as [`Self::get`].
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post(&self, url: &str, form: &str, limit: u64) -> Result<Page, HttpError> {
        self.page(url, Ask::Post(form), limit)
    }

    /// Sends a request, obeys 429 and 503, tries again what may pass, follows permitted redirects.
    ///
    /// # Errors
    /// Any [`HttpError`] but [`HttpError::TooLarge`].
    pub fn open(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        self.follow(url, Ask::Get, headers)
    }

    fn page(&self, url: &str, ask: Ask<'_>, limit: u64) -> Result<Page, HttpError> {
        let asked = match ask {
            Ask::Get => url.to_owned(),
            Ask::Post(form) => format!("{url} {form}"),
        };
        let known = self.kept.as_ref().and_then(|kept| kept.find(&asked, limit));
        let now = self.now();
        let (facts, body) = match known {
            Some((facts, body)) if self.offline || now.saturating_sub(facts.checked) < self.manners.fresh.as_secs() => {
                (facts, body)
            }
            known => self.ask_again(url, ask, limit, (asked, known))?,
        };
        Ok(Page { url: facts.url, content_type: facts.content_type, body, checked: facts.checked })
    }

    /// Asks whether what is kept still holds, and fetches what does not.
    fn ask_again(
        &self,
        url: &str,
        ask: Ask<'_>,
        limit: u64,
        (asked, known): (String, Option<(Facts, Vec<u8>)>),
    ) -> Result<(Facts, Vec<u8>), HttpError> {
        let mut headers = Vec::new();
        if let Some((facts, _)) = &known {
            headers.extend(facts.etag.as_deref().map(|etag| ("if-none-match", etag)));
            headers.extend(facts.last_modified.as_deref().map(|date| ("if-modified-since", date)));
        }
        let mut attempt = 1;
        let (fresh, bytes) = loop {
            let response = self.follow(url, ask, &headers)?;
            if response.status == 304 {
                let Some((facts, body)) = known else {
                    return Err(HttpError::Status { url: url.to_owned(), status: 304 });
                };
                break (Facts { checked: self.now(), ..facts }, body);
            }
            let own = |name| response.header(name).filter(|text| text.len() < 256).map(str::to_owned);
            let facts = Facts {
                asked: asked.clone(),
                url: response.url.to_string(),
                content_type: response.header("content-type").unwrap_or_default().to_owned(),
                etag: own("etag"),
                last_modified: own("last-modified"),
                checked: self.now(),
                length: 0,
            };
            match self.read_whole(response, limit) {
                Ok(body) => break (Facts { length: body.len() as u64, ..facts }, body),
                Err(error) if attempt == self.manners.attempts || !matches!(error, HttpError::Line { .. }) => {
                    return Err(error);
                }
                Err(_) => self.pause(backoff(attempt)),
            }
            attempt += 1;
        };
        if let Some(kept) = &self.kept {
            kept.keep(&fresh, &bytes)?;
        }
        Ok((fresh, bytes))
    }

    fn follow(&self, url: &str, mut ask: Ask<'_>, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        let mut target = permitted(url).map_err(|reason| HttpError::Refused { url: url.to_owned(), reason })?;
        if self.offline {
            return Err(HttpError::Offline { url: url.to_owned() });
        }
        for _ in 0..=REDIRECTS {
            let response = self.insist(&target, ask, headers)?;
            if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            if response.status <= 303 {
                // As browsers do, and as servers expect.
                ask = Ask::Get;
            }
            let next = resolve(&target, response.header("location").unwrap_or_default());
            target = may_lead(&target, &next).map_err(|reason| HttpError::Misled {
                url: next,
                from: target.to_string(),
                reason,
            })?;
        }
        Err(HttpError::Refused { url: url.to_owned(), reason: AddressError::Loop(REDIRECTS) })
    }

    /// One address, as often as its troubles may pass.
    fn insist(&self, target: &Uri, ask: Ask<'_>, headers: &[(&str, &str)]) -> Result<Response, HttpError> {
        let url = target.to_string();
        let mut attempt = 1;
        loop {
            let last = attempt >= self.manners.attempts;
            self.turns.wait(target.host().unwrap_or_default(), self.clock.as_ref(), self.manners.interval);
            let response = match self.send(target, ask, headers) {
                Ok(response) => response,
                Err(error) => {
                    if let Some(reason) = distrust(&error) {
                        return Err(HttpError::Untrusted { url, reason });
                    }
                    if last {
                        return Err(HttpError::Line { url, reason: error.to_string() });
                    }
                    self.pause(backoff(attempt));
                    attempt += 1;
                    continue;
                }
            };
            let status = response.status;
            match status {
                200 | 206 | 304 | 416 | 301 | 302 | 303 | 307 | 308 => return Ok(response),
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

    fn send(&self, target: &Uri, ask: Ask<'_>, headers: &[(&str, &str)]) -> Result<Response, ureq::Error> {
        // A proxy has no business between us and ourselves.
        let own = target.host().is_some_and(is_loopback);
        let response = match ask {
            Ask::Get => {
                let mut request = self.agent.get(target.clone());
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                if own {
                    request = request.config().proxy(None).build();
                }
                request.call()?
            }
            Ask::Post(form) => {
                let mut request = self.agent.post(target.clone());
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                if own {
                    request = request.config().proxy(None).build();
                }
                request.content_type("application/x-www-form-urlencoded").send(form)?
            }
        };
        let (parts, body) = response.into_parts();
        Ok(Response {
            status: parts.status.as_u16(),
            url: target.clone(),
            headers: parts.headers,
            body: Box::new(Paced::new(body.into_reader(), self.manners.silence, self.manners.trickle)),
        })
    }

    /// How long the server wants us to stay away: `Retry-After` in seconds or as a date, or the dashboard's own words.
    fn asked_pause(&self, response: Response) -> Option<Duration> {
        if let Some(value) = response.header("retry-after") {
            let value = value.trim();
            if let Ok(seconds) = value.parse() {
                return Some(Duration::from_secs(seconds));
            }
            if let Ok(date) = httpdate::parse_http_date(value) {
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

    /// A page's body, within its size and time.
    fn read_whole(&self, mut response: Response, limit: u64) -> Result<Vec<u8>, HttpError> {
        let url = response.url.to_string();
        if response.length().is_some_and(|length| length > limit) {
            return Err(HttpError::TooLarge { url, limit });
        }
        let start = Instant::now();
        let (mut body, mut piece) = (Vec::new(), vec![0; PIECE]);
        loop {
            match response.body.read(&mut piece) {
                Ok(0) => return Ok(body),
                Ok(count) => body.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let slow = error.get_ref().and_then(|inner| inner.downcast_ref::<TooSlow>());
                    return Err(match slow {
                        Some(slow) => HttpError::Slow { url, received: slow.received, after: slow.after },
                        None => HttpError::Line { url, reason: error.to_string() },
                    });
                }
            }
            let received = body.len() as u64;
            if received > limit {
                return Err(HttpError::TooLarge { url, limit });
            }
            if start.elapsed() > self.manners.page {
                return Err(HttpError::Slow { url, received, after: start.elapsed() });
            }
        }
    }
}
