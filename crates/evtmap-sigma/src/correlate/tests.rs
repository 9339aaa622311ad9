//! Correlations over matches, in a notation that fits a line:
//!
//! - a correlation: `NAME = TYPE RULES by FIELDS in TIMESPAN if CONDITION with ALIASES generate`;
//! - a match: `TIME RULE FIELD=VALUE …`, with the time in seconds; its handle is its place in the list;
//! - a result: `NAME [GROUP] FIRST..LAST value=VALUE of N: HANDLES`.

use std::fmt::Write as _;

mod documents;
mod naive;

use crate::{Collection, Correlated, Correlator, Limits, Matched, Placeholders, Plan};

/// The rules that all tests may name.
const RULES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The YAML of rules and correlations.
fn documents(correlations: &str) -> String {
    let mut text = String::new();
    for name in RULES {
        write!(text, "---\ntitle: {name}\nname: {name}\nlogsource: {{product: windows}}\n").unwrap();
        text.push_str("detection: {selection: {EventID: 1}, condition: selection}\n");
    }
    for line in lines(correlations) {
        let (name, rest) = line.split_once(" = ").unwrap();
        let (kind, rest) = rest.split_once(' ').unwrap();
        write!(text, "---\ntitle: {name}\nname: {name}\ncorrelation:\n  type: {kind}").unwrap();
        let mut words = vec!["  rules:"];
        for word in rest.split(' ') {
            match word {
                "by" => words.push("\n  group-by:"),
                "in" => words.push("\n  timespan:"),
                "if" => words.push("\n  condition:"),
                "with" => words.push("\n  aliases:"),
                "generate" => words.push("\n  generate: true"),
                word => words.push(word),
            }
        }
        // Rules and fields are written without blanks: `a,b`.
        let is_list =
            |word: &str| word.contains(',') && !word.contains(['{', '}', ':']) && !word.ends_with(',');
        let words: Vec<_> = words
            .into_iter()
            .map(|word| if is_list(word) { format!("[{word}]") } else { word.into() })
            .collect();
        write!(text, "\n{}\n", words.join(" ")).unwrap();
    }
    text
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty())
}

/// Reads matches, evaluates the correlations and writes the results and the limits that were reached.
fn run(correlations: &str, matches: &str, limits: Limits) -> String {
    run_by(correlations, matches, &|plan| Correlator::new(plan, limits))
}

/// The same with matches that come while they happen. A line that is only a time lets time pass.
#[track_caller]
fn check_live(correlations: &str, matches: &str, expected: &str) {
    let expected: Vec<_> = lines(expected).collect();
    let found = run_by(correlations, matches, &|plan| Correlator::live(plan, Limits::default()));
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{correlations}");
}

fn run_by(correlations: &str, matches: &str, begin: &dyn for<'p> Fn(&'p Plan) -> Correlator<'p>) -> String {
    let text = documents(correlations);
    let collection = Collection::parse(&text, &Placeholders::default());
    assert_eq!(collection.diagnostics, [], "{text}");
    let rules: Vec<_> = collection.rules.iter().collect();
    let linked: Vec<_> = collection.correlations.iter().collect();
    let (plan, problems) = Plan::link(&rules, &linked);
    assert_eq!(problems, [], "{text}");
    let mut correlator = begin(&plan);
    for (handle, line) in (0..).zip(lines(matches)) {
        let mut words = line.split_whitespace();
        let seconds: f64 = words.next().unwrap().parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "small times")]
        let time = jiff::Timestamp::from_microsecond((seconds * 1e6) as i64).unwrap();
        let Some(name) = words.next() else {
            correlator.pass_until(time);
            continue;
        };
        let rule = RULES.iter().position(|rule| *rule == name).unwrap();
        let fields: Vec<_> = words.map(|word| word.split_once('=').unwrap()).collect();
        let value_of = |field: &String| {
            fields.iter().find(|(name, _)| name == field).map(|(_, value)| Box::from(*value))
        };
        let values = plan.fields_of(rule).iter().map(value_of).collect();
        correlator.push(Matched { rule, time, values, handle });
    }
    let mut out: Vec<String> = correlator
        .finish()
        .into_iter()
        .map(|result| shown(&collection.correlations[result.correlation].metadata.title, &result))
        .collect();
    out.extend(correlator.bounds().iter().map(ToString::to_string));
    out.join("\n")
}

fn shown(name: &str, result: &Correlated) -> String {
    let seconds = |time: jiff::Timestamp| time.as_duration().as_secs_f64();
    let group: Vec<_> = result.group.iter().map(|value| value.as_deref().unwrap_or("-")).collect();
    let handles: Vec<_> = result.handles.iter().map(ToString::to_string).collect();
    format!(
        "{name} [{}] {}..{} value={} of {}: {}",
        group.join(","),
        seconds(result.first),
        seconds(result.last),
        result.value,
        result.n_matches,
        handles.join(" ")
    )
}

#[track_caller]
fn check(correlations: &str, matches: &str, expected: &str) {
    check_limited(correlations, matches, expected, Limits::default());
}

#[track_caller]
fn check_limited(correlations: &str, matches: &str, expected: &str, limits: Limits) {
    let expected: Vec<_> = lines(expected).collect();
    assert_eq!(run(correlations, matches, limits), expected.join("\n"), "{correlations}\n{matches}");
}

#[test]
fn event_counts() {
    let three = "x = event_count a by u in 10s if {gte: 3}";
    check(three, "", "");
    check(three, "0 a u=1; 1 a u=1", "");
    check(three, "0 a u=1; 1 a u=1; 2 a u=1", "x [1] 0..2 value=3 of 3: 0 1 2");
    // Exactly the timespan after the first is inside, a microsecond more is not.
    check(three, "0 a u=1; 5 a u=1; 10 a u=1", "x [1] 0..10 value=3 of 3: 0 1 2");
    check(three, "0 a u=1; 5 a u=1; 10.000001 a u=1", "");
    // Windows slide: what came too early does not count.
    check(three, "0 a u=1; 9 a u=1; 12 a u=1; 13 a u=1", "x [1] 9..13 value=3 of 3: 1 2 3");
    // One result that grows, and not one for each event; its number is what a window held at most.
    check(three, "0 a u=1; 1 a u=1; 2 a u=1; 3 a u=1", "x [1] 0..3 value=4 of 4: 0 1 2 3");
    check(
        three,
        "0 a u=1; 5 a u=1; 10 a u=1; 15 a u=1; 20 a u=1; 25 a u=1",
        "x [1] 0..25 value=3 of 6: 0 1 2 3 4 5",
    );
    // Windows without a common event are two results.
    check(
        three,
        "0 a u=1; 1 a u=1; 2 a u=1; 20 a u=1; 21 a u=1; 22 a u=1",
        "x [1] 0..2 value=3 of 3: 0 1 2; x [1] 20..22 value=3 of 3: 3 4 5",
    );
    check("x = event_count a by u in 10s if {gt: 2}", "0 a; 0 a; 0 a", "x [-] 0..0 value=3 of 3: 0 1 2");
    check("x = event_count a,b in 10s if {gte: 2}", "0 a; 1 b; 2 c", "x [] 0..1 value=2 of 2: 0 1");
    check("x = event_count a in 10s if {gte: 0}", "7 a", "x [] 7..7 value=1 of 1: 0");
}

#[test]
fn groups() {
    let two = "x = event_count a,b by u,h in 10s if {gte: 2}";
    check(two, "0 a u=1 h=1; 1 a u=1 h=2; 2 a u=2 h=1", "");
    // Case does not count; the first spelling is shown.
    check(two, "0 a u=Eve h=PC; 1 b u=EVE h=pc", "x [Eve,PC] 0..1 value=2 of 2: 0 1");
    check(two, "0 a u=ÄÖ h=1; 1 b u=äö h=1", "x [ÄÖ,1] 0..1 value=2 of 2: 0 1");
    // Events without a field are a group of their own, and not that of the empty text.
    check(two, "0 a u=1; 1 a u=1", "x [1,-] 0..1 value=2 of 2: 0 1");
    check(two, "0 a u=1 h=; 1 a u=1", "");
    check(
        two,
        "0 a u=1 h=1; 1 a u=2 h=1; 2 a u=2 h=1; 3 a u=1 h=1",
        "x [1,1] 0..3 value=2 of 2: 0 3; x [2,1] 1..2 value=2 of 2: 1 2",
    );
    let long = "v".repeat(5_000);
    let run = |other: &str| {
        run(two, &format!("0 a u={long}1 h=1; 1 a u={long}{other} h=1"), Limits::default()).is_empty()
    };
    assert!(run("2") && !run("1"), "long values differ where they do");
}

#[test]
fn aliases() {
    let alias = "x = temporal a,b by ip in 10s with {ip: {a: src, b: dst}}";
    check(alias, "0 a src=1; 1 b dst=1", "x [1] 0..1 value=2 of 2: 0 1");
    check(alias, "0 a src=1; 1 b dst=2", "");
    check(alias, "0 a src=1; 1 b src=1", "");
    // Without the field that the alias names an event does not count, not even for a group without values.
    check(alias, "0 a ip=1; 1 b ip=1", "");
    // A rule that an alias says nothing about has the field of that name.
    let partial = "x = event_count a,b by ip in 10s if {gte: 2} with {ip: {a: src}}";
    check(partial, "0 a src=1; 1 b ip=1", "x [1] 0..1 value=2 of 2: 0 1");
    check(partial, "0 a src=1; 1 b src=1", "");
    check(partial, "0 b; 1 b", "");
    let both = "x = temporal a,b by ip,u in 10s with {ip: {a: src, b: dst}}";
    check(both, "0 a src=1 u=7; 1 b dst=1 u=7", "x [1,7] 0..1 value=2 of 2: 0 1");
    check(
        "x = value_count a,b in 10s if {gte: 2, field: ip} with {ip: {a: src, b: dst}}",
        "0 a src=1; 1 b dst=1; 2 b dst=2",
        "x [] 0..2 value=2 of 3: 0 1 2",
    );
}

#[test]
fn value_counts() {
    let two = "x = value_count a by u in 10s if {gte: 2, field: h}";
    check(two, "0 a u=1 h=1; 1 a u=1 h=1", "");
    check(two, "0 a u=1 h=A; 1 a u=1 h=a; 2 a u=1 h=b", "x [1] 0..2 value=2 of 3: 0 1 2");
    // What is absent is no value; what is empty is.
    check(two, "0 a u=1 h=1; 1 a u=1", "");
    check(two, "0 a u=1 h=1; 1 a u=1 h=", "x [1] 0..1 value=2 of 2: 0 1");
    // A value that has left the window counts no more.
    check(two, "0 a u=1 h=1; 6 a u=1 h=1; 16 a u=1 h=2", "x [1] 6..16 value=2 of 2: 1 2");
    check(two, "0 a u=1 h=1; 11 a u=1 h=2", "");
    let tuples = "x = value_count a in 10s if {gte: 3, field: [h, p]}";
    check(tuples, "0 a h=1 p=1; 1 a h=1 p=2; 2 a h=2 p=1", "x [] 0..2 value=3 of 3: 0 1 2");
    check(tuples, "0 a h=1 p=1; 1 a h=1; 2 a p=1; 3 a h=2 p=1", "");
    check(tuples, "0 a h=1 p=11; 1 a h=11 p=1; 2 a h=1 p=11", "");
}

#[test]
fn temporal() {
    let both = "x = temporal a,b by u in 10s";
    check(both, "0 a u=1; 1 a u=1", "");
    check(both, "0 a u=1; 10 b u=1", "x [1] 0..10 value=2 of 2: 0 1");
    check(both, "0 b u=1; 10 a u=1", "x [1] 0..10 value=2 of 2: 0 1");
    check(both, "0 a u=1; 11 b u=1", "");
    check(both, "0 a u=1; 1 b u=2", "");
    check(both, "0 a u=1; 5 a u=1; 11 b u=1; 12 c u=1", "x [1] 5..11 value=2 of 2: 1 2");
    let two = "x = temporal a,b,c in 10s if {gte: 2}";
    check(two, "0 a; 1 c", "x [] 0..1 value=2 of 2: 0 1");
    check(two, "0 a; 1 a; 2 a", "");
    check(two, "0 a; 1 c; 2 b", "x [] 0..2 value=3 of 3: 0 1 2");
    check("x = temporal_extended a,b in 10s", "0 a; 1 b", "x [] 0..1 value=2 of 2: 0 1");
}

#[test]
fn temporal_ordered() {
    let order = "x = temporal_ordered a,b,c in 10s";
    check(order, "0 a; 1 b; 2 c", "x [] 0..2 value=3 of 3: 0 1 2");
    check(order, "0 a; 1 c; 2 b", "");
    check(order, "0 a; 1 c; 2 b; 3 c", "x [] 0..3 value=3 of 4: 0 1 2 3");
    check(order, "0 b; 1 a; 2 c", "");
    // Events of one moment satisfy the order however they come.
    check(order, "5 c; 5 b; 5 a", "x [] 5..5 value=3 of 3: 0 1 2");
    check(order, "0 a; 5 c; 5 b", "x [] 0..5 value=3 of 3: 0 1 2");
    check(order, "0 a; 5 b; 10 c", "x [] 0..10 value=3 of 3: 0 1 2");
    check(order, "0 a; 5 b; 11 c", "");
    // An earlier start is too far back, a later one is not.
    check(order, "0 a; 3 a; 5 b; 13 c", "x [] 3..13 value=3 of 3: 1 2 3");
    check(order, "0 a; 3 b; 4 a; 13 c", "");
    let two = "x = temporal_ordered a,b,c in 10s if {gte: 2}";
    check(two, "0 c; 1 b; 2 a", "");
    check(two, "0 b; 1 a; 2 c", "x [] 0..2 value=2 of 3: 0 1 2");
    check(two, "0 a; 5 c; 5 b", "x [] 0..5 value=3 of 3: 0 1 2");
    check("x = temporal_ordered a,b,c in 10s if {eq: 2}", "0 a; 5 c; 5 b", "");
    check("x = temporal_ordered a,b,c in 10s if {eq: 2}", "0 a; 5 c; 6 b", "x [] 0..6 value=2 of 3: 0 1 2");
}

#[test]
fn sentences() {
    check("x = temporal a,b,c in 10s if (a or b) and c", "0 b; 1 c", "x [] 0..1 value=2 of 2: 0 1");
    check("x = temporal a,b,c in 10s if (a or b) and c", "0 a; 1 b", "");
    check("x = temporal a,b,c in 10s if 1 of them", "0 b", "x [] 0..0 value=1 of 1: 0");
    // What is not to happen can happen until the window closes.
    let without = "x = temporal a,b by u in 10s if a and not b";
    check(without, "0 a u=1", "x [1] 0..0 value=1 of 1: 0");
    check(without, "0 a u=1; 10 b u=1", "");
    check(without, "0 a u=1; 10.1 b u=1", "x [1] 0..0 value=1 of 1: 0");
    check(without, "0 b u=1; 1 a u=1", "");
    check(without, "0 a u=1; 1 b u=2", "x [1] 0..0 value=1 of 1: 0");
    check(
        without,
        "0 a u=1; 5 a u=1; 12 b u=1; 30 a u=1",
        "x [1] 0..5 value=1 of 2: 0 1; x [1] 30..30 value=1 of 1: 3",
    );
    let ordered = "x = temporal_ordered a,b,c in 10s if a and (b or c)";
    check(ordered, "0 a; 1 c", "x [] 0..1 value=2 of 2: 0 1");
    check(ordered, "0 c; 1 a", "");
    let ordered = "x = temporal_ordered a,b,c in 10s if a and not b and c";
    check(ordered, "0 a; 1 c", "x [] 0..1 value=2 of 2: 0 1");
    check(ordered, "0 c; 1 a", "");
    check(ordered, "0 a; 1 c; 9 b", "");
    let nested = "x = temporal_ordered a,b,c,d in 10s if (a and b or c) and d";
    check(nested, "0 b; 1 a; 2 d", "");
    check(nested, "0 a; 1 b; 2 d", "x [] 0..2 value=3 of 3: 0 1 2");
    check(nested, "0 d; 1 c; 2 d", "x [] 0..2 value=2 of 3: 0 1 2");
}

#[test]
fn decided_at_the_close() {
    let few = "x = event_count a by u in 10s if {lt: 3}";
    check(few, "0 a u=1; 1 a u=1", "x [1] 0..1 value=2 of 2: 0 1");
    check(few, "0 a u=1; 1 a u=1; 10 a u=1", "");
    // The next window opens with the first event behind the last.
    check(few, "0 a u=1; 1 a u=1; 10 a u=1; 11 a u=1", "x [1] 11..11 value=1 of 1: 3");
    check("x = event_count a in 10s if {lte: 2}", "0 a; 1 a; 2 a; 20 a", "x [] 20..20 value=1 of 1: 3");
    check("x = event_count a in 10s if {eq: 2}", "0 a; 1 a", "x [] 0..1 value=2 of 2: 0 1");
    check("x = event_count a in 10s if {eq: 2}", "0 a; 1 a; 2 a", "");
    check("x = event_count a in 10s if {neq: 2}", "0 a; 1 a; 2 a", "x [] 0..2 value=3 of 3: 0 1 2");
    check("x = event_count a in 10s if {neq: 2}", "0 a; 1 a", "");
    check("x = event_count a in 10s if {gt: 1, lte: 3}", "0 a; 1 a; 2 a", "x [] 0..2 value=3 of 3: 0 1 2");
    check("x = event_count a in 10s if {gt: 1, lte: 3}", "0 a; 1 a; 2 a; 3 a; 20 a", "");
    check("x = value_count a in 10s if {eq: 0, field: h}", "0 a; 1 a", "x [] 0..1 value=0 of 2: 0 1");
    check("x = value_count a in 10s if {eq: 0, field: h}", "0 a; 1 a h=1", "");
    check("x = temporal a,b in 10s if {lt: 2}", "0 a; 1 a; 20 a; 21 b", "x [] 0..1 value=1 of 2: 0 1");
    check("x = value_sum a in 10s if {lt: 10, field: n}", "0 a n=4; 1 a n=5", "x [] 0..1 value=9 of 2: 0 1");
}

#[test]
fn metrics() {
    let sum = "x = value_sum a by u in 10s if {gte: 100, field: n}";
    check(sum, "0 a u=1 n=60; 1 a u=1 n=0x28", "x [1] 0..1 value=100 of 2: 0 1");
    check(sum, "0 a u=1 n=60; 11 a u=1 n=40", "");
    // What is no number is no event of the correlation.
    check(sum, "0 a u=1 n=60; 1 a u=1 n=much; 2 a u=1; 3 a u=1 n=40", "x [1] 0..3 value=100 of 2: 0 3");
    check(sum, "0 a u=1 n=99.5; 1 a u=1 n=0.5", "x [1] 0..1 value=100 of 2: 0 1");
    check(
        sum,
        "0 a u=1 n=1e20; 11 a u=1 n=5; 12 a u=1 n=95",
        "x [1] 0..0 value=100000000000000000000 of 1: 0; x [1] 11..12 value=100 of 2: 1 2",
    );
    let average = "x = value_avg a in 10s if {gt: 2.4, field: n}";
    check(average, "0 a n=1; 1 a n=4", "x [] 0..1 value=2.5 of 2: 0 1");
    // The average of a window that is not over says nothing yet.
    check(average, "0 a n=9; 1 a n=0; 2 a n=0; 3 a n=0", "");
    check(average, "0 a n=-9; 0 a n=x", "");
    let median = "x = value_median a in 10s if {gte: 3, field: n}";
    check(median, "0 a n=1; 1 a n=3; 2 a n=99", "x [] 0..2 value=3 of 3: 0 1 2");
    check(median, "0 a n=1; 1 a n=3", "");
    check(median, "0 a n=5; 1 a n=2", "x [] 0..1 value=3.5 of 2: 0 1");
    let percentile = "x = value_percentile a in 10s if {gt: 0, field: n, percentile: 25}";
    check(percentile, "0 a n=1; 1 a n=2; 2 a n=3; 3 a n=4", "x [] 0..3 value=1.75 of 4: 0 1 2 3");
    check(percentile, "0 a n=7", "x [] 0..0 value=7 of 1: 0");
    // Without a percentile it is about the share of each value, whatever it is.
    let share = "x = value_percentile a in 10s if {lte: 20, field: n}";
    check(share, "0 a n=sh; 1 a n=nc; 2 a n=SH; 3 a n=sh; 4 a n=sh", "x [] 1..1 value=20 of 1: 1");
    check(share, "0 a n=9; 1 a n=1; 2 a n=9; 3 a n=9; 4 a", "");
}

#[test]
fn chains() {
    let brute = "many = event_count a by u,h in 10s if {gte: 2}; x = temporal_ordered many,b by u in 60s";
    check(brute, "0 a u=1 h=1; 1 a u=1 h=1; 30 b u=1", "x [1] 0..30 value=2 of 3: 0 1 2");
    check(brute, "0 a u=1 h=1; 1 a u=1 h=2; 30 b u=1", "");
    check(brute, "0 a u=1 h=1; 1 a u=1 h=1; 30 b u=2", "");
    check(brute, "0 b u=1; 1 a u=1 h=1; 2 a u=1 h=1", "");
    // It holds from its second event on, whatever its first event's time.
    check(brute, "0 a u=1 h=1; 10 a u=1 h=1; 70 b u=1", "x [1] 0..70 value=2 of 3: 0 1 2");
    check(brute, "0 a u=1 h=1; 10 a u=1 h=1; 71 b u=1", "");
    // An attack that goes on still holds an hour later.
    check(brute, "0 a u=1 h=1; 10 a u=1 h=1; 20 a u=1 h=1; 75 b u=1", "x [1] 20..75 value=2 of 2: 2 3");
    // The outer one groups by a field that the inner one does not have.
    let other = "many = event_count a by h in 10s if {gte: 2}; x = temporal many,b by u in 60s";
    check(other, "0 a u=1 h=1; 1 a u=2 h=1; 2 b u=2", "x [2] 0..2 value=2 of 3: 0 1 2");
    // An inner correlation is counted when it begins to hold, not for each event.
    let counted = "many = event_count a in 10s if {gte: 2}; x = event_count many in 100s if {gte: 2}";
    check(counted, "0 a; 1 a; 2 a; 3 a", "");
    check(counted, "0 a; 1 a; 2 a; 50 a; 51 a", "x [] 0..51 value=2 of 4: 0 1 3 4");
    // The inner one speaks for itself where it is asked to.
    let both = "many = event_count a in 10s if {gte: 2}; x = temporal many,b in 60s generate";
    check(both, "0 a; 1 a; 30 b", "many [] 0..1 value=2 of 2: 0 1; x [] 0..30 value=2 of 3: 0 1 2");
    let alias = "many = event_count a by src in 10s if {gte: 2}; x = temporal many,b by ip in 60s with {ip: {many: src, b: dst}}";
    check(alias, "0 a src=1; 1 a src=1; 30 b dst=1", "x [1] 0..30 value=2 of 3: 0 1 2");
}

#[test]
fn chains_of_what_is_decided_late() {
    // Decided at 10, about something at 0: what comes in between is still behind it.
    let late = "alone = temporal a,b by u in 10s if a and not b; x = temporal_ordered alone,c by u in 20s";
    check(late, "0 a u=1; 3 c u=1", "x [1] 0..3 value=2 of 2: 0 1");
    check(late, "0 a u=1; 3 c u=1; 4 b u=1", "");
    check(late, "0 a u=1; 3 c u=1; 40 d; 41 a u=2; 60 c u=1", "x [1] 0..3 value=2 of 2: 0 1");
    check(late, "0 c u=1; 3 a u=1", "");
    check(late, "0 a u=1; 21 c u=1", "");
    let deep = "one = event_count a in 10s if {lt: 2}; two = event_count one in 10s if {lt: 2}; x = temporal_ordered two,b in 60s";
    check(deep, "0 a; 5 b", "x [] 0..5 value=2 of 2: 0 1");
    check(deep, "0 a; 5 b; 100 a; 101 a", "x [] 0..5 value=2 of 2: 0 1");
}

#[test]
fn bounds() {
    let limits = Limits { handles: 2, ..Limits::default() };
    let two = "x = event_count a by u in 10s if {gte: 2}";
    check_limited(two, "0 a; 1 a; 2 a", "x [-] 0..2 value=3 of 3: 0 1", limits);
    // The count stops at what is kept and says so.
    let limits = Limits { window_entries: 2, ..Limits::default() };
    let bound = "too many events in a window: 1 were left out";
    check_limited(two, "0 a; 1 a; 2 a", &format!("x [-] 0..2 value=2 of 3: 0 1 2; {bound}"), limits);
    let few = "x = event_count a by u in 10s if {lt: 4}";
    check_limited(few, "0 a; 1 a; 2 a", &format!("x [-] 0..1 value=3 of 3: 0 1; {bound}"), limits);
    check_limited(few, "0 a; 1 a; 2 a; 3 a", "too many events in a window: 2 were left out", limits);
    // The group that was quiet longest gives way; its result is not lost.
    let limits = Limits { groups: 2, ..Limits::default() };
    check_limited(
        two,
        "0 a u=1; 1 a u=1; 2 a u=2; 3 a u=3; 4 a u=2; 5 a u=1",
        "x [1] 0..1 value=2 of 2: 0 1; x [2] 2..4 value=2 of 2: 2 4; too many groups at once: 2 were given up before their time",
        limits,
    );
    let limits = Limits { entries: 3, ..Limits::default() };
    check_limited(
        two,
        "0 a u=1; 1 a u=2; 2 a u=3; 3 a u=3",
        "x [3] 2..3 value=2 of 2: 2 3; too many events at once: 1 groups were given up before their time",
        limits,
    );
    // What was cut short and could still have been undone is not claimed.
    let limits = Limits { groups: 1, ..Limits::default() };
    check_limited(
        few,
        "0 a u=1; 1 a u=2",
        "x [2] 1..1 value=1 of 1: 1; too many groups at once: 1 were given up before their time",
        limits,
    );
}

#[test]
fn out_of_order() {
    // An earlier match counts as simultaneous with the one before.
    check("x = event_count a in 10s if {gte: 2}", "50 a; 0 a", "x [] 50..50 value=2 of 2: 0 1");
}

#[test]
fn what_holds_is_told_at_once_and_whenever_it_grows() {
    check_live(
        "many = event_count a in 10s if {gte: 2}",
        "0 a; 1 a; 2 a; 30 a; 31 a; 60",
        "many [] 0..1 value=2 of 2: 0 1
         many [] 0..2 value=3 of 3: 0 1 2
         many [] 30..31 value=2 of 2: 3 4",
    );
}

#[test]
fn what_is_decided_at_the_close_is_told_when_time_has_passed() {
    let few = "few = event_count a in 10s if {lt: 3}";
    check_live(few, "0 a; 1 a; 11", "few [] 0..1 value=2 of 2: 0 1");
    // The window is decided by then; what comes later opens another.
    check_live(few, "0 a; 1 a; 11; 12 a", "few [] 0..1 value=2 of 2: 0 1; few [] 12..12 value=1 of 1: 3");
}

#[test]
fn how_far_back_results_reach() {
    let reach = |correlations: &str| {
        let text = documents(correlations);
        let collection = Collection::parse(&text, &Placeholders::default());
        let rules: Vec<_> = collection.rules.iter().collect();
        let linked: Vec<_> = collection.correlations.iter().collect();
        Plan::link(&rules, &linked).0.reach() / 1_000_000
    };
    assert_eq!(reach(""), 0);
    assert_eq!(reach("x = event_count a in 10s if {gte: 2}; y = event_count b in 1m if {gte: 2}"), 60);
    assert_eq!(reach("x = event_count a in 10s if {gte: 2}; y = event_count x in 1m if {gte: 2}"), 70);
}
