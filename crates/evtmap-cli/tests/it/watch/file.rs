//! Files that grow, are rotated, cut and overwritten; folders; standard input.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::process::Stdio;

use evtx_fixture::{Damage, Event, Writer};

use super::{Watching, append, check_like_map, folder, line, lines, wait_for_numbers};
use crate::program::Folder;
use crate::sample;

#[test]
fn what_is_there_already_is_not_looked_at_but_what_came_since_is() {
    let folder = folder();
    append(&folder, "log.jsonl", &lines(0..3));
    append(&folder, "log.jsonl", line(100).trim_end());
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    assert!(watching.err().contains("what is there already is not looked at"), "{}", watching.err());
    append(&folder, "log.jsonl", &format!("\n{}", lines(101..103)));
    wait_for_numbers(&folder, "alerts.jsonl", 100..103);
    watching.stop();
    append(&folder, "log.jsonl", &lines(103..105));
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    assert!(watching.err().contains("from where the last run ended"), "{}", watching.err());
    wait_for_numbers(&folder, "alerts.jsonl", 100..105);
    watching.stop();
    // Lines are numbered as in the whole file.
    assert!(folder.read("alerts.jsonl").contains(r#""path":"log.jsonl","position":4"#));
}

#[test]
fn a_rotated_file_is_read_to_its_end() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl --from-start");
    append(&folder, "log.jsonl", &lines(0..5));
    wait_for_numbers(&folder, "alerts.jsonl", 0..5);
    // While it is at work, and somebody still writes to the old one.
    fs::rename(path("log.jsonl"), path("log.1")).unwrap();
    append(&folder, "log.1", &lines(5..7));
    append(&folder, "log.jsonl", &lines(7..9));
    wait_for_numbers(&folder, "alerts.jsonl", 0..9);
    append(&folder, "log.1", &lines(9..10));
    wait_for_numbers(&folder, "alerts.jsonl", 0..10);
    let err = watching.stop();
    assert!(err.contains("another file took the place of this one"), "{err}");
    // While it is not.
    append(&folder, "log.jsonl", &lines(10..12));
    fs::rename(path("log.jsonl"), path("log.2")).unwrap();
    append(&folder, "log.jsonl", &lines(12..14));
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    wait_for_numbers(&folder, "alerts.jsonl", 0..14);
    watching.stop();
    // And then the old one is gone.
    fs::write(path("log.new"), lines(14..15)).unwrap();
    fs::rename(path("log.new"), path("log.jsonl")).unwrap();
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    wait_for_numbers(&folder, "alerts.jsonl", 0..15);
    let err = watching.stop();
    assert!(err.contains("1 problem with records lost `watch-rotated-away`"), "{err}");
}

#[test]
fn a_file_that_is_cut_is_read_from_its_start() {
    let folder = folder();
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl --from-start");
    append(&folder, "log.jsonl", &lines(0..50));
    wait_for_numbers(&folder, "alerts.jsonl", 0..50);
    File::options().write(true).open(folder.path().join("log.jsonl")).unwrap().set_len(0).unwrap();
    append(&folder, "log.jsonl", &lines(50..53));
    wait_for_numbers(&folder, "alerts.jsonl", 0..53);
    let err = watching.stop();
    assert!(err.contains("read from its start"), "{err}");
    assert!(err.contains("`watch-truncated` in 1 file"), "{err}");
    // Written anew while nobody looked, and longer than before.
    fs::write(folder.path().join("log.jsonl"), lines(53..70)).unwrap();
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    wait_for_numbers(&folder, "alerts.jsonl", 0..70);
    let err = watching.stop();
    assert!(err.contains("`watch-replaced` in 1 file"), "{err}");
}

#[test]
fn a_folder_with_files_that_come_and_are_renamed() {
    let folder =
        folder().with("logs/a.jsonl", lines(900..910)).with("logs/notes.txt", "dear diary\nno log\n");
    // The file of alerts lies in the folder too, and is no log.
    let arguments = "logs -o logs/alerts.jsonl --rotate 1M";
    let watching = Watching::begin(&folder, arguments);
    append(&folder, "logs/a.jsonl", &lines(0..2));
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..2);
    append(&folder, "logs/b.jsonl", &lines(2..4));
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..4);
    fs::create_dir(folder.path().join("logs/deeper")).unwrap();
    append(&folder, "logs/deeper/c.jsonl", &lines(4..5));
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..5);
    fs::rename(folder.path().join("logs/a.jsonl"), folder.path().join("logs/a.jsonl.1")).unwrap();
    append(&folder, "logs/a.jsonl", &lines(5..7));
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..7);
    append(&folder, "logs/a.jsonl.1", &lines(7..8));
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..8);
    let err = watching.stop();
    assert!(err.contains("only event logs (.evtx) and JSON lines can be followed"), "{err}");
    // A file that came meanwhile is new.
    append(&folder, "logs/d.jsonl", &lines(8..9));
    let watching = Watching::begin(&folder, arguments);
    wait_for_numbers(&folder, "logs/alerts.jsonl", 0..9);
    watching.stop();
}

/// Whoever watches them would wait in vain.
#[test]
fn files_that_cannot_be_followed_are_told_by_what_they_are() {
    let wide: Vec<u8> =
        [0xfeff].into_iter().chain(line(1).encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let table = "Level,Date and Time,Source,Event ID,Task Category\nInformation,3/2/2026 8:00:00 AM,Microsoft-Windows-Security-Auditing,4688,Process Creation\n";
    let xml = "<Events>\n<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>1</EventID></System></Event>\n</Events>\n";
    let array = format!("[\n{}]\n", line(1));
    for (content, expected) in [
        (wide, "the file is in UTF-16"),
        (table.into(), "the file is a table (CSV)"),
        (xml.into(), "the file is XML"),
        (array.into(), "the file is JSON, but not an object a line"),
    ] {
        let folder = folder().with("log", content);
        let watching = Watching::begin(&folder, "log --from-start -o alerts.jsonl");
        watching.wait_for(expected);
        let err = watching.stop();
        assert!(err.contains("1 file: "), "{err}");
    }
}

#[test]
fn without_the_system_telling() {
    let folder = folder();
    let watching = Watching::begin(&folder, "log.jsonl --poll 0.1 -o alerts.jsonl");
    append(&folder, "log.jsonl", &lines(0..5));
    wait_for_numbers(&folder, "alerts.jsonl", 0..5);
    watching.stop();
}

#[test]
fn standard_input_to_its_end() {
    let folder = folder();
    let mut command = folder.command("watch - --rules rules.yml -o alerts.jsonl --quiet");
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines(0..500).as_bytes()).unwrap();
    wait_for_numbers(&folder, "alerts.jsonl", 0..500);
    stdin.write_all(line(500).trim_end().as_bytes()).unwrap();
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    wait_for_numbers(&folder, "alerts.jsonl", 0..501);
}

#[test]
fn lines_on_the_terminal_do_not_steer_it() {
    let folder = folder();
    let hostile = line(1).replace("WS01", "WS\\u001b[31m01");
    append(&folder, "log.jsonl", &hostile);
    let mut command = folder.command("watch - --rules rules.yml --quiet");
    let input = File::open(folder.path().join("log.jsonl")).unwrap();
    let output = command.stdin(input).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        text,
        "2026-03-02T08:00:00.000001Z  high           Bad Program  WS\u{fffd}[31m01  T1059.003  (rule by Ada Example)\n"
    );
}

/// Writes a log over what is there, as Windows does: in place, the header stale.
fn write_log(folder: &Folder, name: &str, bytes: &[u8]) {
    let mut file =
        File::options().create(true).truncate(false).write(true).open(folder.path().join(name)).unwrap();
    // The chunks come first and the header last.
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&bytes[4096..]).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.write_all(&bytes[..4096]).unwrap();
}

fn programs(numbers: std::ops::Range<usize>) -> Vec<Event> {
    let event = |n: usize| {
        let mut event = sample::process("08:00:00", "WS01", "ada", &format!("bad.exe {n}"));
        event.record_id = Some(n as u64 + 1);
        event
    };
    numbers.map(event).collect()
}

fn log(numbers: std::ops::Range<usize>) -> Vec<u8> {
    sample::write(Writer::new().damage(Damage::DirtyHeader), &programs(numbers))
}

#[test]
fn an_event_log_that_grows_in_place() {
    let folder = folder();
    let watch = || Watching::begin(&folder, "log.evtx -o alerts.jsonl");
    let mut watching = watch();
    // The first is there before the file is, as it were: a new file is read from its start.
    for n in [1, 2, 3, 40, 41, 300, 301, 700] {
        write_log(&folder, "log.evtx", &log(0..n));
        wait_for_numbers(&folder, "alerts.jsonl", 0..n);
        if n == 41 {
            watching.kill();
            watching = watch();
        }
    }
    watching.stop();
    assert!(fs::metadata(folder.path().join("log.evtx")).unwrap().len() > 3 * 65_536);
    check_like_map(&folder, "log.evtx", "alerts.jsonl");
}

#[test]
fn an_event_log_that_is_full_and_one_that_is_cleared() {
    const CHUNK: usize = 65_536;
    let folder = folder();
    let whole = log(0..1000);
    let slots = |chunks: &[usize]| -> Vec<u8> {
        let chunk = |n: &usize| whole[4096 + n * CHUNK..4096 + (n + 1) * CHUNK].to_vec();
        let chunks: Vec<u8> = chunks.iter().flat_map(chunk).collect();
        [&whole[..4096], &chunks].concat()
    };
    // How many records the first so many chunks hold.
    let n_in = |n: usize| {
        let header = &whole[4096 + (n - 1) * CHUNK..][..512];
        usize::try_from(u64::from_le_bytes(header[32..40].try_into().unwrap())).unwrap()
    };
    write_log(&folder, "log.evtx", &slots(&[0, 1]));
    let watching = Watching::begin(&folder, "log.evtx -o alerts.jsonl --from-start");
    wait_for_numbers(&folder, "alerts.jsonl", 0..n_in(2));
    // The third takes the place of the first, and the fourth that of the second.
    write_log(&folder, "log.evtx", &slots(&[2, 1]));
    wait_for_numbers(&folder, "alerts.jsonl", 0..n_in(3));
    write_log(&folder, "log.evtx", &slots(&[2, 3]));
    wait_for_numbers(&folder, "alerts.jsonl", 0..n_in(4));
    watching.stop();
    // Numbers begin anew.
    fs::write(folder.path().join("log.evtx"), log(0..5)).unwrap();
    let watching = Watching::begin(&folder, "log.evtx -o alerts.jsonl");
    let n = n_in(4) + 5;
    super::wait(|| super::numbers(&folder, "alerts.jsonl").len() == n, || format!("{n} alerts"));
    let err = watching.stop();
    assert!(err.contains("the log begins anew"), "{err}");
    // More was overwritten than could be read.
    fs::write(folder.path().join("log.evtx"), slots(&[3])).unwrap();
    let watching = Watching::begin(&folder, "log.evtx -o alerts.jsonl");
    watching.wait_for("were overwritten before they were read");
    let n = n + n_in(4) - n_in(3);
    super::wait(|| super::numbers(&folder, "alerts.jsonl").len() == n, || format!("{n} alerts"));
    watching.stop();
}
