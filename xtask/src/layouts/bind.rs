//! Labels and fields side by side: which belongs to which.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::message::{Labelled, Place, labelled};
use super::words;
use crate::recordings::Record;

/// How many of the records in which a label and a field both are must agree.
const AGREEMENT: f64 = 0.97;
/// How many of a hundred records must have a label, for it to be one though no field is known for it.
const PRESENCE: usize = 90;

/// What was learnt of a kind of event.
#[derive(Debug, Default)]
pub(super) struct Kind {
    /// The labels in their order.
    places: Vec<Place>,
    fields: BTreeMap<Place, Field>,
    closing: Option<String>,
    constants: BTreeMap<u32, String>,
}

#[derive(Debug, Clone, Default)]
struct Field {
    name: String,
    has_lines: bool,
    /// The lowest of the constants that it may be.
    constant: Option<u32>,
    is_sid: bool,
}

/// A record, taken apart.
struct Sample<'r> {
    labelled: Labelled,
    fields: BTreeMap<&'r str, &'r str>,
}

impl Kind {
    /// Learns from records of one kind.
    pub(super) fn learn(records: &[Record]) -> Self {
        let samples: Vec<Sample<'_>> = records.iter().map(Sample::new).collect();
        let places = order(&samples);
        let names = order_of_fields(records);
        let pairs = Pairs::new(&samples, &places, &names);
        let bound = pairs.bind();
        let mut kind = Self { closing: closing(&samples), ..Self::default() };
        let n_with = |place: &Place| samples.iter().filter(|sample| sample.value(place).is_some()).count();
        let n_needed = (samples.len() * PRESENCE / 100).max(1);
        for (at, place) in places.iter().enumerate() {
            if let Some(name) = bound.get(&at).and_then(|at| names.get(*at)) {
                let field = kind.field(place, name, &samples);
                kind.fields.insert(place.clone(), field);
            } else if place.number > 0 || n_with(place) < n_needed && !is_section(place, &places) {
                continue;
            }
            kind.places.push(place.clone());
        }
        kind
    }

    /// How the value of a field is written after a label; learns the constants in it.
    fn field(&mut self, place: &Place, name: &str, samples: &[Sample<'_>]) -> Field {
        let mut field = Field { name: name.to_owned(), ..Field::default() };
        for sample in samples {
            let (Some(value), Some(text)) = (sample.value(place), sample.fields.get(name)) else { continue };
            field.has_lines |= text.trim().contains('\n') || value.trim().contains('\n');
            field.is_sid |= text.starts_with("S-1-");
            if let Some(constant) = constant(text) {
                field.constant = Some(field.constant.map_or(constant, |lowest| lowest.min(constant)));
                for (constant, meaning) in constants(text, value) {
                    self.constants.entry(constant).or_insert(meaning);
                }
            }
        }
        field
    }

    pub(super) fn n_fields(&self) -> usize {
        self.fields.len()
    }

    /// How the paragraphs begin that close the message.
    pub(super) fn closing(&self) -> Option<&str> {
        self.closing.as_deref()
    }

    pub(super) fn constants(&self) -> &BTreeMap<u32, String> {
        &self.constants
    }
}

/// The layout in the form of the data file.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in &self.places {
            let indent = if place.section.is_empty() { "" } else { "\t" };
            write!(f, "{indent}{}:", place.label)?;
            if let Some(field) = self.fields.get(place) {
                write!(f, " {field}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.has_lines || self.constant.is_some() || self.is_sid {
            f.write_str(" |")?;
        }
        if self.has_lines {
            f.write_str(" lines")?;
        }
        if let Some(constant) = self.constant {
            write!(f, " constant {constant}")?;
        }
        if self.is_sid {
            f.write_str(" sid")?;
        }
        Ok(())
    }
}

impl<'r> Sample<'r> {
    fn new(record: &'r Record) -> Self {
        let fields = record.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self { labelled: labelled(&record.message), fields: fields.collect() }
    }

    fn value(&self, place: &Place) -> Option<&str> {
        self.labelled.values.iter().find(|(own, _)| own == place).map(|(_, value)| value.as_str())
    }
}

/// Whether labels are known that lie in the section of this name.
fn is_section(place: &Place, places: &[Place]) -> bool {
    place.section.is_empty() && places.iter().any(|other| other.section == place.label)
}

/// All labels, in an order that agrees with that of every message as far as these agree with each other.
fn order(samples: &[Sample<'_>]) -> Vec<Place> {
    let mut order: Vec<Place> = Vec::new();
    let mut seen: BTreeMap<&Place, usize> = BTreeMap::new();
    for sample in samples {
        for (place, _) in &sample.labelled.values {
            *seen.entry(place).or_default() += 1;
        }
    }
    // What looks like a label in a few records only is part of a value.
    let n_min = if samples.len() < 20 { 1 } else { samples.len() / 50 };
    for sample in samples {
        let mut at = 0;
        for (place, _) in &sample.labelled.values {
            match order.iter().position(|known| known == place) {
                Some(known) => at = known + 1,
                None if seen.get(place).is_some_and(|n| *n >= n_min) => {
                    order.insert(at.min(order.len()), place.clone());
                    at += 1;
                }
                None => {}
            }
        }
    }
    order
}

/// The names of all fields, in the order of the event where a record shows it.
fn order_of_fields(records: &[Record]) -> Vec<String> {
    let ordered = records.iter().filter(|record| record.is_ordered);
    let unordered = records.iter().filter(|record| !record.is_ordered);
    let mut names: Vec<String> = Vec::new();
    for (name, _) in ordered.chain(unordered).flat_map(|record| &record.fields) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The first words of the line that closes all messages that are closed by one.
fn closing(samples: &[Sample<'_>]) -> Option<String> {
    let mut lines = samples.iter().filter_map(|sample| sample.labelled.closing.as_deref());
    let first = lines.next()?;
    let opening: Vec<&str> = first.split_inclusive(' ').take(4).collect();
    let opening = opening.concat().trim_end().to_owned();
    let n = lines.clone().count() + 1;
    let is_general = n > samples.len() / 2 && lines.all(|line| line.starts_with(&opening));
    is_general.then_some(opening)
}

/// Which labels and fields agree.
struct Pairs<'a> {
    places: &'a [Place],
    names: &'a [String],
    /// By label and field: how well they agree, where they do.
    agreeing: BTreeMap<(usize, usize), f64>,
}

impl<'a> Pairs<'a> {
    fn new(samples: &[Sample<'_>], places: &'a [Place], names: &'a [String]) -> Self {
        let mut agreeing = BTreeMap::new();
        for (at, place) in places.iter().enumerate() {
            for (name_at, name) in names.iter().enumerate() {
                if let Some(agreement) = agreement(samples, place, name) {
                    agreeing.insert((at, name_at), agreement);
                }
            }
        }
        Self { places, names, agreeing }
    }

    /// The field of each label. What is beyond doubt comes first and settles what is next to it.
    fn bind(&self) -> BTreeMap<usize, usize> {
        let mut bound = BTreeMap::new();
        let mut open: BTreeSet<(usize, usize)> = self.agreeing.keys().copied().collect();
        while !open.is_empty() {
            let score = |pair: &(usize, usize)| self.score(*pair, &open, &bound);
            let best = open.iter().max_by(|a, b| score(a).total_cmp(&score(b)).then(b.cmp(a)));
            let Some(&(place, name)) = best else { break };
            bound.insert(place, name);
            open.retain(|(other, other_name)| *other != place && *other_name != name);
        }
        bound
    }

    fn score(
        &self,
        pair: (usize, usize),
        open: &BTreeSet<(usize, usize)>,
        bound: &BTreeMap<usize, usize>,
    ) -> f64 {
        let (place, name) = pair;
        let is_only = open.iter().filter(|(other, _)| *other == place).count() == 1
            && open.iter().filter(|(_, other)| *other == name).count() == 1;
        let follows = place > 0 && name > 0 && bound.get(&(place - 1)) == Some(&(name - 1));
        let precedes = bound.get(&(place + 1)) == Some(&(name + 1));
        let agreement = self.agreeing.get(&pair).copied().unwrap_or_default();
        agreement
            + self.similarity(pair) * 2.0
            + self.kinship(pair, bound)
            + f64::from(u8::from(is_only)) * 1.5
            + f64::from(u8::from(follows) + u8::from(precedes)) * 0.75
    }

    /// How much the label and its section sound like the field's name.
    fn similarity(&self, (place, name): (usize, usize)) -> f64 {
        let (Some(place), Some(name)) = (self.places.get(place), self.names.get(name)) else { return 0.0 };
        let name = words(name);
        let of = |text: &str| {
            let mut words = words(text);
            for (word, other) in
                [("account", "user"), ("security", "sid"), ("id", "sid"), ("creator", "subject")]
            {
                if words.contains(word) && !name.contains(word) {
                    words.insert(other.to_owned());
                }
            }
            words.intersection(&name).count() as f64 / name.len().max(1) as f64
        };
        of(&place.label) + 0.5 * of(&place.section)
    }

    /// Whether the field's name begins as those of the section's other labels do.
    fn kinship(&self, (place, name): (usize, usize), bound: &BTreeMap<usize, usize>) -> f64 {
        let (Some(own), Some(name)) = (self.places.get(place), self.names.get(name)) else { return 0.0 };
        let first = |name: &str| {
            let end =
                name.char_indices().skip(1).find(|(_, c)| c.is_uppercase()).map_or(name.len(), |(at, _)| at);
            name.split_at(end).0.to_owned()
        };
        let is_kin = |(other, other_name): (&usize, &usize)| {
            let other = self.places.get(*other).filter(|other| !other.section.is_empty());
            let other_name = self.names.get(*other_name).map(|name| first(name));
            other.is_some_and(|other| other.section == own.section) && other_name == Some(first(name))
        };
        if bound.iter().any(is_kin) { 0.8 } else { 0.0 }
    }
}

/// How many of the records agree that the label's value is the field's; none when too few do, or when nothing
/// can be told.
fn agreement(samples: &[Sample<'_>], place: &Place, name: &str) -> Option<f64> {
    let (mut n_both, mut n_agreeing) = (0_u32, 0_u32);
    let mut meanings: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for sample in samples {
        let (Some(value), Some(text)) = (sample.value(place), sample.fields.get(name)) else { continue };
        n_both += 1;
        if same(value, text) {
            n_agreeing += 1;
        } else if is_constant(text) || text.starts_with("S-1-") {
            meanings.entry(text).or_default().insert(plain(value));
            let is_meaning = if is_constant(text) { is_expansion(value, text) } else { is_account(value) };
            n_agreeing += u32::from(is_meaning);
        }
    }
    // A constant always means the same.
    let is_steady = meanings.values().all(|meanings| meanings.len() == 1);
    let agreement = f64::from(n_agreeing) / f64::from(n_both.max(1));
    (n_both > 0 && agreement >= AGREEMENT && is_steady).then_some(agreement)
}

fn is_account(value: &str) -> bool {
    let value = value.trim();
    value.contains('\\') || (!value.is_empty() && value == value.to_uppercase() && value != "-")
}

/// Whether the message may show this for a text with constants in it: no number, no name of a file.
fn is_expansion(value: &str, text: &str) -> bool {
    let value = value.trim();
    let n_lines = |text: &str| text.trim().lines().count();
    n_lines(value) == n_lines(text)
        && value.starts_with(|c: char| c.is_alphabetic() || c == '<' || c == '\'')
        && !value.contains('\\')
}

fn is_constant(text: &str) -> bool {
    constant(text).is_some()
}

/// The number of the constant with which a text begins.
fn constant(text: &str) -> Option<u32> {
    let digits = text.trim_start().strip_prefix("%%")?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn same(value: &str, text: &str) -> bool {
    let (value, text) = (plain(value), plain(text));
    value == text || (value.starts_with("0x") && value.eq_ignore_ascii_case(&text))
}

/// A text without regard to its blanks.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the constants in `text` mean, by the message that shows `value` for it: line by line, and in a line
/// after commas.
fn constants(text: &str, value: &str) -> Vec<(u32, String)> {
    let pieces = |text: &str| -> Vec<String> {
        let text = if text.contains(", %%") { text.replace(", ", "\n") } else { text.to_owned() };
        text.trim().lines().map(|line| line.trim().to_owned()).collect()
    };
    let values = if text.contains(", %%") { value.replace(", ", "\n") } else { value.to_owned() };
    let (texts, values) = (pieces(text), pieces(&values));
    if texts.len() != values.len() {
        return Vec::new();
    }
    let number = |text: &String| text.strip_prefix("%%")?.parse().ok();
    let pairs = texts.iter().zip(values).filter(|(text, value)| *text != value);
    pairs.filter_map(|(text, value)| Some((number(text)?, value))).collect()
}
