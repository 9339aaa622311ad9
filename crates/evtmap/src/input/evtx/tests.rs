//! Records decoded directly are what the evtx crate makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use evtx::EvtxChunkData;

use super::chunk::{NAME_TABLE, rendered};
use super::*;
use crate::event::Event;
use crate::input::{Decoded, Position};

/// Logs beside the checkout and in it.
fn logs() -> Vec<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut logs = Vec::new();
    let mut folders = vec![checkout.join("examples"), checkout.join("../shared/data")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            eprintln!("skipped: there is no {}", folder.display());
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "evtx") {
                logs.push(path);
            }
        }
    }
    logs.sort();
    logs
}

/// What became of the records of logs.
#[derive(Debug, Default)]
struct Account {
    n_records: u64,
    n_direct: u64,
    /// Those that were taken from an earlier one.
    n_again: u64,
    /// By template or reason: those that were not, to see what is worth reading directly.
    others: BTreeMap<String, u64>,
}

impl Account {
    fn add(&mut self, path: &Path, bytes: Vec<u8>, combinations: &Combinations) {
        let Ok(mut data) = EvtxChunkData::new(bytes, false) else { return };
        let Some(places) = direct::records(&data.data, &data.header) else { return };
        let Ok(mut chunk) = data.parse(Arc::default()) else { return };
        let mut decoder = direct::Decoder::new(chunk.data, combinations);
        let (mut event, mut expected) = (Event::new(), Event::new());
        let mut n_told = 0;
        for (place, record) in places.iter().zip(chunk.iter()) {
            n_told += 1;
            self.n_records += 1;
            let read = rendered(record, &mut expected);
            let Ok(combination) = decoder.decode(place, &mut event) else {
                *self
                    .others
                    .entry(format!("{} {:?}", expected.provider(), expected.event_id()))
                    .or_default() += 1;
                continue;
            };
            let is_equal = read.is_ok() && event.is_same(&expected) && event.time() == expected.time();
            self.n_again += u64::from(event.saying().is_some());
            match combinations.get(combination) {
                Some(true) => {
                    assert!(is_equal, "{} at {}\n{event}\n{expected}", path.display(), place.start);
                    self.n_direct += 1;
                }
                Some(false) => {}
                None => combinations.note(combination, is_equal),
            }
            decoder.settle(combination, &mut event);
            if !is_equal {
                *self
                    .others
                    .entry(format!("differs: {} {:?}", expected.provider(), expected.event_id()))
                    .or_default() += 1;
            }
        }
        decoder.finish();
        assert_eq!(n_told, places.len(), "{}", path.display());
        assert!(chunk.iter().nth(places.len()).is_none(), "{}", path.display());
    }
}

/// What is decoded directly once a combination is known is right for every further record of it; and nearly
/// every record is.
#[test]
fn direct_records_are_right() {
    let combinations = Combinations::default();
    let mut account = Account::default();
    for path in logs() {
        let bytes = fs::read(&path).unwrap();
        let chunks = bytes.get(4096..).unwrap_or_default();
        for chunk in chunks.chunks_exact(CHUNK_BYTES as usize) {
            account.add(&path, chunk.to_vec(), &combinations);
        }
    }
    let Account { n_records, n_direct, n_again, others } = &account;
    let mut others: Vec<_> = others.iter().collect();
    others.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let others: Vec<String> = others.into_iter().take(12).map(|(what, n)| format!("  {n} {what}")).collect();
    eprintln!(
        "{n_direct} of {n_records} records directly, {n_again} taken from others; not so:\n{}",
        others.join("\n")
    );
    assert!(n_direct * 20 > n_records * 19, "{n_direct} of {n_records}");
    assert!(n_again * 20 > *n_records, "{n_again} of {n_records}");
}

/// A chunk whose table of names is damaged gives each record once, also where the first were decoded directly.
#[test]
fn a_damaged_table_of_names_doubles_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/incident/DC01/Security.evtx");
    let log = fs::read(path).unwrap();
    let mut bytes = log[4096..][..CHUNK_BYTES as usize].to_vec();
    let header = EvtxChunkData::new(bytes.clone(), false).unwrap().header;
    let places = direct::records(&bytes, &header).unwrap();
    let combinations = Arc::new(Combinations::default());
    let combination =
        direct::Decoder::new(&bytes, &combinations).decode(&places[0], &mut Event::new()).unwrap();
    combinations.note(combination, true);
    bytes[NAME_TABLE].fill(0xff);
    assert!(EvtxChunkData::new(bytes.clone(), false).unwrap().parse(Arc::default()).is_err());
    let options = InputOptions { combinations, ..InputOptions::default() };
    let mut chunk = of_chunk(0, bytes, &options);
    let mut found = Vec::new();
    chunk.decode(&mut Event::new(), &mut |decoded| {
        if let Decoded::Event(_, Position::Byte(at)) = decoded {
            found.push(at);
        }
    });
    assert_eq!(found, places.iter().map(|place| place.start as u64).collect::<Vec<_>>());
}

/// What becomes of a chunk of a file, of which so much should be there.
fn problems(file: fs::File, n_bytes: usize) -> Vec<String> {
    let options = InputOptions::default();
    let (reader, file) = (Arc::new(ChunkReader::new(&options)), Arc::new(LogFile::new(file, &options.open)));
    let mut chunk = Chunk { offset: 4096, content: Content::InFile { file, n_bytes }, reader };
    let mut problems = Vec::new();
    chunk.decode(&mut Event::new(), &mut |decoded| {
        if let Decoded::Bad(problem) = decoded {
            assert!(problem.lost);
            problems.push(problem.to_string());
        }
    });
    problems
}

/// A disk that cannot be read in one place costs the records there.
#[test]
#[cfg(unix)]
fn a_chunk_that_cannot_be_read_is_told() {
    let [problem] = &problems(fs::File::open(std::env::temp_dir()).unwrap(), 65_536)[..] else { panic!() };
    assert!(problem.starts_with("byte 4096: this chunk of records cannot be read: "), "{problem}");
    assert!(problem.ends_with("[evtx-unreadable-chunk]"), "{problem}");
}

/// A file may become shorter while it is read.
#[test]
fn a_chunk_that_is_gone_is_told() {
    let gone = problems(tempfile::tempfile().unwrap(), 65_536);
    assert_eq!(gone, ["byte 4096: the file ends before this chunk of records [evtx-truncated-chunk]"]);
    let file = tempfile::tempfile().unwrap();
    file.set_len(4096 + 100).unwrap();
    assert_eq!(problems(file.try_clone().unwrap(), 100), [""; 0], "a chunk was never written");
    assert_eq!(problems(file, 65_536).len(), 1);
}

/// However many small logs are under way at once, few of their files are open; and all records are there.
#[test]
fn few_files_are_open() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/incident/DC01/Security.evtx");
    let options = InputOptions::default();
    let mut batches = Vec::new();
    for n_logs in 1..=300 {
        let mut log = crate::input::open(&path, &options).unwrap();
        batches.push(log.next_batch().unwrap().unwrap());
        assert!(options.open.n() <= 66, "{n_logs} logs: {} files", options.open.n());
    }
    let n_events = |batch: &mut Box<dyn Batch>| {
        let mut n = 0;
        batch.decode(&mut Event::new(), &mut |decoded| n += u32::from(matches!(decoded, Decoded::Event(..))));
        n
    };
    let counts: Vec<u32> = batches.iter_mut().map(n_events).collect();
    assert!(counts[0] > 0 && counts.iter().all(|n| *n == counts[0]));
    drop(batches);
    assert_eq!(options.open.n(), 0);
}

/// A gap that a template uses many times holds an element of the record itself, which is gone through for each use: after
/// a few the record is left to the evtx crate, which has bounds of its own.
#[test]
fn an_element_that_is_used_again_and_again_is_left_alone() {
    let is_decoded = |n_uses: usize| {
        let bytes = record_using_its_element(n_uses);
        let combinations = Combinations::default();
        let range = 0..bytes.len();
        direct::Decoder::new(&bytes, &combinations).decode(&range, &mut Event::new()).is_ok()
    };
    assert!(is_decoded(1) && is_decoded(4));
    assert!(!is_decoded(5) && !is_decoded(1_000));
}

/// A record of a template that is `<Event>` with the same gap so many times, in which `<UserData><A>1</A></UserData>`
/// stands.
fn record_using_its_element(n_uses: usize) -> Vec<u8> {
    /// Appends an element's beginning, whose name stands here.
    fn open(bytes: &mut Vec<u8>, need: &[u8], name: &str) {
        bytes.push(1);
        bytes.extend_from_slice(need);
        bytes.extend([0; 4]);
        bytes.extend(u32::try_from(bytes.len() + 4).unwrap().to_le_bytes());
        bytes.extend([0; 6]);
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend(name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        bytes.push(2);
    }
    const HEADER: [u8; 4] = [0x0f, 1, 1, 0];
    let mut bytes = vec![0; 24];
    bytes.extend(HEADER);
    bytes.extend([0x0c, 1, 0, 0, 0, 0]);
    bytes.extend(u32::try_from(bytes.len() + 4).unwrap().to_le_bytes());
    bytes.extend([0; 20]);
    let size_at = bytes.len();
    bytes.extend([0; 4]);
    bytes.extend(HEADER);
    open(&mut bytes, &[0xff; 2], "Event");
    (0..n_uses).for_each(|_| bytes.extend([0x0d, 0, 0, 0x21]));
    bytes.extend([4, 0]);
    let size = u32::try_from(bytes.len() - size_at - 4).unwrap();
    bytes[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    let value_at = bytes.len();
    bytes.extend([0, 0, 0x21, 0]);
    open(&mut bytes, &[], "UserData");
    open(&mut bytes, &[], "A");
    bytes.extend([5, 1, 1, 0, b'1', 0, 4, 4]);
    let size = u16::try_from(bytes.len() - value_at - 4).unwrap();
    bytes[value_at..value_at + 2].copy_from_slice(&size.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

/// Where the templates of a chunk are defined, by the table in its header.
fn definitions(chunk: &[u8]) -> Vec<u32> {
    /// Where the tables' chains begin.
    const TABLE: Range<usize> = 384..512;
    let number = |at: usize| Some(u32::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
    let mut definitions = Vec::new();
    for start in TABLE.step_by(4) {
        let mut next = number(start);
        while let Some(at) = next.filter(|at| *at != 0 && !definitions.contains(at)) {
            definitions.push(at);
            next = number(at as usize);
        }
    }
    definitions
}

/// A template that is known by its form is the one that would be read, whatever else is in its chunk, and also where a
/// byte of it is another.
#[test]
fn known_templates_are_what_would_be_read() {
    let hasher = Combinations::default().hasher;
    let mut templates = templates::Templates::default();
    let (mut n_read, mut n_forged) = (0, 0);
    let mut check = |chunk: &[u8], definition: u32| {
        let fresh = templates::Templates::default().read_number(chunk, definition, &hasher);
        templates.make_room();
        assert_eq!(templates.read_number(chunk, definition, &hasher), fresh, "at {definition}");
        fresh
    };
    // Logs of a handful of records each, and many of them, have the templates of the others.
    for path in logs().iter().filter(|path| !path.to_string_lossy().contains("sigma-regression")) {
        let bytes = fs::read(path).unwrap();
        let chunks = bytes.get(4096..).unwrap_or_default().chunks_exact(CHUNK_BYTES as usize);
        for (number, chunk) in chunks.enumerate() {
            for definition in definitions(chunk) {
                n_read += usize::from(check(chunk, definition).is_some());
                let mut forged = chunk.to_vec();
                let first = definition as usize + 24;
                for at in (first..first + 2_048).step_by(97).filter(|_| number % 16 == 0) {
                    let Some(byte) = forged.get_mut(at) else { continue };
                    let before = *byte;
                    *byte ^= 1 << (at % 8);
                    n_forged += usize::from(check(&forged, definition).is_some());
                    forged[at] = before;
                }
            }
        }
    }
    assert!(n_read > 20 && n_forged > 100, "{n_read}, {n_forged}");
}

/// The oldest chunk of a log whose chunks have such first and last record ids.
fn oldest(ids: &[(u64, u64)]) -> u64 {
    let mut bytes = vec![0; 4096];
    for (first, last) in ids {
        let start = bytes.len();
        bytes.extend(CHUNK_MAGIC);
        bytes.resize(start + RECORD_IDS.start, 0);
        bytes.extend([first.to_le_bytes(), last.to_le_bytes()].as_flattened());
        bytes.resize(start + CHUNK_BYTES as usize, 0);
    }
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let (options, chunks) = (InputOptions::default(), (0..0).chain(0..0));
    let file = Arc::new(LogFile::new(file, &options.open));
    let reader = Arc::new(ChunkReader::new(&options));
    let log = Log { file, start: 4096, size: bytes.len() as u64, chunks, cut_off: None, reader };
    log.oldest_chunk(ids.len() as u64)
}

/// A full log is overwritten from its start.
#[test]
fn reading_begins_with_the_oldest_chunk() {
    assert_eq!(oldest(&[(1, 9), (10, 19)]), 0);
    assert_eq!(oldest(&[(30, 39), (10, 19), (20, 29)]), 1);
    assert_eq!(oldest(&[(20, 29), (30, 39), (1, 9), (10, 19)]), 2);
    // Chunks that were never used say nothing, and neither does one after a first that nothing is older than.
    assert_eq!(oldest(&[(u64::MAX, u64::MAX), (9, 8), (7, 9)]), 2);
    assert_eq!(oldest(&[(1, 9), (1, 4), (0, 4)]), 0);
    assert_eq!(oldest(&[]), 0);
}
