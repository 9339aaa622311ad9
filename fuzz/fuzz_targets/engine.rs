//! Rules on an event: the engine and the plain reading agree, whatever the rules and whatever the event.
//!
//! An input is rules as YAML, a line of `===`, and fields of an event as `name=value`, one a line.

#![no_main]

use std::ops::ControlFlow;

use evtmap::sigma::{
    Collection, EngineBuilder, Event, FieldList, Known, Placeholders, Scratch, SlotEvent, Value,
};
use libfuzzer_sys::fuzz_target;

/// The most rules that are tried at once.
const MAX_RULES: usize = 20;

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
        let names = self.slots.get(slot).into_iter().flatten();
        names.into_iter().try_for_each(|name| self.event.values(name, visit))
    }

    fn texts<'a>(&'a self, visit: &mut dyn FnMut(&'a str) -> ControlFlow<()>) -> ControlFlow<()> {
        self.event.texts(visit)
    }
}

fuzz_target!(|input: &str| {
    let (rules, event) = input.split_once("\n===\n").unwrap_or((input, ""));
    let mut rules = Collection::parse(rules, &Placeholders::default()).rules;
    rules.truncate(MAX_RULES);
    let fields = event.lines().filter_map(|line| line.split_once('='));
    let event: FieldList<'_> = fields.map(|(name, value)| (name, Value::Text(value))).collect();
    let mut builder = EngineBuilder::default();
    for (rule, number) in rules.iter().zip(0..) {
        builder.add(number, rule.compiled(), &[], &|field| vec![field.to_owned()]);
    }
    let engine = builder.build();
    let slotted = Slotted { event: &event, slots: engine.slots() };
    let expected: Vec<u32> =
        (0..).zip(&rules).filter(|(_, rule)| rule.matches(&event)).map(|(number, _)| number).collect();
    let (mut scratch, mut known) = (Scratch::default(), Known::default());
    // What comes again is answered from what is known.
    for _ in 0..3 {
        let mut found = Vec::new();
        engine.matches(&slotted, &mut scratch, &mut known, &mut |rule| found.push(rule));
        assert_eq!(found, expected);
    }
});
