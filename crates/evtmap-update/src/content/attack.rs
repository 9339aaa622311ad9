//! ATT&CK: a STIX bundle of one domain, kept compressed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use evtmap::Catalogue;
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use jiff::Timestamp;

use super::{Received, is_web_page};
use crate::error::UpdateError;
use crate::store::{Draft, Edition};

/// The most that a bundle may have, in bytes; ATT&CK's largest has 51 million.
const MAX_BUNDLE_BYTES: u64 = 512 << 20;

/// What is different in ATT&CK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttackChanges {
    /// The release before, as `enterprise-attack 18.1`.
    pub before: Option<String>,
    /// The release now.
    pub after: String,
}

pub(super) fn admit(received: &Received, draft: &mut Draft, now: Timestamp) -> Result<(), UpdateError> {
    let mut file = received.open()?;
    let mut start = [0; 512];
    let n_start = file.read(&mut start).map_err(UpdateError::file("read", &received.path))?;
    let start = start.get(..n_start).unwrap_or_default();
    if is_web_page(start) {
        let help = "a proxy or a login page may have answered in its place; fetch it with a browser and give it with `--from`";
        return Err(received.refuse("it is a web page and not a STIX bundle", help));
    }
    let is_packed = start.starts_with(&[0x1f, 0x8b]);
    let catalogue =
        Catalogue::from_stix(plain(&mut file, is_packed).map_err(UpdateError::file("read", &received.path))?)
            .map_err(|error| received.refuse(error.to_string(), error.help()))?;
    let mut piece = received.piece(format!("{}.json.gz", received.name), now);
    piece.name = catalogue.domain().unwrap_or(&received.name).to_owned();
    piece.version = catalogue.version().map(str::to_owned);
    piece.date = catalogue.date().map(str::to_owned);
    let plain = plain(&mut file, is_packed).map_err(UpdateError::file("read", &received.path))?;
    draft.add(piece, &mut GzEncoder::new(plain, Compression::fast()))
}

/// The content from its beginning, unpacked.
fn plain(file: &mut File, is_packed: bool) -> std::io::Result<Box<dyn Read + '_>> {
    file.rewind()?;
    let file = BufReader::new(file);
    Ok(if is_packed { Box::new(GzDecoder::new(file).take(MAX_BUNDLE_BYTES)) } else { Box::new(file) })
}

pub(super) fn changes(before: Option<&Edition>, after: &Edition) -> Result<AttackChanges, UpdateError> {
    let label = |edition: &Edition| edition.manifest().pieces.first().map(crate::Piece::label);
    Ok(AttackChanges { before: before.and_then(label), after: label(after).unwrap_or_default() })
}

impl Edition {
    /// The catalogue that it holds.
    ///
    /// # Errors
    /// When it cannot be read or is not what it was.
    pub fn catalogue(&self) -> Result<Catalogue, UpdateError> {
        let part = self.manifest().part;
        let Some(piece) = self.manifest().pieces.first() else {
            return Err(UpdateError::corrupt(part, self.folder(), "it is empty"));
        };
        let bytes = self.read(piece)?;
        Catalogue::from_stix(GzDecoder::new(bytes.as_slice()))
            .map_err(|error| UpdateError::corrupt(part, &self.folder().join(&piece.file), error.to_string()))
    }
}
