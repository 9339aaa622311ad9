//! The templates of all chunks: each chunk defines anew those that its records use, nearly all of which were in chunks
//! before it.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::cursor::Cursor;
use super::template::{self, Template};
use super::value::Unusual;

/// How much memory templates may take when a chunk begins, in bytes, about.
const N_BYTES_MAX: usize = 4 << 20;
/// What comes before the tokens of a template: where the next is, and its GUID.
const BEFORE_SIZE: usize = 20;

/// A template and a number for what it says.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) template: Template,
    /// Of one that stands in a record itself, it says nothing of the values.
    pub(super) number: u64,
}

/// Templates that were read, for one thread.
#[derive(Debug, Default)]
pub(super) struct Templates {
    known: Vec<Known>,
    /// Which of them has a form; nothing for forms of what is unusual.
    by_form: HashMap<Box<[u8]>, Option<usize>, RandomState>,
    /// How much memory they take, in bytes, about.
    n_bytes: usize,
    /// That of the template at hand.
    form: Vec<u8>,
}

impl Templates {
    /// Forgets all if they are too many; what was given before is void then.
    pub(super) fn make_room(&mut self) {
        if self.n_bytes > N_BYTES_MAX {
            *self = Self::default();
        }
    }

    /// The template that is known under a number.
    pub(super) fn get(&self, index: usize) -> Option<&Known> {
        self.known.get(index)
    }

    /// Reads the template that is defined at an offset of a chunk, unless it is known, and gives the number that it is
    /// known under.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        definition: u32,
        hasher: &impl BuildHasher,
    ) -> Result<usize, Unusual> {
        let at = usize::try_from(definition).map_err(|_| Unusual)?;
        let mut cursor = Cursor { chunk, at, end: chunk.len() };
        let _ = cursor.bytes(BEFORE_SIZE)?;
        let n_bytes = usize::try_from(cursor.u32()?).map_err(|_| Unusual)?;
        let start = cursor.at;
        cursor.end = start.checked_add(n_bytes).filter(|end| *end <= chunk.len()).ok_or(Unusual)?;
        self.form.clear();
        template::write_form(&mut Cursor { ..cursor }, &mut self.form)?;
        if let Some(known) = self.by_form.get(self.form.as_slice()) {
            return known.ok_or(Unusual);
        }
        let read = template::read(cursor).ok();
        self.n_bytes += self.form.len() + read.as_ref().map_or(0, Template::n_bytes);
        let index = read.map(|template| {
            let number = hasher.hash_one(&template);
            self.known.push(Known { template, number });
            self.known.len() - 1
        });
        self.by_form.insert(self.form.as_slice().into(), index);
        index.ok_or(Unusual)
    }

    /// The number for what the template says that is defined at an offset of a chunk; nothing if it is unusual.
    #[cfg(test)]
    pub(super) fn read_number(
        &mut self,
        chunk: &[u8],
        definition: u32,
        hasher: &impl BuildHasher,
    ) -> Option<u64> {
        let index = self.read(chunk, definition, hasher).ok()?;
        Some(self.get(index)?.number)
    }
}
