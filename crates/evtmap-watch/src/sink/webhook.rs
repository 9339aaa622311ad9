//! Alerts to a program that takes HTTP requests: one `POST` of JSON each.

use std::time::Duration;

use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::{RootCerts, TlsConfig};

use super::delivery::{self, Courier, Delivery, Outcome};
use super::{Opened, SinkOptions, Told};
use crate::error::WatchError;
use crate::roots;

/// How long the other side may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

struct Webhook {
    url: String,
    token: Option<String>,
    agent: Agent,
}

pub(super) fn open(name: &str, options: SinkOptions) -> Opened {
    let roots = match &options.ca_file {
        Some(path) => RootCerts::new_with_certs(&roots::ureq_certificates(path)?),
        None => RootCerts::PlatformVerifier,
    };
    if options.token.is_some() && name.starts_with("http://") && !is_loopback(name) {
        return Err(WatchError::new(
            "watch-token-in-clear",
            format!("a token for `{name}` would be sent in the clear"),
            "use https, or leave the token out",
        ));
    }
    let agent = Agent::config_builder()
        .http_status_as_error(false)
        // Alerts go where the user says, and nowhere else.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("evtmap/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(TIMEOUT))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .new_agent();
    let delivery = Webhook { url: name.to_owned(), token: options.token.clone(), agent };
    delivery::open(name, Box::new(delivery), options)
}

fn is_loopback(url: &str) -> bool {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Delivery for Webhook {
    /// The alert as everywhere, with its id in front.
    fn line(&self, told: &Told<'_>) -> Option<String> {
        Some(with_id(told))
    }

    fn courier(&self) -> Box<dyn Courier> {
        let (url, token, agent) = (self.url.clone(), self.token.clone(), self.agent.clone());
        Box::new(Self { url, token, agent })
    }
}

/// The JSON of an alert with its id as the first member.
pub(super) fn with_id(told: &Told<'_>) -> String {
    match told.line.strip_prefix('{') {
        Some(rest) => format!("{{\"id\":\"{}\",{rest}", told.id),
        None => told.line.to_owned(),
    }
}

impl Courier for Webhook {
    fn give(&mut self, line: &str) -> Outcome {
        let mut request = self.agent.post(&self.url).header("Content-Type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let response = match request.send(line) {
            Ok(response) => response,
            Err(error) => return Outcome::Down { reason: error.to_string().to_lowercase(), wait: None },
        };
        let status = response.status();
        if status.is_success() {
            return Outcome::Given;
        }
        let reason = format!("the answer is {status}").to_lowercase();
        match status {
            // It is this alert that is not wanted. Whatever else it is, others are not wanted either.
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Outcome::Refused(reason)
            }
            _ => {
                let wait = response.headers().get("Retry-After");
                let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
                Outcome::Down { reason, wait }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_on_the_machine_or_is_encrypted() {
        for url in ["http://127.0.0.1:80/x", "http://localhost", "http://[::1]:8080/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["http://127.0.0.1.example/x", "http://example:80", "http://10.0.0.1/127.0.0.1"] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
