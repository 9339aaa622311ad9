//! Rules and configuration that change while the program is at work.

use std::fs;

use super::{Watching, append, folder, lines, wait_for_numbers};
use crate::sample;

#[test]
fn rules_are_replaced_without_losing_an_event() {
    let folder = folder();
    let path = folder.path().join("rules.yml");
    let odd = sample::RULES.replace("contains: bad", "contains: nothing");
    fs::write(&path, &odd).unwrap();
    let watching = Watching::begin(&folder, "log.jsonl --from-start --no-associations -o alerts.jsonl");
    append(&folder, "log.jsonl", &lines(0..20));
    // The old rules find nothing in them; they are looked at all the same.
    fs::write(&path, "title: broken\n").unwrap();
    watching.signal("HUP");
    watching.wait_for("rules and configuration stay as they are: no rule of rules.yml can be used");
    fs::write(&path, sample::RULES).unwrap();
    watching.signal("HUP");
    watching.wait_for("rules and configuration were read again: 2 rules");
    append(&folder, "log.jsonl", &lines(20..40));
    super::wait(|| super::numbers(&folder, "alerts.jsonl").len() == 20, || "20 alerts".to_owned());
    assert_eq!(super::numbers(&folder, "alerts.jsonl"), (20..40).collect::<Vec<_>>());
    // And without being asked.
    fs::write(&path, &odd).unwrap();
    super::wait(|| watching.err().matches("read again").count() == 2, || watching.err());
    let err = watching.stop();
    assert!(err.contains("40 events, 20 detections"), "{err}");
}

#[test]
fn the_configuration_is_read_again() {
    let folder = folder().with("evtmap.toml", "");
    let watching = Watching::begin(&folder, "log.jsonl --no-associations -o alerts.jsonl");
    append(&folder, "log.jsonl", &lines(0..1));
    wait_for_numbers(&folder, "alerts.jsonl", 0..1);
    let exclusion = "[[exclusion]]\nname = \"known\"\nreason = \"a test\"\nhosts = [\"WS01\"]\n";
    fs::write(folder.path().join("evtmap.toml"), exclusion).unwrap();
    watching.signal("HUP");
    watching.wait_for("were read again");
    append(&folder, "log.jsonl", &lines(1..3));
    super::wait(
        || folder.read("alerts.jsonl.state/watch.json").contains("\"line\":4"),
        || "the state".to_owned(),
    );
    let err = watching.stop();
    assert!(err.contains("2 matches excluded by `known`: a test"), "{err}");
    assert_eq!(super::numbers(&folder, "alerts.jsonl"), [0]);
}
