//! What the writer writes, the `evtx` crate reads back: the same JSON, line for line, with every checksum
//! validated.
#![expect(clippy::unwrap_used, reason = "a test's own functions may fail the test")]

use evtx::{EvtxParser, ParserSettings};
use evtx_fixture::{Damage, Error, Event, EventData, Guid, UserData, Value, Writer, json_line};
use jiff::Timestamp;

fn event() -> Event {
    let mut event = Event::new("Microsoft-Windows-Security-Auditing", 4624);
    event.provider.guid = Some("{54849625-5478-4994-a5ba-3e3b0328c30d}".parse().unwrap());
    event.version = 2;
    event.task = 12544;
    event.keywords = 0x8020_0000_0000_0000;
    event.time = "2026-03-11T08:12:44.1234567Z".parse().unwrap();
    event.activity_id = Some(Guid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
    event.process_id = 712;
    event.thread_id = 1044;
    event.channel = "Security".into();
    event.computer = "WS01.corp.example".into();
    event.user_id = Some("S-1-5-18".parse().unwrap());
    event
}

fn with_body(body: impl Into<evtx_fixture::Body>) -> Event {
    Event { body: body.into(), ..event() }
}

/// Reads a file as `evtx_dump -o jsonl` does: a line for each record, or the error.
fn read(file: Vec<u8>) -> Vec<Result<String, String>> {
    let settings = ParserSettings::new().validate_checksums(true);
    let mut parser = EvtxParser::from_buffer(file).unwrap().with_configuration(settings);
    parser
        .records_json()
        .map(|record| record.map(|record| record.data).map_err(|error| format!("{error:?}")))
        .collect()
}

fn write(events: &[Event]) -> Vec<u8> {
    let mut writer = Writer::new();
    for event in events {
        writer.push(event).unwrap();
    }
    writer.finish()
}

/// Every event comes back as the line that [`json_line`] makes of it.
#[track_caller]
fn check(events: &[Event]) {
    let lines = read(write(events));
    assert_eq!(lines.len(), events.len());
    for (id, (event, line)) in (1..).zip(events.iter().zip(lines)) {
        assert_eq!(json_line(event, id), line.unwrap());
    }
}

#[test]
fn system_fields() {
    let mut bare = Event::new("Service Control Manager", 7036);
    bare.qualifiers = Some(16384);
    bare.keywords = 0x0080_0000_0000_0000;
    check(&[event(), bare, Event::new("Application", 0)]);
    insist(
        &event(),
        r##""Correlation":{"#attributes":{"ActivityID":"{01234567-89ab-cdef-0123-456789abcdef}"}}"##,
    );
    insist(&event(), r##""SystemTime":"2026-03-11T08:12:44.1234567Z""##);
    insist(&event(), r##""Security":{"#attributes":{"UserID":"S-1-5-18"}}"##);
}

/// The file's own JSON holds the text: guards against both sides being wrong in the same way.
#[track_caller]
fn insist(event: &Event, text: &str) {
    let lines = read(write(std::slice::from_ref(event)));
    let line = lines.first().unwrap().clone().unwrap();
    assert!(line.contains(text), "`{text}` is not in {line}");
}

#[test]
fn every_type_of_value() {
    let fields = vec![
        ("Null", Value::Null),
        ("String", Value::from("C:\\Windows\\System32\\cmd.exe \"/c\"\r\n\tend")),
        ("Empty", Value::from("")),
        ("Unicode", Value::from("Müller 日本語 🦀 \u{1}\u{7f}")),
        ("Ansi", Value::Ansi("naïve €".into())),
        ("Int8", Value::Int8(i8::MIN)),
        ("UInt8", Value::UInt8(u8::MAX)),
        ("Int16", Value::Int16(i16::MIN)),
        ("UInt16", Value::UInt16(u16::MAX)),
        ("Int32", Value::Int32(i32::MIN)),
        ("UInt32", Value::UInt32(u32::MAX)),
        ("Int64", Value::Int64(i64::MIN)),
        ("UInt64", Value::UInt64(u64::MAX)),
        ("Float", Value::Float(0.5)),
        ("Double", Value::Double(-1.0e-3)),
        ("True", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("Binary", Value::Binary(vec![0x00, 0xde, 0xad, 0xff])),
        ("NoBytes", Value::Binary(Vec::new())),
        ("Guid", Value::Guid("54849625-5478-4994-a5ba-3e3b0328c30d".parse().unwrap())),
        ("FileTime", Value::FileTime("2026-03-11T08:12:44Z".parse().unwrap())),
        ("Epoch", Value::FileTime(Timestamp::UNIX_EPOCH)),
        ("Sid", Value::Sid("S-1-5-21-1004336348-1177238915-682003330-512".parse().unwrap())),
        ("HexInt32", Value::HexInt32(0x1fff)),
        ("HexInt64", Value::HexInt64(0x3e7)),
        ("Strings", Value::Strings(vec!["one".into(), "two".into()])),
    ];
    insist(&with_body(fields.clone()), r#""Sid":"S-1-5-21-1004336348-1177238915-682003330-512""#);
    insist(&with_body(fields.clone()), r#""HexInt64":"0x3e7""#);
    check(&[with_body(fields)]);
}

#[test]
fn unnamed_data() {
    let list = |texts: &[&str]| -> Vec<(&str, Value)> {
        texts.iter().map(|text| ("", Value::from(*text))).collect()
    };
    check(&[with_body(list(&["Available", "None", ""])), with_body(list(&["alone"]))]);
    let classic = |texts: &[&str], binary| EventData {
        data: vec![(String::new(), Value::Strings(texts.iter().map(ToString::to_string).collect()))],
        binary,
        ..EventData::default()
    };
    insist(
        &with_body(classic(&["Stopped", "Available"], None)),
        r##""EventData":{"Data":{"#text":["Stopped","Available"]}"##,
    );
    check(&[
        with_body(classic(&["a", "b", "c"], None)),
        with_body(classic(&["a"], Some(vec![1, 2]))),
        with_body(classic(&[], Some(Vec::new()))),
    ]);
}

#[test]
fn named_sections() {
    let data = vec![("TaskName".to_owned(), Value::from("\\Backup"))];
    check(&[with_body(EventData { name: Some("TaskRegisteredEvent".into()), data, binary: None })]);
    check(&[with_body(EventData::default())]);
    let cleared = UserData {
        element: "LogFileCleared".into(),
        namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog".into(),
        fields: vec![
            ("SubjectUserSid".into(), Value::Sid("S-1-5-18".parse().unwrap())),
            ("BackupPath".into(), Value::from("")),
            ("Channel".into(), Value::Null),
            ("ClientProcessId".into(), Value::UInt32(4711)),
        ],
    };
    check(&[with_body(cleared)]);
}

#[test]
fn many_chunks() {
    let events: Vec<Event> = (0..3000)
        .map(|number: u32| {
            // Several templates, so that each chunk holds its own copies of them.
            let name = format!("Field{}", number % 7);
            let text = "x".repeat((number as usize * 37) % 900);
            with_body(vec![(name, Value::from(text)), ("Number".into(), Value::UInt32(number))])
        })
        .collect();
    let file = write(&events);
    assert_eq!((file.len() - 4096) % 65536, 0);
    assert!(file.len() > 20 * 65536);
    check(&events);
}

#[test]
fn record_ids_may_jump() {
    let ids = [500, 501, 9000];
    let events = ids.map(|id| Event { record_id: Some(id), ..event() });
    let lines = read(write(&events));
    for (id, line) in ids.iter().zip(lines) {
        assert!(line.unwrap().contains(&format!(r#""EventRecordID":{id},"#)));
    }
    let mut writer = Writer::new();
    writer.push(&events[0]).unwrap();
    assert_eq!(writer.push(&event()), Ok(501));
}

#[test]
fn values_up_to_the_format_s_limits() {
    check(&[
        with_body(vec![("Ansi", Value::Ansi("a".repeat(60_000)))]),
        with_body(vec![("String", Value::from("ü".repeat(31_000)))]),
    ]);
    let push = |value| Writer::new().push(&with_body(vec![("Text", value)]));
    assert_eq!(
        push(Value::from("u".repeat(40_000))),
        Err(Error::ValueTooLong { name: "Text".into(), bytes: 80_000 })
    );
    assert!(matches!(push(Value::Ansi("a".repeat(65_000))), Err(Error::EventTooLarge { .. })));
}

#[test]
fn an_event_that_does_not_fit_leaves_no_trace() {
    let huge = with_body(vec![("Elsewhere", Value::Ansi("a".repeat(65_000)))]);
    let mut writer = Writer::new();
    let mut clean = Writer::new();
    for number in 0..10 {
        let small = with_body(vec![("Number", Value::UInt32(number))]);
        writer.push(&small).unwrap();
        clean.push(&small).unwrap();
        writer.push(&huge).unwrap_err();
    }
    assert!(writer.finish() == clean.finish());
}

#[test]
fn an_empty_file() {
    assert_eq!(read(Writer::new().finish()), []);
}

fn damaged(damage: Damage) -> Vec<Result<String, String>> {
    let mut writer = Writer::new().damage(damage);
    for number in 0..600 {
        writer.push(&with_body(vec![("Number", Value::UInt32(number))])).unwrap();
    }
    read(writer.finish())
}

#[test]
fn damage() {
    let lost = |lines: &[Result<String, String>]| lines.iter().filter(|line| line.is_err()).count();

    let lines = damaged(Damage::DirtyHeader);
    assert_eq!((lines.len(), lost(&lines)), (600, 0));

    let lines = damaged(Damage::TruncatedLastChunk);
    assert!(lines.len() < 600, "{}", lines.len());

    let lines = damaged(Damage::ChunkChecksum(0));
    assert!(lines.len() < 600 && lost(&lines) == 1);
    let error = lines.iter().find_map(|line| line.as_ref().err()).unwrap();
    assert!(error.contains("Checksum"), "{error}");

    let lines = damaged(Damage::RecordMagic(7));
    assert_eq!((lines.len(), lost(&lines)), (600, 1));
}

#[test]
fn identifiers_read_and_print() {
    let guid = "{54849625-5478-4994-a5ba-3e3b0328c30d}";
    assert_eq!(guid.parse::<Guid>().unwrap().to_string(), guid);
    for bad in ["", "54849625", "{54849625-5478-4994-a5ba-3e3b0328c30g}"] {
        assert_eq!(bad.parse::<Guid>(), Err(Error::InvalidGuid(bad.into())));
    }
    for bad in ["", "S-1", "S-1-5-", "S-1-5-4294967296"] {
        assert_eq!(bad.parse::<evtx_fixture::Sid>(), Err(Error::InvalidSid(bad.into())));
    }
}
