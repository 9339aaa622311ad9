//! What the columns of an export mean, by its header.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::row::{MAX_COLUMNS, Row, row_length};
use crate::event::{Label, Place, SYSTEM_FIELDS};
use crate::input::shape::{self, Target};
use crate::input::{text, time};

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Time,
    /// A time in UTC, even if it does not say so.
    UtcTime,
    EventId,
    Message,
    System(&'static str),
    /// A System field, if no other column is it.
    Fallback(&'static str),
    Keywords,
    /// The channel, which may be shortened.
    Channel,
    Data(Cow<'static, str>),
    /// A payload field, unless its value is one of these: it is then the collector's.
    DataUnlessOneOf(&'static [&'static str], String),
    /// Payload fields as JSON or XML.
    Payload(String),
    /// Payload fields as JSON in which names are attributes.
    NamedData,
    /// Payload fields as one text, `name: value ¦ name: value`.
    Details,
    /// Values without names, joined by `|`.
    Strings,
    /// The whole event as XML, or as one text.
    Raw,
    Nothing,
}

/// The columns of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    columns: Vec<Column>,
    /// The names of the columns that are fields as they are, one after the other.
    names: String,
    /// Each column's name in `names`, as far as columns have one there.
    labels: Vec<Option<Label>>,
    /// Whether a row may have one cell more than the header, the message: the Event Viewer gives its column
    /// no name.
    has_nameless_message: bool,
}

/// Names that say that a table is one of events, and others that say so together with one of these. Case and
/// all but letters and digits do not count.
const TELLING_TIMES: &[&str] =
    &["dateandtime", "timecreated", "logged", "timecreatedsystemtime", "timegenerated", "timewritten"];
const OTHER_TIMES: &[&str] = &["eventtime", "utctime", "timestamp", "datetime", "time", "date"];
const TELLING_IDS: &[&str] = &["eventid", "eventcode", "eventidentifier"];
const OTHER_IDS: &[&str] = &["id"];

/// The columns by which this program's own reports are known.
const REPORT_COLUMNS: [&str; 2] = ["rule_id", "technique_id"];

/// The other names under which exports have a column, the better ones first.
const NAMES: [(Column, &[&str]); 15] = [
    (Column::Message, &["description", "message", "renderedmessage"]),
    (Column::System("Provider_Name"), &["source", "providername", "provider", "sourcename"]),
    (Column::System("Channel"), &["logname", "channel", "log", "eventlog", "logfile"]),
    (Column::System("Computer"), &["computer", "hostname", "computername", "machinename"]),
    (Column::System("EventRecordID"), &["eventrecordid", "recordid", "recordnumber", "index"]),
    (Column::System("Level"), &["level", "leveldisplayname", "entrytype", "eventtypename"]),
    (Column::System("TaskCategory"), &["taskcategory", "taskdisplayname", "eventcategoryname"]),
    (Column::Keywords, &["keywords", "keywordsdisplaynames"]),
    (Column::System("Opcode"), &["opcode", "opcodedisplayname"]),
    (Column::System("Security_UserID"), &["userid", "securityuserid", "sid"]),
    (Column::Data(Cow::Borrowed("User")), &["user", "accountname", "username"]),
    (Column::Strings, &["strings", "insertionstrings"]),
    (Column::Payload(String::new()), &["eventdata", "eventdataxml"]),
    (Column::Payload(String::new()), &["userdata", "userdataxml"]),
    (Column::Raw, &["xml", "eventxml", "rawxml", "raw"]),
];

/// A user's names of columns and the fields that they are.
type UserColumns = BTreeMap<String, String>;

/// Finds the header in the first bytes of a file: the layout, and where the rows begin.
///
/// The delimiter is the one with which the header names an event id and a time.
pub(super) fn detect(head: &[u8], user: &UserColumns) -> Option<(Layout, usize)> {
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
    b",;\t|".iter().find_map(|&delimiter| {
        let length = row_length(head, delimiter, true)?;
        let header = text::lossy(head.get(..length)?);
        row.split(&header, delimiter);
        if row.len() > MAX_COLUMNS {
            return None;
        }
        let names: Vec<String> = row.cells(&header).map(|cell| cell.trim().to_owned()).collect();
        Some((Layout::of_header(&names, delimiter, user)?, start + length))
    })
}

impl Layout {
    /// The columns of a table of which it is known that its rows are events, and which has no delimiter.
    pub(super) fn of_events(names: &[String], user: &UserColumns) -> Option<Self> {
        let (layout, _) = Self::of_names(names, 0, user);
        let has = |column| layout.columns.contains(&column);
        (names.len() <= MAX_COLUMNS && (has(Column::EventId) || has(Column::Raw)))
            .then_some(Self { has_nameless_message: false, ..layout })
    }

    fn of_header(names: &[String], delimiter: u8, user: &UserColumns) -> Option<Self> {
        let (layout, is_of_events) = Self::of_names(names, delimiter, user);
        is_of_events.then_some(layout)
    }

    /// What columns mean, and whether their names say that the table is one of events.
    fn of_names(names: &[String], delimiter: u8, user: &UserColumns) -> (Self, bool) {
        let of_program = shape::of_table(names);
        let may_lack_message = of_program.is_none();
        let (mut columns, is_known) = match of_program {
            Some(targets) => (targets.into_iter().map(Column::of).collect(), true),
            None => by_name(names),
        };
        let is_users = set_by_user(&mut columns, names, user);
        let has_nameless_message = may_lack_message && !columns.contains(&Column::Message);
        if has_nameless_message && names.last().is_some_and(String::is_empty) {
            columns.pop();
        }
        let is_of_id = |column: &&mut Column| **column == Column::Fallback("EventID");
        if !columns.contains(&Column::EventId)
            && let Some(column) = columns.iter_mut().find(is_of_id)
        {
            *column = Column::EventId;
        }
        let has_id = columns.contains(&Column::EventId);
        let is_of_events = is_known && (has_id || columns.contains(&Column::Raw)) || is_users && has_id;
        let mut own = String::new();
        let labels = columns.iter().map(|column| {
            let (place, name) = match column {
                Column::Data(name) => (Place::Data, name.as_ref()),
                Column::System(name) => (Place::System, *name),
                _ => return None,
            };
            let start = own.len();
            own.push_str(name);
            Some(Label::new(place, name, start..own.len()))
        });
        let labels = labels.collect();
        (Self { delimiter, columns, names: own, labels, has_nameless_message }, is_of_events)
    }

    /// The names of the columns that are fields as they are, in one text.
    pub(super) fn names(&self) -> &str {
        &self.names
    }

    /// The label of a column that is a field as it is; its name is in [`names`](Self::names).
    pub(super) fn label(&self, column: usize) -> Option<&Label> {
        self.labels.get(column)?.as_ref()
    }

    /// The columns that the header names.
    pub(super) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether a row with so many cells fits the header. The message may be missing where its column has no name.
    pub(super) fn fits(&self, n_cells: usize) -> bool {
        n_cells == self.columns.len() || self.has_nameless_message && n_cells == self.columns.len() + 1
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

/// What columns mean by names that anybody may use, and whether they say that the table is one of events.
fn by_name(names: &[String]) -> (Vec<Column>, bool) {
    let plain: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let mut columns: Vec<Column> = names.iter().map(|name| Column::named(name)).collect();
    let mut set = |column: &Column, spellings: &[&str]| {
        let mut found = spellings.iter().filter_map(|name| plain.iter().position(|other| other == name));
        let place = found.next().and_then(|at| columns.get_mut(at));
        place.map(|place| *place = column.clone()).is_some()
    };
    let has_telling_time = set(&Column::Time, TELLING_TIMES);
    let has_time = has_telling_time || set(&Column::Time, OTHER_TIMES);
    let has_telling_id = set(&Column::EventId, TELLING_IDS);
    let has_id = has_telling_id || set(&Column::EventId, OTHER_IDS);
    let has_raw = NAMES.iter().fold(false, |has_raw, (column, spellings)| {
        set(column, spellings) && *column == Column::Raw || has_raw
    });
    // A report about events is not a log of them, even if it has their ids.
    let is_report = REPORT_COLUMNS.iter().all(|name| names.iter().any(|own| own == name));
    let is_of_events = has_time && has_id && (has_telling_time || has_telling_id) && !is_report;
    (columns, is_of_events || has_raw && has_time)
}

/// Sets the columns that the user names; gives whether there are any.
fn set_by_user(columns: &mut [Column], names: &[String], user: &UserColumns) -> bool {
    let mut is_any = false;
    for (column, name) in columns.iter_mut().zip(names) {
        if let Some(field) = user.get(name) {
            is_any = true;
            *column = match field.as_str() {
                "" => Column::Nothing,
                "EventID" => Column::EventId,
                "Message" => Column::Message,
                time::NAME => Column::Time,
                _ => Column::named(field),
            };
        }
    }
    is_any
}

impl Column {
    /// A column that is known by nothing but its name.
    fn named(name: &str) -> Self {
        if name.is_empty() {
            return Self::Nothing;
        }
        if let Some(field) = SYSTEM_FIELDS.iter().find(|field| **field == name) {
            return Self::System(field);
        }
        // `Event.EventData.Image`, as tables have it that were made of XML or JSON.
        let is_path = name.contains("EventData") || name.contains("UserData");
        let last = name.rsplit(['.', '/', ':']).next().filter(|last| is_path && !last.is_empty());
        Self::Data(last.unwrap_or(name).trim_start_matches('@').to_owned().into())
    }

    /// What a program that is known means by a column.
    fn of((target, name): (Target, String)) -> Self {
        match target {
            Target::System("EventID") => Self::EventId,
            Target::System(field) => Self::System(field),
            Target::Fallback(field) => Self::Fallback(field),
            Target::Keywords => Self::Keywords,
            Target::Channel => Self::Channel,
            Target::Time | Target::CollectorTime => Self::Time,
            Target::UtcTime => Self::UtcTime,
            Target::Message => Self::Message,
            Target::Payload => Self::Payload(name),
            Target::NamedData => Self::NamedData,
            Target::DetailsUnless(_) => Self::Details,
            Target::Field(field) => Self::Data(field.into()),
            Target::Unless(_) => Self::Data(name.into()),
            Target::UnlessOneOf(known) => Self::DataUnlessOneOf(known, name),
            Target::Raw => Self::Raw,
            Target::Values(_) | Target::Event | Target::Inner | Target::Nothing => Self::Nothing,
        }
    }
}

/// A name without what does not count in it.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|char| char.to_ascii_lowercase()).collect();
    // `Event.System.EventID`.
    let inner = name.strip_prefix("event").unwrap_or(&name).strip_prefix("system");
    inner.filter(|inner| !inner.is_empty()).map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the columns of a header, and what follows it.
    #[track_caller]
    fn check(head: &str, expected: &str) {
        let found = detect(head.as_bytes(), &UserColumns::new()).map(|(layout, start)| {
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
            "Keywords | Time | System Provider_Name | EventId | System TaskCategory | (Message) | ",
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
            "EventId | System EventID | Time | Nothing | Message | Nothing | ",
        );
    }

    #[test]
    fn lines_before_the_header() {
        check("#TYPE System.Object\r\n\r\nsep=;\nId;Logged\nx", "EventId | Time | (Message) | x");
    }

    #[test]
    fn a_report_is_no_log() {
        check("timestamp,event_id,rule_id,technique_id\n", "none");
    }

    #[test]
    fn what_is_no_header() {
        for head in [
            "",
            "\n\n",
            "a,b,c",
            "Event ID,Source",
            "Event ID Logged",
            "id,time",
            "id,timestamp,name",
            "\"Event ID,Logged",
            "\0\u{1}",
        ] {
            check(head, "none");
        }
        check(&format!("Event ID,Logged{}", ",x".repeat(MAX_COLUMNS)), "none");
    }
}
