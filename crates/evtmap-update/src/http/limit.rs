//! How many requests a host allows, in plain words.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::rfc2822};
use ureq::http::HeaderMap;

use super::header;

pub(super) const HELP: &str =
    "wait until then, or set GITHUB_TOKEN, with which more is allowed; what was in use before still is";

/// What a host says of its limit.
#[derive(Debug, Default)]
pub(super) struct RateLimit {
    /// How many requests are left, of how many.
    left: Option<(u64, Option<u64>)>,
    /// When there are more again.
    reset: Option<Timestamp>,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// Whether none is left, so that trying again is of no use before the reset.
    pub(super) is_used_up: bool,
}

impl RateLimit {
    pub(super) fn of(headers: &HeaderMap, now: Timestamp) -> Self {
        let number = |name| header(headers, name).and_then(|text| text.trim().parse::<u64>().ok());
        let left = number("x-ratelimit-remaining").map(|left| (left, number("x-ratelimit-limit")));
        let reset = number("x-ratelimit-reset").and_then(|seconds| i64::try_from(seconds).ok());
        let retry_after = header(headers, "retry-after").and_then(|text| wait(text.trim(), now));
        Self {
            left,
            reset: reset.and_then(|seconds| Timestamp::from_second(seconds).ok()),
            retry_after,
            is_used_up: left.is_some_and(|(left, _)| left == 0),
        }
    }

    /// What is left and when there is more; nothing if the host says nothing of it.
    pub(super) fn words(&self, now: Timestamp) -> Option<String> {
        let (left, of) = match (self.left, self.retry_after) {
            (Some(left), _) => left,
            (None, Some(wait)) => return Some(format!("it asks to wait {} seconds", wait.as_secs())),
            (None, None) => return None,
        };
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        let reset = self.reset.map(|reset| {
            let n_minutes = (reset.as_second() - now.as_second()).max(0) / 60 + 1;
            let clock = TimeZone::UTC.to_datetime(reset).strftime("%Y-%m-%d %H:%M").to_string();
            format!("; there are more at {clock} UTC, in {n_minutes} minutes")
        });
        Some(format!("{left}{of} requests are left{}", reset.unwrap_or_default()))
    }
}

/// A wait in seconds, or until a day and time.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    let seconds = u64::try_from(until.as_second() - now.as_second()).unwrap_or(0);
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], expected: Option<&str>, wait: Option<u64>) {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let limit = RateLimit::of(&headers, now);
        assert_eq!(limit.words(now).as_deref(), expected, "{headers:?}");
        assert_eq!(limit.retry_after.map(|wait| wait.as_secs()), wait, "{headers:?}");
    }

    #[test]
    fn in_plain_words() {
        check(&[], None, None);
        check(&[("retry-after", "20")], Some("it asks to wait 20 seconds"), Some(20));
        let date = [("retry-after", "Mon, 02 Mar 2026 08:01:00 GMT")];
        check(&date, Some("it asks to wait 60 seconds"), Some(60));
        check(&[("retry-after", "soon")], None, None);
        let github = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-reset", "1772440200"),
        ];
        let words = "0 of 60 requests are left; there are more at 2026-03-02 08:30 UTC, in 31 minutes";
        check(&github, Some(words), None);
    }
}
