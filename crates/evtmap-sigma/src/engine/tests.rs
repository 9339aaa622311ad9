//! The engine says what the plain reading says.

use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::{Collection, Event, FieldList, Placeholders, Rule};

/// A list of fields under the slots of an engine.
struct Slotted<'a> {
    event: &'a FieldList<'a>,
    slots: &'a [Vec<String>],
    everything: String,
}

impl<'a> Slotted<'a> {
    fn new(event: &'a FieldList<'a>, slots: &'a [Vec<String>]) -> Self {
        let mut everything = String::new();
        let _ = event.texts(&mut |text| {
            everything.push_str(text);
            everything.push('\0');
            ControlFlow::Continue(())
        });
        Self { event, slots, everything }
    }
}

impl SlotEvent for Slotted<'_> {
    fn slot<'a>(
        &'a self,
        slot: usize,
        visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.slots[slot].iter().try_for_each(|name| self.event.values(name, visit))
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        self.event.texts(visit)
    }

    fn everything(&self) -> Option<&str> {
        Some(&self.everything)
    }
}

/// Rules by their detections against events; every combination is asked both ways.
fn check(detections: &[&str], events: &[FieldList<'_>]) {
    let text: Vec<String> = detections
        .iter()
        .map(|detection| format!("title: t\nlogsource: {{product: windows}}\ndetection:\n{detection}\n"))
        .collect();
    let collection = Collection::parse(&text.join("---\n"), &Placeholders::default());
    assert_eq!(collection.rules.len(), detections.len(), "{:?}", collection.diagnostics);
    for without in [None].into_iter().chain(Shortcut::ALL.map(Some)) {
        check_engine(&collection.rules, events, without);
    }
}

/// Whether a rule with these keywords asks for words.
#[track_caller]
fn check_words(keywords: &str, has_only_words: bool) {
    let text = format!(
        "title: t\nlogsource: {{product: windows}}\ndetection:\n    a: {{b: 1, c|re: d}}\n    k: {keywords}\n    condition: a or not k\n"
    );
    let collection = Collection::parse(&text, &Placeholders::default());
    let mut builder = EngineBuilder::default();
    for rule in &collection.rules {
        builder.add(0, rule.compiled(), &[], &|field| vec![field.to_owned()]);
    }
    assert_eq!(collection.rules.len(), 1, "{:?}", collection.diagnostics);
    assert_eq!(builder.build().has_only_words(), has_only_words, "{keywords}");
}

/// What is a number or a time may hold the keyword, or nothing shows that it does not.
#[test]
fn keywords_that_are_words() {
    check_words("[mimikatz, '*0x5*', 'a*', 'T1059 x']", true);
    check_words("[mimikatz, 4104]", false);
    check_words("['08:00:00']", false);
    check_words("['2026-*-02t*z']", false);
    check_words("['*']", false);
    check_words("{'|re': 'mimi'}", false);
    check_words("{'|all': [mimikatz, '1']}", false);
}

/// Asks an engine that does without a shortcut, and each rule.
fn check_engine(rules: &[Rule], events: &[FieldList<'_>], without: Option<Shortcut>) {
    let mut builder = EngineBuilder::default();
    if let Some(shortcut) = without {
        builder = builder.without(shortcut);
    }
    for (rule, number) in rules.iter().zip(0..) {
        builder.add(number, rule.compiled(), &[], &|field| vec![field.to_owned()]);
    }
    let engine = builder.build();
    let (mut scratch, mut known) = (Scratch::default(), Known::default());
    // What comes again is answered from what is known.
    for event in events.iter().chain(events).chain(events) {
        let slotted = Slotted::new(event, engine.slots());
        let mut found = Vec::new();
        engine.matches(&slotted, &mut scratch, &mut known, &mut |rule| found.push(rule));
        let expected: Vec<u32> =
            (0..).zip(rules).filter(|(_, rule)| rule.matches(event)).map(|(i, _)| i).collect();
        assert_eq!(found, expected, "without {without:?}: {event:?}");
    }
}

#[test]
fn agrees_with_the_plain_reading() {
    let text = Value::Text;
    let detections = [
        r"  s: {Image|endswith: '\cmd.exe'}
  condition: s",
        r"  s: {Image|endswith: ['\cmd.exe', '\PowerShell.exe'], CommandLine|contains|all: [whoami, /ALL]}
  condition: s",
        r"  s: {EventID: 4688}
  f: {Image|startswith: 'C:\Windows\'}
  condition: s and not f",
        r"  s: {EventID: [1, '4688'], CommandLine|re: 'w.*i'}
  condition: s",
        r"  a: {CommandLine|contains: 'net*user'}
  b: {CommandLine|contains|windash: ' -add'}
  condition: 1 of them",
        r"  k: [mimikatz, 'se?kurlsa']
  condition: k",
        r"  k: {'|all': [alpha, beta]}
  condition: k",
        r"  s: {User: null}
  condition: s",
        r"  s: {User|exists: true, Image|fieldref: CommandLine}
  condition: s",
        r"  s: {CommandLine|cased|contains: WhoAmI}
  condition: s",
        r"  s: {User|neq: [alice, bob]}
  condition: s",
        r"  s: {CommandLine|contains: 'ÄRGER'}
  condition: s",
        r"  a: {Image: ''}
  b: {CommandLine|contains: ''}
  c: {EventID|gte: 4000}
  condition: 2 of them",
        r"  s: {Image|contains: k}
  condition: s",
    ];
    let events = [
        FieldList::from([("Image", text(r"C:\Windows\System32\cmd.exe")), ("EventID", text("4688"))]),
        FieldList::from([("Image", text(r"D:\CMD.EXE")), ("CommandLine", text("cmd /c WhoAmI /all"))]),
        FieldList::from([
            ("EventID", text("0x1250")),
            ("CommandLine", text("whoami")),
            ("Image", text("whoami")),
        ]),
        FieldList::from([
            ("EventID", text("1")),
            ("CommandLine", text("net1 USER x /add")),
            ("User", text("bob")),
        ]),
        FieldList::from([
            ("User", Value::Null),
            ("CommandLine", text("sekurlsa ärger")),
            ("Image", text("")),
        ]),
        FieldList::from([
            ("User", text("carol")),
            ("A", text("xALPHAx")),
            ("B", text("beta")),
            ("Image", text("K")),
        ]),
        FieldList::from([
            ("Image", text("K")),
            ("CommandLine", text("a")),
            ("CommandLine", text("whoami /all")),
        ]),
        FieldList::default(),
    ];
    check(&detections, &events);
}

/// One expression under other flags is another test.
#[test]
fn flags_tell_expressions_apart() {
    let detections = [
        "  s: {CommandLine|re: 'WHOAMI'}\n  condition: s",
        "  s: {CommandLine|re|i: 'WHOAMI'}\n  condition: s",
    ];
    let event = |text| FieldList::from([("CommandLine", Value::Text(text))]);
    check(&detections, &[event("whoami"), event("WHOAMI"), event("x")]);
}

/// One item of a selection.
fn item() -> impl Strategy<Value = String> {
    let key = select(vec![
        "A",
        "B",
        "A|contains",
        "A|endswith",
        "B|startswith",
        "A|contains|all",
        "B|re",
        "A|cased|contains",
        "A|windash|contains",
        "A|neq",
        "B|fieldref",
        "A|exists",
        "B|gte",
        "A|base64offset|contains",
    ]);
    let value = select(vec![
        "abc", "'*b'", "'a?c'", "AB", "'ab\\c'", "''", "4688", "'-x y'", "bcd", "äb", "true", "B", "' /add'",
        "c",
    ]);
    (key, proptest::collection::vec(value, 1..4))
        .prop_map(|(key, values)| format!("'{key}': [{}]", values.join(", ")))
}

/// A detection with two selections and keywords.
fn detection() -> impl Strategy<Value = String> {
    let condition = select(vec![
        "s",
        "s and not f",
        "1 of them",
        "all of them",
        "not s",
        "k or s",
        "k and not 1 of f*",
        "s and k",
    ]);
    let keywords = proptest::collection::vec(select(vec!["abc", "'b*d'", "xyz", "'/add'", "Ä"]), 1..3);
    (item(), item(), item(), keywords, condition).prop_map(|(a, b, c, keywords, condition)| {
        let keywords = keywords.join(", ");
        format!("  s: {{{a}}}\n  f: [{{{b}}}, {{{c}}}]\n  k: [{keywords}]\n  condition: {condition}")
    })
}

fn value() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        "[a-dA-DäÄ /\\\\-]{0,12}".prop_map(String::from),
        select(vec!["4688", "0x1250", "abc", "xabcx", "ab -x y", "net user /add", "YWJj"])
            .prop_map(String::from),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random rules on random events, with every shortcut and without each.
    #[test]
    fn agrees_on_anything(
        detections in proptest::collection::vec(detection(), 1..6),
        events in proptest::collection::vec(proptest::collection::vec((select(vec!["A", "B"]), value()), 0..4), 1..4),
    ) {
        let text: Vec<String> = detections
            .iter()
            .map(|detection| format!("title: t\nlogsource: {{product: windows}}\ndetection:\n{detection}\n"))
            .collect();
        // What cannot be a rule, such as a word for `exists`, is left out.
        let rules = Collection::parse(&text.join("---\n"), &Placeholders::default()).rules;
        prop_assume!(!rules.is_empty());
        let events: Vec<FieldList<'_>> = events
            .iter()
            .map(|event| event.iter().map(|(name, value)| (*name, value.as_deref().map_or(Value::Null, Value::Text))).collect())
            .collect();
        for without in [None].into_iter().chain(Shortcut::ALL.map(Some)) {
            check_engine(&rules, &events, without);
        }
    }
}
