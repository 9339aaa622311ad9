//! Rules that were made to harm: each ends in a diagnostic in bounded time, and the rules beside it load.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use evtmap_sigma::{Collection, FieldList, MAX_BYTES, Placeholders, Value};

/// The time that any of these may take, in a build without optimisation.
const MAX_TIME: Duration = Duration::from_secs(5);

fn rule(title: &str, detection: &str) -> String {
    format!("title: {title}\nlogsource: {{product: windows}}\ndetection: {detection}\n")
}

fn parse(text: &str) -> Collection {
    let start = Instant::now();
    let collection = Collection::parse(text, &Placeholders::default());
    assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
    collection
}

/// A broken document between two rules is told with this code, and the rules load.
#[track_caller]
fn check(document: &str, code: &str) {
    let [first, last] = ["First", "Last"].map(|title| rule(title, "{s: {A: 1}, condition: s}"));
    let collection = parse(&format!("{first}---\n{document}\n---\n{last}"));
    let codes: Vec<&str> = collection.diagnostics.iter().map(|problem| problem.code.as_str()).collect();
    assert_eq!(codes, [code], "{:?}", collection.diagnostics.first());
    let titles: Vec<&str> = collection.rules.iter().map(|rule| rule.metadata.title.as_str()).collect();
    assert_eq!(titles, ["First", "Last"]);
}

#[test]
fn deep_nesting() {
    let n = 10_000;
    check(&format!("a: {}{}", "[".repeat(n), "]".repeat(n)), "limit-exceeded");
    check(&format!("a: {}x{}", "{a: ".repeat(n), "}".repeat(n)), "limit-exceeded");
    check(&format!("a:\n{}x", "- ".repeat(n)), "limit-exceeded");
    check(&format!("a:\n{}", "? ".repeat(n)), "invalid-yaml");
    check(&"[".repeat(MAX_BYTES - 1_000), "limit-exceeded");
    let maps: String = (0..200).fold(String::new(), |mut text, depth| {
        writeln!(text, "{}a:", " ".repeat(depth)).unwrap();
        text
    });
    check(&maps, "limit-exceeded");
}

#[test]
fn alias_bombs() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [alias.as_str(); 10].join(", ")).unwrap();
    }
    check(&bomb, "limit-exceeded");
    check("a: &a [*a]", "invalid-yaml");
    let many = vec![format!("---\n{bomb}"); 1_000].concat();
    let collection = parse(&many);
    assert!(collection.rules.is_empty());
    assert!(collection.diagnostics.len() < 100, "{}", collection.diagnostics.len());
}

#[test]
fn large_scalars() {
    let huge = rule("Huge", &format!("{{s: {{A: '{}'}}, condition: s}}", "x".repeat(100_000_000)));
    let collection = parse(&huge);
    let [problem] = collection.diagnostics.as_slice() else { panic!("one diagnostic is expected") };
    assert_eq!(problem.code.as_str(), "limit-exceeded");

    let text = "x".repeat(MAX_BYTES - 1_000);
    let large = rule("Large", &format!("{{s: {{A: '{text}'}}, condition: s}}"));
    let collection = parse(&large);
    assert!(collection.rules[0].matches(&FieldList::from([("A", Value::Text(&text))])));
    parse(&rule("Key", &format!("{{s: {{{text}: x}}, condition: s}}")));
    parse(&rule("Condition", &format!("{{s: {{A: x}}, condition: '{text}'}}")));
}

#[test]
fn many_keys_and_values() {
    let keys: String = (0..100_000).map(|n| format!("  k{n}: x\n")).collect();
    check(&format!("a:\n{keys}"), "limit-exceeded");
    let values = "x,".repeat(600_000);
    check(&format!("a: [{values}]"), "limit-exceeded");
    let same = rule("Same", &format!("{{s: {{A: [{}]}}, condition: s}}", "x,".repeat(100_000)));
    assert_eq!(parse(&same).rules.len(), 1);
    let twice = "a: 1\n".repeat(500_000);
    assert!(parse(&twice).diagnostics.len() < 2_000);
}

#[test]
fn many_broken_documents() {
    let collection = parse(&"a: [\n---\n".repeat(100_000));
    assert!(collection.diagnostics.len() < 100, "{}", collection.diagnostics.len());
}

#[test]
fn large_regular_expressions() {
    for regex in ["(a{1000}){1000}", r"(\w{100}){100}", "((((a{100}){100}){100}){100}){100}", "a{4000000000}"]
    {
        check(&rule("Regex", &format!("{{s: {{A|re: '{regex}'}}, condition: s}}")), "invalid-regex");
    }
    let nested = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    check(&rule("Regex", &format!("{{s: {{A|re: '{nested}'}}, condition: s}}")), "invalid-regex");
}

/// One large expression is allowed, thousands of them are not.
#[test]
fn many_regular_expressions() {
    let regexes = |n: usize, regex: &str| {
        format!("{{s: {{A|re: [{}]}}, condition: s}}", vec![format!("'{regex}'"); n].join(","))
    };
    assert_eq!(parse(&rule("Some", &regexes(400, "[a-z]+"))).rules.len(), 1);
    assert_eq!(parse(&rule("One", &regexes(1, "(a{100}){100}"))).rules.len(), 1);
    check(&rule("Many", &regexes(100_000, "(a{100}){100}")), "invalid-regex");
}

/// A search takes time linear in the text whatever the expression.
#[test]
fn slow_regular_expressions() {
    let collection = parse(&rule("Regex", "{s: {A|re: '^(a+)+$'}, condition: s}"));
    let text = "a".repeat(100_000) + "b";
    let start = Instant::now();
    assert!(!collection.rules[0].matches(&FieldList::from([("A", Value::Text(&text))])));
    assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
}

#[test]
fn long_conditions() {
    let n = 10_000;
    let deep = format!("{}s{}", "(".repeat(n), ")".repeat(n));
    check(&rule("Deep", &format!("{{s: {{A: 1}}, condition: '{deep}'}}")), "limit-exceeded");
    check(&rule("Not", &format!("{{s: {{A: 1}}, condition: '{}s'}}", "not ".repeat(n))), "limit-exceeded");
    check(&rule("Open", &format!("{{s: {{A: 1}}, condition: '{}'}}", "(s and ".repeat(n))), "limit-exceeded");
    let long = format!("s{}", " or s".repeat(100_000));
    let collection = parse(&rule("Long", &format!("{{s: {{A: x}}, condition: '{long}'}}")));
    assert!(!collection.rules[0].matches(&FieldList::default()));
}

#[test]
fn many_wildcards() {
    let stars = "*a".repeat(20_000);
    let collection = parse(&rule("Stars", &format!("{{s: {{A: '{stars}'}}, condition: s}}")));
    let text = "a".repeat(60_000) + "b";
    let start = Instant::now();
    assert!(!collection.rules[0].matches(&FieldList::from([("A", Value::Text(&text))])));
    assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
}

#[test]
fn values_that_multiply() {
    let placeholders: Placeholders =
        [("x".to_owned(), (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>())].into_iter().collect();
    let text = rule("Expand", "{s: {A|expand: '%x%%x%%x%%x%'}, condition: s}");
    let start = Instant::now();
    let collection = Collection::parse(&text, &placeholders);
    assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
    assert_eq!(collection.diagnostics[0].code.as_str(), "limit-exceeded");

    let dashes = rule("Dashes", &format!("{{s: {{A|windash: '{}'}}, condition: s}}", " -a".repeat(100_000)));
    assert_eq!(parse(&dashes).rules.len(), 1);
    let text = "x".repeat(1_000_000);
    let encoded =
        rule("Encoded", &format!("{{s: {{A|wide|base64offset|contains: '{text}'}}, condition: s}}"));
    assert_eq!(parse(&encoded).rules.len(), 1);
}

/// Bytes that are not UTF-8 are replaced by whoever reads the file, and harm nobody.
#[test]
fn broken_text() {
    let bytes = b"title: A\xff\nlogsource: {product: windows}\ndetection: {s: {A: 'x\xc3'}, condition: s}\n";
    let collection = parse(&String::from_utf8_lossy(bytes));
    assert!(collection.rules[0].matches(&FieldList::from([("A", Value::Text("x\u{fffd}"))])));
    for text in [
        "\0",
        "\u{feff}\u{feff}",
        "\u{1}: \u{2}",
        "--- ---\n---",
        "%YAML 9.9\n---\n",
        "a: \"\\ud800\"",
        "!<",
        "- \t- x",
    ] {
        parse(text);
    }
}
