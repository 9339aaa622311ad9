//! The summary, whole, and its colours.

use std::fs;
use std::path::Path;

use evtx_fixture::{Damage, Writer};

use crate::program::{Folder, Run, slashes};
use crate::sample::{self, logon, process};

const RULES: &str = "\
title: Worse Program
id: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f0003
author: Cleo Example
level: critical
tags: [attack.credential-access, attack.t1003.001, attack.t9999]
logsource: {product: windows, category: process_creation}
detection:
    selection:
        CommandLine|contains: worse
    condition: selection
---
title: Of Long Ago
status: deprecated
logsource: {product: windows, category: process_creation}
detection: {selection: {CommandLine: x}, condition: selection}
---
title: Without Its Selection
logsource: {product: windows, category: process_creation}
detection: {selection: {CommandLine: x}, condition: nothing}
";

/// A folder in which there is something of everything that a summary tells.
fn folder() -> Folder {
    let events = [
        logon("08:00:00", "WS01", "ada"),
        process("08:01:00", "WS01", "ada", "bad.exe"),
        process("08:02:00", "WS01", "ada", "bad.exe again"),
        process("08:03:00", "WS02", "bob", "odd.exe"),
        process("08:04:00", "DC01", "bob", "worse.exe"),
        process("08:05:00", "DC01", "bob", "notepad.exe"),
    ];
    let cut = sample::write(Writer::new().damage(Damage::RecordMagic(2)), &events);
    Folder::new()
        .with("rules/a.yml", sample::RULES)
        .with("rules/b.yml", RULES)
        .with("logs/a.evtx", sample::evtx(&events))
        .with("logs/b.evtx", cut)
        .with("logs/c.csv", sample::CSV)
        .with("logs/notes.txt", "dear diary")
}

/// With `EVTMAP_BLESS` in the environment the summary that the program writes becomes the expected one.
#[test]
fn the_whole_summary() {
    let run = folder().check("map logs missing.evtx --rules rules", 2);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/summary.txt");
    if std::env::var_os("EVTMAP_BLESS").is_some() {
        fs::write(&path, &run.out).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let found = slashes(&run.out);
    assert!(found == expected, "run again with EVTMAP_BLESS=1 if this is as it should be:\n{found}");
}

#[test]
fn colours_when_asked_for() {
    let folder = folder();
    let colours = |arguments: &str, variables: &[(&str, &str)]| {
        let mut command = folder.command(&format!("map logs --rules rules {arguments}"));
        let run = Run::of(command.envs(variables.iter().copied()).output().unwrap());
        assert_eq!(run.status, 0, "{}", run.err);
        run.out.contains('\u{1b}')
    };
    // A pipe is no terminal.
    assert!(!colours("", &[]));
    assert!(!colours("--color never", &[]));
    assert!(colours("--color always", &[]));
    assert!(!colours("", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(colours("--color always", &[("NO_COLOR", "1")]));
    assert!(!colours("--color never", &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn colours_never_get_into_a_report() {
    let folder = folder();
    folder.check("map logs --rules rules --color always -o out.csv -o out.json -o out.jsonl", 0);
    for name in ["out.csv", "out.json", "out.jsonl"] {
        assert!(!folder.read(name).contains('\u{1b}'), "{name}");
    }
}

#[test]
fn no_progress_in_a_pipe() {
    assert_eq!(folder().check("map logs --rules rules", 0).err, "");
}

#[test]
fn help_says_what_there_is() {
    let folder = Folder::new();
    let help = folder.check("map --help", 0).out;
    for option in ["--output", "--rules", "--attack", "--cache-dir", "--threads", "--min-severity", "--since"]
    {
        assert!(help.contains(option), "{option}");
    }
    assert!(folder.check("--version", 0).out.starts_with("evtmap "));
    folder.check("", 2);
    folder.check("map", 2);
}
