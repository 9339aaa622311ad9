//! What is made of a piece so that it need not be read again: it is checked like anything else in the cache,
//! and made anew when it is missing, damaged, or by another version of the program.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::digest::Digest;
use crate::manifest::Piece;

/// The largest file of this kind that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The file's first line: by which program, from which content, and the digest of what follows.
fn head(piece: &Piece, body: &[u8]) -> String {
    format!("evtmap {} {} {}\n", env!("CARGO_PKG_VERSION"), piece.sha256, Digest::of(body))
}

/// The whole file.
pub(super) fn seal(piece: &Piece, body: &[u8]) -> Vec<u8> {
    [head(piece, body).as_bytes(), body].concat()
}

/// What follows the first line, if it is what was made of the piece by this program.
pub(super) fn read(path: &Path, piece: &Piece) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let length = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let body = bytes.split_off(length);
    (bytes == head(piece, &body).as_bytes()).then_some(body)
}

/// Puts a file in place for the next time. Where that fails, the next time takes as long as this one did.
pub(super) fn write(path: &Path, piece: &Piece, body: &[u8]) {
    let aside = path.with_extension(format!("{}.partial", std::process::id()));
    let written = fs::write(&aside, seal(piece, body)).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
}
