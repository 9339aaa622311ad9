//! Alerts to a log server, in the clear and encrypted, that goes away and comes back.

use std::cell::RefCell;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Watching, append, folder, lines, wait};

/// The messages that a log server has got.
type Messages = Arc<Mutex<Vec<String>>>;

/// Takes messages from one connection, at most so many.
fn take(stream: &mut dyn Read, messages: &Messages, at_most: usize) {
    for _ in 0..at_most {
        let mut length = String::new();
        loop {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) if byte[0] != b' ' => length.push(char::from(byte[0])),
                Ok(1) => break,
                _ => return,
            }
        }
        let mut message = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut message).unwrap();
        messages.lock().unwrap().push(String::from_utf8(message).unwrap());
    }
}

/// The next connection, which is to come soon.
fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let found = RefCell::new(None);
    let accepted = || listener.accept().map(|(stream, _)| _ = found.replace(Some(stream))).is_ok();
    wait(accepted, || "a connection".to_owned());
    let stream = found.into_inner().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(super::PATIENCE)).unwrap();
    stream
}

/// The numbers of the programs in messages.
fn numbers(messages: &Messages) -> Vec<usize> {
    let number = |message: &String| {
        let (head, json) = message.split_once(" - {").unwrap();
        assert!(
            head.starts_with("<83>1 2026-03-02T08:00:0") && head.ends_with(" WS01 evtmap - detection"),
            "{head}"
        );
        let alert: serde_json::Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        alert["event"]["fields"]["CommandLine"].as_str().unwrap()[8..].parse().unwrap()
    };
    messages.lock().unwrap().iter().map(number).collect()
}

#[test]
fn a_log_server_that_goes_away() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let messages = Messages::default();
    let watching =
        Watching::begin(&folder, &format!("log.jsonl -o alerts.jsonl -o syslog://127.0.0.1:{port}"));
    append(&folder, "log.jsonl", &lines(0..10));
    // It takes five and closes the connection.
    take(&mut accept(&listener), &messages, 5);
    assert_eq!(numbers(&messages), (0..5).collect::<Vec<_>>());
    // Those that may have been lost come again, and then the others.
    let (shared, again) = (Arc::clone(&messages), thread::spawn(move || accept(&listener)));
    append(&folder, "log.jsonl", &lines(10..12));
    let mut stream = again.join().unwrap();
    thread::spawn(move || take(&mut stream, &shared, usize::MAX));
    wait(|| numbers(&messages).last() == Some(&11), || format!("{:?}", numbers(&messages)));
    let found = numbers(&messages);
    assert!(found[5..].windows(2).all(|pair| pair[0] + 1 == pair[1]), "{found:?}");
    let all: std::collections::BTreeSet<usize> = found.into_iter().collect();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), (0..12).collect::<Vec<_>>());
    watching.stop();
}

#[test]
fn an_encrypted_connection() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = folder().with("ca.pem", made.cert.pem());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let messages = Messages::default();
    let shared = Arc::clone(&messages);
    thread::spawn(move || {
        let config = Arc::new(config);
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            take(&mut StreamOwned::new(connection, stream), &shared, usize::MAX);
        }
    });
    let to = format!("syslog+tls://localhost:{port}");
    let watching = Watching::begin(&folder, &format!("log.jsonl --state state --ca-file ca.pem -o {to}"));
    append(&folder, "log.jsonl", &lines(0..4));
    wait(|| numbers(&messages).len() == 4, || watching.err());
    watching.stop();
    // Whom nobody trusts gets nothing.
    let watching = Watching::begin(&folder, &format!("log.jsonl --state state -o {to}"));
    append(&folder, "log.jsonl", &lines(4..5));
    watching.wait_for("is down");
    watching.stop();
    assert_eq!(numbers(&messages).len(), 4);
}
