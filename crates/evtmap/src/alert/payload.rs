//! The payload that an alert keeps of its event, in one text: most alerts have some twenty fields, and giving
//! each two texts of its own took a tenth of a scan.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names and values in the order of the event. A name may come several times.
///
/// ```
/// use evtmap::alert::Payload;
///
/// let payload = Payload::from_iter([("Image", Some(r"C:\a.exe")), ("User", None)]);
/// assert_eq!(payload.get("Image"), Some(Some(r"C:\a.exe")));
/// assert_eq!(payload.iter().count(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// The names and values, one after the other.
    text: String,
    fields: Vec<Ends>,
}

/// Where in the text a name ends, and its value, which begins there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    name: usize,
    value: Option<usize>,
}

/// Stored as pairs, so that what is read back is checked as it is put together again.
impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(String, Option<String>)>::deserialize(deserializer)?;
        Ok(Self::of(pairs.iter().map(|(name, value)| (name.as_str(), value.as_deref()))))
    }
}

impl Payload {
    /// A payload of these fields, which are gone through twice: to see how much there is, and to copy it.
    fn of<'a>(fields: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) -> Self {
        let mut payload = Self::default();
        payload.fill(fields);
        payload
    }

    /// Puts these fields in the place of its own, in the same memory. They are gone through twice: to see how much there
    /// is, and to copy it.
    pub(super) fn fill<'a>(&mut self, fields: impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone) {
        let sizes = fields.clone().map(|(name, value)| name.len() + value.map_or(0, str::len));
        let (n_fields, n_bytes) = sizes.fold((0, 0), |(n, bytes), size| (n + 1, bytes + size));
        self.text.clear();
        self.fields.clear();
        self.text.reserve_exact(n_bytes);
        self.fields.reserve_exact(n_fields);
        for (name, value) in fields {
            self.text.push_str(name);
            let name = self.text.len();
            let value = value.map(|value| {
                self.text.push_str(value);
                self.text.len()
            });
            self.fields.push(Ends { name, value });
        }
    }

    /// How much memory is held for it, in bytes.
    pub(super) fn n_bytes_held(&self) -> usize {
        self.text.capacity() + self.fields.capacity() * size_of::<Ends>()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// How much text its names and values are together, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields.
    pub fn iter(&self) -> Fields<'_> {
        Fields { text: &self.text, start: 0, ends: self.fields.iter() }
    }

    /// The first value of that name: nothing where there is no such field, and no text where it is null.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

/// The fields of a payload: names and values.
#[derive(Clone)]
pub struct Fields<'a> {
    text: &'a str,
    start: usize,
    ends: std::slice::Iter<'a, Ends>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, Option<&'a str>);

    fn next(&mut self) -> Option<Self::Item> {
        let Ends { name, value } = *self.ends.next()?;
        let own = self.text.get(self.start..name).unwrap_or_default();
        self.start = value.unwrap_or(name);
        Some((own, value.map(|end| self.text.get(name..end).unwrap_or_default())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for Fields<'_> {}

impl<'a> IntoIterator for &'a Payload {
    type Item = (&'a str, Option<&'a str>);
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, Option<V>)> for Payload {
    fn from_iter<I: IntoIterator<Item = (N, Option<V>)>>(fields: I) -> Self {
        let fields: Vec<(N, Option<V>)> = fields.into_iter().collect();
        Self::of(fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref().map(V::as_ref))))
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let fields = [("a", Some("1")), ("", None), ("a", Some("")), ("é", Some("ü"))];
        let payload = Payload::from_iter(fields);
        assert_eq!(payload.iter().collect::<Vec<_>>(), fields);
        assert_eq!((payload.len(), payload.get("a"), payload.get("")), (4, Some(Some("1")), Some(None)));
        assert!(Payload::default().is_empty());
    }
}
