//! Events as XML: what the Event Viewer saves and `wevtutil query-events /format:xml` prints, in a root
//! element or without, and whatever else has `Event` elements one after the other.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::text::{self, Cut, Format, Problem, Text, TextInput};
use super::{InputOptions, Opened, Source};
use crate::event::{Event, xml};

const NAMESPACE: &[u8] = b"http://schemas.microsoft.com/win/2004/08/events/event";
const START: &[u8] = b"<Event";
const END: &[u8] = b"</Event>";
static START_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(START));
static END_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(END));

/// A file is recognised by an `Event` element of Windows' namespace, or one with System in it.
pub(super) fn recognises(head: &[u8], _: &InputOptions) -> bool {
    let head = text::decode_head(head);
    let begins = head.trim_ascii_start();
    let event = start(&head).and_then(|at| head.get(at..)).unwrap_or_default();
    // The `evtx_dump` program puts a line before each record.
    (begins.starts_with(b"<") || begins.starts_with(b"Record "))
        && (memmem::find(event, NAMESPACE).is_some() || memmem::find(event, b"<System>").is_some())
}

pub(super) fn open(source: Source, options: &InputOptions) -> Opened {
    Ok(Box::new(TextInput::new(Text::new(source, options), Xml { options: options.clone() })))
}

fn unclosed() -> Problem {
    Problem::new("xml-unclosed", "the event does not end")
}

/// Where the first `Event` element starts.
fn start(text: &[u8]) -> Option<usize> {
    let is_whole =
        |at: &usize| matches!(text.get(at + START.len()), Some(b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n'));
    START_FINDER.find_iter(text).find(is_whole)
}

struct Xml {
    options: InputOptions,
}

impl Format for Xml {
    fn kind(&self) -> &'static str {
        "xml"
    }

    /// An element goes from its start to its end: neither can be in a text, where `<` is written otherwise.
    fn next(&self, text: &[u8], is_end: bool) -> Cut {
        let unopened = || Problem::new("xml-unopened", "an event ends here that does not begin");
        let Some(start) = start(text) else {
            let last = memmem::rfind(text, END).map(|at| at + END.len());
            return last.map_or(Cut::Open, |end| Cut::Damaged(0..end, unopened()));
        };
        let (before, from) = text.split_at_checked(start).unwrap_or((text, &[]));
        if END_FINDER.find(before).is_some() {
            return Cut::Damaged(0..start, unopened());
        }
        let end = END_FINDER.find(from);
        // Another event that begins before this one ends means that it does not.
        let own = end.and_then(|end| from.get(..end)).unwrap_or(from);
        let next = self.resume(own.get(1..).unwrap_or_default()).map(|at| at + 1);
        match (next, end) {
            (Some(next), _) => Cut::Damaged(start..start + next, unclosed()),
            (None, Some(at)) => Cut::Record(start..start + at + END.len()),
            (None, None) if is_end => Cut::Damaged(start..text.len(), unclosed()),
            (None, None) => Cut::Open,
        }
    }

    fn start(&self, text: &[u8]) -> usize {
        start(text).unwrap_or_default()
    }

    fn resume(&self, text: &[u8]) -> Option<usize> {
        start(text)
    }

    type Scratch = ();

    fn read(&self, record: &str, (): &mut (), event: &mut Event) -> Result<bool, Problem> {
        xml::read(record, event).map_err(|error| Problem::new("xml-record", error.to_string()))?;
        self.options.complete(event, false);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::tests::dump;

    fn show(content: &[u8]) -> String {
        dump("xml", content, &InputOptions::default())
            .replace("\nSystem EventID ", " event ")
            .replace('\n', "; ")
    }

    #[track_caller]
    fn check(xml: &str, expected: &str) {
        assert_eq!(show(xml.as_bytes()), expected);
    }

    const ONE: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID></System></Event>";
    const TWO: &str = "<Event\nx='y'><System>\n<EventID>2</EventID>\n</System><EventData/></Event>";

    #[test]
    fn with_and_without_a_root() {
        check(ONE, "byte 0 event \"1\"; ");
        check(&format!("{ONE}\r\n{TWO}\r\n"), "line 1 event \"1\"; line 2 event \"2\"; ");
        check(
            &format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Events>{ONE}{TWO}</Events>"),
            "line 2 event \"1\"; line 2 event \"2\"; ",
        );
        check(&format!("Record 1\n{ONE}\nRecord 2\n{TWO}\n"), "line 2 event \"1\"; line 4 event \"2\"; ");
        check(&format!("\u{feff}<Events>{ONE}</Events>"), "byte 11 event \"1\"; ");
        let utf16: Vec<u8> = format!("\u{feff}{ONE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(show(&utf16), "line 1 event \"1\"; ");
    }

    #[test]
    fn damage_costs_one_event() {
        check(
            &format!(
                "{ONE}<Event><System>\n{TWO}\n<EventID>3</EventID></Event>\n<Event><x></y></Event>{ONE}<Event>"
            ),
            "line 1 event \"1\"; line 1: the event does not end [xml-unclosed]; line 2 event \"2\"; \
             line 5: an event ends here that does not begin [xml-unopened]; \
             line 7: this is not XML: ill-formed document: expected `</x>`, but `</y>` was found [xml-record]; \
             line 7 event \"1\"; line 7: the event does not end [xml-unclosed]; ",
        );
    }

    #[test]
    fn the_message_gives_the_fields_that_are_missing() {
        let event = |payload: &str| {
            let found = show(
                format!(
                    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Service Control Manager'/><EventID>7036</EventID></System>{payload}<RenderingInfo><Message>The SNMP service entered the running state.</Message></RenderingInfo></Event>"
                )
                .as_bytes(),
            );
            let data = found.split("; ").filter(|line| line.starts_with("Data "));
            data.map(str::to_owned).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(event(""), "Data param1 \"SNMP\"; Data param2 \"running\"");
        assert_eq!(event("<EventData><Data Name='a'>b</Data></EventData>"), "Data a \"b\"");
    }

    #[test]
    fn other_xml_is_not_an_event_log() {
        check("<Events/>", "input-unrecognised: the content is not that of an event log; ");
        check(
            "<html><Event>x</Event></html>",
            "input-unrecognised: the content is not that of an event log; ",
        );
    }

    #[test]
    fn events_are_bounded() {
        let long = format!("{ONE}\n<Event>{}</Event>\n{TWO}", "<x>y</x>".repeat(3 << 20));
        check(
            &long,
            "line 1 event \"1\"; line 2: the record does not end within 16 MiB [record-too-long]; line 3 event \"2\"; ",
        );
    }
}
