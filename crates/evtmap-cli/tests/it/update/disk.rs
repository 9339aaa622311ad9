//! What the disk does to a cache: full, read-only, damaged; and what two updates or a kill at any point do.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::archive::one_rule;
use crate::program::Folder;
use crate::sample;

const MAP: &str = "map log.csv --cache-dir cache --no-associations -o -  --format jsonl --quiet";
const UPDATE: &str = "update rules --cache-dir cache --from";

fn folder() -> Folder {
    Folder::new().with("log.csv", sample::CSV).with("bad.tar.gz", one_rule(1, "bad"))
}

/// The one file in the cache of that ending.
fn find(folder: &Path, ending: &str) -> std::path::PathBuf {
    let editions = fs::read_dir(folder.join("cache/editions")).unwrap();
    let files = editions.flat_map(|edition| fs::read_dir(edition.unwrap().path()).unwrap());
    let mut found =
        files.map(|file| file.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(ending));
    found.next().unwrap()
}

#[test]
fn a_damaged_cache_is_told_and_replaced_by_what_was_before() {
    let folder = folder().with("odd.tar.gz", one_rule(2, "bad"));
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    folder.check(&format!("{UPDATE} odd.tar.gz"), 0);
    let content = find(folder.path(), "odd.tar.gz");
    let mut bytes = fs::read(&content).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&content, bytes).unwrap();
    let run = folder.check(MAP, 0);
    assert!(run.out.contains("Program 1"), "{}", run.out);
    assert!(run.err.contains("its content is not what it was; those before them are used"), "{}", run.err);
    assert!(run.err.contains("`evtmap update rules --rollback` returns to the earlier ones"), "{}", run.err);
    // Taking it back and fetching anew both mend it.
    folder.check("update rules --rollback --cache-dir cache", 0);
    assert_eq!(folder.check(MAP, 0).err, "");
    folder.check(&format!("{UPDATE} odd.tar.gz"), 0);
    assert!(folder.check(MAP, 0).out.contains("Program 2"));
}

#[test]
fn a_cache_of_which_nothing_is_left_gives_way_to_the_program() {
    let folder = folder();
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    fs::remove_file(find(folder.path(), "manifest.json")).unwrap();
    let run = folder.check(MAP, 0);
    assert!(run.err.contains("manifest.json: it is missing; the program's own are used"), "{}", run.err);
    for text in ["", "{", "[]", r#"{"format": 99}"#] {
        fs::write(folder.path().join("cache/in-use.json"), text).unwrap();
        let run = folder.check(MAP, 0);
        assert!(run.err.contains("in-use.json"), "{text}: {}", run.err);
    }
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let run = folder.check(MAP, 0);
    assert!(run.out.contains("Program 1") && run.err.is_empty(), "{}", run.err);
}

#[test]
fn what_is_kept_of_a_bundle_is_made_anew_when_it_is_damaged() {
    let folder = folder().with("attack.json", sample::ATTACK);
    folder.check("update attack --from attack.json --cache-dir cache", 0);
    let check = || {
        let run = folder.check("map log.csv --cache-dir cache --enrich groups --no-associations", 0);
        assert!(run.out.contains("ATT&CK enterprise-attack 99.9 of 2030-01-01"), "{}", run.out);
        assert_eq!(run.err, "");
    };
    let (catalogue, library) = (find(folder.path(), "catalogue.json"), find(folder.path(), "library.json"));
    let whole = [fs::read(&catalogue).unwrap(), fs::read(&library).unwrap()];
    let other_version = String::from_utf8(whole[0].clone()).unwrap().replacen("evtmap ", "evtmap 9.", 1);
    for damaged in
        [&b""[..], b"{}", &whole[0][1..], &whole[0][..whole[0].len() - 1], other_version.as_bytes()]
    {
        fs::write(&catalogue, damaged).unwrap();
        fs::write(&library, damaged).unwrap();
        check();
        assert!(whole == [fs::read(&catalogue).unwrap(), fs::read(&library).unwrap()]);
    }
    fs::remove_file(&catalogue).unwrap();
    check();
    assert!(catalogue.exists());
    // The bundle itself is what counts.
    fs::write(find(folder.path(), "json.gz"), "x").unwrap();
    fs::remove_file(&catalogue).unwrap();
    let run = folder.check("map log.csv --cache-dir cache", 0);
    assert!(
        run.err.contains("attack.json.gz: its content is not what it was; the program's own are used"),
        "{}",
        run.err
    );
}

#[test]
fn a_name_in_the_cache_leads_nowhere_else() {
    let folder = folder();
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let path = folder.path().join("cache/in-use.json");
    let text = fs::read_to_string(&path).unwrap().replace("rules-", "../editions/rules-");
    fs::write(&path, text).unwrap();
    assert!(folder.check(MAP, 0).err.contains("its name is a path"));
}

#[test]
fn one_update_at_a_time() {
    let folder = folder();
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let lock = File::options().write(true).open(folder.path().join("cache/lock")).unwrap();
    lock.lock().unwrap();
    let run = folder.check(&format!("{UPDATE} bad.tar.gz"), 2);
    assert!(run.err.contains("error: another update is at work in `cache`"), "{}", run.err);
    // Reading waits for nobody.
    assert!(folder.check(MAP, 0).out.contains("Program 1"));
    drop(lock);
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let folder = folder().with("file", "");
    let run = folder.check("update rules --from bad.tar.gz --cache-dir file", 2);
    assert!(run.err.contains("error: cannot make the folder `file"), "{}", run.err);
    assert!(run.err.contains("help: name a folder that may be written to with `--cache-dir`"), "{}", run.err);
    assert!(folder.check("map log.csv --cache-dir file", 0).out.contains("rules from the program"));
}

/// A limit on the size of files stands in for a full disk: both end a write in its midst.
#[cfg(unix)]
#[test]
fn a_full_disk() {
    use std::fmt::Write as _;

    use super::archive::{rule, tar_gz};
    use crate::program::Run;
    // Names that do not compress, so that the archive is larger than the limit.
    let mut text = String::new();
    for number in 0..2000u32 {
        let _ = writeln!(text, "# {:x}", u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let large = tar_gz(&[("rules-main/a.yml", &(rule(2, "bad", "high", "t1059.003") + &text))]);
    assert!(large.len() > 10_000);
    let folder = folder().with("large.tar.gz", large);
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let program = env!("CARGO_BIN_EXE_evtmap");
    let script = format!("trap '' XFSZ; ulimit -f 4; exec {program} {UPDATE} large.tar.gz");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    let run = Run::of(output.unwrap());
    assert_eq!(run.status, 2, "{}", run.err);
    assert!(run.err.contains("error: cannot write `cache/editions/"), "{}", run.err);
    assert!(run.err.contains("help: make room or name another folder"), "{}", run.err);
    assert!(folder.check(MAP, 0).out.contains("Program 1"));
    assert_eq!(folder.names_in("cache/editions").len(), 1);
}

/// Kills an update at 50 points, from its first moment to after its end, and looks each time whether the
/// rules that were in use before or those of the update can be used.
#[test]
fn a_kill_at_any_point_leaves_a_cache_that_works() {
    let folder = folder();
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let begin = Instant::now();
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    let mut whole = begin.elapsed();
    let (mut n_killed, mut n_done) = (0, 0);
    for point in 0..50u32 {
        // Each has a rule of its own, so that it is seen which one is in use.
        let name = format!("{point}.tar.gz");
        fs::write(folder.path().join(&name), one_rule(100 + point, "bad")).unwrap();
        let mut update = folder.command(&format!("{UPDATE} {name}"));
        let mut child = update.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(jittered(whole, point));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = folder.check(MAP, 0);
        assert_eq!(run.err, "", "point {point}");
        assert_eq!(run.out.lines().count(), 1, "point {point}: {}", run.out);
        let is_done = run.out.contains(&format!("\"Program {}\"", 100 + point));
        // A busy machine takes longer than it did at first; so both sides of the switch are reached.
        if is_done {
            n_done += 1;
            whole = whole * 19 / 20;
        } else {
            n_killed += 1;
            whole = whole * 21 / 20;
        }
        assert!(folder.check("rules list --cache-dir cache", 0).err.is_empty());
    }
    // Where all ended on one side of the switch, nothing was shown.
    assert!(n_killed > 0 && n_done > 0, "{n_killed} were killed before the switch, {n_done} after");
    folder.check(&format!("{UPDATE} bad.tar.gz"), 0);
    assert!(folder.names_in("cache/editions").len() <= 2, "{:?}", folder.names_in("cache/editions"));
}

/// A point in time from the beginning of an update to a little after its end.
fn jittered(whole: Duration, point: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let scatter = u32::try_from(RandomState::new().hash_one(point) % 1000).unwrap();
    whole * scatter / 700
}
