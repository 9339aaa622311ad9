//! What has to do with the system that the program runs on: its live log, its shells, its tasks.

use crate::program::Folder;

/// On Windows it is read; there a stand-in serves it, and not this test.
#[cfg(not(windows))]
#[test]
fn the_live_log_exists_on_windows_only() {
    for command in ["map", "stats", "timeline"] {
        let run = Folder::new().check(&format!("{command} --live Security"), 2);
        assert_eq!(
            run.err,
            "error: cannot read the event log: the live log exists on Windows only\n  help: give files: exported \
             logs, or those of C:\\Windows\\System32\\winevt\\Logs\n"
        );
    }
}

#[test]
fn options_of_the_live_log_need_it() {
    let run = Folder::new().with("a.xml", "").check("map a.xml --xpath *", 2);
    assert!(run.err.contains("--live <CHANNEL>"), "{}", run.err);
    let run = Folder::new().check("map --quiet", 2);
    assert!(run.err.contains("INPUT"), "{}", run.err);
}

#[test]
fn completions_and_pages_of_the_manual() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = folder.check(&format!("completions {shell}"), 0);
        assert!(run.out.contains("min-severity"), "{shell}");
    }
    folder.check("manual man", 0);
    for (page, part) in [("evtmap", "map"), ("evtmap-map", "min\\-severity"), ("evtmap-rules-check", "fix")] {
        assert!(folder.read(&format!("man/{page}.1")).contains(part), "{page}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn tasks_are_shown_and_not_made() {
    let folder = Folder::new();
    let run = folder.check("install-task --daily 03:00 -- map /logs -o alerts.jsonl", 0);
    for part in ["OnCalendar=*-*-* 03:00:00", "map /logs -o alerts.jsonl", "Nothing was done"] {
        assert!(run.out.contains(part), "{part} is not in\n{}", run.out);
    }
    folder.check("install-task -- map x", 2);
    let run = folder.check("install-task --daily 03:00 -- mapp /logs", 2);
    assert!(
        run.err.contains("does not know what the task is to do: unrecognized subcommand 'mapp'"),
        "{}",
        run.err
    );
    folder.check("install-task --daily 03:00 -- map /logs --no-such-option", 2);
    assert!(folder.check("uninstall-task", 0).out.contains("Remove"));
}
