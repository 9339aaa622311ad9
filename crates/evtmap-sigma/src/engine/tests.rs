//! The engine says what the plain reading says.

use std::ops::ControlFlow;

use super::*;
use crate::{Collection, Event, FieldList, Placeholders};

/// A list of fields under the slots of an engine.
struct Slotted<'a> {
    event: &'a FieldList<'a>,
    slots: &'a [Vec<String>],
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
}

/// Rules by their detections against events; every combination is asked both ways.
fn check(detections: &[&str], events: &[FieldList<'_>]) {
    let text: Vec<String> = detections
        .iter()
        .map(|detection| format!("title: t\nlogsource: {{product: windows}}\ndetection:\n{detection}\n"))
        .collect();
    let collection = Collection::parse(&text.join("---\n"), &Placeholders::default());
    assert_eq!(collection.rules.len(), detections.len(), "{:?}", collection.diagnostics);
    let mut builder = EngineBuilder::default();
    for (rule, number) in collection.rules.iter().zip(0..) {
        builder.add(number, rule.compiled(), &[], &|field| vec![field.to_owned()]);
    }
    let engine = builder.build();
    let mut scratch = Scratch::default();
    for event in events {
        let slotted = Slotted { event, slots: engine.slots() };
        let mut found = Vec::new();
        engine.matches(&slotted, &mut scratch, &mut |rule| found.push(rule));
        let expected: Vec<u32> =
            (0..).zip(&collection.rules).filter(|(_, rule)| rule.matches(event)).map(|(i, _)| i).collect();
        assert_eq!(found, expected, "{event:?}");
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
