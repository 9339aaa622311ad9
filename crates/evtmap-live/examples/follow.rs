//! Follows a channel: `follow CHANNEL BOOKMARK-FILE BATCHES` prints the record id of each event that arrives,
//! keeps the bookmark, and ends after so many batches, or when nothing has arrived for a second.
//!
//! Run again with the same file it goes on where it ended.

#![expect(clippy::print_stdout, reason = "it is an example, and shows what arrives")]

use std::error::Error;
use std::thread;
use std::time::Duration;
use std::{env, fs};

use evtmap::event::Event;
use evtmap::input::Decoded;
use evtmap_live::{Query, Start, Stop, Subscription};

const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [channel, file, n_batches] = arguments.as_slice() else {
        return Err("follow CHANNEL BOOKMARK-FILE BATCHES".into());
    };
    let start = fs::read_to_string(file).map_or(Start::Oldest, Start::After);
    let stop = Stop::new()?;
    let mut subscription = Subscription::open(channel, &Query::default(), &start, &stop)?;
    let mut event = Event::new();
    for _ in 0..n_batches.parse::<u32>()? {
        let Some(mut arrived) = subscription.next(PATIENCE)? else { break };
        arrived.batch.decode(&mut event, &mut |decoded| match decoded {
            Decoded::Event(event, _) => println!("{}", event.record_id().unwrap_or_default()),
            Decoded::Bad(problem) => println!("{problem}"),
        });
        // Only now: what was not printed comes again.
        fs::write(file, &arrived.bookmark)?;
    }
    // Another thread ends the waiting, however long it would be.
    let other = stop.clone();
    let stopper = thread::spawn(move || other.stop());
    while subscription.next(Duration::from_secs(3600))?.is_some() {}
    stopper.join().map_err(|_| "the other thread failed")?;
    Ok(())
}
