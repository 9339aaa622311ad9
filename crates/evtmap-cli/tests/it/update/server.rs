//! A web server on this machine that answers as a test wants it to, well or badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
pub(crate) struct Reply {
    head: String,
    body: Vec<u8>,
    /// The length that is claimed; the true one if there is none.
    length: Option<usize>,
    /// After how many bytes the server goes silent, and for how long.
    stall: Option<(usize, Duration)>,
    /// How many bytes are sent at once, with a moment between.
    pace: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let head = format!("HTTP/1.1 {status} Whatever\r\nconnection: close\r\n");
        Self { head, body: body.into(), length: None, stall: None, pace: None }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn claiming(self, length: usize) -> Self {
        Self { length: Some(length), ..self }
    }

    pub(crate) fn stalling(self, after: usize, for_long: Duration) -> Self {
        Self { stall: Some((after, for_long)), ..self }
    }

    pub(crate) fn at_a_pace_of(self, n_bytes: usize) -> Self {
        Self { pace: Some(n_bytes), ..self }
    }

    fn send(&self, stream: &mut impl Write, status: u16) -> std::io::Result<()> {
        let length = self.length.unwrap_or(self.body.len());
        let length = if status == 304 { String::new() } else { format!("content-length: {length}\r\n") };
        stream.write_all(format!("{}{length}\r\n", self.head).as_bytes())?;
        if let Some((after, for_long)) = self.stall {
            stream.write_all(&self.body[..after])?;
            stream.flush()?;
            thread::sleep(for_long);
            return Ok(());
        }
        for bytes in self.body.chunks(self.pace.unwrap_or(usize::MAX)) {
            stream.write_all(bytes)?;
            stream.flush()?;
            if self.pace.is_some() {
                thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
    }

    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

/// The server; it ends with the test.
pub(crate) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request by its number and what was asked.
    pub(crate) fn new(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::over(answer, |stream| stream)
    }

    /// The same over TLS, with a certificate for `localhost`, which is given too (PEM).
    pub(crate) fn with_tls(
        answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
    ) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let wrap = move |stream| {
            rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream)
        };
        (Self::over(answer, wrap), made.cert.pem())
    }

    fn over<S: Read + Write + Send + 'static>(
        answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> S + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = wrap(stream);
                let Some(request) = read(&mut stream) else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len()
                };
                let answer = Arc::clone(&answer);
                thread::spawn(move || {
                    let reply = answer(number, &request);
                    // The client may have gone, which is its right.
                    let _ = reply.send(&mut stream, reply.status());
                });
            }
        });
        Self { port, asked }
    }

    /// Its address under a name of this machine.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// Its address where it has TLS.
    pub(crate) fn https(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &mut impl Read) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let line = lines.next()?.ok()?;
    let mut headers = Vec::new();
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    Some(Asked { line, headers })
}
