//! What rules find in rows of events, as columns beside them.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use rustc_hash::FxHashMap;

use super::told::{self, told_schema};
use crate::alert::Finding;
use crate::event::Event;
use crate::input::arrow::RowReader;
use crate::label::Label;
use crate::scan::{Scanner, Working};
use crate::severity::Severity;

/// A column with one text a row, and how the chosen finding gives it.
type Text = (&'static str, fn(&Finding) -> Option<&str>);

/// The columns that the chosen finding fills.
const TEXTS: [Text; 7] = [
    ("kind", |finding| Some(finding.kind.as_str())),
    ("severity", |finding| finding.severity.map(Severity::as_str)),
    ("technique_id", |finding| Some(&finding.techniques.first()?.id)),
    ("technique_name", |finding| Some(&finding.techniques.first()?.name)),
    ("rule_id", |finding| finding.rule.as_ref()?.id.as_deref()),
    ("rule_title", |finding| Some(finding.title())),
    ("rule_author", |finding| Some(&finding.rule.as_ref()?.author)),
];

/// The columns that [`label`] makes, one row for each row of events: the most severe finding in the event, then
/// the techniques and tactics of all findings and the number of detections. Where nothing is found, they are
/// null or empty.
pub fn label_schema() -> SchemaRef {
    let texts = TEXTS.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true));
    let list = |name| Field::new(name, DataType::new_list(DataType::Utf8, true), false);
    let lists = [list("technique_ids"), list("tactic_names")];
    let number = Field::new("n_detections", DataType::UInt32, false);
    Arc::new(Schema::new(texts.chain(lists).chain([number]).collect::<Vec<_>>()))
}

/// Asks rules about each row of a batch, and gives as many rows of [`label_schema`], with [told lists](told_schema). Also
/// gives how many rows are no events, and what is wrong with the first.
///
/// # Errors
/// When the batch has other columns than the reader.
pub fn label(
    scanner: &Scanner<'_>,
    reader: &RowReader,
    working: &mut Working,
    batch: &RecordBatch,
) -> Result<(RecordBatch, Option<Unread>), ArrowError> {
    let mut columns = Columns::default();
    let mut unread: Option<Unread> = None;
    let mut label = Label::new();
    reader.read(batch, &mut Event::new(), &mut |row, read| {
        label.clear();
        match read {
            Ok(event) => scanner.ask(event, working, &mut |finding| label.add(finding)),
            Err(problem) => {
                let first = || Unread { n: 0, row, reason: problem.reason, code: problem.code };
                unread.get_or_insert_with(first).n += 1;
            }
        }
        columns.push(&label);
    })?;
    Ok((columns.finish()?, unread))
}

/// Rows that are no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many.
    pub n: usize,
    /// The first of them.
    pub row: usize,
    /// What is wrong with it.
    pub reason: String,
    /// The stable code of that.
    pub code: &'static str,
}

#[derive(Default)]
struct Columns {
    texts: [StringBuilder; TEXTS.len()],
    techniques: Lists,
    tactics: Lists,
    n_detections: UInt32Builder,
}

impl Columns {
    fn push(&mut self, label: &Label) {
        let chosen = label.chosen();
        for (builder, (_, text)) in self.texts.iter_mut().zip(TEXTS) {
            builder.append_option(chosen.and_then(|finding| text(finding)));
        }
        self.techniques.push(label.techniques().iter().map(|technique| technique.id.as_str()));
        self.tactics.push(label.tactics().iter().map(|tactic| tactic.name.as_str()));
        self.n_detections.append_value(u32::try_from(label.n_detections()).unwrap_or(u32::MAX));
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> =
            self.texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        columns.push(self.techniques.finish()?);
        columns.push(self.tactics.finish()?);
        columns.push(Arc::new(self.n_detections.finish()));
        RecordBatch::try_new(told_schema(&label_schema()), columns)
    }
}

/// Lists of texts, each once, and which of them each row has.
#[derive(Default)]
struct Lists {
    told: ListBuilder<StringBuilder>,
    /// By their texts, each behind its length.
    places: FxHashMap<Vec<u8>, u32>,
    /// That of the row at hand.
    key: Vec<u8>,
    rows: Vec<u32>,
}

impl Lists {
    fn push<'t>(&mut self, texts: impl Iterator<Item = &'t str> + Clone) {
        self.key.clear();
        for text in texts.clone() {
            self.key.extend_from_slice(&text.len().to_le_bytes());
            self.key.extend_from_slice(text.as_bytes());
        }
        if let Some(place) = self.places.get(&self.key) {
            return self.rows.push(*place);
        }
        texts.for_each(|text| self.told.values().append_value(text));
        self.told.append(true);
        // A batch has fewer rows than that.
        let place = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.insert(self.key.clone(), place);
        self.rows.push(place);
    }

    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let rows = UInt32Array::from(std::mem::take(&mut self.rows));
        told::rows(rows, Arc::new(self.told.finish()))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;
    use arrow_array::cast::AsArray as _;

    use super::*;
    use crate::attack::Catalogue;
    use crate::input::InputOptions;
    use crate::rules::{RuleFile, Rules};
    use crate::scan::{Findings, ScanOptions};
    use crate::{Associations, Pipelines};

    #[test]
    fn a_row_of_findings_for_each_row_of_events() {
        let rule = "title: Odd\nid: a\nlevel: high\ntags: [attack.t1110]\n\
            logsource: {product: windows, service: security}\n\
            detection:\n  a:\n    EventID: 4625\n    TargetUserName: bob\n  condition: a\n";
        let file = RuleFile { path: "odd.yml".to_owned(), text: rule.to_owned() };
        let rules = Rules::load(&[file], &Pipelines::bundled().unwrap(), &Default::default());
        let findings = Findings::new(&rules, Associations::bundled().unwrap(), &Catalogue::bundled());
        let scanner = Scanner::new(&rules, &findings, ScanOptions::default());
        let column = |texts: [&str; 4]| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("EventID", column(["4625", "4625", "none", "1"])),
            ("Channel", column(["Security"; 4])),
            ("TargetUserName", column(["bob", "eve", "", ""])),
        ]);
        let batch = batch.unwrap();
        let reader = RowReader::new(&batch, &InputOptions::default()).unwrap();
        let (labels, unread) = label(&scanner, &reader, &mut Working::default(), &batch).unwrap();
        let texts = |name: &str| -> Vec<Option<&str>> {
            labels.column_by_name(name).unwrap().as_string::<i32>().iter().collect()
        };
        assert_eq!(texts("kind"), [Some("detection"), Some("association"), None, None]);
        assert_eq!(texts("severity"), [Some("high"), Some("low"), None, None]);
        assert_eq!(texts("rule_title")[0], Some("Odd"));
        let techniques = labels.column_by_name("technique_ids").unwrap().as_any_dictionary().values().len();
        assert_eq!(techniques, 3, "those of the rule, of the event id, and none");
        let [own] = &told::spread(&[labels], std::num::NonZero::<usize>::MIN).unwrap()[..] else { panic!() };
        assert_eq!(own.schema(), label_schema());
        let lists = own.column_by_name("technique_ids").unwrap().as_list::<i32>().clone();
        let rows: Vec<String> =
            lists.iter().flatten().map(|list| list.as_string::<i32>().iter().flatten().collect()).collect();
        assert_eq!((rows[0].as_str(), rows[2].as_str(), rows[3].as_str()), ("T1110", "", ""));
        let unread = unread.unwrap();
        assert_eq!((unread.n, unread.row, unread.code), (1, 2, "csv-event-id"));
    }
}
