//! What is wrong in the file, where, and what was probably meant.

use std::ops::Range;
use std::path::PathBuf;

use crate::failure::Failure;

/// From which likeness on a name is suggested, of 1.
const NEARNESS_MIN: f64 = 0.8;

/// The file that is read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

impl Source {
    /// Something wrong at a place of the file, in bytes.
    pub(super) fn failure(&self, span: &Range<usize>, what: &str) -> Failure {
        let (line, column) = self.place(span.start);
        Failure::new(format!("`{}`, line {line}, column {column}: {what}", self.path.display()))
    }

    /// What keeps the file from being read, with the key or word that was probably meant.
    pub(super) fn failure_of(&self, error: &toml::de::Error) -> Failure {
        let message = error.message();
        let (what, help) = match (unknown(message, "unknown field"), unknown(message, "unknown variant")) {
            (Some((key, known)), _) => (format!("unknown key `{key}`"), meant(key, &known)),
            (_, Some((word, known))) => (format!("`{word}` is not known here"), meant(word, &known)),
            _ => (
                message.to_lowercase(),
                format!("docs/configuration.md has an example of all that {} may say", super::NAME),
            ),
        };
        self.failure(&error.span().unwrap_or(0..0), &what).help(help)
    }

    /// The line and the column of a byte, from 1.
    pub(super) fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }
}

/// What serde says of a name that it does not know: the name, and those it knows.
fn unknown<'m>(message: &'m str, what: &str) -> Option<(&'m str, Vec<&'m str>)> {
    let mut names = message.strip_prefix(what)?.split('`').skip(1).step_by(2);
    Some((names.next()?, names.collect()))
}

fn meant(name: &str, known: &[&str]) -> String {
    nearest(name, known.iter().copied()).map_or_else(
        || format!("what may stand here: {}", known.join(", ")),
        |nearest| format!("did you mean `{nearest}`?"),
    )
}

/// The name that is most like another one.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let scored = known.map(|known| (strsim::jaro_winkler(known, &name.to_lowercase()), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
    best.filter(|(nearness, _)| *nearness >= NEARNESS_MIN).map(|(_, known)| known)
}
