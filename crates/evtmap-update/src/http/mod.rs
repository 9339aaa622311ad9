//! What is fetched from a URL: one request, its redirects, and its body into a file.
//!
//! A download is tried again when the network failed and not when the answer is no. What was received of it
//! is kept, and the next try asks for the rest if the server says that it is still the same.

mod limit;
mod retry;
mod token;
mod url;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use self::limit::RateLimit;
pub use self::retry::Patience;
pub use self::token::Token;
use self::url::Url;
use crate::error::UpdateError;

/// The most that is received, in bytes.
const MAX_BYTES: u64 = 512 << 20;
/// How many redirects are followed.
const N_REDIRECTS_MAX: usize = 5;

/// How the network is used.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// How long to wait for a connection, for an answer, and for more of it.
    pub timeout: Duration,
    /// A file of certificates (PEM) to trust instead of those that the system trusts.
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` may be used, where anybody on the way can read and change what is sent.
    pub allow_http: bool,
    /// How often to try, and how long to wait between.
    pub patience: Patience,
}

impl Default for HttpOptions {
    fn default() -> Self {
        let timeout = Duration::from_secs(30);
        Self { timeout, ca_file: None, allow_http: false, patience: Patience::default() }
    }
}

/// How asking a server goes on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Step<'a> {
    /// It is asked.
    Asked {
        /// For what.
        url: &'a str,
    },
    /// A part of what was asked for has come.
    Received {
        /// How much of it by now, in bytes.
        n_bytes: u64,
        /// How much it is, if the server says.
        n_whole: Option<u64>,
    },
    /// The network failed, and it is asked again.
    Failed {
        /// How.
        error: &'a UpdateError,
        /// After how long.
        wait: Duration,
    },
}

/// Learns how asking goes on.
pub type OnStep<'a> = &'a dyn Fn(Step<'_>);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) url: &'a str,
    pub(crate) token: Option<&'a Token>,
    /// What is known already: only what is newer is wanted.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// Whether the server may compress what it sends.
    pub(crate) compressed: bool,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// There is nothing newer.
    Unchanged,
    /// There is; its body is in the file, unless only its head was asked for.
    New { etag: Option<String>, last_modified: Option<String> },
}

/// Fetches from URLs.
pub(crate) struct Client<'a> {
    agent: Agent,
    options: &'a HttpOptions,
    now: Timestamp,
    on_step: OnStep<'a>,
}

/// Why a try did not succeed.
enum Miss {
    /// The next try may.
    Again { error: UpdateError, wait: Option<Duration> },
    /// No other try would.
    Never(UpdateError),
}

impl From<UpdateError> for Miss {
    fn from(error: UpdateError) -> Self {
        Self::Never(error)
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(
        options: &'a HttpOptions,
        now: Timestamp,
        on_step: OnStep<'a>,
    ) -> Result<Self, UpdateError> {
        let timeout = Some(options.timeout);
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // Redirects are followed here, where it is known whom a token is for.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("evtmap/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout)
            .tls_config(TlsConfig::builder().root_certs(roots(options)?).build())
            .build()
            .new_agent();
        Ok(Self { agent, options, now, on_step })
    }

    /// Asks whether there is something newer; its body is not received.
    pub(crate) fn look(&self, request: &Request<'_>) -> Result<Answer, UpdateError> {
        self.try_again(request.url, || {
            let (response, _) = self.follow(request, None)?;
            Ok(answer(&response))
        })
    }

    /// Receives what is newer into a file.
    pub(crate) fn fetch(&self, request: &Request<'_>, into: &Path) -> Result<Answer, UpdateError> {
        let mut part = Part { path: into, n_bytes: 0, etag: None };
        self.try_again(request.url, || self.fetch_once(request, &mut part))
    }

    fn try_again(
        &self,
        url: &str,
        mut once: impl FnMut() -> Result<Answer, Miss>,
    ) -> Result<Answer, UpdateError> {
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            (self.on_step)(Step::Asked { url });
            match once() {
                Ok(answer) => return Ok(answer),
                Err(Miss::Never(error)) => return Err(error),
                Err(Miss::Again { error, wait }) => match self.options.patience.wait(n_tries, wait) {
                    Some(wait) => {
                        (self.on_step)(Step::Failed { error: &error, wait });
                        std::thread::sleep(wait);
                    }
                    None => return Err(error),
                },
            }
        }
    }

    fn fetch_once(&self, request: &Request<'_>, part: &mut Part<'_>) -> Result<Answer, Miss> {
        let (response, url) = self.follow(request, part.rest())?;
        let answer = answer(&response);
        if matches!(answer, Answer::Unchanged) {
            return Ok(answer);
        }
        let failed = |error: io::Error| UpdateError::file("write", part.path)(error);
        let is_rest = response.status().as_u16() == 206 && begins_at(response.headers(), part.n_bytes);
        let mut file = if is_rest {
            File::options().append(true).open(part.path).map_err(failed)?
        } else {
            part.n_bytes = 0;
            File::create(part.path).map_err(failed)?
        };
        part.etag = header(response.headers(), "etag").map(str::to_owned);
        let n_rest: Option<u64> = header(response.headers(), "content-length").and_then(|n| n.parse().ok());
        let n_whole = n_rest.map(|n| n.saturating_add(part.n_bytes));
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n_read = body.read(&mut buffer).map_err(|error| lost(&url, &error.into()))?;
            let Some(bytes) = buffer.get(..n_read).filter(|bytes| !bytes.is_empty()) else { break };
            part.n_bytes += n_read as u64;
            if part.n_bytes > MAX_BYTES {
                let what = format!("it is larger than {} MiB", MAX_BYTES >> 20);
                return Err(UpdateError::network(&url.to_string(), what, HELP_ELSEWHERE).into());
            }
            file.write_all(bytes).map_err(UpdateError::file("write", part.path))?;
            (self.on_step)(Step::Received { n_bytes: part.n_bytes, n_whole });
        }
        if n_whole.is_some_and(|n_whole| part.n_bytes < n_whole) {
            return Err(lost(&url, &ureq::Error::Io(io::ErrorKind::UnexpectedEof.into())));
        }
        Ok(answer)
    }

    /// Asks, and follows redirects to the answer. The token goes to the host that it is for and nowhere else.
    fn follow(
        &self,
        request: &Request<'_>,
        rest: Option<(u64, &str)>,
    ) -> Result<(Response<Body>, Url), Miss> {
        let mut url = Url::parse(request.url)?;
        let first = url.clone();
        for _ in 0..=N_REDIRECTS_MAX {
            self.check_scheme(&first, &url)?;
            let mut asked = self.agent.get(url.to_string()).header("accept", "*/*");
            asked = asked.header("accept-encoding", if request.compressed { "gzip" } else { "identity" });
            if let Some(token) = request.token.filter(|_| url.is_same_server(&first) && url.is_private()) {
                asked = asked.header("authorization", token.header());
            }
            if let Some((n_bytes, etag)) = rest {
                asked = asked.header("range", format!("bytes={n_bytes}-")).header("if-range", etag);
            } else {
                for (name, value) in
                    [("if-none-match", &request.etag), ("if-modified-since", &request.last_modified)]
                {
                    if let Some(value) = value {
                        asked = asked.header(name, value);
                    }
                }
            }
            let response = asked.call().map_err(|error| lost(&url, &error))?;
            match response.status().as_u16() {
                200 | 206 | 304 => return Ok((response, url)),
                301 | 302 | 303 | 307 | 308 => {
                    let to = header(response.headers(), "location").unwrap_or_default();
                    url = url.join(to)?;
                }
                status => return Err(self.refused(&url, status, &response)),
            }
        }
        let what = format!("it leads on more than {N_REDIRECTS_MAX} times");
        Err(UpdateError::network(request.url, what, HELP_ELSEWHERE).into())
    }

    fn check_scheme(&self, first: &Url, url: &Url) -> Result<(), UpdateError> {
        if url.is_https() || self.options.allow_http && !first.is_https() {
            return Ok(());
        }
        let (what, help) = if first.is_https() {
            (format!("it leads to `{url}`, which is not protected"), HELP_ELSEWHERE)
        } else {
            let help = "write https://, or allow it with `--allow-http`";
            ("anybody on the way can change what is sent by http://".to_owned(), help)
        };
        Err(UpdateError::network(&first.to_string(), what, help))
    }

    /// An answer that is none.
    fn refused(&self, url: &Url, status: u16, response: &Response<Body>) -> Miss {
        let limit = RateLimit::of(response.headers(), self.now);
        let wait = limit.retry_after;
        if let (403 | 429, Some(words)) = (status, limit.words(self.now)) {
            let error = UpdateError::network(&url.to_string(), words, limit::HELP);
            return if limit.is_used_up { Miss::Never(error) } else { Miss::Again { error, wait } };
        }
        let (what, help) = match status {
            401 | 403 => {
                ("the server does not let us", "a private source needs a token: see docs/updates.md")
            }
            404 | 410 => ("there is nothing there", "check the address, the version and the name"),
            407 => ("the proxy wants to know who asks", "put the name and password into the proxy's address"),
            416 => ("the server has less than it had", "try again"),
            _ => (
                "the server cannot answer now",
                "try again later, or give what was carried over with `--from`",
            ),
        };
        let error = UpdateError::network(&url.to_string(), format!("{what} (status {status})"), help);
        match status {
            408 | 416 | 425 | 429 | 500..=599 => Miss::Again { error, wait },
            _ => Miss::Never(error),
        }
    }
}

const HELP_ELSEWHERE: &str = "fetch it in another way and give it with `--from`";

/// What was received of a download.
struct Part<'a> {
    path: &'a Path,
    n_bytes: u64,
    etag: Option<String>,
}

impl Part<'_> {
    /// From where on it is wanted, and what the server must still have. A weak tag promises no equal bytes.
    fn rest(&self) -> Option<(u64, &str)> {
        let etag = self.etag.as_deref().filter(|etag| !etag.starts_with("W/"))?;
        (self.n_bytes > 0).then_some((self.n_bytes, etag))
    }
}

fn roots(options: &HttpOptions) -> Result<RootCerts, UpdateError> {
    let Some(path) = &options.ca_file else { return Ok(RootCerts::PlatformVerifier) };
    let pem = std::fs::read(path).map_err(UpdateError::file("read", path))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let origin = path.display().to_string();
        return Err(UpdateError::content(
            &origin,
            "it holds no certificate",
            "give a file in the form of PEM",
        ));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}

/// The network failed on the way.
fn lost(url: &Url, error: &ureq::Error) -> Miss {
    let help = "check the network and the proxy, or give what was carried over with `--from`";
    let no_host = || "there is no such host, or no network".to_owned();
    let what = match error {
        ureq::Error::HostNotFound => no_host(),
        ureq::Error::Timeout(_) => "there is no answer".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => "nobody answers there".to_owned(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "the connection broke off".to_owned()
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "there is no answer".to_owned(),
            _ if is_of_lookup(error) => no_host(),
            _ => error.to_string().to_lowercase(),
        },
        other => other.to_string().to_lowercase(),
    };
    let error = UpdateError::network(&url.to_string(), what, help);
    Miss::Again { error, wait: None }
}

/// Whether it is that the name of a host led to no address, for which the standard library has no kind: on Windows it
/// has a number (11001 to 11004, of Windows Sockets), elsewhere words.
fn is_of_lookup(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| (11_001..=11_004).contains(&code))
        || error.to_string().contains("lookup address")
}

fn answer(response: &Response<Body>) -> Answer {
    if response.status().as_u16() == 304 {
        return Answer::Unchanged;
    }
    let header = |name| header(response.headers(), name).map(str::to_owned);
    Answer::New { etag: header("etag"), last_modified: header("last-modified") }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a part of the body begins where it was asked to.
fn begins_at(headers: &HeaderMap, n_bytes: u64) -> bool {
    let range = header(headers, "content-range").and_then(|range| range.strip_prefix("bytes "));
    range.is_some_and(|range| range.starts_with(&format!("{n_bytes}-")))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Nobody listens: each try is told, and why there is to be another.
    #[test]
    fn every_try_is_told() {
        // Who gives a port back is no longer asked at it.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/rules");
        let patience = Patience { n_tries: 3, first_wait: Duration::from_millis(1), ..Patience::default() };
        let options = HttpOptions { allow_http: true, patience, ..HttpOptions::default() };
        let told = RefCell::new(Vec::new());
        let on_step = |step: Step<'_>| {
            told.borrow_mut().push(match step {
                Step::Asked { url } => format!("asked {url}"),
                Step::Received { .. } => "received".to_owned(),
                Step::Failed { error, wait } => {
                    assert!(wait <= Duration::from_millis(2));
                    error.to_string()
                }
            });
        };
        let client = Client::new(&options, Timestamp::UNIX_EPOCH, &on_step).unwrap();
        let asked = Request { url: &url, token: None, etag: None, last_modified: None, compressed: false };
        let error = client.look(&asked).unwrap_err().to_string();
        let asked = format!("asked {url}");
        assert_eq!(*told.borrow(), [&asked, &error, &asked, &error, &asked].map(String::as_str));
    }

    #[test]
    fn a_name_without_an_address_is_told_in_plain_words() {
        let told = |error: io::Error| match lost(&Url::parse("https://a.example/").unwrap(), &error.into()) {
            Miss::Again { error, .. } => error.to_string(),
            Miss::Never(error) => panic!("{error}"),
        };
        let expected = "cannot fetch `https://a.example/`: there is no such host, or no network";
        assert_eq!(told(io::Error::other("failed to lookup address information: Try again")), expected);
        assert_eq!(told(io::Error::from_raw_os_error(11_001)), expected);
        assert_ne!(told(io::ErrorKind::ConnectionRefused.into()), expected);
    }
}
