//! Digests by which files and texts are told apart.

use sha2::{Digest, Sha256};

/// The first so many bytes of the SHA-256 of some bytes, in hexadecimal; at most 32.
pub(crate) fn digest(bytes: &[u8], n_bytes: usize) -> String {
    Sha256::digest(bytes).iter().take(n_bytes).map(|byte| format!("{byte:02x}")).collect()
}
