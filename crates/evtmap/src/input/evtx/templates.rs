//! The templates of all chunks: each chunk defines anew those that its records use, nearly all of which were in chunks
//! before it.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::cursor::Cursor;
use super::template::{self, Template};
use super::value::Unusual;

/// How much memory templates may take when a chunk begins, in bytes, about, and how much a chunk may add to it, which is
/// sixty-four times what it has itself. A forged one could define a template for each of its records, and have the same
/// long names in all of them.
const N_BYTES_MAX: usize = 4 << 20;
/// What comes before the tokens of a template: where the next is, and its GUID.
const BEFORE_SIZE: usize = 20;

/// What a form takes beside its bytes.
const ENTRY_BYTES: usize = 2 * size_of::<(Box<[u8]>, Option<usize>)>();

/// A template and a number for what it says.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) template: Template,
    pub(super) number: u64,
    /// Whether it is that of elements that stand in records themselves: then its gaps are texts in these.
    pub(super) is_own: bool,
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
        self.of_form(false, hasher, || template::read(cursor))
    }

    /// Reads the element at the cursor, which stands in a record itself, as a template of which its texts are the gaps,
    /// unless that is known; tells `found` where the texts are, puts the cursor behind the element, and gives the number
    /// that the template is known under.
    pub(super) fn read_element(
        &mut self,
        cursor: &mut Cursor<'_>,
        hasher: &impl BuildHasher,
        found: &mut impl FnMut(Range<usize>),
    ) -> Result<usize, Unusual> {
        let start = *cursor;
        self.form.clear();
        template::write_element_form(cursor, &mut self.form, found)?;
        self.of_form(true, hasher, || template::read_element(start))
    }

    /// The template of the form at hand, which is read if it is not known.
    fn of_form(
        &mut self,
        is_own: bool,
        hasher: &impl BuildHasher,
        read: impl FnOnce() -> Result<Template, Unusual>,
    ) -> Result<usize, Unusual> {
        if let Some(known) = self.by_form.get(self.form.as_slice()) {
            return known.ok_or(Unusual);
        }
        if self.n_bytes > 2 * N_BYTES_MAX {
            return Err(Unusual);
        }
        let read = read().ok();
        self.n_bytes += ENTRY_BYTES + self.form.len() + read.as_ref().map_or(0, Template::n_bytes);
        let index = read.map(|template| {
            let number = hasher.hash_one((is_own, &template));
            self.known.push(Known { template, number, is_own });
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

#[cfg(test)]
mod tests {
    use super::*;
    use foldhash::quality::FixedState;

    /// A chunk that is a template of `<EventData><Data Name="…">`, which begins after so many bytes.
    fn chunk(own: &str, start: usize) -> Vec<u8> {
        let utf16 = |text: &str| {
            let units = u16::try_from(text.len()).unwrap().to_le_bytes();
            units.into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<u8>>()
        };
        let mut bytes = vec![0; start + 24];
        bytes.extend([0x0f, 1, 1, 0]);
        let name = |bytes: &mut Vec<u8>, name: &str| {
            bytes.extend(u32::try_from(bytes.len() + 4).unwrap().to_le_bytes());
            bytes.extend([0; 6].into_iter().chain(utf16(name)).chain([0; 2]));
        };
        bytes.extend([0x01, 0xff, 0xff, 0, 0, 0, 0]);
        name(&mut bytes, "EventData");
        bytes.extend([0x02, 0x41, 0xff, 0xff, 0, 0, 0, 0]);
        name(&mut bytes, "Data");
        bytes.extend([0, 0, 0, 0, 0x06]);
        name(&mut bytes, "Name");
        bytes.extend([0x05, 1].into_iter().chain(utf16(own)));
        bytes.extend([0x02, 0x0d, 0, 0, 1, 0x04, 0x04, 0x00]);
        let size = u32::try_from(bytes.len() - start - 24).unwrap();
        bytes[start + 20..start + 24].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    #[test]
    fn templates_are_known_by_what_they_say() {
        let (mut templates, hasher) = (Templates::default(), FixedState::default());
        let mut read = |chunk: &[u8], at| templates.read_number(chunk, at, &hasher);
        let [user, host] = ["User", "Host"].map(|name| chunk(name, 0));
        let own = read(&user, 0);
        assert!(own.is_some() && read(&user, 0) == own && read(&host, 0) != own);
        // What refers to places in the chunk refers to others.
        assert_eq!(read(&chunk("User", 40), 40), own);
        assert_eq!((read(&user, 1), read(&user[..user.len() - 1], 0), read(&[], 0)), (None, None, None));
    }

    #[test]
    fn a_chunk_does_not_fill_the_memory() {
        let (mut templates, hasher) = (Templates::default(), FixedState::default());
        let mut n_read = 0;
        for number in 0..1_000 {
            let own = format!("{number}{}", "n".repeat(20_000));
            n_read += usize::from(templates.read_number(&chunk(&own, 0), 0, &hasher).is_some());
            assert!(templates.n_bytes < 3 * N_BYTES_MAX);
        }
        assert!(n_read > 50 && n_read < 500, "{n_read}");
        templates.make_room();
        assert_eq!(templates.n_bytes, 0);
        assert!(templates.read_number(&chunk("User", 0), 0, &hasher).is_some());
    }
}
