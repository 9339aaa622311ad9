//! Records straight into events.
//!
//! The evtx crate renders a record as JSON, from which its fields are read again. Nearly all records can be
//! had for a fifth of that: their template says which value is which field, and the values are written as
//! they are. A record, or a payload, that uses no template and has its elements in itself is read as a template
//! of its own. That this gives what the crate gives is not taken on trust: of every combination of templates,
//! types of values and empty values, the first record is decoded in both ways, and only if the events are
//! equal are the others read directly. Whatever is unusual in any way is left to the crate.
//!
//! A record is gone through twice: first its values are found, of which it can be told whether an earlier record
//! had the same ([`again`](super::again)), and only if none had are they written as text.

use std::hash::BuildHasher;
use std::ops::Range;

use evtx::EvtxChunkHeader;
use rustc_hash::FxHashMap;

use super::again::Key;
use super::combination::{Combinations, Learnt};
use super::cursor::Cursor;
use super::template::{self, Action, Empty, Role, Step, Template};
use super::templates::Known;
use super::value::{self, FILETIME_END, RawValue, Unusual, kind};
use crate::event::{Event, Label, Place, Value};
use crate::recurring::Met;

/// How many values the templates of a record may have gaps for.
const MAX_VALUES: usize = 1 << 12;
/// How much text a record may come to, of which a chunk has 64 KiB: what is in its gaps may use one template
/// again and again, and each use takes over the template's text.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// How many elements of its own a record may have in place of templates: one gap may be used again and again, and its
/// element is gone through for each use.
const MAX_OWN: usize = 4;
/// How deep templates may lie in each other's gaps.
const MAX_TEMPLATE_DEPTH: u32 = 4;
/// More records than nearly all chunks have: room for so many is made at once.
const N_USUAL_RECORDS: usize = 128;
/// Where a chunk's first record begins.
const FIRST_RECORD: usize = 512;
const RECORD_MAGIC: [u8; 4] = [0x2a, 0x2a, 0, 0];
/// The part of a record before its content.
const RECORD_HEADER_BYTES: usize = 24;
/// The copy of its size at a record's end.
const RECORD_TRAILER_BYTES: usize = 4;
const TEMPLATE_INSTANCE: u8 = 0x0c;
/// The name of the nameless fields of `EventData`.
const NAMELESS: &str = "Data";

/// Where the records of a chunk are, if each is where it should be; a damaged chunk is left to the evtx
/// crate, which finds what can be found in it.
pub(super) fn records(chunk: &[u8], header: &EvtxChunkHeader) -> Option<Vec<Range<usize>>> {
    let end = usize::try_from(header.free_space_offset).ok()?.min(chunk.len());
    let mut records = Vec::with_capacity(N_USUAL_RECORDS);
    let mut start = FIRST_RECORD;
    while start < end {
        let record = chunk.get(start..end)?;
        let (magic, rest) = record.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (id, rest) = rest.split_first_chunk::<8>()?;
        let (time, _) = rest.split_first_chunk::<8>()?;
        let n_bytes = usize::try_from(u32::from_le_bytes(*size)).ok()?;
        let is_whole = *magic == RECORD_MAGIC
            && n_bytes >= RECORD_HEADER_BYTES + RECORD_TRAILER_BYTES
            && u64::from_le_bytes(*time) < FILETIME_END
            && record.get(..n_bytes)?.ends_with(size);
        if !is_whole {
            return None;
        }
        records.push(start..start + n_bytes);
        if u64::from_le_bytes(*id) == header.last_event_record_id {
            break;
        }
        start += n_bytes;
    }
    Some(records)
}

/// Decodes the records of one chunk.
pub(super) struct Decoder<'c> {
    chunk: &'c [u8],
    combinations: &'c Combinations,
    /// What this thread knows by the chunks before.
    learnt: Learnt,
    /// The numbers of the chunk's templates by where they are defined; nothing for those that are unusual.
    defined: FxHashMap<u32, Option<usize>>,
    /// How many elements the record has in itself.
    n_own: usize,
    /// The uses of templates that the record consists of, those in gaps behind those that they are in.
    streams: Vec<Stream>,
    /// The values of the record, stream by stream.
    values: Vec<Gap>,
    /// What makes up the record's combination.
    combination: Vec<u8>,
    /// Whether the record holds an array of texts, each of which is a field: then records of its combination may
    /// have more fields or fewer.
    has_array: bool,
    /// Whether the record at hand came before.
    met: Met,
}

/// One use of a template.
struct Stream {
    /// The number that the template is known under.
    template: usize,
    values: Values,
}

/// The values of a stream, among those of the record.
#[derive(Clone, Copy)]
struct Values {
    base: usize,
    n: usize,
}

/// Where what a template says of a record is.
#[derive(Clone, Copy)]
struct Held {
    values: Values,
    /// Where its text begins in the event's.
    text: usize,
}

/// What is in a gap of a template, and where.
#[derive(Clone, Copy)]
struct Gap {
    kind: u8,
    start: usize,
    n_bytes: usize,
}

impl Gap {
    /// Its bytes in the chunk.
    fn of(self, chunk: &[u8]) -> &[u8] {
        chunk.get(self.start..self.start + self.n_bytes).unwrap_or_default()
    }
}

impl<'c> Decoder<'c> {
    pub(super) fn new(chunk: &'c [u8], combinations: &'c Combinations) -> Self {
        let mut learnt = combinations.learnt.take();
        learnt.begin(combinations);
        Self {
            chunk,
            combinations,
            learnt,
            defined: FxHashMap::default(),
            n_own: 0,
            streams: Vec::new(),
            values: Vec::new(),
            combination: Vec::new(),
            has_array: false,
            met: Met::First,
        }
    }

    /// Leaves what is remembered to the next chunk.
    pub(super) fn finish(self) {
        self.combinations.learnt.put_back(self.learnt);
    }

    /// Decodes a record into `event`, and says which combination it is of. Only where that is known to be
    /// right does the event count.
    pub(super) fn decode(&mut self, record: &Range<usize>, event: &mut Event) -> Result<u64, Unusual> {
        event.clear();
        self.n_own = 0;
        self.streams.clear();
        self.values.clear();
        self.combination.clear();
        self.has_array = false;
        self.met = Met::First;
        let end = record.end - RECORD_TRAILER_BYTES;
        self.find(record.start + RECORD_HEADER_BYTES..end, Role::Event, 0)?;
        self.met = self.meet();
        if let Met::Known(place) = self.met {
            return self.renew(place, event);
        }
        self.write(&mut 0, event)?;
        let combination = self.combinations.hasher.hash_one(self.combination.as_slice());
        if !self.has_array {
            event.set_shape(combination);
        }
        Ok(combination)
    }

    /// Whether the record that was decoded last into an event is of a combination that is known to be decoded rightly.
    /// If it is, and came before, its event is kept for those that say the same.
    pub(super) fn settle(&mut self, combination: u64, event: &mut Event) -> bool {
        let is_right = self.learnt.is_right(combination, self.combinations);
        if let Met::Again(hash) = self.met
            && is_right
        {
            self.learnt.again.keep(hash, combination, event);
        }
        is_right
    }

    /// Whether the record at hand says what one before it said.
    fn meet(&mut self) -> Met {
        let Learnt { templates, again, .. } = &mut self.learnt;
        let mut key = again.new_key();
        for Stream { template, values } in &self.streams {
            let gaps = self.values.get(values.base..values.base + values.n).unwrap_or_default();
            let Some(known) = templates.get(*template) else { return Met::First };
            if !push_stream(&mut key, known, gaps, self.chunk) {
                return Met::First;
            }
        }
        again.meet()
    }

    /// Fills an event from one that says the same, with what passes of the record at hand.
    fn renew(&self, place: usize, event: &mut Event) -> Result<u64, Unusual> {
        let combination = self.learnt.again.fill(place, event).ok_or(Unusual)?;
        for Stream { template, values } in &self.streams {
            for template::Varying { gap, passing } in &self.known_as(*template)?.template.varying {
                let Some(passing) = passing else { continue };
                let (_, value) = self.gap(*values, *gap)?;
                event.renew(*passing, value.time(), |text| value.write(text))?;
            }
        }
        Ok(combination)
    }

    /// Finds the values of a stream that is one use of a template, and of those in its gaps.
    fn find(&mut self, range: Range<usize>, role: Role, depth: u32) -> Result<(), Unusual> {
        if depth >= MAX_TEMPLATE_DEPTH {
            return Err(Unusual);
        }
        let mut cursor = Cursor { chunk: self.chunk, at: range.start, end: range.end };
        let begins = |token: u8| token == TEMPLATE_INSTANCE || template::is_element(token);
        // What is in a gap may do without the header.
        if !self.chunk.get(cursor.at).is_some_and(|token| begins(*token)) {
            cursor.fragment_header()?;
        }
        let base = self.values.len();
        let template = match self.chunk.get(cursor.at) {
            Some(token) if template::is_element(*token) => self.element(&mut cursor)?,
            _ => self.used(&mut cursor)?,
        };
        let &Known { template: Template { role: own_role, need, .. }, number, is_own } =
            self.known_as(template)?;
        if own_role != role {
            return Err(Unusual);
        }
        self.combination.extend_from_slice(&number.to_le_bytes());
        if !is_own {
            self.values(&mut cursor)?;
        }
        let values = Values { base, n: self.values.len() - base };
        if !matches!(self.chunk.get(cursor.at..cursor.end), Some([] | [0, ..])) {
            return Err(Unusual);
        }
        if let Some(need) = need
            && self.gap(values, need)?.0.kind == kind::NULL
        {
            return Err(Unusual);
        }
        self.streams.push(Stream { template, values });
        self.find_inner(template, values, depth)
    }

    /// Finds the values of the streams in the gaps of one.
    fn find_inner(&mut self, template: usize, values: Values, depth: u32) -> Result<(), Unusual> {
        let mut next = 0;
        while let Some(step) = self.known_as(template)?.template.inner_step(next) {
            next += 1;
            if let Some((range, role)) = self.inner(&self.known_as(template)?.template, step, values)? {
                self.find(range, role, depth + 1)?;
            }
        }
        Ok(())
    }

    /// What a template is known as.
    fn known_as(&self, template: usize) -> Result<&Known, Unusual> {
        self.learnt.templates.get(template).ok_or(Unusual)
    }

    /// The template that is used at a place.
    fn used(&mut self, cursor: &mut Cursor<'c>) -> Result<usize, Unusual> {
        if cursor.token()? != TEMPLATE_INSTANCE {
            return Err(Unusual);
        }
        let _ = cursor.bytes(5)?;
        let definition = cursor.u32()?;
        if usize::try_from(definition).is_ok_and(|at| at == cursor.at) {
            // The template stands here, where it is used for the first time.
            let _ = cursor.bytes(20)?;
            let n_bytes = cursor.u32()?;
            let _ = cursor.bytes(usize::try_from(n_bytes).map_err(|_| Unusual)?)?;
        }
        self.template(definition)
    }

    /// The template that an element of the record itself comes to. Its texts are values.
    fn element(&mut self, cursor: &mut Cursor<'c>) -> Result<usize, Unusual> {
        self.n_own += 1;
        if self.n_own > MAX_OWN {
            return Err(Unusual);
        }
        let Self { learnt, combinations, values, .. } = self;
        let template = learnt.templates.read_element(cursor, &combinations.hasher, &mut |text| {
            values.push(Gap { kind: kind::STRING, start: text.start, n_bytes: text.len() });
        })?;
        if values.len() > MAX_VALUES { Err(Unusual) } else { Ok(template) }
    }

    /// What is in the gap of a step if it is itself made by a template, and is there.
    fn inner(
        &self,
        template: &Template,
        step: &Step,
        values: Values,
    ) -> Result<Option<(Range<usize>, Role)>, Unusual> {
        let Action::Inner { gap, role } = step.action else { return Ok(None) };
        if self.is_left_out(template, step, values)? {
            return Ok(None);
        }
        let (gap, value) = self.gap(values, gap)?;
        match gap.kind {
            _ if value.is_empty() => Ok(None),
            kind::BINXML => Ok(Some((gap.start..gap.start + gap.n_bytes, role))),
            _ => Err(Unusual),
        }
    }

    /// Whether a gap is empty without which a step is left out.
    fn is_left_out(&self, template: &Template, step: &Step, values: Values) -> Result<bool, Unusual> {
        for need in template.needs(step) {
            if self.gap(values, *need)?.0.kind == kind::NULL {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the fields of the next stream, and of those in its gaps.
    fn write(&self, next: &mut usize, event: &mut Event) -> Result<(), Unusual> {
        let Stream { template, values } = self.streams.get(*next).ok_or(Unusual)?;
        *next += 1;
        let template = &self.known_as(*template)?.template;
        if event.everything().len() + template.text.len() > MAX_TEXT_BYTES {
            return Err(Unusual);
        }
        let held = Held { values: *values, text: event.hold(&template.text) };
        for step in &template.steps {
            match step.action {
                Action::Inner { .. } if self.inner(template, step, *values)?.is_some() => {
                    self.write(next, event)?;
                }
                Action::Inner { .. } => {}
                _ if self.is_left_out(template, step, *values)? => {}
                _ => self.step(step, held, event)?,
            }
        }
        Ok(())
    }

    /// The template that is defined at a place.
    fn template(&mut self, definition: u32) -> Result<usize, Unusual> {
        let Self { chunk, learnt, combinations, defined, .. } = self;
        let index = *defined
            .entry(definition)
            .or_insert_with(|| learnt.templates.read(chunk, definition, &combinations.hasher).ok());
        index.ok_or(Unusual)
    }

    /// Finds the values of a template's gaps.
    fn values(&mut self, cursor: &mut Cursor<'c>) -> Result<(), Unusual> {
        let n = usize::try_from(cursor.u32()?).map_err(|_| Unusual)?;
        if self.values.len() + n > MAX_VALUES {
            return Err(Unusual);
        }
        let (descriptors, _) = cursor.bytes(n * 4)?.as_chunks::<4>();
        self.values.reserve(n);
        self.combination.reserve(2 * n);
        for [low, high, kind, _] in descriptors {
            let n_bytes = usize::from(u16::from_le_bytes([*low, *high]));
            let start = cursor.at;
            let bytes = cursor.bytes(n_bytes)?;
            let is_empty = RawValue { kind: *kind, bytes }.is_empty();
            self.combination.extend_from_slice(&[*kind, u8::from(is_empty)]);
            self.has_array |= *kind == kind::STRING_ARRAY;
            self.values.push(Gap { kind: *kind, start, n_bytes });
        }
        Ok(())
    }

    /// What is in a gap of a stream, which must be one of its own.
    fn gap(&self, values: Values, gap: u16) -> Result<(Gap, RawValue<'c>), Unusual> {
        let gap = Some(usize::from(gap)).filter(|gap| *gap < values.n).ok_or(Unusual)?;
        let gap = *self.values.get(values.base + gap).ok_or(Unusual)?;
        let bytes = self.chunk.get(gap.start..gap.start + gap.n_bytes).ok_or(Unusual)?;
        Ok((gap, RawValue { kind: gap.kind, bytes }))
    }

    fn step(&self, step: &Step, held: Held, event: &mut Event) -> Result<(), Unusual> {
        match &step.action {
            Action::Constant { label, value } => {
                event.push_held(label.at(held.text), value.start + held.text..value.end + held.text);
            }
            Action::Field { label, gap, empty } => {
                let (_, value) = self.gap(held.values, *gap)?;
                let label = label.at(held.text);
                match (value.is_empty(), empty) {
                    (false, _) => {
                        event.push_written(label, |text| value.write(text))?;
                        value.time().into_iter().for_each(|time| event.note_time(time));
                    }
                    (true, empty) => push_empty(label, *empty, held, event),
                }
            }
            Action::Missing { label, empty } => push_empty(label.at(held.text), *empty, held, event),
            Action::Nameless { gap, is_only } => {
                let (_, value) = self.gap(held.values, *gap)?;
                if value.kind == kind::STRING_ARRAY && !is_only {
                    return Err(Unusual);
                }
                push_nameless(value, event)?;
            }
            // Those have streams of their own.
            Action::Inner { .. } => {}
        }
        Ok(())
    }
}

/// Adds what a stream says to a key: its template, and the values of which it is not known that they may be others.
/// Gives whether it could.
fn push_stream(key: &mut Key<'_>, known: &Known, gaps: &[Gap], chunk: &[u8]) -> bool {
    let mut is_pushed = key.push(&known.number.to_le_bytes()) && key.push(&gaps.len().to_le_bytes());
    for Gap { kind, n_bytes, .. } in gaps {
        let [low, high, ..] = n_bytes.to_le_bytes();
        is_pushed = is_pushed && key.push(&[*kind, low, high]);
    }
    if known.is_own {
        // What stands between texts says where in the chunk the names are.
        return is_pushed
            && known.template.varying.is_empty()
            && gaps.iter().all(|gap| key.push(gap.of(chunk)));
    }
    let mut lasting = gaps.first().map_or(0, |first| first.start);
    let end = gaps.last().map_or(0, |last| last.start + last.n_bytes);
    for varying in &known.template.varying {
        let Some(gap) = gaps.get(usize::from(varying.gap)) else { return false };
        let part = chunk.get(lasting..gap.start).unwrap_or_default();
        is_pushed = is_pushed && varying.may_hold(gap.kind) && key.push(part);
        lasting = gap.start + gap.n_bytes;
    }
    is_pushed && key.push(chunk.get(lasting..end).unwrap_or_default())
}

/// Adds a field that is empty, if it is to be there.
fn push_empty(label: Label, empty: Empty, held: Held, event: &mut Event) {
    match empty {
        Empty::LeftOut => {}
        Empty::Null => event.push_null(label),
        Empty::Text => event.push_held(label, held.text..held.text),
    }
}

/// Adds the nameless fields of `EventData`: each text of an array, or the one value.
fn push_nameless(value: RawValue<'_>, event: &mut Event) -> Result<(), Unusual> {
    if value.is_empty() {
        event.push(Place::Data, NAMELESS, Value::Text(""));
        return Ok(());
    }
    if value.kind != kind::STRING_ARRAY {
        return event.push_with(Place::Data, &[NAMELESS], |text| value.write(text));
    }
    for item in value.texts()? {
        event.push_with(Place::Data, &[NAMELESS], |text| {
            value::push_utf16(item, text);
            Ok::<(), Unusual>(())
        })?;
    }
    Ok(())
}
