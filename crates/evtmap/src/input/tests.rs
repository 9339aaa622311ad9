//! Tests of reading files: bytes in, events and problems as text out; and whole recordings, where there are any.

use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// A file that is removed when it goes out of use.
pub(super) struct TempFile(PathBuf);

impl TempFile {
    pub(super) fn new(extension: &str, content: &[u8]) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("evtmap-input-{}-{number}.{extension}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, content).unwrap();
        Self(path)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Shows every decoded record to `visit`, and gives the bytes of all batches.
fn decode(input: &mut dyn Input, mut visit: impl FnMut(Decoded<'_>)) -> Result<u64, InputError> {
    let mut event = Event::new();
    let mut n_bytes = 0;
    while let Some(batch) = input.next_batch() {
        let mut batch = batch?;
        n_bytes += batch.bytes();
        batch.decode(&mut event, &mut visit);
    }
    Ok(n_bytes)
}

/// Everything that comes out of a file, one line a field, an event, a problem.
pub(super) fn dump(extension: &str, content: &[u8], options: &InputOptions) -> String {
    let file = TempFile::new(extension, content);
    let mut text = String::new();
    let result = open(&file.0, options).and_then(|mut input| {
        decode(&mut *input, |decoded| match decoded {
            Decoded::Event(event, position) => text.push_str(&format!("{position}\n{event}")),
            Decoded::Bad(problem) => text.push_str(&format!("{problem}\n")),
        })
    });
    if let Err(error) = result {
        text.push_str(&format!("{}: {}\n", error.code, error.message));
    }
    text
}

#[track_caller]
fn check(content: &[u8], expected: &str) {
    check_with(content, &InputOptions::default(), expected);
}

#[track_caller]
fn check_with(content: &[u8], options: &InputOptions, expected: &str) {
    let found = dump("csv", content, options);
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// The table that most tests read, with a message of two lines.
const EXPORT: &str = "Level,Date and Time,Source,Event ID,Task Category\r\n\
    Information,12/14/2025 8:00:01 AM,Service Control Manager,7045,None,\"Größe \"\"x\"\"\r\n\r\nEnd\"\r\n\
    Warning,12/14/2025 8:00:00 AM,MyService,1,(1)\r\n";

const EXPORT_EVENTS: &str = r#"
    line 2
    System Level "Information"
    System TimeCreated_SystemTime "2025-12-14T08:00:01Z"
    System Provider_Name "Service Control Manager"
    System EventID "7045"
    System TaskCategory "None"
    System Channel "System"
    message "Größe \"x\"\r\n\r\nEnd"
    line 5
    System Level "Warning"
    System TimeCreated_SystemTime "2025-12-14T08:00:00Z"
    System Provider_Name "MyService"
    System EventID "1"
    System TaskCategory "(1)"
"#;

#[test]
fn the_event_viewers_export_in_every_encoding() {
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| {
        "\u{feff}".encode_utf16().chain(EXPORT.encode_utf16()).flat_map(to_bytes).collect::<Vec<u8>>()
    };
    check(EXPORT.as_bytes(), EXPORT_EVENTS);
    check(format!("\u{feff}{EXPORT}").as_bytes(), EXPORT_EVENTS);
    check(&utf16(u16::to_le_bytes), EXPORT_EVENTS);
    check(&utf16(u16::to_be_bytes), EXPORT_EVENTS);
    check(&encoding_rs::WINDOWS_1252.encode(EXPORT).0, EXPORT_EVENTS);
    check(EXPORT.replace(',', ";").as_bytes(), EXPORT_EVENTS);
    check(EXPORT.replace(',', "\t").as_bytes(), EXPORT_EVENTS);
}

#[test]
fn other_exports() {
    check(
        b"\"Date and Time\",\"Event ID\",\"Computer\",\"User\",\"Task Category\",\"Keywords\",\"Description\"\n\
          \"14.12.2025 08:00:01\",\"4624\",\"WS01\",\"alice\",\"Logon\",\"Audit Success\",\"C:\\\\x\"",
        r#"
        line 2
        System TimeCreated_SystemTime "2025-12-14T08:00:01Z"
        System EventID "4624"
        System Computer "WS01"
        Data User "alice"
        System TaskCategory "Logon"
        System Keywords "Audit Success"
        System Provider_Name "Microsoft-Windows-Security-Auditing"
        System Channel "Security"
        message "C:\\\\x"
        "#,
    );
    check(
        b"#TYPE System.Object\n\"Id\";\"LogName\";\"TimeCreated\";\"Target Name\";\"Empty\"\n1;Security;soon; x ;\n",
        r#"
        line 3
        System EventID "1"
        System Channel "Security"
        System TimeCreated_SystemTime "soon"
        Data Target Name " x "
        "#,
    );
}

#[test]
fn local_times() {
    let zone = InputOptions { timezone: TimeZone::fixed(jiff::tz::offset(2)), ..InputOptions::default() };
    let time = |time: &str| format!("line 2\nSystem EventID \"1\"\nSystem TimeCreated_SystemTime \"{time}\"");
    let table = b"EventID,Logged,Message\n1,05/06/2026 00:00:00,\n";
    check_with(table, &zone, &time("2026-05-05T22:00:00Z"));
    let day_first = InputOptions { date_order: Some(DateOrder::DayFirst), ..zone };
    check_with(table, &day_first, &time("2026-06-04T22:00:00Z"));
    // The other row shows that the day comes first.
    check(
        b"EventID,Logged,Message\n1,05/06/2026 00:00:00,\nx,13/06/2026 00:00:00,\n",
        &format!("{}\nline 3: the event id `x` is not a number [csv-event-id]", time("2026-06-05T00:00:00Z")),
    );
}

#[test]
fn a_bad_row_costs_no_other() {
    check(
        b"EventID,Logged,Channel,Description\n1,a\n,b,c,d\n-1,b,c,d\n\n1,b,c,d,e\n2,b,c,d\n",
        r#"
        line 2: the row has 2 cells and the header 4 [csv-columns]
        line 3: the row has no event id [csv-event-id]
        line 4: the event id `-1` is not a number [csv-event-id]
        line 6: the row has 5 cells and the header 4 [csv-columns]
        line 7
        System EventID "2"
        System TimeCreated_SystemTime "b"
        System Channel "c"
        message "d"
        "#,
    );
    let many = format!("EventID,Logged\n1{}", ",".repeat(5000));
    check(many.as_bytes(), "line 2: the row has more than 1000 cells and the header 2 [csv-columns]");
}

#[test]
fn an_unclosed_quote_costs_its_line() {
    check(
        b"EventID,Logged,Description\n1,a,x\n2,b,\"y\n3,c,z\n",
        r#"
        line 2
        System EventID "1"
        System TimeCreated_SystemTime "a"
        message "x"
        line 3: a quote is opened and not closed [csv-unclosed]
        line 4
        System EventID "3"
        System TimeCreated_SystemTime "c"
        message "z"
        "#,
    );
}

#[test]
fn rows_are_bounded() {
    let row = |length: usize| format!("1,a,\"{}\"\n2,b,\n", "x".repeat(length));
    let table = |rows: &str| {
        dump("csv", format!("EventID,Logged,Message\n{rows}").as_bytes(), &InputOptions::default())
    };
    let second = "System EventID \"2\"\nSystem TimeCreated_SystemTime \"b\"\n";
    assert!(table(&row(10 << 20)).ends_with(&format!("line 3\n{second}")));
    let long = table(&row(MAX_RECORD_BYTES + (1 << 20)));
    assert_eq!(
        long.chars().take(200).collect::<String>(),
        format!("line 2: the record does not end within 16 MiB [record-too-long]\nline 3\n{second}"),
    );
    let unclosed = table(&format!("1,a,\"\n{}", "2,b,\"\"\n".repeat(300_000)));
    assert_eq!(unclosed.matches("csv-unclosed").count(), 1);
    assert_eq!(unclosed.matches("EventID").count(), 300_000);
}

#[test]
fn what_cannot_be_read() {
    check(b"", "input-empty: the file is empty");
    check(b"x", "input-unrecognised: the content is not that of an event log");
    check(&[0; 100_000], "input-unrecognised: the content is not that of an event log");
    check(b"Time,Message\n1,2\n", "input-unrecognised: the content is not that of an event log");
    check(b"\x30\0\0\0LfLe", "input-old-log: this is an event log of Windows XP or Server 2003");
    check(&vec![b'x'; 10 << 20], "input-unrecognised: the content is not that of an event log");
    check(b"ElfFile\0", "evtx-truncated: the log ends after 8 bytes, within its header");
    assert_eq!(
        dump("evtx", b"a,b\n", &InputOptions::default()),
        "input-not-evtx: the file is called .evtx but holds text\n",
    );
    let error = |path: &str| open(Path::new(path), &InputOptions::default()).err().unwrap().code;
    assert_eq!(error("/nothing/here.evtx"), "input-missing");
    assert_eq!(error("."), "input-folder");
}

#[test]
fn logs_without_records() {
    check(b"Event ID,Logged\n", "");
    check(b"Event ID,Logged", "");
    let mut log = b"ElfFile\0".to_vec();
    log.resize(4096, 0);
    check(&log, "");
    log.resize(4096 + 65_536 * 3, 0);
    check(&log, "");
    log.extend(b"ElfChnk\0");
    check(
        &log,
        "byte 200704: buffer too small for EVTX chunk header at offset 0 (need 512 bytes, have 8) [evtx-chunk]",
    );
}

/// The recordings that lie beside the project; a test that needs them says so when they are not there.
fn recordings(folder: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let beside = root.join("../shared/data");
    let data = std::env::var_os("EVTMAP_TEST_DATA").map_or(beside, PathBuf::from).join(folder);
    if data.is_dir() {
        return Some(data);
    }
    // Not by `println`, which is shown of failing tests only.
    let _ = writeln!(io::stderr(), "skipped: there are no recordings at {}", data.display());
    None
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let found = find([folder]);
    assert_eq!(found.problems, []);
    let wanted = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    let files: Vec<PathBuf> = found.files.into_iter().map(|file| file.path).filter(wanted).collect();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

#[test]
fn every_record_of_the_recordings_is_read() {
    let Some(folder) = recordings("evtx") else { return };
    for path in files(&folder, "evtx") {
        let mut parser = ::evtx::EvtxParser::from_path(&path).unwrap();
        let expected = parser.records_json().filter(Result::is_ok).count();
        let mut n_events = 0;
        let mut input = open(&path, &InputOptions::default()).unwrap();
        let n_bytes = decode(&mut *input, |decoded| match decoded {
            Decoded::Event(event, Position::Byte(byte)) => {
                n_events += 1;
                assert!(byte < input_size(&path), "{}", path.display());
                assert!(event.fields().count() == 0 || event.event_id().is_some(), "{event}");
            }
            Decoded::Event(_, position) => panic!("{position}"),
            Decoded::Bad(problem) => assert!(problem.reason.len() > 10),
        });
        assert!(n_bytes.unwrap() <= input_size(&path));
        assert_eq!(n_events, expected, "{}", path.display());
    }
}

/// What the evtx crate's own tests expect of its samples: records, errors, and how many deleted records can be
/// recovered where they say so.
const CRATES_SAMPLES: [(&str, usize, usize, Option<usize>); 12] = [
    ("sample-with-irregular-bool-values.evtx", 3028, 0, None),
    ("2-vss_0-Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx", 1910, 4, Some(56)),
    (
        "2-vss_0-Microsoft-Windows-TerminalServices-RemoteConnectionManager%4Operational.evtx",
        1795,
        2,
        Some(245),
    ),
    ("2-vss_7-System.evtx", 1160, 0, None),
    ("sample_with_a_bad_chunk_magic.evtx", 301, 3, Some(50)),
    ("Microsoft-Windows-HelloForBusiness%4Operational.evtx", 6, 0, None),
    ("Microsoft-Windows-LanguagePackSetup%4Operational.evtx", 17, 0, None),
    ("E_Windows_system32_winevt_logs_Microsoft-Windows-Shell-Core%4Operational.evtx", 1146, 0, None),
    ("E_Windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx", 340, 0, None),
    ("E_ShadowCopy6_windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx", 459, 0, None),
    ("Application_no_crc32.evtx", 17, 0, None),
    ("post-Security.evtx", 126, 0, None),
];

#[test]
fn the_evtx_crates_samples_give_what_its_tests_expect() {
    let Some(folder) = recordings("evtx/evtx-crate-samples") else { return };
    for (name, n_records, n_errors, n_recovered) in CRATES_SAMPLES {
        let read = |recover: bool| {
            let options = InputOptions { recover, ..InputOptions::default() };
            let mut input = open(&folder.join(name), &options).unwrap();
            let (mut n_live, mut n_recovered, mut n_lost) = (0, 0, 0);
            let read = decode(&mut *input, |decoded| match decoded {
                Decoded::Event(event, _) if event.is_recovered() => n_recovered += 1,
                Decoded::Event(..) => n_live += 1,
                Decoded::Bad(problem) => n_lost += usize::from(problem.lost),
            });
            read.unwrap();
            (n_live, n_recovered, n_lost)
        };
        assert_eq!(read(false), (n_records, 0, n_errors), "{name}");
        let (n_live, n_found, n_lost) = read(true);
        assert_eq!((n_live, n_lost), (n_records, n_errors), "{name}");
        assert_eq!(n_found, n_recovered.unwrap_or(n_found), "{name}");
    }
}

fn input_size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

/// The fields of an event, sorted, without what the two ways to write one down do differently: blanks at the
/// end, GUIDs in braces and lower case, and the last digits of the time.
fn comparable(event: &Event) -> String {
    let mut lines: Vec<String> = event
        .fields()
        .filter(|(.., value)| value.text().is_some_and(|text| !text.trim().is_empty()))
        .map(|(place, name, value)| {
            let text = value.text().unwrap_or_default().trim();
            let text = match name {
                "TimeCreated_SystemTime" => text.get(..25).unwrap_or(text).to_owned(),
                _ => text.trim_matches(['{', '}']).to_lowercase(),
            };
            format!("{place:?} {name} {text:?}")
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn the_fields_are_those_of_the_json_beside_a_log() {
    let Some(folder) = recordings("sigma-regression") else {
        return;
    };
    let events = |path: &Path| {
        let mut events = Vec::new();
        let mut input = open(path, &InputOptions::default()).unwrap();
        decode(&mut *input, |decoded| match decoded {
            Decoded::Event(event, _) => events.push(comparable(event)),
            Decoded::Bad(problem) => assert!(!problem.lost, "{}: {problem}", path.display()),
        })
        .unwrap();
        events
    };
    for path in files(&folder, "evtx") {
        assert_eq!(events(&path), events(&path.with_extension("json")), "{}", path.display());
    }
}

/// How many events are read from a log, and the codes of the problems.
fn outcome(log: &[u8]) -> (usize, Vec<&'static str>) {
    let file = TempFile::new("evtx", log);
    let (mut n_events, mut codes) = (0, Vec::new());
    let mut input = open(&file.0, &InputOptions::default()).unwrap();
    decode(&mut *input, |decoded| match decoded {
        Decoded::Event(..) => n_events += 1,
        Decoded::Bad(problem) => codes.push(problem.code),
    })
    .unwrap();
    (n_events, codes)
}

#[test]
fn a_damaged_log_gives_what_is_left() {
    let Some(folder) = recordings("evtx/evtx-crate-samples") else {
        return;
    };
    let log = fs::read(folder.join("new-user-security.evtx")).unwrap();
    assert_eq!(outcome(&log), (4, vec![]));
    // The header is gone, or the file begins with a chunk.
    assert_eq!(outcome(&[&[0; 4096], &log[4096..]].concat()), (4, vec![]));
    assert_eq!(outcome(&log[4096..]), (4, vec![]));
    // The file ends within the third record.
    let cut = log.windows(4).enumerate().filter(|(_, bytes)| *bytes == [0x2a, 0x2a, 0, 0]);
    let third = cut.map(|(at, _)| at).nth(2).unwrap();
    assert_eq!(outcome(&log[..third + 100]), (2, vec!["evtx-truncated-chunk", "evtx-record"]));
    // The table of names is damaged.
    let mut damaged = log.clone();
    damaged[4096 + 128..4096 + 384].fill(0xff);
    assert_eq!(outcome(&damaged), (4, vec!["evtx-checksum"]));
}

#[test]
fn damage_never_stops_the_program() {
    let Some(folder) = recordings("evtx/evtx-crate-samples") else {
        return;
    };
    let log = fs::read(folder.join("new-user-security.evtx")).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..300 {
        let mut damaged = log.clone();
        for _ in 0..8 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let at = 4096 + usize::try_from(random >> 32).unwrap() % 8192;
            damaged[at] = random.to_le_bytes()[0];
        }
        outcome(&damaged);
    }
}

#[test]
fn the_sample_export_is_read() {
    let Some(folder) = recordings("../seed") else {
        return;
    };
    for path in files(&folder, "csv") {
        let mut origins = Vec::new();
        let mut input = open(&path, &InputOptions::default()).unwrap();
        decode(&mut *input, |decoded| match decoded {
            Decoded::Event(event, _) => {
                assert!(event.time().is_some() && event.user().is_some() && event.message().is_some());
                origins.push(format!("{} {}", event.channel(), event.event_id().unwrap()));
            }
            Decoded::Bad(problem) => panic!("{problem}"),
        })
        .unwrap();
        assert_eq!(origins.len(), 14);
        assert_eq!(origins.first().unwrap(), "Security 4624");
        assert_eq!(origins.last().unwrap(), "System 7045");
    }
}
