//! What the columns of an export mean, by its header.

use std::borrow::Cow;

use super::row::{MAX_COLUMNS, Row, row_length};
use super::to_text;
use crate::event::SYSTEM_FIELDS;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Time,
    EventId,
    Message,
    System(&'static str),
    Data(Cow<'static, str>),
    Nameless,
}

/// The columns of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    columns: Vec<Column>,
    /// Whether a row may have one cell more than the header, the message: the Event Viewer gives its column
    /// no name.
    has_nameless_message: bool,
}

/// The names under which exports have a column, the better ones first. Case, spaces and `_` do not count.
const NAMES: [(Column, &[&str]); 13] = [
    (Column::Time, &["dateandtime", "timecreated", "logged", "timecreatedsystemtime", "timegenerated"]),
    (Column::EventId, &["eventid", "id"]),
    (Column::Message, &["description", "message"]),
    (Column::System("Provider_Name"), &["source", "providername", "provider", "sourcename"]),
    (Column::System("Channel"), &["logname", "channel", "log"]),
    (Column::System("Computer"), &["computer", "hostname", "computername", "machinename"]),
    (Column::System("EventRecordID"), &["eventrecordid", "recordid", "recordnumber"]),
    (Column::System("Level"), &["level", "leveldisplayname", "entrytype"]),
    (Column::System("TaskCategory"), &["taskcategory", "taskdisplayname"]),
    (Column::System("Keywords"), &["keywords", "keywordsdisplaynames"]),
    (Column::System("Opcode"), &["opcode", "opcodedisplayname"]),
    (Column::System("Security_UserID"), &["userid", "securityuserid"]),
    (Column::Data(Cow::Borrowed("User")), &["user", "accountname", "username"]),
];

/// Finds the header in the first bytes of a file: the layout, and where the rows begin.
///
/// The delimiter is the one with which the header names an event id and a time.
pub(super) fn detect(head: &[u8]) -> Option<(Layout, usize)> {
    let mut row = Row::default();
    let mut start = 0;
    // PowerShell writes a line `#TYPE …` before the header, and spreadsheets like one `sep=;`.
    loop {
        let rest = head.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let line = rest.get(..length)?.trim_ascii();
        if !line.is_empty() && !line.starts_with(b"#TYPE") && !line.starts_with(b"sep=") {
            break;
        }
        start += length;
    }
    let head = head.get(start..)?;
    b",;\t".iter().find_map(|&delimiter| {
        let length = row_length(head, delimiter, true)?;
        row.split(head.get(..length)?, delimiter);
        Some((Layout::of_header(&row, delimiter)?, start + length))
    })
}

impl Layout {
    fn of_header(header: &Row, delimiter: u8) -> Option<Self> {
        if header.len() > MAX_COLUMNS {
            return None;
        }
        let names: Vec<String> = header.cells().map(|cell| to_text(cell).trim().to_owned()).collect();
        let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let mut columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
        for (column, spellings) in &NAMES {
            let mut found = spellings.iter().filter_map(|name| plain.iter().position(|other| other == name));
            if let Some(place) = found.next().and_then(|at| columns.get_mut(at)) {
                *place = column.clone();
            }
        }
        let has_nameless_message = !columns.contains(&Column::Message);
        if has_nameless_message && columns.last() == Some(&Column::Nameless) {
            columns.pop();
        }
        let is_of_events = columns.contains(&Column::Time) && columns.contains(&Column::EventId);
        is_of_events.then_some(Self { delimiter, columns, has_nameless_message })
    }

    /// The columns of a row with so many cells; `None` when that does not fit the header.
    ///
    /// The message may be missing where its column has no name.
    pub(super) fn columns(&self, n_cells: usize) -> Option<impl Iterator<Item = &Column>> {
        let message =
            (self.has_nameless_message && n_cells == self.columns.len() + 1).then_some(&Column::Message);
        let n_columns = self.columns.len() + usize::from(message.is_some());
        (n_cells == n_columns).then(|| self.columns.iter().chain(message))
    }

    /// How many columns the header has.
    pub(super) fn n_columns(&self) -> usize {
        self.columns.len()
    }

    /// Which column holds the time.
    pub(super) fn time_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| *column == Column::Time)
    }
}

impl Column {
    /// A column that is known by nothing but its name.
    fn named(name: &str) -> Self {
        match SYSTEM_FIELDS.iter().find(|field| **field == name) {
            _ if name.is_empty() => Self::Nameless,
            Some(field) => Self::System(field),
            None => Self::Data(name.to_owned().into()),
        }
    }
}

/// A name without what does not count in it.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, ' ' | '_')).map(|char| char.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the columns of a header, and what follows it.
    #[track_caller]
    fn check(head: &str, expected: &str) {
        let found = detect(head.as_bytes()).map(|(layout, start)| {
            let columns = layout.columns.iter().map(|column| match column {
                Column::System(name) => format!("System {name}"),
                Column::Data(name) => format!("Data {name}"),
                other => format!("{other:?}"),
            });
            let more = layout.has_nameless_message.then(|| "(Message)".to_owned());
            let columns: Vec<String> = columns.chain(more).collect();
            format!("{} | {}", columns.join(" | "), head.split_at(start).1)
        });
        assert_eq!(found.as_deref().unwrap_or("none"), expected);
    }

    #[test]
    fn the_event_viewers_own_header() {
        check(
            "Level,Date and Time,Source,Event ID,Task Category\r\nx",
            "System Level | Time | System Provider_Name | EventId | System TaskCategory | (Message) | x",
        );
        check(
            "Keywords;Date and Time;Source;Event ID;Task Category;\r\n",
            "System Keywords | Time | System Provider_Name | EventId | System TaskCategory | (Message) | ",
        );
    }

    #[test]
    fn names_are_tried_in_turn() {
        check("Logged,TimeCreated,EventID,Message", "Data Logged | Time | EventId | Message | ");
        check("\"Event ID\"\t LOGGED \tAccount Name\tDescription", "EventId | Time | Data User | Message | ");
        check(
            "Id,TimeCreated,SubjectUserName,Hostname,Execution_ProcessID",
            "EventId | Time | Data SubjectUserName | System Computer | System Execution_ProcessID | (Message) | ",
        );
    }

    #[test]
    fn columns_may_repeat_or_lack_a_name() {
        check(
            "EventID,EventID,Logged,,Message,",
            "EventId | System EventID | Time | Nameless | Message | Nameless | ",
        );
    }

    #[test]
    fn lines_before_the_header() {
        check("#TYPE System.Object\r\n\r\nsep=;\nId;Logged\nx", "EventId | Time | (Message) | x");
    }

    #[test]
    fn what_is_no_header() {
        for head in
            ["", "\n\n", "a,b,c", "Event ID,Source", "Event ID|Logged", "\"Event ID,Logged", "\0\u{1}"]
        {
            check(head, "none");
        }
        check(&format!("Event ID,Logged{}", ",x".repeat(MAX_COLUMNS)), "none");
    }
}
