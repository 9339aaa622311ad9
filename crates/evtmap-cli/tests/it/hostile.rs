//! Text that an attacker writes into a log or a rule: it is shown, and does nothing.

use crate::program::Folder;
use crate::sample::{self, process};

const FORMULA: &str = "=cmd|'/c calc'!A1";

/// A folder with a log whose computer, user and command line are not what they should be.
fn folder(computer: &str, user: &str, command_line: &str) -> Folder {
    let log = sample::evtx(&[process("08:00:00", computer, user, &format!("bad {command_line}"))]);
    Folder::new().with("rules.yml", sample::RULES).with("log.evtx", log)
}

fn is_steering(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn the_summary_steers_no_terminal() {
    for text in [
        "a\u{1b}[2J\u{1b}]0;title\u{7}b",
        "a\u{202e}b\u{2066}\u{61c}",
        "a\r\nerror: all is well\u{85}b",
        "\u{9b}31m",
    ] {
        let escaped: String = text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
        let rules = sample::RULES.replace("Bad Program", &format!("\"{escaped}\""));
        let folder = folder(text, text, text).with("rules.yml", rules);
        let run = folder.check("map log.evtx --rules rules.yml", 0);
        assert!(run.out.contains("1 detection: 1 high"), "{:?}", run.out);
        assert!(!run.out.contains(is_steering), "{:?}", run.out);
        assert!(!run.err.contains(is_steering), "{:?}", run.err);
        assert!(!run.out.contains("\nerror: all"), "{}", run.out);
    }
}

#[test]
fn names_of_files_steer_no_terminal() {
    let folder =
        folder("WS01", "ada", "").with("a\u{1b}[31m\u{202e}.evtx", "").with("logs/b\u{1b}[31m", "text");
    let mut command = folder.command("map logs --rules rules.yml");
    let run = crate::program::Run::of(command.arg("a\u{1b}[31m\u{202e}.evtx").output().unwrap());
    assert_eq!(run.status, 2);
    assert!(run.err.contains("a\u{fffd}[31m"), "{:?}", run.err);
    assert!(run.out.contains("b\u{fffd}[31m"), "{:?}", run.out);
    assert!(!run.out.contains(is_steering) && !run.err.contains(is_steering), "{:?} {:?}", run.out, run.err);
}

/// The cells of the first row of the table that a run writes.
fn cells(folder: &Folder, options: &str) -> Vec<String> {
    folder.check(&format!("map log.evtx --rules rules.yml -o out.csv {options}"), 0);
    let text = folder.read("out.csv");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let row = table.records().next().unwrap().unwrap();
    row.iter().map(str::to_owned).collect()
}

#[test]
fn formulas_in_a_table_are_text() {
    let folder = folder(FORMULA, "@SUM(1+1)", FORMULA)
        .with("rules.yml", sample::RULES.replace("Bad Program", "'+1+1'").replace("Ada Example", "'-2+3'"));
    let row = cells(&folder, "");
    assert_eq!(
        [&row[1], &row[2], &row[13], &row[14]],
        [&format!("'{FORMULA}"), "'@SUM(1+1)", "'+1+1", "'-2+3"]
    );
    let row = cells(&folder, "--raw-csv");
    assert_eq!([&row[1], &row[2], &row[13], &row[14]], [FORMULA, "@SUM(1+1)", "+1+1", "-2+3"]);
}

#[test]
fn no_cell_of_a_table_ends_its_row() {
    let folder = folder("WS01", "ada\r\n2026-03-02,", "\"one\",\n=two");
    let row = cells(&folder, "");
    assert_eq!(row.len(), 23);
    assert_eq!(row[2], "ada\r\n2026-03-02,");
    assert!(row[11].ends_with("CommandLine: bad \"one\",\n=two"), "{}", row[11]);
}

/// A message that is a formula, in an export, is its cell's whole content.
#[test]
fn messages_of_an_export_are_text() {
    let log = sample::CSV.replace("A new process has been created.", FORMULA);
    let folder = Folder::new().with("rules.yml", sample::RULES).with("log.csv", log);
    folder.check("map log.csv --rules rules.yml --no-associations -o out.csv", 0);
    assert!(
        folder.read("out.csv").contains(&format!(",'{FORMULA},detection,")),
        "{}",
        folder.read("out.csv")
    );
}
