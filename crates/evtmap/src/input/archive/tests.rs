//! Archives made in memory: bytes in, the logs that are in them out.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;

use super::*;
use crate::event::Event;
use crate::input::Decoded;
use crate::input::tests::TempFile;

const LINE: &[u8] = b"{\"EventID\": 1, \"Channel\": \"System\"}\n";

fn gz(content: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

fn zst(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, ::zip::write::SimpleFileOptions::default()).unwrap();
        } else {
            let method = if name.contains("stored") {
                ::zip::CompressionMethod::Stored
            } else {
                ::zip::CompressionMethod::Deflated
            };
            let options = ::zip::write::SimpleFileOptions::default().compression_method(method);
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_entry_type(if name.ends_with('/') {
            ::tar::EntryType::Directory
        } else {
            ::tar::EntryType::Regular
        });
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A line for each log: where it is, its kind and how many events it has, or why it cannot be read.
fn dump_within(content: &[u8], limits: limit::Limits) -> String {
    let file = TempFile::new("bin", content);
    let options = InputOptions { timezone: TimeZone::UTC, ..InputOptions::default() };
    let mut text = String::new();
    let mut logs = logs(file.path(), &options);
    logs.limits = limits;
    for log in logs {
        let path = log.path.display().to_string();
        let member = path.split_once('!').map_or("", |(_, member)| member);
        let mark = if log.is_member { "" } else { "= " };
        let told = match log.opened {
            Err(error) => error.to_string(),
            Ok(mut input) => {
                let mut n_events = 0;
                let mut error = String::new();
                while let Some(batch) = input.next_batch() {
                    match batch {
                        Ok(mut batch) => batch.decode(&mut Event::new(), &mut |decoded| {
                            n_events += u32::from(matches!(decoded, Decoded::Event(..)));
                        }),
                        Err(failed) => error = format!(", then {failed}"),
                    }
                }
                format!("{} {n_events}{error}", input.kind())
            }
        };
        text.push_str(&format!("{mark}{member}: {told}\n"));
    }
    text.replace(&file.path().display().to_string(), "F")
}

#[track_caller]
fn check(content: &[u8], expected: &[&str]) {
    let found = dump_within(content, limit::Limits::default());
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn compressed_files() {
    check(LINE, &["= : json 1"]);
    check(&gz(LINE), &["= : json 1"]);
    check(&zst(LINE), &["= : json 1"]);
    // Several one after the other, as programs that rotate logs append them.
    check(&[gz(LINE), gz(LINE)].concat(), &["= : json 2"]);
    check(&[zst(LINE), zst(LINE)].concat(), &["= : json 2"]);
    check(&gz(&gz(LINE)), &["= : json 1"]);
    check(&gz(b""), &["= : `F`: the file is empty"]);
}

#[test]
fn archives() {
    let members: &[(&str, &[u8])] =
        &[("a/", b""), ("a/one.json", LINE), ("read.me", b"hello"), ("stored.log", &LINE.repeat(3))];
    let expected = [
        "a/one.json: json 1",
        "read.me: `F!read.me`: the content is not that of an event log",
        "stored.log: json 3",
    ];
    check(&zip(members), &expected);
    check(&tar(members), &expected);
    check(&gz(&tar(members)), &expected);
    check(&zst(&tar(members)), &expected);
    let long = format!("{}/x.json", "folder/".repeat(40));
    check(&tar(&[(&long, LINE), ("y", LINE)]), &[&format!("{long}: json 1"), "y: json 1"]);
}

#[test]
fn one_in_another_and_no_deeper() {
    let inner = zip(&[("x.json", LINE)]);
    check(&gz(&tar(&[("in.zip", &inner), ("x.gz", &gz(LINE))])), &["in.zip!x.json: json 1", "x.gz: json 1"]);
    check(&zip(&[("in.tgz", &gz(&tar(&[("x", LINE)]))), ("y", LINE)]), &["in.tgz!x: json 1", "y: json 1"]);
    check(
        &zip(&[("in.zip", &zip(&[("deep.gz", &gz(LINE)), ("x", LINE)]))]),
        &["in.zip!deep.gz: `F!in.zip!deep.gz`: archives lie deeper than 2 in each other", "in.zip!x: json 1"],
    );
}

#[test]
fn an_archive_without_a_log_is_told_of() {
    check(
        &zip(&[("read.me", b"hello")]),
        &[
            "read.me: `F!read.me`: the content is not that of an event log",
            "= : `F`: there is no event log in it",
        ],
    );
    check(&zip(&[]), &["= : `F`: there is no event log in it"]);
}

#[test]
fn damage_costs_what_is_damaged() {
    let lines: Vec<u8> = (0..20_000_u32)
        .flat_map(|n| {
            format!("{{\"EventID\": 1, \"Channel\": \"{}\"}}\n", n.wrapping_mul(2_654_435_761)).into_bytes()
        })
        .collect();
    let cut = |packed: &[u8]| dump_within(&packed[..packed.len() / 2], limit::Limits::default());
    for packed in [gz(&lines), zst(&lines), gz(&tar(&[("x", &lines)]))] {
        let found = cut(&packed);
        let n_events: u32 =
            found.split(' ').find_map(|word| word.trim_end_matches(',').parse().ok()).unwrap();
        assert!((5_000..15_000).contains(&n_events), "{found}");
        assert!(found.contains("what is packed is damaged or cut off"), "{found}");
    }
    assert!(cut(&zip(&[("x", &lines)])).starts_with("= : `F`: what is packed is damaged or cut off"));
    // A wrong checksum is told after the events.
    let mut wrong = zip(&[("stored", LINE), ("y", LINE)]);
    let at = wrong.windows(6).position(|bytes| bytes == b"System").unwrap();
    wrong[at] = b's';
    check(
        &wrong,
        &[
            "stored: json 1, then `F!stored`: what is packed is damaged or cut off: the checksum is wrong",
            "y: json 1",
        ],
    );
}

#[test]
fn bombs_are_cut_off() {
    let limits = limit::Limits { free: 1 << 20, ratio: 10, members: 3 };
    let lines = LINE.repeat(1 << 20);
    let told = "give more than";
    for packed in [gz(&lines), zst(&lines), zip(&[("x", &lines)]), gz(&gz(&lines))] {
        let found = dump_within(&packed, limits);
        assert!(found.contains(told) && found.contains(", then "), "{found}");
    }
    // The members count together.
    let half = LINE.repeat(20_000);
    let found = dump_within(&zip(&[("x", &half), ("y", &half)]), limits);
    assert!(found.starts_with("x: json 20000\ny: json ") && found.contains(told), "{found}");
    let many: Vec<(String, &[u8])> = (0..4).map(|n| (n.to_string(), LINE)).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    assert_eq!(dump_within(&zip(&many), limits), "= : `F`: the archive has 4 members, more than 3\n");
    assert!(dump_within(&tar(&many), limits).ends_with("= : `F`: the archive has more than 3 members\n"));
}

#[test]
fn what_is_not_unpacked_says_so() {
    check(b"BZh91AY&SY", &["= : `F`: the file is packed by bzip2, which is not read"]);
    check(b"\xfd7zXZ\0...", &["= : `F`: the file is packed by xz, which is not read"]);
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = ::zip::write::SimpleFileOptions::default();
    writer.add_symlink("link", "/etc/passwd", options).unwrap();
    let found = dump_within(&writer.finish().unwrap().into_inner(), limit::Limits::default());
    assert!(found.starts_with("link: `F!link`: it is a link to another file"), "{found}");
}

/// Damaged at random, everything ends and nothing panics.
#[test]
fn damage_never_stops_the_program() {
    let lines = LINE.repeat(100);
    let inner = zip(&[("a", &lines), ("stored", &lines)]);
    let samples = [
        gz(&lines),
        zst(&lines),
        inner.clone(),
        gz(&tar(&[("x", &inner), ("y", &lines)])),
        tar(&[("x", &inner)]),
    ];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let limits = limit::Limits { free: 1 << 20, ratio: 10, members: 100 };
    for sample in &samples {
        for _ in 0..100 {
            let mut damaged = sample.clone();
            for _ in 0..3 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = usize::try_from(random >> 32).unwrap() % damaged.len();
                damaged[at] = random.to_le_bytes()[0];
            }
            dump_within(&damaged, limits);
        }
    }
}
