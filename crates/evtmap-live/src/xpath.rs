//! What Windows is asked to look for: the user's XPath, and the range of times with it.

use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

/// Everything.
const ALL: &str = "*";

/// The query that leaves out what lies outside a range of times, as far as it can be said.
///
/// Times are given in milliseconds, which is what every Windows understands, and towards the outside: what
/// lies just outside is passed over by the scan itself. So is everything where the user's query is of a form
/// that cannot be joined with another for certain.
pub(crate) fn within(query: Option<&str>, since: Option<Timestamp>, until: Option<Timestamp>) -> String {
    let query = query.map_or(ALL, str::trim);
    let bounds = [(since, ">=", RoundMode::Floor), (until, "<=", RoundMode::Ceil)];
    let bounds: Vec<String> = bounds
        .into_iter()
        .filter_map(|(time, sign, mode)| Some(format!("@SystemTime{sign}'{}'", written(time?, mode)?)))
        .collect();
    if bounds.is_empty() {
        return query.to_owned();
    }
    let times = format!("*[System[TimeCreated[{}]]]", bounds.join(" and "));
    match query {
        ALL => times,
        query if is_one_step(query) => format!("{times} and {query}"),
        query => query.to_owned(),
    }
}

fn written(time: Timestamp, mode: RoundMode) -> Option<String> {
    let time = time.round(TimestampRound::new().smallest(Unit::Millisecond).mode(mode)).ok()?;
    Some(TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

/// Whether a query is `*[…]` as a whole, so that another can be joined to it by `and`.
fn is_one_step(query: &str) -> bool {
    let Some(inner) = query.strip_prefix("*[").and_then(|rest| rest.strip_suffix(']')) else { return false };
    let (mut depth, mut quote) = (0_i32, None);
    for sign in inner.chars() {
        match (quote, sign) {
            (Some(open), sign) if open == sign => quote = None,
            (None, '\'' | '"') => quote = Some(sign),
            (None, '[') => depth += 1,
            // What closes more than was opened closes the first bracket: then something follows it.
            (None, ']') if depth == 0 => return false,
            (None, ']') => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && quote.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, since: &str, until: &str, expected: &str) {
        let query = Some(query).filter(|query| !query.is_empty());
        assert_eq!(within(query, since.parse().ok(), until.parse().ok()), expected);
    }

    #[test]
    fn ranges_of_times() {
        check("", "", "", "*");
        check(" *[System[EventID=1]] ", "", "", "*[System[EventID=1]]");
        check(
            "",
            "2026-03-02T08:00:00.1239Z",
            "",
            "*[System[TimeCreated[@SystemTime>='2026-03-02T08:00:00.123Z']]]",
        );
        check(
            "*",
            "2026-03-02T08:00:00Z",
            "2026-03-03T00:00:00.0001Z",
            "*[System[TimeCreated[@SystemTime>='2026-03-02T08:00:00.000Z' and \
             @SystemTime<='2026-03-03T00:00:00.001Z']]]",
        );
    }

    #[test]
    fn queries_are_joined_where_that_is_certain() {
        let times = "*[System[TimeCreated[@SystemTime>='2026-03-02T00:00:00.000Z']]]";
        for (query, is_joined) in [
            ("*[System[EventID=4625]]", true),
            ("*[EventData[Data[@Name='a']=']' or Data[@Name=\"b\"]='[']]", true),
            ("*[System[EventID=1]] or *[System[EventID=2]]", false),
            ("*[System[EventID=1]", false),
            ("<QueryList><Query><Select Path='Security'>*</Select></Query></QueryList>", false),
            ("Event/System[EventID=1]", false),
        ] {
            let expected = if is_joined { format!("{times} and {query}") } else { query.to_owned() };
            check(query, "2026-03-02T00:00:00Z", "", &expected);
        }
    }
}
