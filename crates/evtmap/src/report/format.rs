//! The table of formats, and which format a file's name asks for.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use super::{ReportOptions, Writer};

/// Begins a report.
pub(super) type Open = fn(Box<dyn Write>, &ReportOptions) -> io::Result<Box<dyn Writer>>;

/// A format of reports.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// How names of its files end. An ending of two parts, such as `ecs.json`, says more than one.
    pub endings: &'static [&'static str],
    /// What it is for, in a line.
    pub about: &'static str,
    /// Whether it holds every alert, and not only the first or what they come to.
    pub holds_every_alert: bool,
    pub(super) open: Open,
}

/// Why a file's name does not tell the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// No format has files of such a name.
    Unknown,
    /// Several have.
    Ambiguous(Vec<&'static Format>),
}

/// Every format, by name; a new one is a file in this folder and a line here.
pub const FORMATS: &[Format] = &[
    Format {
        name: "bulk",
        endings: &["bulk.ndjson", "bulk.json", "bulk.jsonl"],
        about: "what Elasticsearch's `_bulk` takes, one document an alert",
        holds_every_alert: true,
        open: super::bulk::open,
    },
    Format {
        name: "csv",
        endings: &["csv"],
        about: "a table for spreadsheets, one row an alert",
        holds_every_alert: true,
        open: super::csv::open,
    },
    Format {
        name: "ecs",
        endings: &["ecs.ndjson", "ecs.json", "ecs.jsonl"],
        about: "the Elastic Common Schema, one document a line and alert",
        holds_every_alert: true,
        open: super::ecs::open,
    },
    Format {
        name: "html",
        endings: &["html", "htm"],
        about: "a page to look at: where to look first, the story over time, the matrix, every alert",
        holds_every_alert: false,
        open: super::html::open,
    },
    Format {
        name: "json",
        endings: &["json"],
        about: "one document with alerts and summary",
        holds_every_alert: true,
        open: super::json::open,
    },
    Format {
        name: "jsonl",
        endings: &["jsonl", "ndjson"],
        about: "one JSON object a line and alert",
        holds_every_alert: true,
        open: super::jsonl::open,
    },
    Format {
        name: "md",
        endings: &["md", "markdown"],
        about: "Markdown for tickets and wikis: what to look at first",
        holds_every_alert: false,
        open: super::md::open,
    },
    Format {
        name: "navigator",
        endings: &["navigator.json"],
        about: "a layer for the ATT&CK Navigator with the techniques of detections",
        holds_every_alert: false,
        open: super::navigator::open,
    },
    Format {
        name: "ocsf",
        endings: &["ocsf.ndjson", "ocsf.json", "ocsf.jsonl"],
        about: "OCSF Detection Findings, one a line and alert",
        holds_every_alert: true,
        open: super::ocsf::open,
    },
    #[cfg(feature = "parquet")]
    Format {
        name: "parquet",
        endings: &["parquet", "pq"],
        about: "a table with types, for pandas, polars, DuckDB, Spark",
        holds_every_alert: true,
        open: super::parquet::open,
    },
    Format {
        name: "sarif",
        endings: &["sarif", "sarif.json"],
        about: "SARIF 2.1.0, one result an alert",
        holds_every_alert: true,
        open: super::sarif::open,
    },
    Format {
        name: "splunk",
        endings: &["splunk.ndjson", "splunk.json", "splunk.jsonl"],
        about: "events for Splunk's HTTP event collector, one a line and alert",
        holds_every_alert: true,
        open: super::splunk::open,
    },
    #[cfg(feature = "sqlite")]
    Format {
        name: "sqlite",
        endings: &["sqlite", "sqlite3", "db"],
        about: "a database with views by tactic, technique, host and rule",
        holds_every_alert: true,
        open: super::sqlite::open,
    },
    Format {
        name: "stix",
        endings: &["stix", "stix.json"],
        about: "a STIX 2.1 bundle with a sighting for each technique of an alert",
        holds_every_alert: true,
        open: super::stix::open,
    },
    Format {
        name: "timesketch",
        endings: &["timesketch.csv"],
        about: "a table for Timesketch's importer, one row an alert",
        holds_every_alert: true,
        open: super::timesketch::open,
    },
    Format {
        name: "timesketch-jsonl",
        endings: &["timesketch.jsonl", "timesketch.ndjson", "timesketch.json"],
        about: "JSON lines for Timesketch's importer",
        holds_every_alert: true,
        open: super::timesketch::open_lines,
    },
];

impl Format {
    /// The format of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name.eq_ignore_ascii_case(name))
    }

    /// The format that a file's name asks for, where the user may have named one too. An ending of two parts
    /// tells, whatever the user said; one of one part tells unless the format that he named has such files as
    /// well; where the name tells nothing, what he said holds.
    ///
    /// # Errors
    /// When neither tells, or several formats have files of such a name.
    pub fn of_file(path: &Path, asked: Option<&'static Self>) -> Result<&'static Self, NameError> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let longest = FORMATS.iter().filter_map(|format| Some((format.ending_of(&name)?, format)));
        let longest = longest.max_by_key(|(ending, _)| ending.len());
        if let Some((_, format)) = longest.filter(|(ending, _)| ending.contains('.')) {
            return Ok(format);
        }
        let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
        if let Some(asked) = asked.filter(|asked| longest.is_none() || asked.has_extension(extension)) {
            return Ok(asked);
        }
        if let Some((_, format)) = longest {
            return Ok(format);
        }
        let begins = |format: &&Self| format.endings.iter().any(|it| it.split('.').next() == Some(extension));
        match FORMATS.iter().filter(begins).collect::<Vec<_>>().as_slice() {
            [] => Err(NameError::Unknown),
            [only] => Ok(only),
            several => Err(NameError::Ambiguous(several.to_vec())),
        }
    }

    /// Whether columns or members can be chosen ([`ReportOptions::fields`]).
    pub fn takes_fields(&self) -> bool {
        ["csv", "jsonl"].contains(&self.name)
    }

    /// With which of the format's endings a name ends.
    fn ending_of(&self, name: &str) -> Option<&'static str> {
        let endings = self.endings.iter().copied();
        let ends = |ending: &&str| name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.'));
        endings.filter(ends).max_by_key(|ending| ending.len())
    }

    fn has_extension(&self, extension: &str) -> bool {
        self.endings.iter().any(|ending| ending.rsplit('.').next() == Some(extension))
    }

    /// Whether it shows what of a rule's condition held, so that the scan must tell it.
    pub fn shows_evidence(&self) -> bool {
        self.name == "html"
    }

    /// Begins a report.
    ///
    /// # Errors
    /// When the output, or a file that the format needs meanwhile, cannot be written.
    pub fn open(&self, out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
        (self.open)(out, options)
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, asked: Option<&str>, expected: &str) {
        let format = Format::of_file(Path::new(name), asked.map(|asked| Format::named(asked).unwrap()));
        let format = match format {
            Ok(format) => format.name.to_owned(),
            Err(error) => format!("{error:?}"),
        };
        assert_eq!(format, expected, "{name} {asked:?}");
    }

    #[test]
    fn formats_are_sorted_and_documented() {
        assert!(FORMATS.is_sorted_by_key(|format| format.name));
        let docs = include_str!("../../../../docs/reports.md");
        for format in FORMATS {
            assert!(!format.about.is_empty() && !format.endings.is_empty());
            assert!(docs.contains(&format!("| `{}` |", format.name)), "{} has no row", format.name);
            for ending in format.endings {
                assert!(docs.contains(&format!("`.{ending}`")), "{ending}");
                let others = FORMATS.iter().filter(|other| other.endings.contains(ending));
                assert_eq!(others.count(), 1, "{ending}");
            }
        }
    }

    #[test]
    fn names_of_files() {
        for (name, asked, expected) in [
            ("out.csv", None, "csv"),
            ("OUT.CSV", None, "csv"),
            ("a.b/out.ndjson", None, "jsonl"),
            ("layer.navigator.json", None, "navigator"),
            ("layer.navigator.json", Some("json"), "navigator"),
            ("layer.navigator", None, "navigator"),
            ("navigator.json", None, "json"),
            ("out.json", Some("navigator"), "navigator"),
            ("out.csv", Some("json"), "csv"),
            ("out.txt", Some("json"), "json"),
            ("csv", None, "Unknown"),
            ("-", None, "Unknown"),
            ("-", Some("csv"), "csv"),
            ("out.txt", None, "Unknown"),
            ("out.timesketch.csv", None, "timesketch"),
            ("out.timesketch.jsonl", Some("csv"), "timesketch-jsonl"),
            ("out.timesketch", None, "Ambiguous([timesketch, timesketch-jsonl])"),
            ("out.timesketch", Some("timesketch"), "timesketch"),
            ("out.bulk.ndjson", None, "bulk"),
            ("out.ecs.json", None, "ecs"),
            ("out.ndjson", Some("ecs"), "ecs"),
            ("ecs.json", None, "json"),
        ] {
            check(name, asked, expected);
        }
    }
}
