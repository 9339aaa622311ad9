//! What is in batches, and how large they get.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array as _, RecordBatch};

use super::*;
use crate::alert::tests::{HOSTILE, alerts, hostile};

fn batches(alerts: &[Alert], n_rows_max: usize) -> Vec<RecordBatch> {
    let mut builder = BatchBuilder::with_rows(n_rows_max);
    let mut batches: Vec<_> = alerts.iter().filter_map(|alert| builder.push(alert).unwrap()).collect();
    batches.extend(builder.finish().unwrap());
    batches
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Vec<Option<&'a str>> {
    batch.column_by_name(name).unwrap().as_string::<i32>().iter().collect()
}

#[test]
fn a_batch_has_the_schema_and_every_row() {
    let batches = batches(&alerts(), 2);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [2, 2, 1]);
    assert!(batches.iter().all(|batch| batch.schema() == schema()));
}

#[test]
fn values_are_the_alerts() {
    let [batch] = batches(&alerts(), 100).try_into().unwrap();
    assert_eq!(
        texts(&batch, "rule_title"),
        [Some("A logon"), Some("Bad Program"), Some("Many Bad Programs"), None, Some(HOSTILE)]
    );
    assert_eq!(
        texts(&batch, "severity"),
        [Some("informational"), Some("high"), Some("critical"), None, Some("medium")]
    );
    assert_eq!(texts(&batch, "rule_author")[1], Some("Ada Example"));
    let fields = r#"{"NewProcessName":"C:\\Temp\\bad.exe","CommandLine":"bad.exe /x \"1, 2\"","Data":["one",null],"IpAddress":"::ffff:192.0.2.7"}"#;
    assert_eq!(texts(&batch, "fields")[1], Some(fields));
    let times = batch.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!((times.value(1), times.is_null(4)), (1_772_442_847_123_456, true));
    let records = batch.column_by_name("record_id").unwrap().as_primitive::<UInt64Type>();
    assert_eq!((records.is_null(0), records.value(3)), (true, u64::MAX));
    let techniques = batch.column_by_name("technique_ids").unwrap().as_list::<i32>();
    assert_eq!(
        techniques.value(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
        ["T1059.001", "T1105"]
    );
    assert_eq!(techniques.value(3).len(), 0);
    assert!(batch.column_by_name("recovered").unwrap().as_boolean().value(3));
}

/// Lists that are told once are those of the rows.
#[test]
fn told_lists_are_those_of_the_rows() {
    let alerts: Vec<Alert> = alerts().into_iter().cycle().take(N_ROWS_MAX + 9).collect();
    let two = NonZero::new(2).unwrap();
    let told = told_batches(&alerts, two).unwrap();
    let lists = told[0].column_by_name("technique_ids").unwrap().as_any_dictionary().values();
    assert!(lists.len() < 9, "{} for {} rows", lists.len(), told[0].num_rows());
    assert!(told.iter().all(|batch| batch.schema() == told_schema(&schema())));
    assert_eq!(spread(&told, two).unwrap(), super::batches(&alerts, two).unwrap());
}

/// Several threads give the rows that one gives, in their order.
#[test]
fn threads_make_no_difference() {
    let alerts: Vec<Alert> = alerts().into_iter().cycle().take(2 * N_ROWS_MAX + 7).collect();
    let rows = |n_threads| -> Vec<(Option<String>, Option<u64>)> {
        let batches = super::batches(&alerts, NonZero::new(n_threads).unwrap()).unwrap();
        let rows = batches.iter().flat_map(|batch| {
            let positions = batch.column_by_name("record_id").unwrap().as_primitive::<UInt64Type>().clone();
            let titles = texts(batch, "rule_title").into_iter().map(|title| title.map(str::to_owned));
            titles.zip(positions.iter().collect::<Vec<_>>()).collect::<Vec<_>>()
        });
        rows.collect()
    };
    let expected = rows(1);
    assert_eq!(expected.len(), alerts.len());
    for n_threads in [2, 3, 100] {
        assert!(rows(n_threads) == expected, "{n_threads} threads");
    }
}

/// However few rows there are, a batch of large values is given when it is large.
#[test]
fn a_batch_is_bounded_in_bytes() {
    let mut alert = hostile();
    Arc::make_mut(&mut alert.event).said_mut().message = Some("x".repeat(1 << 20));
    let batches = batches(&vec![alert; 40], usize::MAX);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [32, 8]);
}

/// What a user reads about the columns is what there is.
#[test]
fn columns_are_documented() {
    let docs = include_str!("../../../../docs/reports.md");
    for Column { name, about, .. } in COLUMNS {
        assert!(docs.contains(&format!("| `{name}` |")) && docs.contains(about), "{name}: {about}");
    }
}
