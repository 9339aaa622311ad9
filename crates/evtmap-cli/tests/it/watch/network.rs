//! Alerts to a webhook that is there, is down, and refuses; figures for Prometheus.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::{Watching, append, folder, lines, wait};

/// A web server that answers as it is told, and keeps what it was sent.
struct Hook {
    port: u16,
    /// The status of each answer; 200 once they are used up.
    statuses: Arc<Mutex<VecDeque<u16>>>,
    bodies: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// A port that nobody listens on.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Hook {
    fn begin(port: u16, statuses: &[u16]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let hook = Self {
            port,
            statuses: Arc::new(Mutex::new(statuses.iter().copied().collect())),
            bodies: Arc::default(),
            heads: Arc::default(),
        };
        let (statuses, bodies, heads) =
            (Arc::clone(&hook.statuses), Arc::clone(&hook.bodies), Arc::clone(&hook.heads));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (statuses, bodies, heads) =
                    (Arc::clone(&statuses), Arc::clone(&bodies), Arc::clone(&heads));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some((head, body)) = request(&mut reader) {
                        let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
                        if status == 200 {
                            heads.lock().unwrap().push(head);
                            bodies.lock().unwrap().push(body);
                        }
                        let answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
                        if reader.get_mut().write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        hook
    }

    /// The numbers of the programs that it was told of, in order.
    fn numbers(&self) -> Vec<usize> {
        let bodies = self.bodies.lock().unwrap();
        let number = |body: &String| {
            let alert: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(alert["id"].as_str().unwrap().len(), 36);
            alert["event"]["fields"]["CommandLine"].as_str().unwrap()[8..].parse().unwrap()
        };
        bodies.iter().map(number).collect()
    }

    fn wait_for(&self, numbers: std::ops::Range<usize>) {
        let expected: Vec<usize> = numbers.collect();
        wait(
            || self.numbers().len() >= expected.len(),
            || format!("{} of {}", self.numbers().len(), expected.len()),
        );
        assert_eq!(self.numbers(), expected);
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

#[test]
fn a_webhook_that_is_down_gets_everything_in_order_later() {
    let folder = folder();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/alerts");
    let arguments = format!("log.jsonl --from-start -o alerts.jsonl -o {url}");
    let watching = Watching::begin(&folder, &arguments);
    append(&folder, "log.jsonl", &lines(0..20));
    watching.wait_for(&format!("`{url}` is down"));
    // Not even a kill loses what waits.
    super::wait_for_numbers(&folder, "alerts.jsonl", 0..20);
    wait(|| folder.read("alerts.jsonl.state/watch.json").contains("\"line\":21"), || "the state".to_owned());
    watching.kill();
    // One that is refused holds nobody up, one that is unwelcome now is tried again.
    let hook = Hook::begin(port, &[503, 400]);
    let watching = Watching::begin(&folder, &arguments);
    hook.wait_for(1..20);
    append(&folder, "log.jsonl", &lines(20..25));
    hook.wait_for(1..25);
    let err = watching.stop();
    assert!(err.contains("1 alert for http://") && err.contains("were refused"), "{err}");
    super::wait_for_numbers(&folder, "alerts.jsonl", 0..25);
    // What was given on is not given on again after a stop.
    let watching = Watching::begin(&folder, &arguments);
    append(&folder, "log.jsonl", &lines(25..26));
    hook.wait_for(1..26);
    watching.stop();
    assert_eq!(hook.port, port);
}

#[test]
fn a_webhook_with_a_token_and_without_a_state() {
    let folder = folder();
    let hook = Hook::begin(free_port(), &[]);
    let url = format!("http://127.0.0.1:{}/", hook.port);
    let run = folder.check(&format!("watch log.jsonl --rules rules.yml -o {url}"), 2);
    assert!(run.err.contains("say where with `--state DIR`"), "{}", run.err);
    let mut command = folder.command(&format!("watch log.jsonl --rules rules.yml --state state -o {url}"));
    command.env("EVTMAP_WEBHOOK_TOKEN", "secret");
    let watching = Watching::of(command);
    append(&folder, "log.jsonl", &lines(0..1));
    hook.wait_for(0..1);
    let head = hook.heads.lock().unwrap()[0].to_lowercase();
    assert!(head.contains("authorization: bearer secret") && head.contains("application/json"), "{head}");
    watching.stop();
    let mut command = folder.command("watch log.jsonl --rules rules.yml --state other -o http://a.example/");
    let output = command.env("EVTMAP_WEBHOOK_TOKEN", "secret").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("would be sent in the clear") && !err.contains("secret"), "{err}");
}

#[test]
fn figures_for_prometheus() {
    let folder = folder();
    let run = folder.check("watch log.jsonl --rules rules.yml --metrics 0.0.0.0:0", 2);
    assert!(run.err.contains("can be reached from other machines"), "{}", run.err);
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl --metrics 127.0.0.1:0");
    watching.wait_for("/metrics");
    let err = watching.err();
    let address = err.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    append(&folder, "log.jsonl", &lines(0..7));
    super::wait_for_numbers(&folder, "alerts.jsonl", 0..7);
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    wait(|| ask("/metrics").contains("evtmap_events_total 7\n"), || ask("/metrics"));
    let answer = ask("/metrics");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("evtmap_alerts_total{kind=\"detection\",severity=\"high\"} 7\n"), "{answer}");
    assert!(ask("/").starts_with("HTTP/1.1 404 "));
    watching.stop();
}
