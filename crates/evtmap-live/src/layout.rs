//! The names of an event's values, learnt from the XML of the first event of its kind.
//!
//! Windows gives the values of an event without names. Its XML has both, so that of each kind of events
//! (provider, event id, version, types of the values) the first is rendered twice. Only when the XML has as
//! many values, with the same texts in the same places, are later ones read by position; all others are read
//! as XML for good. That is never a guess, and for nearly all events one rendering saved.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::event::{Event, Value, xml};
use rustc_hash::FxHasher;

use crate::system::{SOURCE_NAME, property};
use crate::value::{Unusual, Values};

/// The largest number of kinds that are remembered; an attacker may write events of any kind.
const N_KINDS_MAX: usize = 20_000;

/// How events of a kind are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    /// By position; these are the names.
    Names(Arc<Names>),
    /// As XML.
    Xml,
}

/// What the values of a kind of events lack.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// What the XML has more of the provider.
    pub(crate) source_name: Option<String>,
    /// The names of the values, in their order.
    pub(crate) names: Vec<String>,
}

/// What is known of kinds of events; shared by the threads that read.
#[derive(Debug, Default)]
pub(crate) struct Layouts(Mutex<HashMap<Vec<u8>, Layout, BuildHasherDefault<FxHasher>>>);

impl Layouts {
    /// How events of a kind are read, once one of them was learnt.
    pub(crate) fn get(&self, kind: &[u8]) -> Option<Layout> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(kind).cloned()
    }

    /// Notes how events of a kind are read.
    pub(crate) fn learn(&self, kind: &[u8], layout: Layout) {
        let mut layouts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if layouts.len() < N_KINDS_MAX {
            layouts.insert(kind.to_owned(), layout);
        }
    }
}

/// Writes what tells one kind of events from another: provider, event id, version, and the types of the values.
///
/// # Errors
/// When a value is not read here; such events are read as XML.
pub(crate) fn write_kind(system: Values<'_>, user: Values<'_>, kind: &mut Vec<u8>) -> Result<(), Unusual> {
    kind.clear();
    let mut text = String::new();
    for index in [property::PROVIDER_NAME, property::EVENT_ID, property::VERSION] {
        text.clear();
        system.get(index)?.write(&mut text)?;
        kind.extend_from_slice(text.as_bytes());
        kind.push(0);
    }
    for index in 0..user.len() {
        kind.push(user.get(index)?.kind);
    }
    Ok(())
}

/// How events are read of which this is the first: its values, its XML, and the event that was read from that.
pub(crate) fn of_first(user: Values<'_>, xml: &str, event: &Event) -> Layout {
    // In a text it would be `&lt;UserData`: its elements are no list of values, even when as many.
    let is_plain = !xml.contains("<UserData") && !xml.contains("<RenderingInfo");
    let data: Vec<(&str, Value<'_>)> = event.data().collect();
    if !is_plain || data.len() != user.len() {
        return Layout::Xml;
    }
    let mut text = String::new();
    for (index, (_, told)) in data.iter().enumerate() {
        text.clear();
        let is_written = user.get(index).and_then(|value| value.write(&mut text)).is_ok();
        if !is_written || told.text().unwrap_or_default() != text {
            return Layout::Xml;
        }
    }
    let source_name = event.fields().find(|(_, name, _)| *name == SOURCE_NAME);
    Layout::Names(Arc::new(Names {
        source_name: source_name.and_then(|(.., value)| value.text().map(str::to_owned)),
        names: data.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }))
}

/// Reads an event from its XML.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read_xml(xml: &str, event: &mut Event) -> Result<(), String> {
    event.clear();
    xml::read(xml, event).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::kind;
    use crate::value::tests::{filled, utf16};

    #[track_caller]
    fn check(xml: &str, values: &[(u8, &[u8])], expected: Option<&[&str]>) {
        let xml = format!("<Event><System><Provider Name='P' EventSourceName='S'/></System>{xml}</Event>");
        let mut event = Event::new();
        read_xml(&xml, &mut event).unwrap();
        let layout = of_first(filled(values).values(values.len()), &xml, &event);
        let expected = expected.map_or(Layout::Xml, |names| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Layout::Names(Arc::new(Names { source_name: Some("S".to_owned()), names }))
        });
        assert_eq!(layout, expected);
    }

    #[test]
    fn names_of_values_with_the_same_texts() {
        let (a, seven) = (utf16("a <b>"), 7_u32.to_le_bytes());
        let values: [(u8, &[u8]); 3] = [(kind::STRING, &a), (kind::UINT32, &seven), (kind::NULL, &[])];
        let data = |first: &str| {
            format!(
                "<EventData><Data Name='x'>{first}</Data><Data Name='y'>7</Data><Data Name='z'/></EventData>"
            )
        };
        check(&data("a &lt;b&gt;"), &values, Some(&["x", "y", "z"]));
        check(&data("other"), &values, None);
        check(&data("a &lt;b&gt;"), &values[..2], None);
        check("", &[], Some(&[]));
        check("<EventData><Data>7</Data></EventData>", &values[1..2], Some(&["Data"]));
    }

    #[test]
    fn other_payloads_are_read_as_xml() {
        let seven = 7_u32.to_le_bytes();
        let value: [(u8, &[u8]); 1] = [(kind::UINT32, &seven)];
        check("<UserData><a xmlns='n'><b>7</b></a></UserData>", &value, None);
        check(
            "<EventData><Data Name='x'>7</Data></EventData><RenderingInfo><Message>m</Message></RenderingInfo>",
            &value,
            None,
        );
        check("<EventData><Data Name='x'>7</Data></EventData>", &[(kind::UINT8 | 128, &[7])], None);
        check("<EventData><Data Name='x'>&lt;UserData&gt;</Data></EventData>", &value, None);
    }

    #[test]
    fn kinds_are_told_apart() {
        let system = crate::system::tests::values();
        let kind = |values: &[(u8, &[u8])]| {
            let mut kind = Vec::new();
            write_kind(system.values(18), filled(values).values(values.len()), &mut kind).unwrap();
            kind
        };
        assert_eq!(kind(&[]), b"Microsoft-Windows-Security-Auditing\x004625\x002\0");
        assert_ne!(kind(&[(kind::NULL, &[])]), kind(&[(kind::UINT8, &[1])]));
        let layouts = Layouts::default();
        layouts.learn(&kind(&[]), Layout::Xml);
        assert_eq!((layouts.get(&kind(&[])), layouts.get(b"")), (Some(Layout::Xml), None));
    }
}
