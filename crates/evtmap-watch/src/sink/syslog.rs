//! Alerts to a log server: syslog (RFC 5424) over TCP with octet counting (RFC 6587), encrypted if asked for
//! (RFC 5425).
//!
//! Syslog has no answers: that a message arrived is never known, only that a connection broke. So what was sent
//! in the last seconds before it broke is sent again.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use evtmap::Severity;
use evtmap::alert::Kind;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::delivery::{self, Courier, Delivery, Outcome};
use super::webhook::with_id;
use super::{Opened, SinkOptions, Told};
use crate::error::WatchError;
use crate::roots;

/// How long to wait for a connection, and for the other side to take something.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take until it shows that a connection is broken.
const DOUBT: Duration = Duration::from_secs(5);
/// The ports that are usual: RFC 6587 names none, 601 is that of RFC 3195; 6514 is that of RFC 5425.
const PORT: u16 = 601;
const TLS_PORT: u16 = 6514;
/// Messages of security and authorisation (RFC 5424, table 1).
const FACILITY: u8 = 10;
/// How long a host's name may be (RFC 5424, section 6).
const MAX_HOST: usize = 255;

#[derive(Clone)]
struct Syslog {
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
}

struct Line {
    to: Syslog,
    connection: Option<Connection>,
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

pub(super) fn open(name: &str, options: SinkOptions) -> Opened {
    let (scheme, address) = name.split_once("://").unwrap_or(("", name));
    let has_tls = scheme == "syslog+tls";
    let (host, port) = parse(address, if has_tls { TLS_PORT } else { PORT }).ok_or_else(|| {
        let help = "write syslog://HOST:PORT or syslog+tls://HOST:PORT";
        WatchError::new("watch-address", format!("`{name}` is not the address of a log server"), help)
    })?;
    let tls = if has_tls { Some(Arc::new(tls(&options)?)) } else { None };
    delivery::open(name, Box::new(Syslog { host, port, tls }), options)
}

/// Host and port of an address; an IPv6 address stands in brackets.
fn parse(address: &str, usual: u16) -> Option<(String, u16)> {
    let address = address.trim_end_matches('/');
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(usual), |port| port.parse().ok())?;
    (!host.is_empty() && !host.contains(['/', '@', ' '])).then(|| (host.to_owned(), port))
}

fn tls(options: &SinkOptions) -> Result<ClientConfig, WatchError> {
    let failed = |error: rustls::Error| {
        let message = format!("encrypted connections cannot be made: {}", error.to_string().to_lowercase());
        WatchError::new("watch-tls", message, "give the certificates to trust with `--ca-file FILE`")
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(failed)?;
    let builder = match &options.ca_file {
        Some(path) => {
            let mut store = RootCertStore::empty();
            for certificate in roots::certificates(path)? {
                store.add(certificate).map_err(failed)?;
            }
            builder.with_root_certificates(store)
        }
        None => builder.with_platform_verifier().map_err(failed)?,
    };
    Ok(builder.with_no_client_auth())
}

impl Delivery for Syslog {
    fn line(&self, told: &Told<'_>) -> Option<String> {
        Some(message(told))
    }

    fn courier(&self) -> Box<dyn Courier> {
        Box::new(Line { to: self.clone(), connection: None })
    }
}

/// The message of an alert: a header by which servers sort, and the alert as JSON.
fn message(told: &Told<'_>) -> String {
    let alert = told.alert;
    let severity = match alert.finding.severity {
        Some(Severity::Critical) => 2,
        Some(Severity::High) => 3,
        Some(Severity::Medium) => 4,
        Some(Severity::Low) => 5,
        Some(Severity::Informational) | None => 6,
    };
    let time = alert.event.time.map_or_else(|| "-".to_owned(), |time| format!("{time:.6}"));
    let host: String =
        alert.event.said.computer.chars().filter(char::is_ascii_graphic).take(MAX_HOST).collect();
    let host = if host.is_empty() { "-" } else { &host };
    let kind = match alert.finding.kind {
        Kind::Detection => "detection",
        Kind::Association => "association",
        Kind::Event => "event",
    };
    let priority = FACILITY * 8 + severity;
    format!("<{priority}>1 {time} {host} evtmap - {kind} - {}", with_id(told))
}

impl Courier for Line {
    fn give(&mut self, line: &str) -> Outcome {
        let given = self.connected().and_then(|connection| connection.send(line));
        given.map_or_else(
            |error| {
                self.connection = None;
                Outcome::Down { reason: crate::error::words(&error), wait: None }
            },
            |()| Outcome::Given,
        )
    }

    fn doubt(&self) -> Duration {
        DOUBT
    }

    fn close(&mut self) -> bool {
        self.connection.take().is_some_and(|connection| connection.close().is_ok())
    }
}

impl Line {
    fn connected(&mut self) -> io::Result<&mut Connection> {
        if self.connection.as_mut().is_some_and(|connection| !connection.is_open()) {
            self.connection = None;
            return Err(io::Error::other("the log server closed the connection"));
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.to.connect()?,
        };
        Ok(self.connection.insert(connection))
    }
}

impl Syslog {
    fn connect(&self) -> io::Result<Connection> {
        let mut last = io::Error::other("the name of the log server is not known");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, TIMEOUT) {
                Ok(stream) => return self.begin(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn begin(&self, stream: TcpStream) -> io::Result<Connection> {
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Connection::Plain(stream)) };
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        // So that a certificate that is not trusted shows now and not with the first message.
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Connection::Tls(Box::new(stream)))
    }
}

impl Connection {
    fn send(&mut self, message: &str) -> io::Result<()> {
        let framed = format!("{} {message}", message.len());
        match self {
            Self::Plain(stream) => stream.write_all(framed.as_bytes()),
            Self::Tls(stream) => {
                stream.write_all(framed.as_bytes())?;
                stream.flush()
            }
        }
    }

    /// Whether the other side has not closed it, as far as is known by now.
    fn is_open(&mut self) -> bool {
        let socket = match self {
            Self::Plain(stream) => &*stream,
            Self::Tls(stream) => &stream.sock,
        };
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let peeked = socket.peek(&mut [0; 1]);
        let is_closed = match (peeked, &mut *self) {
            (Ok(0), _) => true,
            // It sends something of TLS: tickets, or that it ends.
            (Ok(_), Self::Tls(stream)) => {
                let read = stream.conn.read_tls(&mut stream.sock);
                read.is_err()
                    || stream.conn.process_new_packets().map_or(true, |state| state.peer_has_closed())
            }
            (Ok(_), Self::Plain(_)) => false,
            (Err(error), _) => error.kind() != io::ErrorKind::WouldBlock,
        };
        let socket = match self {
            Self::Plain(stream) => &*stream,
            Self::Tls(stream) => &stream.sock,
        };
        socket.set_nonblocking(false).is_ok() && !is_closed
    }

    fn close(self) -> io::Result<()> {
        let socket = match self {
            Self::Plain(stream) => stream,
            Self::Tls(mut stream) => {
                stream.conn.send_close_notify();
                stream.flush()?;
                stream.sock
            }
        };
        socket.shutdown(std::net::Shutdown::Write)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let found = parse(text, 601);
            assert_eq!(found.as_ref().map(|(host, port)| (host.as_str(), *port)), expected, "{text}");
        };
        check("siem.example", Some(("siem.example", 601)));
        check("siem.example:6000/", Some(("siem.example", 6000)));
        check("[::1]:514", Some(("::1", 514)));
        check("[::1]", Some(("::1", 601)));
        for wrong in ["", ":601", "host:port", "[::1", "user@host", "host/path:1"] {
            check(wrong, None);
        }
    }
}
