//! Where reports go: files that appear whole or not at all, and standard output for other programs.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::program::{Folder, Run};
use crate::sample;

fn folder() -> Folder {
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::log())
}

#[test]
fn several_reports_at_once() {
    let folder = folder();
    let run =
        folder.check("map log.evtx --rules rules.yml -o a.csv -o b.json -o c.jsonl -o d.txt --format csv", 0);
    assert!(run.out.contains("3 detections"), "{}", run.out);
    assert_eq!(folder.read("c.jsonl").lines().count(), 5);
    assert_eq!(folder.read("a.csv"), folder.read("d.txt"));
    let report: serde_json::Value = serde_json::from_str(&folder.read("b.json")).unwrap();
    assert_eq!(report["alerts"].as_array().unwrap().len(), 5);
    assert_eq!(report["summary"]["detections"], 3);
    assert_eq!(folder.names(), ["a.csv", "b.json", "c.jsonl", "d.txt", "log.evtx", "rules.yml"]);
}

#[test]
fn standard_output_holds_the_report_alone() {
    let run = folder().check("map log.evtx --rules rules.yml -o - --format jsonl", 0);
    assert_eq!(run.out.lines().count(), 5);
    for line in run.out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(run.err.contains("3 detections: 2 high, 1 low"), "{}", run.err);
}

#[test]
fn standard_output_needs_a_format_and_takes_one_report() {
    let run = folder().check("map log.evtx -o -", 2);
    assert!(run.err.contains("error: standard output needs `--format`"), "{}", run.err);
    assert!(run.err.contains("help: the formats are bulk, csv, ecs, html, json, jsonl"), "{}", run.err);
    let run = folder().check("map log.evtx -o - -o - --format csv", 2);
    assert!(run.err.contains("only one report can go to standard output"), "{}", run.err);
}

/// What runs every day keeps what it wrote the day before; a format without a report is a mistake.
#[test]
fn names_with_the_day_and_formats_of_nothing() {
    let folder = folder();
    folder.check("map log.evtx --rules rules.yml -q -o alerts-{date}T{time}.csv -o {other}.csv", 0);
    assert!(folder.read("alerts-2026-08-10T120000.csv").contains("Bad Program"));
    assert!(folder.names().contains(&"{other}.csv".to_owned()));
    let run = folder.check("map log.evtx --rules rules.yml --format csv", 2);
    assert!(run.err.contains("error: `--format csv` is for a report, and none is asked for"), "{}", run.err);
}

#[test]
fn an_unknown_format() {
    let run = folder().check("map log.evtx -o out.xyz", 2);
    assert!(run.err.contains("error: the name of `out.xyz` does not tell the format"), "{}", run.err);
    let run = folder().check("map log.evtx -o - --format xyz", 2);
    assert!(run.err.contains("invalid value 'xyz'"), "{}", run.err);
}

#[test]
fn an_output_that_cannot_be_written() {
    let folder = folder().with("file", "");
    for (path, reason) in [("no/such/folder/out.csv", "there is no such folder"), ("file/out.csv", "")] {
        let message = format!("error: cannot write `{path}`: {reason}");
        // The other reports are written all the same …
        let run = folder.check(&format!("map log.evtx --rules rules.yml -o ok.jsonl -o {path}"), 2);
        assert!(run.err.contains(&message), "{}", run.err);
        assert!(run.out.contains("3 detections"), "{}", run.out);
        assert!(!folder.read("ok.jsonl").is_empty());
        // … but nothing is read when there is none.
        let run = folder.check(&format!("map log.evtx --rules rules.yml -o {path}"), 2);
        assert!(run.err.contains(&message), "{}", run.err);
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_report_never_replaces_a_log() {
    let folder = folder().with("log.csv", sample::CSV);
    let run = folder.check("map log.evtx log.csv --rules rules.yml -o ./log.csv", 2);
    assert!(run.err.contains("error: `./log.csv` is an input"), "{}", run.err);
    assert_eq!(folder.read("log.csv"), sample::CSV);
    // The report of an earlier run may lie among the logs.
    for _ in 0..2 {
        folder.check("map . --rules rules.yml -o report.csv -o report.jsonl", 0);
    }
    folder.check("map . --rules rules.yml -o log.csv", 2);
    assert_eq!(folder.read("log.csv"), sample::CSV);
}

#[test]
fn a_run_that_fails_leaves_files_as_they_were() {
    let folder = folder().with("out.csv", "of yesterday");
    folder.check("map log.evtx --rules missing.yml -o out.csv", 2);
    assert_eq!(folder.read("out.csv"), "of yesterday");
    folder.check("map log.evtx --rules rules.yml -o out.csv", 0);
    assert!(folder.read("out.csv").starts_with("timestamp,"));
}

/// Reads one line of the program's output and goes away, as `| head -1` does.
fn head(folder: &Folder, arguments: &str) -> (String, Run) {
    let mut command = folder.command(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (line, Run::of(child.wait_with_output().unwrap()))
}

/// The formats that write alerts as they come, so that a reader can go away in the middle.
fn streamed_formats() -> [&'static str; 10] {
    ["jsonl", "json", "csv", "bulk", "ecs", "ocsf", "sarif", "splunk", "stix", "timesketch"]
}

#[test]
fn a_closed_pipe_is_no_error_to_tell() {
    for format in streamed_formats() {
        let folder = Folder::new().with("rules.yml", sample::RULES).with("log.evtx", sample::long_log(2000));
        let arguments = format!("map log.evtx --rules rules.yml --all-events -o - --format {format}");
        let (line, run) = head(&folder, &arguments);
        assert!(!line.is_empty());
        assert_eq!((run.err.as_str(), run.status), ("", 0), "{format}");
        // A report that goes to a file is written all the same.
        let (_, run) = head(&folder, &format!("{arguments} -o out.csv"));
        assert!(!run.err.contains("error"), "{}", run.err);
        assert!(folder.read("out.csv").starts_with("timestamp,"));
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_not_replaced() {
    use std::io::Read as _;
    let folder = folder();
    let pipe = folder.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child = folder.command("map log.evtx --rules rules.yml -q -o pipe.csv").spawn().unwrap();
    let mut text = String::new();
    std::fs::File::open(&pipe).unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text.lines().count(), 6);
}

/// Ends the program with a signal while it waits for more of its input, and gives its status and the files it leaves.
#[cfg(unix)]
fn ended_by(signal: &str, is_ignored: bool) -> (Option<i32>, Vec<String>) {
    use std::process::Command;
    use std::time::{Duration, Instant};
    let folder = Folder::new().with("rules.yml", sample::RULES).with("tmp/x", "");
    let command = folder.command("map - --rules rules.yml -q -o a.csv -o a.sqlite -o a.parquet");
    let mut shell = Command::new("sh");
    let trap = if is_ignored { format!("trap '' {signal}; ") } else { String::new() };
    shell.arg("-c").arg(format!("{trap}exec \"$@\"")).arg("sh").arg(command.get_program());
    shell.args(command.get_args()).current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
    shell.env("HOME", folder.path().join("tmp"));
    let mut child = shell.stdin(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    let partial = || folder.names().iter().filter(|name| name.ends_with(".partial")).count();
    while partial() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", folder.names());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
    let mut input = child.stdin.take();
    // It goes on where the signal means nothing.
    if is_ignored {
        std::thread::sleep(Duration::from_millis(200));
        std::io::Write::write_all(input.as_mut().unwrap(), sample::CSV.as_bytes()).unwrap();
        input.take();
    }
    let status = child.wait().unwrap();
    let status =
        std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal).or(status.code());
    let databases = folder.names_in("tmp").into_iter().filter(|name| name.ends_with(".sqlite"));
    (status, folder.names().into_iter().chain(databases).collect())
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing_behind() {
    // What this test is to ignore itself, as one behind `nohup` is, the program ignores as well.
    let own = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored =
        own.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let Some(ignored) = ignored else { return };
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if ignored >> (status - 129) & 1 == 1 {
            continue;
        }
        assert_eq!(ended_by(signal, false), (Some(status), vec!["rules.yml".to_owned(), "tmp".to_owned()]));
    }
    let (status, names) = ended_by("HUP", true);
    assert_eq!(
        (status, names),
        (Some(0), ["a.csv", "a.parquet", "a.sqlite", "rules.yml", "tmp"].map(str::to_owned).to_vec())
    );
}

/// Who made a report private, or a link to where it is kept, finds it so.
#[cfg(unix)]
#[test]
fn a_report_that_is_replaced_keeps_its_rights_and_its_place() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = folder().with("private.csv", "").with("kept/real.csv", "");
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(path("private.csv"), fs::Permissions::from_mode(0o660)).unwrap();
    symlink("kept/real.csv", path("link.csv")).unwrap();
    folder.check("map log.evtx --rules rules.yml -q -o private.csv -o link.csv", 0);
    assert_eq!(mode("private.csv"), 0o660);
    assert!(path("link.csv").is_symlink());
    assert_eq!(folder.read("kept/real.csv"), folder.read("private.csv"));
}

#[test]
fn quiet_prints_errors_only() {
    let folder = folder();
    let run = folder.check("map log.evtx --rules rules.yml --quiet", 0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    let run = folder.check("map log.evtx missing.evtx --rules rules.yml --quiet", 2);
    assert_eq!(run.out, "");
    assert!(run.err.contains("`missing.evtx`"), "{}", run.err);
}
