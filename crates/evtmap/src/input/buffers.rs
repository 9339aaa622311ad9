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

    /// Puts one back.
    pub(super) fn put_back(&self, buffer: Vec<u8>) {
        if (1..=N_BYTES_MAX).contains(&buffer.capacity()) {
            self.0.put_back(buffer);
        }
    }
}
