//! One chunk: 64 KiB of records with the tables of the names and templates they use.

use std::collections::HashMap;

use crate::binxml::{self, Content, Digest, Element, FRAGMENT, Node};
use crate::value::{filetime, utf16};
use crate::{Error, Event, Guid};

/// Every chunk takes this many bytes of the file.
pub(crate) const CHUNK_SIZE: usize = 64 * 1024;

/// Where a chunk's records begin.
pub(crate) const RECORDS: usize = 512;

/// The part of the header that its checksum covers besides the tables, which begin at [`TABLES`].
const CHECKED_HEADER: usize = 120;
const TABLES: usize = 128;
const NAME_BUCKETS: usize = 64;
const TEMPLATE_BUCKETS: usize = 32;

const RECORD_MAGIC: [u8; 4] = *b"**\0\0";
const BROKEN_RECORD_MAGIC: [u8; 4] = *b"??\0\0";
const RECORD_ALIGNMENT: usize = 8;

/// The tokens of BinXml, [MS-EVEN6] 2.2.12. `MORE` marks an element with attributes and an attribute that
/// another one follows.
mod token {
    pub(super) const EOF: u8 = 0x00;
    pub(super) const OPEN_ELEMENT: u8 = 0x01;
    pub(super) const CLOSE_START: u8 = 0x02;
    pub(super) const CLOSE_EMPTY: u8 = 0x03;
    pub(super) const CLOSE_ELEMENT: u8 = 0x04;
    pub(super) const VALUE: u8 = 0x05;
    pub(super) const ATTRIBUTE: u8 = 0x06;
    pub(super) const TEMPLATE_INSTANCE: u8 = 0x0c;
    pub(super) const SUBSTITUTION: u8 = 0x0d;
    pub(super) const OPTIONAL_SUBSTITUTION: u8 = 0x0e;
    pub(super) const MORE: u8 = 0x40;
    /// A fragment begins with its token and version 1.1.
    pub(super) const FRAGMENT_HEADER: [u8; 4] = [0x0f, 1, 1, 0];
    /// Follows the template instance's token; Windows always writes 1.
    pub(super) const INSTANCE_VERSION: u8 = 1;
}

/// How a record is written: the place of tests' deliberate damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Magic {
    Intact,
    Broken,
}

/// A chunk being filled.
#[derive(Debug)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    /// Where each name stands.
    names: HashMap<String, usize>,
    /// Where each template's definition stands.
    templates: HashMap<Guid, usize>,
    /// The number in the file of the first record.
    first_number: u64,
    records: Vec<Record>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    id: u64,
    offset: usize,
}

impl Chunk {
    /// An empty chunk whose first record is to be the file's `first_number`th, counted from 1.
    pub(crate) fn new(first_number: u64) -> Self {
        Self {
            bytes: vec![0; RECORDS],
            names: HashMap::new(),
            templates: HashMap::new(),
            first_number,
            records: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number in the file of the record that comes next.
    pub(crate) fn next_number(&self) -> u64 {
        self.first_number + self.records.len() as u64
    }

    /// Appends the event. Without room for it the chunk stays as it was and the error is `EventTooLarge`.
    pub(crate) fn push(&mut self, event: &Event, record_id: u64, magic: Magic) -> Result<(), Error> {
        let offset = self.bytes.len();
        let written = self.write_record(event, record_id, magic);
        let end = self.bytes.len();
        if written.is_ok() && end <= CHUNK_SIZE {
            self.records.push(Record { id: record_id, offset });
            return Ok(());
        }
        self.bytes.truncate(offset);
        self.names.retain(|_, at| *at < offset);
        self.templates.retain(|_, at| *at < offset);
        written.and(Err(Error::EventTooLarge { bytes: end - offset }))
    }

    fn write_record(&mut self, event: &Event, record_id: u64, magic: Magic) -> Result<(), Error> {
        let start = self.bytes.len();
        self.put(&match magic {
            Magic::Intact => RECORD_MAGIC,
            Magic::Broken => BROKEN_RECORD_MAGIC,
        });
        let size_at = self.reserve_u32();
        self.put(&record_id.to_le_bytes());
        self.put(&filetime(event.time).to_le_bytes());
        self.write_event(event, record_id)?;
        // The size stands at the end as well, so that a reader can walk backwards.
        let unpadded = self.bytes.len() - start + size_of::<u32>();
        let size = unpadded.next_multiple_of(RECORD_ALIGNMENT);
        self.bytes.resize(start + size - size_of::<u32>(), 0);
        let size = size as u32;
        self.put(&size.to_le_bytes());
        self.patch(size_at, size);
        Ok(())
    }

    /// The record's fragment: the event template's instance, with the body's as its last value.
    fn write_event(&mut self, event: &Event, record_id: u64) -> Result<(), Error> {
        let template = || binxml::event_template(&event.computer);
        self.put(&token::FRAGMENT_HEADER);
        self.write_instance(Digest::of_event(&event.computer), template)?;
        let values = binxml::event_values(event, record_id);
        let encoded = encode(values.iter().map(|(name, value)| (*name, value)))?;

        self.put(&(encoded.len() as u32 + 1).to_le_bytes());
        self.write_descriptors(&encoded);
        let body_size_at = self.bytes.len();
        self.put(&[0, 0, 0, 0]);
        self.write_values(&encoded);
        let body = self.bytes.len();
        self.write_body(event)?;
        let size = self.bytes.len() - body;
        if size > 0 {
            // A body too long for its 16 bits is too long for the chunk as well, which is found after this.
            let size = u16::try_from(size).unwrap_or(u16::MAX);
            let [low, high] = size.to_le_bytes();
            self.patch(body_size_at, u32::from_le_bytes([low, high, FRAGMENT, 0]));
        }
        self.put(&[token::EOF]);
        Ok(())
    }

    fn write_body(&mut self, event: &Event) -> Result<(), Error> {
        let Some(template) = binxml::body_template(&event.body) else {
            return Ok(());
        };
        self.put(&token::FRAGMENT_HEADER);
        self.write_instance(Digest::of_body(&event.body), || template)?;
        let values = binxml::body_values(&event.body);
        let encoded = encode(values.iter().map(|(name, value)| (*name, value.as_ref())))?;
        self.put(&(encoded.len() as u32).to_le_bytes());
        self.write_descriptors(&encoded);
        self.write_values(&encoded);
        self.put(&[token::EOF]);
        Ok(())
    }

    /// The head of a template instance. The first one in the chunk holds the definition as well.
    fn write_instance<'a>(
        &mut self,
        guid: Guid,
        template: impl FnOnce() -> Element<'a>,
    ) -> Result<(), Error> {
        let [a, b, c, d, ..] = guid.to_bytes();
        self.put(&[token::TEMPLATE_INSTANCE, token::INSTANCE_VERSION, a, b, c, d]);
        if let Some(&definition) = self.templates.get(&guid) {
            self.put_offset(definition);
            return Ok(());
        }
        let definition = self.bytes.len() + size_of::<u32>();
        self.put_offset(definition);
        self.templates.insert(guid, definition);
        self.put(&[0; 4]); // The next template in the bucket: see `link`.
        self.put(&guid.to_bytes());
        let size_at = self.reserve_u32();
        self.put(&token::FRAGMENT_HEADER);
        self.write_element(&template())?;
        self.put(&[token::EOF]);
        self.patch_size(size_at);
        Ok(())
    }

    fn write_element(&mut self, element: &Element<'_>) -> Result<(), Error> {
        let more = if element.attributes.is_empty() { 0 } else { token::MORE };
        self.put(&[token::OPEN_ELEMENT | more]);
        self.put(&element.dependency.unwrap_or(u16::MAX).to_le_bytes());
        let size_at = self.reserve_u32();
        self.write_name(element.name)?;
        if !element.attributes.is_empty() {
            let attributes_size_at = self.reserve_u32();
            let last = element.attributes.len() - 1;
            for (number, (name, content)) in element.attributes.iter().enumerate() {
                self.put(&[token::ATTRIBUTE | if number < last { token::MORE } else { 0 }]);
                self.write_name(name)?;
                self.write_content(*content)?;
            }
            self.patch_size(attributes_size_at);
        }
        if element.children.is_empty() {
            self.put(&[token::CLOSE_EMPTY]);
        } else {
            self.put(&[token::CLOSE_START]);
            for child in &element.children {
                match child {
                    Node::Element(element) => self.write_element(element)?,
                    Node::Content(content) => self.write_content(*content)?,
                }
            }
            self.put(&[token::CLOSE_ELEMENT]);
        }
        self.patch_size(size_at);
        Ok(())
    }

    fn write_content(&mut self, content: Content<'_>) -> Result<(), Error> {
        match content {
            Content::Text(text) => {
                self.put(&[token::VALUE, 0x01]);
                self.put_text(text)
            }
            Content::Substitution { index, value_type, optional } => {
                self.put(&[if optional { token::OPTIONAL_SUBSTITUTION } else { token::SUBSTITUTION }]);
                self.put(&index.to_le_bytes());
                self.put(&[value_type]);
                Ok(())
            }
        }
    }

    /// A reference to the name, followed by the name itself where the chunk uses it first.
    fn write_name(&mut self, name: &str) -> Result<(), Error> {
        if let Some(&at) = self.names.get(name) {
            self.put_offset(at);
            return Ok(());
        }
        let at = self.bytes.len() + size_of::<u32>();
        self.put_offset(at);
        self.names.insert(name.to_owned(), at);
        self.put(&[0; 4]); // The next name in the bucket: see `link`.
        self.put(&name_hash(name.encode_utf16()).to_le_bytes());
        self.put_text(name)?;
        self.put(&[0, 0]);
        Ok(())
    }

    fn write_descriptors(&mut self, values: &[Encoded]) {
        for value in values {
            let [low, high] = value.size.to_le_bytes();
            self.put(&[low, high, value.type_code, 0]);
        }
    }

    fn write_values(&mut self, values: &[Encoded]) {
        for value in values {
            self.put(&value.bytes);
        }
    }

    /// UTF-16 text after its length in units.
    fn put_text(&mut self, text: &str) -> Result<(), Error> {
        let units = utf16(text);
        let length = u16::try_from(units.len() / 2)
            .map_err(|_| Error::NameTooLong { name: text.chars().take(40).collect() })?;
        self.put(&length.to_le_bytes());
        self.put(&units);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn put_offset(&mut self, offset: usize) {
        self.put(&(offset as u32).to_le_bytes());
    }

    fn reserve_u32(&mut self) -> usize {
        self.put(&[0; 4]);
        self.bytes.len() - size_of::<u32>()
    }

    fn patch(&mut self, at: usize, value: u32) {
        put_at(&mut self.bytes, at, &value.to_le_bytes());
    }

    /// Fills in a size that was reserved: the bytes written since.
    fn patch_size(&mut self, at: usize) {
        let size = self.bytes.len() - at - size_of::<u32>();
        self.patch(at, size as u32);
    }

    /// The finished chunk, exactly [`CHUNK_SIZE`] bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let free_space = self.bytes.len();
        let names = self.names.iter().map(|(name, &at)| (usize::from(name_hash(name.encode_utf16())), at));
        let templates = self.templates.iter().map(|(guid, &at)| (template_hash(*guid), at));
        let (names, templates) = (names.collect(), templates.collect());
        self.link(TABLES, NAME_BUCKETS, names);
        self.link(TABLES + NAME_BUCKETS * size_of::<u32>(), TEMPLATE_BUCKETS, templates);
        self.write_header(free_space);
        self.bytes.resize(CHUNK_SIZE, 0);
        self.bytes
    }

    /// Threads the entries of a table (hash, offset) through its buckets, the newest first.
    fn link(&mut self, table: usize, buckets: usize, mut entries: Vec<(usize, usize)>) {
        entries.sort_unstable_by_key(|&(_, at)| at);
        let mut heads = vec![0_u32; buckets];
        for (hash, at) in entries {
            if let Some(head) = heads.get_mut(hash % buckets) {
                self.patch(at, std::mem::replace(head, at as u32));
            }
        }
        let heads: Vec<u8> = heads.into_iter().flat_map(u32::to_le_bytes).collect();
        put_at(&mut self.bytes, table, &heads);
    }

    fn write_header(&mut self, free_space: usize) {
        // An empty chunk says that its last record is the one before number 0.
        let first = self.records.first().copied();
        let last = self.records.last().copied();
        let last_number = if last.is_some() { self.next_number() - 1 } else { u64::MAX };
        let mut header = b"ElfChnk\0".to_vec();
        header.extend(self.first_number.to_le_bytes());
        header.extend(last_number.to_le_bytes());
        header.extend(first.map_or(self.first_number, |record| record.id).to_le_bytes());
        header.extend(last.map_or(u64::MAX, |record| record.id).to_le_bytes());
        header.extend((TABLES as u32).to_le_bytes());
        header.extend((last.map_or(0, |record| record.offset) as u32).to_le_bytes());
        header.extend((free_space as u32).to_le_bytes());
        header.extend(checksum(&[self.bytes.get(RECORDS..free_space)]).to_le_bytes());
        put_at(&mut self.bytes, 0, &header);
        // Windows sets this flag in every chunk that it has written back.
        self.patch(CHECKED_HEADER, 1);
        let parts = [self.bytes.get(..CHECKED_HEADER), self.bytes.get(TABLES..RECORDS)];
        let checksum = checksum(&parts);
        self.patch(CHECKED_HEADER + size_of::<u32>(), checksum);
    }
}

/// A value as it goes into the file.
struct Encoded {
    type_code: u8,
    size: u16,
    bytes: Vec<u8>,
}

fn encode<'a>(values: impl Iterator<Item = (&'a str, &'a crate::Value)>) -> Result<Vec<Encoded>, Error> {
    values
        .map(|(name, value)| {
            let bytes = value.encode();
            let size = u16::try_from(bytes.len())
                .map_err(|_| Error::ValueTooLong { name: name.to_owned(), bytes: bytes.len() })?;
            Ok(Encoded { type_code: value.type_code(), size, bytes })
        })
        .collect()
}

/// CRC-32 of the parts one after another.
pub(crate) fn checksum(parts: &[Option<&[u8]>]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    parts.iter().flatten().for_each(|part| hasher.update(part));
    hasher.finalize()
}

/// Overwrites the bytes at an offset.
pub(crate) fn put_at(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// The hash by which names find their bucket; its lower 16 bits stand before the name.
fn name_hash(units: impl Iterator<Item = u16>) -> u16 {
    units.fold(0_u32, |hash, unit| hash.wrapping_mul(65599).wrapping_add(u32::from(unit))) as u16
}

/// Templates find theirs by the same hash, over the GUID's bytes taken as UTF-16.
fn template_hash(guid: Guid) -> usize {
    let bytes = guid.to_bytes();
    let (pairs, _) = bytes.as_chunks();
    usize::from(name_hash(pairs.iter().map(|pair| u16::from_le_bytes(*pair))))
}
