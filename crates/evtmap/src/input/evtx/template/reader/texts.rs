//! The texts of a template: names, and values that are the same in every record.

use std::fmt::Write as _;
use std::ops::Range;

use super::super::super::cursor::Name;
use super::super::super::value::{self, Unusual};
use super::super::element::Start;
use super::Reader;

/// How much text a template may have: as much as a chunk has room for. Fields may share a name, so that a forged
/// template could have a thousand times that, which every record of it would take over.
const MAX_TEXT_BYTES: usize = 64 << 10;

impl Reader<'_> {
    /// Keeps a text in UTF-16 with those of the template.
    pub(super) fn store(&mut self, text: &[u8]) -> Result<Range<usize>, Unusual> {
        let start = self.template.text.len();
        value::push_utf16(text, &mut self.template.text);
        self.stored(start)
    }

    /// Keeps a name with the texts of the template.
    pub(super) fn store_str(&mut self, name: &str) -> Result<Range<usize>, Unusual> {
        let start = self.template.text.len();
        self.template.text.push_str(name);
        self.stored(start)
    }

    /// Keeps a name with the texts of the template, in the way of the evtx crate: one that came before in the same
    /// element gets a number.
    pub(super) fn store_name(&mut self, utf16: &[u8], n_before: u32) -> Result<Range<usize>, Unusual> {
        let name = self.store(utf16)?;
        if n_before == 0 || name.is_empty() {
            return Ok(name);
        }
        // Writing to a text does not fail.
        let _ = write!(self.template.text, "_{n_before}");
        self.stored(name.start)
    }

    /// Keeps the name of an element's attribute with the texts of the template.
    pub(super) fn store_joined(
        &mut self,
        element: &Start<'_>,
        attribute: Name<'_>,
    ) -> Result<Range<usize>, Unusual> {
        let start = self.store_name(element.name.utf16(), element.n_before)?.start;
        self.template.text.push('_');
        value::push_utf16(attribute.utf16(), &mut self.template.text);
        self.stored(start)
    }

    /// Where the text is that was just kept, unless there is too much.
    fn stored(&self, start: usize) -> Result<Range<usize>, Unusual> {
        let end = self.template.text.len();
        if end > MAX_TEXT_BYTES { Err(Unusual) } else { Ok(start..end) }
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &str {
        self.template.text.get(range.clone()).unwrap_or_default()
    }
}
