//! What is watched and told by default, by option, and by `evtmap.toml`.

use std::fs::File;

use super::{Watching, append, folder, line, lines, wait_for_numbers};

#[cfg(not(windows))]
#[test]
fn channels_elsewhere_than_on_windows() {
    let folder = folder();
    let run = folder.check("watch --live Security --rules rules.yml", 2);
    assert!(
        run.err.contains("cannot read the event log: the live log exists on Windows only"),
        "{}",
        run.err
    );
    for output in ["eventlog:", "toast:"] {
        let run = folder.check(&format!("watch log.jsonl --rules rules.yml --state state -o {output}"), 2);
        assert!(run.err.contains("on Windows only"), "{}", run.err);
    }
}

#[test]
fn nothing_to_watch() {
    let folder = folder();
    let run = folder.check("watch --rules rules.yml", 2);
    assert!(run.err.contains("nothing is named that is to be watched"), "{}", run.err);
    assert!(run.err.contains("--live CHANNEL"), "{}", run.err);
}

#[test]
fn options_about_what_is_not_asked_for() {
    let folder = folder();
    for (options, expected) in [
        ("--xpath *", "`--xpath` is for `--live`"),
        ("--keep 3", "`--keep` is for `--rotate`"),
        ("--metrics-open", "`--metrics-open` is for `--metrics`"),
    ] {
        let run = folder.check(&format!("watch log.jsonl --rules rules.yml {options}"), 2);
        assert!(run.err.contains(expected), "{}", run.err);
    }
}

/// What is written is JSON lines, and a name that says something else is a mistake.
#[test]
fn a_name_of_another_format_is_refused() {
    let folder = folder();
    let run = folder.check("watch log.jsonl --rules rules.yml -o alerts.html", 2);
    let expected = "error: `alerts.html` has the name of a report in html, and `watch` writes JSON lines";
    assert!(run.err.contains(expected), "{}", run.err);
    assert!(printed("").1.contains("; all that comes is looked at;"), "{}", printed("").1);
}

/// A channel that is named as a file would be waited for in vain.
#[test]
fn a_name_that_may_be_a_channel_is_remarked() {
    let folder = folder();
    let watching = Watching::begin(&folder, "Security");
    assert!(watching.err().contains("there is no file `Security` yet"), "{}", watching.err());
    assert!(watching.err().contains("`--live Security`"), "{}", watching.err());
}

/// What a watch of these lines prints, with more options.
fn printed(options: &str) -> (String, String) {
    let folder = folder();
    let association = line(1).replace("4688", "4720").replace("bad.exe", "good.exe");
    append(&folder, "log.jsonl", &format!("{}{association}", line(0)));
    let mut command = folder.command(&format!("watch - --rules rules.yml {options}"));
    let output = command.stdin(File::open(folder.path().join("log.jsonl")).unwrap()).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_terminal_shows_detections_and_on_request_associations() {
    let (out, err) = printed("");
    assert!(out.contains("Bad Program") && !out.contains("event id only"), "{out}");
    assert!(err.contains("is counted and not shown (`--associations` shows it)"), "{err}");
    assert!(err.contains("1 detection, 1 association"), "{err}");
    let (out, err) = printed("--associations");
    assert!(out.contains("Bad Program") && out.contains("event id only"), "{out}");
    assert!(!err.contains("not shown"), "{err}");
    let (out, err) = printed("--no-associations");
    assert!(!out.contains("event id only") && !err.contains("association"), "{out}{err}");
    // Programs are told all of it.
    let (out, err) = printed("-o -");
    assert!(out.contains(r#""kind":"association""#) && !err.contains("not shown"), "{out}{err}");
}

const CONFIG: &str = r#"
[watch]
inputs = ["log.jsonl"]
outputs = ["alerts.jsonl"]
state = "remembered"
rotate = "1M"
keep = 2
poll = 0.1
associations = false
"#;

#[test]
fn the_configuration_says_what_is_watched() {
    let folder = folder().with("evtmap.toml", CONFIG);
    let watching = Watching::begin(&folder, "");
    append(&folder, "log.jsonl", &lines(0..3));
    wait_for_numbers(&folder, "alerts.jsonl", 0..3);
    let err = watching.stop();
    assert!(err.contains("3 events, 3 detections") && !err.contains("association"), "{err}");
    assert!(folder.path().join("remembered/watch.json").is_file());
    // An option takes the place of what the table says.
    let watching = Watching::begin(&folder, "--from-start -o other.jsonl --state other");
    wait_for_numbers(&folder, "other.jsonl", 0..3);
    watching.stop();
}

/// A configuration in a folder of evidence does not say where alerts go.
#[test]
fn who_names_something_is_not_given_the_configurations_outputs() {
    let folder = folder().with("evtmap.toml", CONFIG);
    let watching = Watching::begin(&folder, "log.jsonl");
    assert!(watching.err().contains("nothing is remembered for the next run"), "{}", watching.err());
    drop(watching);
    assert!(!folder.path().join("alerts.jsonl").exists() && !folder.path().join("remembered").exists());
}

#[test]
fn what_is_wrong_in_the_table_is_told_with_its_place() {
    for (config, expected) in [
        (
            "[watch]\nrotate = \"much\"\n",
            "line 2, column 10: write a number of bytes such as 500k, 100m or 1g",
        ),
        ("[watch]\npoll = 0\n", "it is a number of seconds"),
        ("[watch]\nchannels = []\n", "unknown key `channels`"),
        ("[watch]\ntimezone = \"Nowhere\"\n", "`[watch]`: "),
    ] {
        let folder = folder().with("evtmap.toml", config);
        let run = folder.check("config check", 2);
        assert!(run.err.contains(expected), "{}", run.err);
    }
}
