//! Distils ATT&CK's STIX bundles into the data that the library embeds.
//!
//! The newest release is written in full, one technique a line; of an older one only what differed. Nothing
//! is written but facts: ids, names, tactics, platforms, status and successors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use evtmap::attack::{Catalogue, ObjectKind, Status, Tactic, TacticId, Technique, TechniqueId};
use serde::Serialize;
use serde_json::to_string;

use crate::root;

pub(crate) const ABOUT: &str =
    "[--from DIR] [--check] distils ATT&CK's bundles into crates/evtmap/data/attack";

/// The bundles, newest first, and where each is from.
const BUNDLES: &[(&str, &str)] = &[
    (
        "enterprise-attack-19.2-reconstructed-min.json",
        "reconstructed from MITRE's bundle of 18.1 and public tables of 19.2",
    ),
    ("enterprise-attack-18.1.json", "MITRE's bundle, https://github.com/mitre-attack/attack-stix-data"),
];

/// A file of the data folder and its text.
type Output = (&'static str, String);

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result<String> {
    let mut from = root().join("../shared/data/attack");
    let mut is_check = false;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => is_check = true,
            "--from" => from = PathBuf::from(arguments.next().context("`--from` needs a folder")?),
            other => bail!("unknown argument `{other}`"),
        }
    }
    let folder = root().join("crates/evtmap/data/attack");
    let outputs = generate(&from)?;
    if is_check {
        check(&folder, &outputs)?;
        return Ok("the embedded ATT&CK data is up to date".to_owned());
    }
    for (name, text) in &outputs {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write `{name}`"))?;
    }
    Ok(format!("wrote {} files to crates/evtmap/data/attack", outputs.len()))
}

fn check(folder: &Path, outputs: &[Output]) -> Result<()> {
    for (name, expected) in outputs {
        let found = fs::read_to_string(folder.join(name)).with_context(|| format!("cannot read `{name}`"))?;
        if found != *expected {
            bail!("`{name}` is stale; run `cargo xtask attack`");
        }
    }
    Ok(())
}

fn generate(from: &Path) -> Result<Vec<Output>> {
    let mut releases = Vec::new();
    for (name, _) in BUNDLES {
        let path = from.join(name);
        let file = File::open(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
        let catalogue = Catalogue::from_stix(file).with_context(|| format!("cannot read `{name}`"))?;
        releases.push(Release::new(catalogue).with_context(|| format!("`{name}` is not complete"))?);
    }
    let Some((newest, older)) = releases.split_first() else { bail!("no bundle is listed") };
    Ok(vec![
        ("enterprise.json", data(newest, older)?),
        ("objects.json", objects(&releases)?),
        ("VERSION", version(&releases)?),
    ])
}

/// A bundle that says of which domain and release it is.
struct Release {
    catalogue: Catalogue,
    domain: String,
    version: String,
    date: String,
}

impl Release {
    fn new(catalogue: Catalogue) -> Result<Self> {
        Ok(Self {
            domain: catalogue.domain().context("it has no matrix")?.to_owned(),
            version: catalogue.version().context("it has no version")?.to_owned(),
            date: catalogue.date().context("it has no date")?.to_owned(),
            catalogue,
        })
    }
}

/// Groups, software, mitigations and the like of the newest release whose bundle has them, one a line.
/// Analytics are left out: they have numbers for names.
fn objects(releases: &[Release]) -> Result<String> {
    let release = whole(releases).context("no bundle has groups and the like")?;
    let kept = release.catalogue.objects().iter().filter(|object| object.kind != ObjectKind::Analytic);
    let lines: Vec<String> = kept.map(to_string).collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

/// The newest release whose bundle is whole.
fn whole(releases: &[Release]) -> Option<&Release> {
    releases.iter().find(|release| !release.catalogue.objects().is_empty())
}

/// The text beside the data that says what it was made from.
fn version(releases: &[Release]) -> Result<String> {
    let mut text = String::new();
    for (release, (name, origin)) in releases.iter().zip(BUNDLES) {
        writeln!(text, "version: {}", release.version)?;
        writeln!(text, "date: {}", release.date)?;
        writeln!(text, "source: {name} ({origin})\n")?;
    }
    if let Some(release) = whole(releases) {
        writeln!(text, "objects.json: {}\n", release.version)?;
    }
    text.push_str("generator: cargo xtask attack\n");
    Ok(text)
}

fn data(newest: &Release, older: &[Release]) -> Result<String> {
    let columns = |release| columns(release, newest);
    let mut releases = vec![release(newest, &columns(newest))?];
    for earlier in older {
        releases.push(release(earlier, &columns(earlier))?);
    }
    let mut records = Vec::new();
    for technique in newest.catalogue.techniques() {
        records.push(to_string(&record(technique, older))?);
    }
    let known = |technique: &&Technique| newest.catalogue.technique(technique.id).is_some();
    for earlier in older {
        if let Some(lost) = earlier.catalogue.techniques().iter().find(|technique| !known(technique)) {
            bail!("{} of {} is not in {}", lost.id, earlier.version, newest.version);
        }
    }
    let (domain, releases, records) = (to_string(&newest.domain)?, releases.join(",\n"), records.join(",\n"));
    Ok(format!(
        "{{\n\"domain\":{domain},\n\"releases\":[\n{releases}\n],\n\"techniques\":[\n{records}\n]\n}}\n"
    ))
}

fn release(release: &Release, columns: &[Column<'_>]) -> Result<String> {
    let columns: Vec<String> = columns.iter().map(to_string).collect::<Result<_, _>>()?;
    let (version, date, columns) =
        (to_string(&release.version)?, to_string(&release.date)?, columns.join(",\n"));
    Ok(format!("{{\"version\":{version},\"date\":{date},\"tactics\":[\n{columns}\n]}}"))
}

/// A tactic of a release.
#[derive(Serialize)]
struct Column<'a> {
    #[serde(flatten)]
    tactic: &'a Tactic,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    became: BTreeSet<TacticId>,
}

/// A tactic whose name is gone became those of the new names to which its techniques went.
fn columns<'a>(release: &'a Release, newest: &Release) -> Vec<Column<'a>> {
    let has = |release: &Release, name: &str| {
        release.catalogue.tactics().iter().any(|tactic| tactic.short_name == name)
    };
    let is_new = |id: &TacticId| {
        let tactic = newest.catalogue.tactic(*id);
        tactic.is_some_and(|tactic| !has(release, &tactic.short_name))
    };
    let became = |tactic: &Tactic| {
        let techniques = release.catalogue.techniques().iter();
        let members = techniques.filter(|technique| technique.tactics.contains(&tactic.id));
        members
            .flat_map(|technique| current(&newest.catalogue, technique.id))
            .copied()
            .filter(is_new)
            .collect()
    };
    let tactics = release.catalogue.tactics().iter();
    tactics
        .map(|tactic| {
            let is_gone = !has(newest, &tactic.short_name);
            Column { tactic, became: if is_gone { became(tactic) } else { BTreeSet::new() } }
        })
        .collect()
}

/// The tactics of a technique or of what replaced it.
fn current(newest: &Catalogue, id: TechniqueId) -> &[TacticId] {
    let technique = newest.technique(id);
    let successor = technique.and_then(|technique| newest.technique(technique.successor?));
    successor.or(technique).map_or(&[], |technique| &technique.tactics)
}

/// A technique of the newest release.
#[derive(Serialize)]
struct Record<'a> {
    id: TechniqueId,
    #[serde(flatten)]
    now: Facts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stix: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    was: BTreeMap<&'a str, Option<Facts<'a>>>,
}

/// What may differ between releases. Whatever is usual, or as in the newest release, is left out.
#[derive(Serialize, PartialEq)]
struct Facts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tactics: Option<&'a [TacticId]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platforms: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<TechniqueId>,
}

impl Facts<'_> {
    const NONE: Self = Self { name: None, tactics: None, platforms: None, status: None, successor: None };
}

fn record<'a>(technique: &'a Technique, older: &'a [Release]) -> Record<'a> {
    let mut was = BTreeMap::new();
    for release in older {
        let earlier = release.catalogue.technique(technique.id);
        let facts = earlier.map(|earlier| difference(earlier, technique));
        if facts != Some(Facts::NONE) {
            was.insert(release.version.as_str(), facts);
        }
    }
    let now = Facts {
        name: Some(&technique.name),
        tactics: some_unless(&technique.tactics, technique.tactics.is_empty()),
        platforms: some_unless(platforms(technique, older), technique.status == Status::Revoked),
        status: some_unless(technique.status, technique.status == Status::Active),
        successor: technique.successor,
    };
    let stix = technique.stix_id.as_deref().and_then(|id| id.strip_prefix("attack-pattern--"));
    Record { id: technique.id, now, stix, was }
}

fn difference<'a>(earlier: &'a Technique, now: &Technique) -> Facts<'a> {
    let is_same_status = (earlier.status, earlier.successor) == (now.status, now.successor);
    Facts {
        name: some_unless(&earlier.name, earlier.name == now.name),
        tactics: some_unless(&earlier.tactics, earlier.tactics == now.tactics),
        platforms: some_unless(&earlier.platforms, earlier.platforms == now.platforms),
        status: some_unless(earlier.status, is_same_status),
        successor: earlier.successor.filter(|_| !is_same_status),
    }
}

/// Its platforms; where the newest bundle leaves them out, those that it last had.
fn platforms<'a>(technique: &'a Technique, older: &'a [Release]) -> &'a [String] {
    let earlier = older.iter().filter_map(|release| release.catalogue.technique(technique.id));
    let known = std::iter::once(technique).chain(earlier).find(|technique| !technique.platforms.is_empty());
    known.map_or(&[], |technique| &technique.platforms)
}

fn some_unless<T>(value: T, is_usual: bool) -> Option<T> {
    (!is_usual).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn data_is_up_to_date() {
        if root().join("../shared/data/attack").exists() {
            run(&["--check".to_owned()]).unwrap();
        } else {
            // Not by `println`, which is shown of failing tests only.
            let _ = writeln!(std::io::stderr(), "skipped: the ATT&CK bundles are not beside the repository");
        }
    }
}
