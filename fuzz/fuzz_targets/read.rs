//! Reads all that bytes hold, as a scan does.

use std::sync::LazyLock;

use evtmap::event::Event;
use evtmap::input::{self, Decoded, InputOptions};

static OPTIONS: LazyLock<InputOptions> =
    LazyLock::new(|| InputOptions { recover: true, ..InputOptions::default() });

pub fn read(bytes: Vec<u8>) {
    let Ok(mut log) = input::open_bytes(bytes, &OPTIONS) else { return };
    let mut event = Event::new();
    while let Some(Ok(mut batch)) = log.next_batch() {
        batch.decode(&mut event, &mut |decoded| match decoded {
            Decoded::Event(event, position) => {
                let _ = (event.time(), event.user(), event.first("Image"), position.to_string());
            }
            Decoded::Bad(problem) => assert!(!problem.reason.is_empty()),
        });
    }
}
