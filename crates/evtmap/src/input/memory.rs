//! Events that are in memory already: objects, and whatever else hands out batches.
//!
//! What gives events one after the other becomes an [`Input`] by [`of_batches`], and so goes the way of every
//! file: decoded on several threads, matched, told in order.

use std::path::Path;
use std::sync::Arc;

use super::csv::Table;
use super::json::record::{self, Record};
use super::text::Problem;
use super::{Batch, Decoded, Input, InputError, InputOptions, Log, Position, RecordProblem};
use crate::event::Event;
use crate::event::message::Templates;

/// What stands in the place of a path for events in memory.
pub const IN_MEMORY: &str = "memory";

/// An input of batches that are made as they are asked for.
pub fn of_batches<I>(kind: &'static str, batches: I) -> Log
where
    I: Iterator<Item = Result<Box<dyn Batch>, InputError>> + Send + 'static,
{
    let input = Batches { kind, batches };
    Log { path: Path::new(IN_MEMORY).to_owned(), is_member: false, opened: Ok(Box::new(input)) }
}

struct Batches<I> {
    kind: &'static str,
    batches: I,
}

impl<I> Input for Batches<I>
where
    I: Iterator<Item = Result<Box<dyn Batch>, InputError>> + Send,
{
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn next_batch(&mut self) -> Option<Result<Box<dyn Batch>, InputError>> {
        self.batches.next()
    }
}

/// Reads events that are objects: of one of the shapes in which programs write events as JSON, or with the
/// names of a table's columns as keys.
pub struct ObjectReader {
    options: InputOptions,
}

/// What an [`ObjectReader`] remembers from one object to the next: most have the same keys.
#[derive(Default)]
pub struct LastKeys {
    keys: Vec<String>,
    table: Option<Table>,
    templates: Templates,
}

impl ObjectReader {
    /// A reader with options.
    pub fn new(options: InputOptions) -> Self {
        Self { options }
    }

    /// Fills an event from an object, which is JSON. Gives whether it says anything.
    ///
    /// # Errors
    /// What is wrong with the object.
    pub fn read(&self, object: &str, last: &mut LastKeys, event: &mut Event) -> Result<bool, Problem> {
        match super::json::read_object(object, &self.options, event) {
            Err(problem) if problem.code == super::json::UNKNOWN_SHAPE => {
                let Ok(record) = Record::parse(object) else { return Err(problem) };
                last.learn(&record, &self.options);
                let LastKeys { table, templates, .. } = last;
                let Some(table) = table else { return Err(problem) };
                event.clear();
                let cells: Vec<_> = record.members().map(|(_, value)| record::text(value)).collect();
                table.read(cells.len(), cells.iter().map(AsRef::as_ref), templates, event)?;
                Ok(true)
            }
            read => read,
        }
    }
}

impl LastKeys {
    /// Makes the table that of an object, unless it is.
    fn learn(&mut self, record: &Record<'_>, options: &InputOptions) {
        if !record.members().map(|(key, _)| key).eq(self.keys.iter().map(String::as_str)) {
            self.keys = record.members().map(|(key, _)| key.to_owned()).collect();
            self.table = Table::of_columns(&self.keys, options);
        }
    }
}

/// Objects that are read one after the other, as a batch.
pub struct Objects {
    reader: Arc<ObjectReader>,
    first: u64,
    /// The objects, one after the other.
    text: String,
    ends: Vec<usize>,
    /// Objects of which it is known already why they cannot be read.
    problems: Vec<RecordProblem>,
}

impl Objects {
    /// A batch without objects. The first that is added is the one with this number.
    pub fn new(reader: Arc<ObjectReader>, first: u64) -> Self {
        Self { reader, first, text: String::new(), ends: Vec::new(), problems: Vec::new() }
    }

    /// Adds an object: what `write` appends, which is to be JSON.
    ///
    /// # Errors
    /// Those of `write`; the object is then not there, and its number goes to the next.
    pub fn push<E>(&mut self, write: impl FnOnce(&mut String) -> Result<(), E>) -> Result<(), E> {
        let end = self.text.len();
        if let Err(error) = write(&mut self.text) {
            self.text.truncate(end);
            return Err(error);
        }
        self.ends.push(self.text.len());
        Ok(())
    }

    /// Adds an object of which is known why it cannot be read.
    pub fn push_problem(&mut self, code: &'static str, reason: String) {
        let position = Position::Row(self.first + self.ends.len() as u64);
        self.problems.push(RecordProblem { code, position, reason, lost: true });
        self.ends.push(self.text.len());
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// How many bytes they are.
    pub fn n_bytes(&self) -> usize {
        self.text.len()
    }
}

impl Batch for Objects {
    fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    fn decode(&mut self, event: &mut Event, visit: &mut dyn FnMut(Decoded<'_>)) {
        let mut last = LastKeys::default();
        let mut start = 0;
        for (end, number) in std::mem::take(&mut self.ends).into_iter().zip(self.first..) {
            let object = self.text.get(start..end).unwrap_or_default();
            start = end;
            let position = Position::Row(number);
            if object.is_empty() {
                continue;
            }
            event.clear();
            match self.reader.read(object, &mut last, event) {
                Ok(true) => visit(Decoded::Event(event, position)),
                Ok(false) => {
                    let reason = "the object is empty".to_owned();
                    visit(Decoded::Bad(RecordProblem { code: "json-empty", position, reason, lost: true }));
                }
                Err(Problem { code, reason }) => {
                    visit(Decoded::Bad(RecordProblem { code, position, reason, lost: true }));
                }
            }
        }
        std::mem::take(&mut self.problems).into_iter().for_each(|problem| visit(Decoded::Bad(problem)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows what is read of objects.
    #[track_caller]
    fn check(objects: &[&str], expected: &[&str]) {
        let reader = Arc::new(ObjectReader::new(InputOptions::default()));
        let mut batch = Objects::new(reader, 5);
        for object in objects {
            let written: Result<(), ()> = batch.push(|text| {
                text.push_str(object);
                Ok(())
            });
            written.unwrap();
        }
        let mut found = Vec::new();
        batch.decode(&mut Event::new(), &mut |decoded| match decoded {
            Decoded::Event(event, position) => {
                let id = event.event_id().unwrap_or_default();
                found.push(format!("{position}: {id} {} {}", event.channel(), event.computer()));
            }
            Decoded::Bad(problem) => found.push(format!("{}: {}", problem.position, problem.code)),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn objects_of_any_shape_and_rows_of_tables() {
        check(
            &[
                r#"{"Channel":"Security","EventID":4625,"Computer":"A"}"#,
                r#"{"Event":{"System":{"EventID":1,"Channel":"x","Computer":"B"}}}"#,
                r#"{"Event ID":"7045","Logged":"2026-03-02 08:00:00","Source":"Service Control Manager"}"#,
                r#"{"Event ID":7036,"Logged":null,"Source":"Service Control Manager"}"#,
            ],
            &["row 5: 4625 Security A", "row 6: 1 x B", "row 7: 7045 System ", "row 8: 7036 System "],
        );
    }

    #[test]
    fn what_is_no_event_is_told() {
        check(
            &["{}", r#"{"a":1}"#, r#"{"Event ID":"x","Logged":""}"#, "{", "[]", r#"{"EventID":null,"a":1}"#],
            &[
                "row 5: json-empty",
                "row 6: json-shape",
                "row 7: csv-event-id",
                "row 8: json-record",
                "row 9: json-record",
                "row 10: json-event-id",
            ],
        );
    }
}
