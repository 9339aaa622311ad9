//! Reading of each kind of input beside the plain library underneath: `cargo bench -p evtmap --bench inputs`.
//!
//! The same 20,000 process creations in every form. The library's time is what it takes to give all that is in
//! the text, without saying what it means; `docs/inputs.md` has the figures.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use evtmap::event::Event;
use evtmap::input::{self, Decoded, InputOptions};
use evtx_fixture::{Value, Writer, json_line};

const N_EVENTS: usize = 20_000;

fn main() {
    divan::main();
}

/// The events in each form.
struct Samples {
    evtx: Vec<u8>,
    json: Vec<u8>,
    xml: Vec<u8>,
    /// A table with a column a field.
    table: Vec<u8>,
    /// The Event Viewer's table, with the message only.
    export: Vec<u8>,
}

static SAMPLES: LazyLock<Samples> = LazyLock::new(samples);
static OPTIONS: LazyLock<InputOptions> = LazyLock::new(InputOptions::default);

const FIELDS: [&str; 11] = [
    "SubjectUserSid",
    "SubjectUserName",
    "SubjectDomainName",
    "SubjectLogonId",
    "NewProcessId",
    "NewProcessName",
    "TokenElevationType",
    "ProcessId",
    "CommandLine",
    "ParentProcessName",
    "MandatoryLabel",
];

fn values(n: usize) -> [String; 11] {
    [
        "S-1-5-21-1004336348-1177238915-682003330-1105".to_owned(),
        format!("user{}", n % 97),
        "CORP".to_owned(),
        format!("0x{:x}", n * 7919),
        format!("0x{:x}", n % 60_000),
        format!(r"C:\Program Files\Vendor {}\Program.exe", n % 13),
        "%%1936".to_owned(),
        format!("0x{:x}", n % 3_000),
        format!(r#""C:\Program Files\Vendor {}\Program.exe" --type=renderer --id={n}"#, n % 13),
        r"C:\Windows\explorer.exe".to_owned(),
        "S-1-16-8192".to_owned(),
    ]
}

fn message(values: &[String; 11]) -> String {
    let [sid, user, domain, logon, id, name, elevation, parent_id, line, parent, label] = values;
    format!(
        "A new process has been created.\r\n\r\nCreator Subject:\r\n\tSecurity ID:\t\t{sid}\r\n\tAccount Name:\t\t{user}\r\n\tAccount Domain:\t\t{domain}\r\n\tLogon ID:\t\t{logon}\r\n\r\nProcess Information:\r\n\tNew Process ID:\t\t{id}\r\n\tNew Process Name:\t{name}\r\n\tToken Elevation Type:\t{elevation}\r\n\tMandatory Label:\t\t{label}\r\n\tCreator Process ID:\t{parent_id}\r\n\tCreator Process Name:\t{parent}\r\n\tProcess Command Line:\t{line}\r\n"
    )
}

fn samples() -> Samples {
    let mut writer = Writer::new();
    let (mut json, mut xml) = (String::new(), "<Events>".to_owned());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["Id", "TimeCreated", "LogName", "MachineName"].iter().chain(&FIELDS)).unwrap();
    let mut export = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    export.write_record(["Keywords", "Date and Time", "Source", "Event ID", "Task Category"]).unwrap();
    for n in 0..N_EVENTS {
        let values = values(n);
        let mut event = evtx_fixture::Event::new("Microsoft-Windows-Security-Auditing", 4688);
        event.channel = "Security".to_owned();
        event.computer = "WS01.corp.example".to_owned();
        event.record_id = Some(n as u64 + 1);
        let body: Vec<_> =
            FIELDS.into_iter().zip(values.iter().map(|text| Value::from(text.as_str()))).collect();
        event.body = body.into();
        writer.push(&event).unwrap();
        json.push_str(&json_line(&event, n as u64 + 1));
        json.push('\n');
        xml.push_str("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4688</EventID><TimeCreated SystemTime='2026-03-02T08:00:00.1234567Z'/><EventRecordID>1</EventRecordID><Channel>Security</Channel><Computer>WS01.corp.example</Computer></System><EventData>");
        for (name, text) in FIELDS.iter().zip(&values) {
            write!(xml, "<Data Name='{name}'>{text}</Data>").unwrap();
        }
        xml.push_str("</EventData></Event>\n");
        let system = ["4688", "2026-03-02T08:00:00.1234567Z", "Security", "WS01.corp.example"];
        table.write_record(system.into_iter().chain(values.iter().map(String::as_str))).unwrap();
        let message = message(&values);
        let cells = [
            "Audit Success",
            "3/2/2026 8:00:00 AM",
            "Microsoft Windows security auditing.",
            "4688",
            "Process Creation",
            &message,
        ];
        export.write_record(cells).unwrap();
    }
    xml.push_str("</Events>\n");
    Samples {
        evtx: writer.finish(),
        json: json.into_bytes(),
        xml: xml.into_bytes(),
        table: table.into_inner().unwrap(),
        export: export.into_inner().unwrap(),
    }
}

/// Reads every event of a sample.
fn ours(bencher: Bencher<'_, '_>, sample: &'static [u8]) {
    counted(bencher, sample).with_inputs(|| sample.to_vec()).bench_values(|bytes| {
        let mut log = input::open_bytes(bytes, &OPTIONS).unwrap();
        let (mut event, mut n_events, mut n_fields) = (Event::new(), 0, 0);
        while let Some(batch) = log.next_batch() {
            batch.unwrap().decode(&mut event, &mut |decoded| {
                if let Decoded::Event(event, _) = decoded {
                    n_events += 1;
                    n_fields += event.event_id().unwrap_or_default() as usize;
                }
            });
        }
        assert_eq!(n_events, N_EVENTS);
        n_fields
    });
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, sample: &[u8]) -> Bencher<'a, 'b> {
    bencher.counter(BytesCount::of_slice(sample)).counter(ItemsCount::new(N_EVENTS))
}

#[divan::bench]
fn evtx_evtmap(bencher: Bencher<'_, '_>) {
    ours(bencher, &SAMPLES.evtx);
}

#[divan::bench]
fn evtx_crate(bencher: Bencher<'_, '_>) {
    let sample = &SAMPLES.evtx;
    counted(bencher, sample).with_inputs(|| sample.clone()).bench_values(|bytes| {
        let settings = evtx::ParserSettings::new().num_threads(1);
        let mut parser = evtx::EvtxParser::from_buffer(bytes).unwrap().with_configuration(settings);
        parser.records_json().map(|record| record.unwrap().data.len()).sum::<usize>()
    });
}

#[divan::bench]
fn json_evtmap(bencher: Bencher<'_, '_>) {
    ours(bencher, &SAMPLES.json);
}

#[divan::bench]
fn json_serde_json(bencher: Bencher<'_, '_>) {
    let sample = &SAMPLES.json;
    counted(bencher, sample).bench(|| {
        let values = serde_json::Deserializer::from_slice(sample).into_iter::<serde_json::Value>();
        values.map(|value| black_box(value.unwrap()).is_object()).filter(|is_object| *is_object).count()
    });
}

#[divan::bench]
fn xml_evtmap(bencher: Bencher<'_, '_>) {
    ours(bencher, &SAMPLES.xml);
}

#[divan::bench]
fn xml_quick_xml(bencher: Bencher<'_, '_>) {
    let sample = &SAMPLES.xml;
    counted(bencher, sample).bench(|| {
        let mut reader = quick_xml::Reader::from_reader(sample.as_slice());
        let mut n_bytes = 0;
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => return n_bytes,
                quick_xml::events::Event::Text(text) => n_bytes += text.len(),
                quick_xml::events::Event::Start(start) => {
                    n_bytes +=
                        start.attributes().map(|attribute| attribute.unwrap().value.len()).sum::<usize>();
                }
                _ => {}
            }
        }
    });
}

#[divan::bench]
fn table_evtmap(bencher: Bencher<'_, '_>) {
    ours(bencher, &SAMPLES.table);
}

#[divan::bench]
fn table_csv(bencher: Bencher<'_, '_>) {
    plain_csv(bencher, &SAMPLES.table);
}

#[divan::bench]
fn export_evtmap(bencher: Bencher<'_, '_>) {
    ours(bencher, &SAMPLES.export);
}

#[divan::bench]
fn export_csv(bencher: Bencher<'_, '_>) {
    plain_csv(bencher, &SAMPLES.export);
}

fn plain_csv(bencher: Bencher<'_, '_>, sample: &[u8]) {
    counted(bencher, sample).bench(|| {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(sample);
        let mut record = csv::StringRecord::new();
        let mut n_bytes = 0;
        while reader.read_record(&mut record).unwrap() {
            n_bytes += record.iter().map(str::len).sum::<usize>();
        }
        n_bytes
    });
}
