//! The page that Prometheus asks for.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{WatchError, words};
use crate::meters::Shown;

/// How long somebody may take to ask.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request may be, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// Where the page is.
#[derive(Clone, Copy, Debug)]
pub struct MetricsAddress {
    /// The address and the port; port 0 for any that is free.
    pub address: SocketAddr,
    /// Whether other machines may ask.
    pub is_open_to_others: bool,
}

/// Serves the page on a thread of its own for as long as the program runs; gives where.
pub(crate) fn serve(at: MetricsAddress, shown: Arc<Shown>) -> Result<SocketAddr, WatchError> {
    if !at.address.ip().is_loopback() && !at.is_open_to_others {
        return Err(WatchError::new(
            "watch-metrics-open",
            format!("`{}` can be reached from other machines, and the page has no password", at.address),
            "use 127.0.0.1, or say `--metrics-open` if that is meant",
        ));
    }
    let failed = |error: io::Error| {
        let message = format!("cannot serve metrics on `{}`: {}", at.address, words(&error));
        WatchError::new("watch-metrics", message, "choose another port")
    };
    let listener = TcpListener::bind(at.address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away before the answer does not want it.
            let _ = answer(stream, &shown);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, shown: &Shown) -> io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = read_head(&mut stream)?;
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, text) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", shown.get().prometheus()),
        (b"GET" | b"HEAD", _) => ("404 Not Found", "metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.write_all(head.as_bytes())?;
    if method != b"HEAD" {
        stream.write_all(text.as_bytes())?;
    }
    stream.flush()
}

/// The request up to the empty line that ends its head.
fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let begun = Instant::now();
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let left = TIMEOUT.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
        let left = left.ok_or(io::ErrorKind::TimedOut)?;
        stream.set_read_timeout(Some(left))?;
        let n_read = stream.read(&mut part)?;
        head.extend_from_slice(part.get(..n_read).unwrap_or_default());
        if n_read == 0 || head.len() > MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(head)
}
