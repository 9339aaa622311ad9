//! How often the rules name the technique that a recording is of.

use std::fmt::Write as _;

use anyhow::bail;
use evtmap::alert::Kind;
use evtmap::ranking::RankedTechnique;

use crate::labels::{self, Labelled, Loaded, Pack, Ranked, parent};

pub(crate) const ABOUT: &str =
    "[--misses] [own|sigmahq|both] [PATH] tells how often a recording's technique is named";

/// How many of the ranked techniques an analyst reads.
const N_FIRST: usize = 5;
/// How many of the techniques that were named instead are shown of a miss.
const N_SHOWN: usize = 8;

/// What was asked for.
struct Wanted {
    packs: Vec<Pack>,
    has_misses: bool,
    /// Recordings whose path holds this.
    path: String,
}

/// How well a recording's label is met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hit {
    exact: bool,
    /// The technique itself, its parent, or one of the same parent.
    parent: bool,
}

/// What came of a set of recordings.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    n: usize,
    n_first: [usize; 2],
    n_all: [usize; 2],
    n_nothing: usize,
}

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let wanted = Wanted::of(arguments)?;
    let Some(data) = labels::data() else {
        return Ok("skipped: the labelled recordings are not beside the repository".to_owned());
    };
    let mut labelled = labels::read(&data)?;
    labelled.retain(|recording| recording.path.contains(&wanted.path));
    let mut text = format!("{} recordings; in percent\n", labelled.len());
    writeln!(
        text,
        "{:<28} {:>11} {:>11} {:>11} {:>11} {:>8}",
        "", "first exact", "same parent", "all exact", "same parent", "nothing"
    )?;
    let mut misses = String::new();
    for pack in wanted.packs {
        let loaded = Loaded::new(pack)?;
        let (mut with, mut without) = (Tally::default(), Tally::default());
        for recording in &labelled {
            let mut ranked = Ranked::default();
            loaded.scan(&data.join(&recording.path), &mut ranked)?;
            let mut lines = ranked.0.techniques();
            if !with.add(recording, &lines).exact && wanted.has_misses {
                misses += &missed(pack, recording, &lines);
            }
            lines.retain(|line| line.kind == Kind::Detection);
            without.add(recording, &lines);
        }
        writeln!(text, "{:<28} {with}", pack.as_str())?;
        writeln!(text, "{:<28} {without}", format!("{}, no associations", pack.as_str()))?;
    }
    Ok(text + &misses)
}

impl Wanted {
    fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut wanted = Self { packs: Vec::new(), has_misses: false, path: String::new() };
        for argument in arguments {
            match (argument.as_str(), Pack::named(argument)) {
                ("--misses", _) => wanted.has_misses = true,
                (_, Some(pack)) => wanted.packs.push(pack),
                (option, None) if option.starts_with('-') => bail!("unknown argument `{option}`"),
                (path, None) => path.clone_into(&mut wanted.path),
            }
        }
        if wanted.packs.is_empty() {
            wanted.packs = Pack::ALL.to_vec();
        }
        Ok(wanted)
    }
}

impl Hit {
    fn of(recording: &Labelled, lines: &[RankedTechnique]) -> Self {
        let any = |same: fn(&str, &str) -> bool| {
            recording.ids.iter().any(|id| lines.iter().any(|line| same(id, &line.technique.id)))
        };
        Self { exact: any(|a, b| a == b), parent: any(|a, b| parent(a) == parent(b)) }
    }
}

impl Tally {
    /// Counts a recording, and gives how the first lines meet its label.
    fn add(&mut self, recording: &Labelled, lines: &[RankedTechnique]) -> Hit {
        let first = Hit::of(recording, lines.get(..N_FIRST).unwrap_or(lines));
        for (counts, hit) in [(&mut self.n_first, first), (&mut self.n_all, Hit::of(recording, lines))] {
            let [exact, parent] = counts;
            *exact += usize::from(hit.exact);
            *parent += usize::from(hit.parent);
        }
        self.n += 1;
        self.n_nothing += usize::from(lines.is_empty());
        first
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |part: usize| part as f64 * 100.0 / self.n.max(1) as f64;
        for part in self.n_first.iter().chain(&self.n_all) {
            write!(f, "{:>11.1} ", percent(*part))?;
        }
        write!(f, "{:>8.1}", percent(self.n_nothing))
    }
}

/// A line about a recording whose technique is not among the first: how far off it is, the label, and what was named.
fn missed(pack: Pack, recording: &Labelled, lines: &[RankedTechnique]) -> String {
    let first = Hit::of(recording, lines.get(..N_FIRST).unwrap_or(lines));
    let all = Hit::of(recording, lines);
    let how = match (first.parent, all.exact, all.parent) {
        (true, ..) => "same parent among the first",
        (_, true, _) => "named, not among the first",
        (.., true) => "same parent named, not among the first",
        _ if lines.is_empty() => "nothing named",
        _ => "not named",
    };
    let named = lines.iter().take(N_SHOWN).map(|line| {
        let mark = if line.kind == Kind::Detection { "" } else { "?" };
        format!("{}{mark}", line.technique.id)
    });
    let named = named.collect::<Vec<_>>().join(" ");
    format!("{}: {how}: {} | {named} | {}\n", pack.as_str(), recording.ids.join(" "), recording.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents() {
        assert_eq!(parent("T1003.001"), "T1003");
        assert_eq!(parent("T1003"), "T1003");
    }

    #[test]
    fn arguments() {
        let wanted = Wanted::of(&["--misses".to_owned(), "own".to_owned(), "otrf/".to_owned()]).unwrap();
        assert_eq!((wanted.packs, wanted.has_misses, wanted.path.as_str()), (vec![Pack::Own], true, "otrf/"));
        assert!(Wanted::of(&["--nothing".to_owned()]).is_err());
    }
}
