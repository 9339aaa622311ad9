//! Memory into which logs are read, used in turn.

use crate::idle::Idle;

/// How much of it is kept in one piece, in bytes: more is there only where a record is long.
const N_BYTES_MAX: usize = 256 << 10;

/// Memory that no batch is using. Each thread reads into its own again: what another processor has written to last is
/// slow to write to, and so is memory that one thread asks for and another gives back.
#[derive(Debug, Default)]
pub struct Buffers(Idle<Vec<u8>>);

impl Buffers {
    /// Takes one, with whatever is in it.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.take()
    }

    /// Puts one back that was taken: of others there would be more and more.
    pub(super) fn put_back(&self, buffer: Vec<u8>) {
        if (1..=N_BYTES_MAX).contains(&buffer.capacity()) {
            self.0.put_back(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use crate::event::Event;
    use crate::input::growing::{self, Known};
    use crate::input::{InputOptions, logs};

    /// However many logs are read, there is never more memory than was in use at once.
    #[test]
    fn memory_does_not_grow_with_the_logs() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let options = InputOptions::default();
        let mut event = Event::new();
        let mut n_batches = 0;
        for name in [
            "incident/DC01/Security.evtx",
            "incident-json/DC01/Security.jsonl",
            "incident-csv/DC01/Security.csv",
        ] {
            for _ in 0..3 {
                let log = logs(&examples.join(name), &options).next().unwrap();
                let mut input = log.opened.unwrap();
                while let Some(batch) = input.next_batch() {
                    batch.unwrap().decode(&mut event, &mut |_| {});
                    n_batches += 1;
                }
            }
        }
        // What somebody else has read is not kept at all.
        let bytes = fs::read(examples.join("incident/DC01/Security.evtx")).unwrap();
        let known = Known { end: 0, last: 0 };
        for chunk in bytes[4096..].chunks_exact(1 << 16) {
            growing::chunk(4096, chunk.to_vec(), known, &options).decode(&mut event, &mut |_| {});
        }
        assert!(n_batches > 9);
        assert_eq!(options.buffers.0.n_idle(), 1);
    }
}
