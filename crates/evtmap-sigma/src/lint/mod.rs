//! Lints: what is doubtful in a rule that can be used, or could be said better.
//!
//! Each family of lints is a file with a table; a lint has a stable code, a gravity, and says what it finds
//! and why that matters. What only others know, such as which techniques ATT&CK has, is asked of a
//! [`Knowledge`] that the caller brings.

mod condition;
mod fix;
mod logsource;
mod metadata;
mod modifier;
mod regex;
mod selection;
mod source;
mod subject;
mod tag;
mod truth;
mod value;
mod wildcard;

use std::collections::HashMap;

pub use fix::{Edit, Fix, apply};

use crate::collection::with_actions;
use crate::diagnostic::{Code, Diagnostic, Gravity};
use crate::yaml::{self, Extent, Node, Place};
use crate::{Collection, Placeholders};

use source::Source;
use subject::Subject;

/// The largest number of findings that are told of one file.
const MAX_FINDINGS: usize = 2_000;
/// How often a file is mended and looked at again.
const MAX_ROUNDS: usize = 16;

/// One thing that is looked for.
pub struct Lint {
    /// The stable code, such as `unused-selection`.
    pub code: &'static str,
    /// How bad it is.
    pub gravity: Gravity,
    /// What is found, as the end of "it finds …".
    pub finds: &'static str,
    /// Why it matters, in a sentence or two.
    pub why: &'static str,
    /// Looks for it in a document.
    check: fn(&Subject<'_>, &mut Reporter<'_>),
}

/// Lints that look at the same part of a document.
pub struct Family {
    /// What they look at.
    pub name: &'static str,
    /// The lints, in the order in which they look.
    pub lints: &'static [Lint],
}

/// Every family; a new one is a file and a line here.
pub const FAMILIES: &[Family] = &[
    Family { name: "metadata", lints: metadata::LINTS },
    Family { name: "tags", lints: tag::LINTS },
    Family { name: "log source", lints: logsource::LINTS },
    Family { name: "selections", lints: selection::LINTS },
    Family { name: "values", lints: value::LINTS },
    Family { name: "wildcards", lints: wildcard::LINTS },
    Family { name: "regular expressions", lints: regex::LINTS },
    Family { name: "modifiers", lints: modifier::LINTS },
    Family { name: "conditions", lints: condition::LINTS },
];

impl Lint {
    /// Every lint of every family.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FAMILIES.iter().flat_map(|family| family.lints)
    }
}

/// What is found in a rule file: a [`Diagnostic`] of the reader, or something that a [`Lint`] looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code.
    pub code: &'static str,
    /// How bad it is.
    pub gravity: Gravity,
    /// What is wrong, in lower case and without a final stop.
    pub message: String,
    /// What the author can do about it; empty when the message says all.
    pub help: String,
    /// Where it begins.
    pub place: Place,
    /// The place behind its last character.
    pub end: Place,
    /// The mend, where it is mechanical.
    pub fix: Option<Fix>,
}

impl Finding {
    /// The finding for a problem that shows only beside other files, such as a reference to an unknown rule,
    /// in the text of its own file.
    pub fn of(diagnostic: &Diagnostic, text: &str) -> Self {
        of_diagnostic(diagnostic, &Source::new(text), &HashMap::new())
    }

    fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    fn fix(&mut self, edits: Option<Vec<Edit>>) -> &mut Self {
        self.fix = edits.filter(|edits| !edits.is_empty()).map(|edits| Fix { edits });
        self
    }
}

/// What a tag of ATT&CK means to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagMeaning {
    /// It is known, or the caller cannot tell.
    Known,
    /// It means nothing.
    Unknown,
    /// It means something under another name now.
    Replaced(String),
}

/// A part of a log source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSourcePart {
    /// `category`
    Category,
    /// `product`
    Product,
    /// `service`
    Service,
}

/// What is known beyond the language.
pub trait Knowledge {
    /// What a tag such as `attack.t1059.001` means.
    fn attack_tag(&self, tag: &str) -> TagMeaning;

    /// The names that a part of a log source may have when it is about a product; none when any name may be
    /// right.
    fn logsource_names(&self, part: LogSourcePart, product: Option<&str>) -> Option<Vec<String>>;
}

/// Knows the language and nothing beyond it.
impl Knowledge for () {
    fn attack_tag(&self, _: &str) -> TagMeaning {
        TagMeaning::Known
    }

    fn logsource_names(&self, _: LogSourcePart, _: Option<&str>) -> Option<Vec<String>> {
        None
    }
}

/// What a look at a file gives.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What the file holds.
    pub collection: Collection,
    /// What was found, in the order of the text.
    pub findings: Vec<Finding>,
}

/// Looks at rule files, one after the other, and remembers what must not come twice.
///
/// ```
/// use evtmap_sigma::{Linter, Placeholders};
///
/// let placeholders = Placeholders::default();
/// let text = "title: x\nlogsource: {product: windows}\ndetection: {a: {b|contains: '*c*'}, condition: a}\n";
/// let checked = Linter::new(&(), &placeholders).check("x.yml", text);
/// assert!(checked.findings.iter().any(|finding| finding.code == "redundant-wildcard"));
/// ```
pub struct Linter<'a> {
    knowledge: &'a dyn Knowledge,
    placeholders: &'a Placeholders,
    ids: HashMap<String, String>,
    titles: HashMap<String, String>,
}

impl<'a> Linter<'a> {
    /// A linter that has seen no file yet.
    pub fn new(knowledge: &'a dyn Knowledge, placeholders: &'a Placeholders) -> Self {
        Self { knowledge, placeholders, ids: HashMap::new(), titles: HashMap::new() }
    }

    /// Reads a file and looks at each of its documents.
    pub fn check(&mut self, path: &str, text: &str) -> Checked {
        let collection = Collection::parse(text, self.placeholders);
        let source = Source::new(text);
        let mut read = yaml::read(text);
        // What an anchor or an action repeats elsewhere cannot be mended where it is written.
        let has_actions = read.documents.iter().any(|node| node.get("action").is_some());
        let is_mendable = !has_actions && !read.has_properties;
        let mut documents = with_actions(&mut read, &mut Vec::new());
        documents.iter_mut().for_each(|document| source.tighten(document));
        let mut findings = Vec::new();
        for node in &documents {
            let mut subject = Subject::new(node, path, &source, self.knowledge, self.placeholders);
            subject.earlier_id = remember(&mut self.ids, subject.id(), path);
            subject.earlier_title = remember(&mut self.titles, subject.title(), path);
            for lint in Lint::all() {
                let mut reporter = Reporter { lint, source: &source, findings: &mut findings };
                (lint.check)(&subject, &mut reporter);
            }
        }
        if !is_mendable {
            findings.iter_mut().for_each(|finding| finding.fix = None);
        }
        // Of these there are lints, which know the place of the value and a mend.
        let has_lint = |diagnostic: &&Diagnostic| {
            matches!(diagnostic.code, Code::IneffectiveModifier | Code::CidrHostBits)
        };
        let diagnostics = collection.diagnostics.iter().filter(|diagnostic| !has_lint(diagnostic));
        let mut extents = HashMap::new();
        documents.iter().for_each(|document| note_extents(document, &mut extents));
        findings.extend(diagnostics.map(|diagnostic| of_diagnostic(diagnostic, &source, &extents)));
        // Behind the limit the least grave is left out.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.gravity));
        findings.truncate(MAX_FINDINGS);
        findings.sort_by_key(|finding| finding.place);
        findings.dedup();
        Checked { collection, findings }
    }

    /// The text of a file with what can be mended mechanically mended.
    ///
    /// The rules of the new text hold for the same events. A mend that would change that is not made.
    pub fn mend(&self, path: &str, text: &str) -> String {
        let mut mended = text.to_owned();
        for _ in 0..MAX_ROUNDS {
            let checked = Self::new(self.knowledge, self.placeholders).check(path, &mended);
            let fixes = checked.findings.iter().filter_map(|finding| finding.fix.as_ref());
            let next = apply(&mended, fixes);
            if next == mended || !fix::same_meaning(&mended, &next, self.placeholders) {
                break;
            }
            mended = next;
        }
        mended
    }
}

/// Where a text was seen before; remembers where it is seen now.
fn remember(seen: &mut HashMap<String, String>, text: Option<&str>, path: &str) -> Option<String> {
    let text = text?.trim().to_lowercase();
    if text.is_empty() {
        return None;
    }
    match seen.get(&text) {
        Some(earlier) => Some(earlier.clone()),
        None => {
            seen.insert(text, path.to_owned());
            None
        }
    }
}

fn of_diagnostic(diagnostic: &Diagnostic, source: &Source<'_>, extents: &HashMap<Place, Extent>) -> Finding {
    let start = source.index(diagnostic.place);
    let extent = extents.get(&diagnostic.place).copied();
    let end = extent.unwrap_or_else(|| source.to_line_end(start)).end;
    Finding {
        code: diagnostic.code.as_str(),
        gravity: diagnostic.code.gravity(),
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        place: diagnostic.place,
        end: source.place(end.max(start)),
        fix: None,
    }
}

/// Notes what keys and values are written in, by their places.
fn note_extents(node: &Node, extents: &mut HashMap<Place, Extent>) {
    match &node.data {
        yaml::Data::Scalar { .. } => {
            extents.insert(node.place, node.extent);
        }
        yaml::Data::Sequence(items) => items.iter().for_each(|item| note_extents(item, extents)),
        yaml::Data::Mapping(entries) => entries.iter().for_each(|entry| {
            note_extents(&entry.value, extents);
            extents.insert(entry.place, entry.extent);
        }),
    }
}

/// Takes what a lint finds.
struct Reporter<'a> {
    lint: &'static Lint,
    source: &'a Source<'a>,
    findings: &'a mut Vec<Finding>,
}

impl Reporter<'_> {
    /// Notes a finding at an extent of the text.
    fn find(&mut self, extent: Extent, message: impl Into<String>) -> &mut Finding {
        let finding = Finding {
            code: self.lint.code,
            gravity: self.lint.gravity,
            message: message.into(),
            help: String::new(),
            place: self.source.place(extent.start),
            end: self.source.place(extent.end.max(extent.start)),
            fix: None,
        };
        // Behind the limit the last finding gives way, so that a lint need not know of the limit.
        if self.findings.len() >= MAX_FINDINGS {
            self.findings.pop();
        }
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "it was pushed in the line before")]
        &mut self.findings[last]
    }
}

#[cfg(test)]
mod tests;
