//! Fields whose names, and sometimes values, are parts of a text that many events have alike: one copy of it
//! takes less time than one of each part.

use std::ops::Range;

use super::system::asked;
use super::{Event, Field, PassingField, Place};

/// The name of a field as a part of a text that events hold ([`Event::hold`]), and what is known of it beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Label {
    place: Place,
    name: Range<usize>,
    asked: Option<usize>,
}

impl Label {
    /// The label of a name, which lies at a range of a text.
    pub(crate) fn new(place: Place, name: &str, range: Range<usize>) -> Self {
        Self { place, asked: asked(name).filter(|_| place == Place::System), name: range }
    }

    /// Which of the fields that pass it is the label of, if it is one.
    pub(crate) fn passing(&self) -> Option<PassingField> {
        self.asked.and_then(PassingField::of)
    }

    /// Where its name lies in the text.
    #[cfg(test)]
    pub(crate) fn name(&self) -> Range<usize> {
        self.name.clone()
    }

    /// The same where the text begins at an offset.
    pub(crate) fn at(&self, offset: usize) -> Self {
        Self { name: self.name.start + offset..self.name.end + offset, ..*self }
    }
}

impl Event {
    /// Keeps a text of which names and values of several fields are parts, and gives where it begins: one copy
    /// takes less time than one of each part.
    pub(crate) fn hold(&mut self, text: &str) -> usize {
        self.store(&[text]).start
    }

    /// Adds a field whose name and value are parts of texts that are held.
    pub(crate) fn push_held(&mut self, label: Label, value: Range<usize>) {
        self.add_labelled(label, Some(value));
    }

    /// Adds a field without a value whose name is a part of a text that is held.
    pub(crate) fn push_null(&mut self, label: Label) {
        self.add_labelled(label, None);
    }

    /// Adds a field whose name is a part of a text that is held and whose value is what `write` appends.
    ///
    /// # Errors
    /// Those of `write`; the field is then not added.
    pub(crate) fn push_written<E>(
        &mut self,
        label: Label,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.text.len();
        write(&mut self.text)?;
        let value = Some(start..self.text.len());
        self.add_labelled(label, value);
        Ok(())
    }

    fn add_labelled(&mut self, label: Label, value: Option<Range<usize>>) {
        let Label { place, name, asked } = label;
        self.add_asked(asked, Field { place, name, value });
    }
}
