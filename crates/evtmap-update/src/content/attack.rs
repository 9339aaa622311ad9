//! ATT&CK: a STIX bundle of one domain, kept compressed.

use std::fs::File;
use std::io::{BufReader, Read, Seek};

use evtmap::Catalogue;
use evtmap::attack::{Difference, Library};
use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use jiff::Timestamp;

use super::{Received, derived, is_web_page};
use crate::error::UpdateError;
use crate::manifest::Piece;
use crate::store::{Draft, Edition};

/// The most that a bundle may have, in bytes; ATT&CK's largest has 51 million.
const MAX_BUNDLE_BYTES: u64 = 512 << 20;

/// What is kept of the bundle, so that it need not be read again: all that every run needs,
const CATALOGUE: &str = "catalogue.json";
/// and what is told at length.
const LIBRARY: &str = "library.json";

/// What is different in ATT&CK.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttackChanges {
    /// The release before, as `enterprise-attack 18.1`.
    pub before: Option<String>,
    /// The release now.
    pub after: String,
    /// What is different.
    pub difference: Difference,
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
    let (catalogue, library) = Catalogue::from_stix_whole(
        plain(&mut file, is_packed).map_err(UpdateError::file("read", &received.path))?,
    )
    .map_err(|error| received.refuse(error.to_string(), error.help()))?;
    let mut piece = received.piece(format!("{}.json.gz", received.name), now);
    piece.name = catalogue.domain().unwrap_or(&received.name).to_owned();
    piece.version = catalogue.version().map(str::to_owned);
    piece.date = catalogue.date().map(str::to_owned);
    let plain = plain(&mut file, is_packed).map_err(UpdateError::file("read", &received.path))?;
    let piece = draft.add(piece, &mut GzEncoder::new(plain, Compression::fast()))?;
    draft.write(CATALOGUE, &derived::seal(&piece, &catalogue.to_compact()))?;
    draft.write(LIBRARY, &derived::seal(&piece, &library.to_compact()))
}

/// The content from its beginning, unpacked.
fn plain(file: &mut File, is_packed: bool) -> std::io::Result<Box<dyn Read + '_>> {
    file.rewind()?;
    let file = BufReader::new(file);
    Ok(if is_packed { Box::new(GzDecoder::new(file).take(MAX_BUNDLE_BYTES)) } else { Box::new(file) })
}

pub(super) fn changes(before: Option<&Edition>, after: &Edition) -> Result<AttackChanges, UpdateError> {
    let label = |edition: &Edition| edition.manifest().pieces.first().map(Piece::label);
    let difference = match before.map(Edition::catalogue) {
        Some(Ok(before)) => after.catalogue()?.difference(&before),
        // What was there before need not be whole, which is perhaps why there is an update.
        Some(Err(_)) | None => Difference::default(),
    };
    Ok(AttackChanges { before: before.and_then(label), after: label(after).unwrap_or_default(), difference })
}

impl Edition {
    /// The catalogue that it holds.
    ///
    /// # Errors
    /// When it cannot be read or is not what it was.
    pub fn catalogue(&self) -> Result<Catalogue, UpdateError> {
        let kept = derived::read(&self.folder().join(CATALOGUE), self.bundle()?);
        match kept.and_then(|body| Catalogue::from_compact(&body).ok()) {
            Some(catalogue) => Ok(catalogue),
            None => Ok(self.read_bundle()?.0),
        }
    }

    /// What its release tells at length.
    ///
    /// # Errors
    /// When it cannot be read or is not what it was.
    pub fn library(&self) -> Result<Library, UpdateError> {
        let kept = derived::read(&self.folder().join(LIBRARY), self.bundle()?);
        match kept.and_then(|body| Library::from_compact(&body).ok()) {
            Some(library) => Ok(library),
            None => Ok(self.read_bundle()?.1),
        }
    }

    fn bundle(&self) -> Result<&Piece, UpdateError> {
        let piece = self.manifest().pieces.first();
        piece.ok_or_else(|| UpdateError::corrupt(self.manifest().part, self.folder(), "it is empty"))
    }

    /// Reads the bundle itself, and keeps what came of it.
    fn read_bundle(&self) -> Result<(Catalogue, Library), UpdateError> {
        let (part, piece) = (self.manifest().part, self.bundle()?);
        let bytes = self.read(piece)?;
        let (catalogue, library) =
            Catalogue::from_stix_whole(GzDecoder::new(bytes.as_slice())).map_err(|error| {
                UpdateError::corrupt(part, &self.folder().join(&piece.file), error.to_string())
            })?;
        derived::write(&self.folder().join(CATALOGUE), piece, &catalogue.to_compact());
        derived::write(&self.folder().join(LIBRARY), piece, &library.to_compact());
        Ok((catalogue, library))
    }
}
