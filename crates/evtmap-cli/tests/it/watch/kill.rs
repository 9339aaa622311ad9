//! Every event is told once, whatever kills the program.

use std::thread;
use std::time::Duration;

use super::{Watching, append, check_like_map, folder, lines, numbers, wait_for_numbers};

#[test]
fn every_event_is_told_once_over_kills() {
    const N_EVENTS: usize = 3000;
    let folder = folder();
    let watch = || Watching::begin(&folder, "log.jsonl -o alerts.jsonl --from-start");
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for start in (0..N_EVENTS).step_by(10) {
                // A line may be there in part for a while.
                let text = lines(start..start + 10);
                let (before, after) = text.split_at(text.len() - 40);
                append(&folder, "log.jsonl", before);
                thread::sleep(Duration::from_millis(5));
                append(&folder, "log.jsonl", after);
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut n_kills = 0;
        while !writer.is_finished() {
            let watching = watch();
            thread::sleep(Duration::from_millis(50 + 173 * n_kills % 1700));
            watching.kill();
            n_kills += 1;
        }
        assert!(n_kills > 1);
    });
    let watching = watch();
    wait_for_numbers(&folder, "alerts.jsonl", 0..N_EVENTS);
    watching.stop();
    check_like_map(&folder, "log.jsonl", "alerts.jsonl");
}

#[test]
fn every_event_is_told_once_over_kills_and_rotations() {
    let folder = folder();
    let watch = || Watching::begin(&folder, "log.jsonl -o a.jsonl --from-start --rotate 40K --keep 1000");
    for start in (0..600).step_by(100) {
        append(&folder, "log.jsonl", &lines(start..start + 100));
        let watching = watch();
        thread::sleep(Duration::from_millis(if start % 200 == 0 { 30 } else { 1300 }));
        watching.kill();
    }
    let watching = watch();
    let all = || {
        let mut names = folder.names();
        names.retain(|name| name.starts_with("a.") && name.ends_with(".jsonl"));
        let mut all: Vec<usize> = names.iter().flat_map(|name| numbers(&folder, name)).collect();
        all.sort_unstable();
        all
    };
    super::wait(|| all().len() >= 600, || format!("600 alerts; there are {}", all().len()));
    watching.stop();
    assert_eq!(all(), (0..600).collect::<Vec<_>>());
    assert!(folder.names().contains(&"a.2.jsonl".to_owned()), "{:?}", folder.names());
}

#[test]
fn one_watch_a_state() {
    let folder = folder();
    let watching = Watching::begin(&folder, "log.jsonl -o alerts.jsonl");
    let run = folder.check("watch log.jsonl --rules rules.yml -o alerts.jsonl", 2);
    assert!(run.err.contains("another watch uses the state `alerts.jsonl.state`"), "{}", run.err);
    watching.stop();
    std::fs::write(folder.path().join("alerts.jsonl.state/watch.json"), "{}").unwrap();
    let run = folder.check("watch log.jsonl --rules rules.yml -o alerts.jsonl", 2);
    assert!(run.err.contains("cannot use the state"), "{}", run.err);
}
