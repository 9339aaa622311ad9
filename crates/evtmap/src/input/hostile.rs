//! Inputs that are made to hurt: each costs what is wrong with it, is told with its place, and the rest is read.
//!
//! What is large is never there as a whole; it comes out of a reader that makes it up.

use super::tests::dump;
use super::*;

/// Texts, each so many times.
struct Parts {
    parts: Vec<(&'static str, u64)>,
    /// How much of the first text was given already.
    n_given: usize,
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((text, n)) = self.parts.first_mut() else { return Ok(0) };
        let rest = &text.as_bytes()[self.n_given..];
        if self.n_given > 0 || buffer.len() < rest.len() {
            let n_bytes = rest.len().min(buffer.len());
            buffer[..n_bytes].copy_from_slice(&rest[..n_bytes]);
            self.n_given = (self.n_given + n_bytes) % text.len();
            *n -= u64::from(self.n_given == 0);
            if *n == 0 {
                self.parts.remove(0);
            }
            return Ok(n_bytes);
        }
        let n_whole = (buffer.len() / rest.len()).min(usize::try_from(*n).unwrap_or(usize::MAX));
        for place in buffer.chunks_exact_mut(rest.len()).take(n_whole) {
            place.copy_from_slice(rest);
        }
        *n -= n_whole as u64;
        let n_bytes = n_whole * rest.len();
        if *n == 0 {
            self.parts.remove(0);
        }
        Ok(n_bytes)
    }
}

/// What comes out of made-up bytes: the place and id of each event, and each problem.
fn read(parts: Vec<(&'static str, u64)>) -> String {
    let content = Content::Stream(Box::new(Parts { parts, n_given: 0 }));
    let source = Source::new(PathBuf::from("made-up"), content, None).unwrap();
    let mut lines = Vec::new();
    let options = InputOptions::default();
    match open_source(source, &options) {
        Err(error) => lines.push(error.to_string()),
        Ok(mut input) => {
            while let Some(batch) = input.next_batch() {
                batch.unwrap().decode(&mut Event::new(), &mut |decoded| match decoded {
                    Decoded::Event(event, position) => {
                        lines.push(format!("{position}: event {}", event.event_id().unwrap_or_default()));
                    }
                    Decoded::Bad(problem) => lines.push(problem.to_string()),
                });
            }
        }
    }
    lines.join("; ")
}

const HUGE: u64 = 10 << 30;
const BLOCK: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const N_BLOCKS: u64 = HUGE / 64;
const XML: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID></System></Event>\n";

#[test]
fn a_line_of_ten_gigabytes_in_a_table() {
    assert_eq!(
        read(vec![("EventID,Logged,Message\n1,a,\n2,a,", 1), (BLOCK, N_BLOCKS), ("\n3,a,\n", 1)]),
        "line 2: event 1; line 3: the record does not end within 16 MiB [record-too-long]; line 4: event 3",
    );
}

#[test]
fn a_line_of_ten_gigabytes_in_json() {
    assert_eq!(
        read(vec![
            ("{\"EventID\":1}\n{\"EventID\":2,\"a\":\"", 1),
            (BLOCK, N_BLOCKS),
            ("\"}\n{\"EventID\":3}\n", 1)
        ]),
        "line 1: event 1; line 2: the record does not end within 16 MiB [record-too-long]; line 3: event 3",
    );
}

#[test]
fn a_line_of_ten_gigabytes_in_xml() {
    assert_eq!(
        read(vec![(XML, 1), ("<Event><System>", 1), (BLOCK, N_BLOCKS), ("</System></Event>\n", 1), (XML, 1)]),
        "line 1: event 1; line 2: the record does not end within 16 MiB [record-too-long]; line 3: event 1",
    );
}

#[test]
fn a_million_columns() {
    const MILLION: u64 = 1_000_000;
    assert_eq!(
        read(vec![("EventID,Logged\n1,a\n2", 1), (",", MILLION), ("\n3,a\n", 1)]),
        "line 2: event 1; line 3: the row has more than 1000 cells and the header 2 [csv-columns]; line 4: event 3",
    );
    assert_eq!(
        read(vec![("EventID,Logged", 1), (",x", MILLION), ("\n1,a\n", 1)]),
        "`made-up`: the content is not that of an event log",
    );
    assert_eq!(
        read(vec![
            ("{\"EventID\":1}\n{\"EventID\":2", 1),
            (",\"a\":1", MILLION),
            ("}\n{\"EventID\":3}\n", 1)
        ]),
        "line 1: event 1; line 2: the object has more than 10000 members [json-record]; line 3: event 3",
    );
    let found = read(vec![
        (XML, 1),
        ("<Event><System><EventID>2</EventID></System><EventData>", 1),
        ("<x>1</x>", MILLION),
        ("</EventData></Event>\n", 1),
        (XML, 1),
    ]);
    assert!(
        found.starts_with("line 1: event 1; line 2: ") && found.ends_with("; line 3: event 1"),
        "{found}"
    );
    assert!(found.contains("more than 10000 fields"), "{found}");
}

#[test]
fn nesting_without_end() {
    assert_eq!(
        read(vec![("{\"EventID\":1}\n{\"a\":", 1), ("[", 100_000), ("\n{\"EventID\":3}\n", 1)])
            .rsplit("; ")
            .next(),
        Some("line 3: event 3"),
    );
    let found = read(vec![
        (XML, 1),
        ("<Event><System><EventID>2</EventID></System><EventData>", 1),
        ("<x>", 100_000),
        ("</Event>\n", 1),
        (XML, 1),
    ]);
    assert!(
        found.starts_with("line 1: event 1; line 2: ") && found.ends_with("; line 3: event 1"),
        "{found}"
    );
}

/// Shows what is told of a text, events by their ids.
fn told(content: &[u8]) -> String {
    let found = dump("txt", content, &InputOptions::default());
    let wanted = found.lines().filter(|line| line.contains('[') || line.contains("EventID"));
    wanted.map(|line| line.replace("System EventID ", "")).collect::<Vec<_>>().join("; ")
}

#[test]
fn bytes_that_are_no_utf_8() {
    let told_of = |line: u32| {
        format!("line {line}: the record is not valid UTF-8 and is read as Windows-1252 [text-encoding]")
    };
    assert_eq!(
        told(b"{\"EventID\":1,\"a\":\"\xff\xfe\x80\"}\n{\"EventID\":2}\n"),
        format!("{}; \"1\"; \"2\"", told_of(1))
    );
    let xml = XML.replace("</System>", "</System>\u{1}");
    let xml = [xml.as_bytes(), XML.as_bytes()].concat();
    let xml: Vec<u8> = xml.iter().map(|byte| if *byte == 1 { 0xff } else { *byte }).collect();
    assert_eq!(told(&xml), format!("{}; \"1\"; \"1\"", told_of(1)));
    assert_eq!(told(b"EventID,Logged,x\n1,a,\xff\xfe\x80\n2,a,\n"), "\"1\"; \"2\"");
}

#[test]
fn halves_of_characters_in_utf_16() {
    let mut units: Vec<u16> =
        "\u{feff}{\"EventID\":1,\"a\":\"_\"}\n{\"EventID\":2}\n".encode_utf16().collect();
    let at = units.iter().position(|unit| *unit == u16::from(b'_')).unwrap();
    units[at] = 0xd800;
    let mut bytes: Vec<u8> = units.into_iter().flat_map(u16::to_le_bytes).collect();
    // And half a unit at the end.
    bytes.push(0x20);
    assert_eq!(
        told(&bytes),
        "line 1: here or after it are characters that are not valid UTF-16 [text-encoding]; \"1\"; \"2\"; \
         line 3: this is not the beginning of a value [json-record]",
    );
}

#[test]
fn bytes_that_are_zero() {
    assert_eq!(told(&[0; 70_000]), "");
    assert_eq!(told(b"EventID,Logged,x\n1,a,\0\0\n\0,a,b\n2,a,\n").split("; ").collect::<Vec<_>>().len(), 3);
    let json = told(b"{\"EventID\":1}\n\0\0\n{\"EventID\":2,\"a\":\"\0\"}\n{\"EventID\":3}\n");
    assert!(json.starts_with("\"1\"; line 2: ") && json.ends_with("\"3\""), "{json}");
    let xml = [XML.as_bytes(), b"<Event>\0</Event>\n\0\0", XML.as_bytes()].concat();
    let xml = told(&xml);
    assert!(xml.starts_with("\"1\"; ") && xml.ends_with("\"1\""), "{xml}");
}

/// Damaged at random, every reader comes to an end.
#[test]
fn damage_never_stops_a_reader_of_text() {
    let json = "{\"EventID\":1,\"a\":{\"b\":[1,\"x\\u00e9\"]}}\n".repeat(20);
    let csv = format!("EventID,Logged,Message\n{}", "1,3/2/2026 8:00:00 AM,\"a \"\"b\"\"\nc\"\n".repeat(20));
    let xml = XML.repeat(10);
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for sample in [json, csv, xml] {
        for _ in 0..200 {
            let mut damaged = sample.clone().into_bytes();
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = usize::try_from(random >> 32).unwrap() % damaged.len();
                damaged[at] = random.to_le_bytes()[0];
            }
            let cut = damaged.len() - usize::from(random.to_le_bytes()[1]) % 40;
            damaged.truncate(cut);
            told(&damaged);
        }
    }
}
