//! Columns in, events out.

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatchIterator, StructArray,
    TimestampMillisecondArray,
};
use arrow_schema::Field;

use super::*;

/// Shows the events that are read of columns.
#[track_caller]
fn check(columns: Vec<(&str, ArrayRef)>, options: &InputOptions, expected: &[&str]) {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap();
    let schema = batch.schema();
    let batches = RecordBatchIterator::new([Ok(batch.clone()), Ok(batch)], schema);
    let log = open(Box::new(batches), options);
    let mut found = Vec::new();
    match log.map(|log| log.opened) {
        Err(error) | Ok(Err(error)) => found.push(error.code.to_owned()),
        Ok(Ok(mut input)) => {
            while let Some(batch) = input.next_batch() {
                batch.unwrap().decode(&mut Event::new(), &mut |decoded| match decoded {
                    Decoded::Event(event, position) => {
                        let text = event.to_string().trim_end().replace('\n', ", ");
                        found.push(format!("{position}: {text}"));
                    }
                    Decoded::Bad(problem) => found.push(problem.to_string()),
                });
            }
        }
    }
    assert_eq!(found, expected);
}

fn texts(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn a_table_by_the_names_of_its_columns() {
    let computers: DictionaryArray<arrow_array::types::Int32Type> =
        vec![Some("A"), None].into_iter().collect();
    check(
        vec![
            ("Event ID", Arc::new(Float64Array::from(vec![Some(4625.0), None]))),
            (
                "Logged",
                Arc::new(TimestampMillisecondArray::from(vec![1_772_438_400_123, 0]).with_timezone("UTC")),
            ),
            ("Computer", Arc::new(computers)),
            ("Log Name", texts(&[Some("Security"), None])),
            ("Logon Type", Arc::new(Int64Array::from(vec![3, 4]))),
        ],
        &InputOptions::default(),
        &[
            "row 0: System EventID \"4625\", System TimeCreated_SystemTime \"2026-03-02T08:00:00.123Z\", \
             System Computer \"A\", System Channel \"Security\", Data Logon Type \"3\", \
             System Provider_Name \"Microsoft-Windows-Security-Auditing\"",
            "row 1: the row has no event id [csv-event-id]",
            "row 2: System EventID \"4625\", System TimeCreated_SystemTime \"2026-03-02T08:00:00.123Z\", \
             System Computer \"A\", System Channel \"Security\", Data Logon Type \"3\", \
             System Provider_Name \"Microsoft-Windows-Security-Auditing\"",
            "row 3: the row has no event id [csv-event-id]",
        ],
    );
}

#[test]
fn structures_and_columns_of_the_users() {
    let data = StructArray::from(vec![(
        Arc::new(Field::new("Image", DataType::Utf8, true)),
        texts(&[Some("a.exe")]),
    )]);
    let mut options = InputOptions::default();
    options.columns.insert("code".to_owned(), "EventID".to_owned());
    let columns = || {
        let code: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        vec![("code", code), ("EventData", Arc::new(data.clone()) as ArrayRef), ("x", texts(&[None]))]
    };
    let event = "System EventID \"1\", Data Image \"a.exe\"";
    check(columns(), &options, &[&format!("row 0: {event}"), &format!("row 1: {event}")]);
    check(columns(), &InputOptions::default(), &["table-columns"]);
}
