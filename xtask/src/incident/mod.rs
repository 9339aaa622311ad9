//! The example incident: an intrusion in a day of ordinary events, as EVTX, CSV and JSON.
//!
//! `incident/*.toml` say what happens and how Windows writes it; everything else follows from one seed.

mod form;
mod layout;
mod noise;
mod random;
mod readme;
mod scene;
mod story;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use self::layout::Layouts;
use self::random::{Random, digest};
use self::scene::{Entry, Scene};
use self::story::Story;
use self::world::World;

pub(crate) const ABOUT: &str = "writes examples/incident, -csv and -json";

/// Any other gives another day.
const SEED: u64 = 20_260_311;

/// Writes the examples anew.
pub(crate) fn run(_arguments: &[String]) -> anyhow::Result<String> {
    let files = files()?;
    for directory in ["incident", "incident-csv", "incident-json"] {
        let directory = crate::root().join("examples").join(directory);
        if directory.exists() {
            fs::remove_dir_all(&directory).with_context(|| directory.display().to_string())?;
        }
    }
    for (path, bytes) in &files {
        let path = crate::root().join("examples").join(path);
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    let n_bytes: usize = files.values().map(Vec::len).sum();
    Ok(format!("{} files, {n_bytes} bytes", files.len()))
}

/// Every file below `examples/`, by its path.
fn files() -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let world: World = toml::from_str(include_str!("../../incident/world.toml")).context("world.toml")?;
    let layouts: Layouts =
        toml::from_str(include_str!("../../incident/layouts.toml")).context("layouts.toml")?;
    let story: Story = toml::from_str(include_str!("../../incident/story.toml")).context("story.toml")?;
    let mut scene = Scene::new(&world, &layouts, Random::new(SEED));
    noise::play(&mut scene)?;
    story::play(&story, &mut scene)?;
    let mut entries = scene.entries;
    // Stable, so that events of the same time stay in the order in which they were written.
    entries.sort_by_key(|entry| entry.event.time);
    let n_events = entries.len();
    number(&mut entries);

    let mut logs: BTreeMap<(&str, String), Vec<&Entry<'_>>> = BTreeMap::new();
    for entry in &entries {
        let channel = entry.event.channel.replace('/', "%4");
        logs.entry((&entry.host.name, channel)).or_default().push(entry);
    }
    let mut files = BTreeMap::new();
    for ((host, channel), entries) in &logs {
        let path = |form: &str, ending: &str| PathBuf::from(format!("{form}/{host}/{channel}.{ending}"));
        files.insert(path("incident", "evtx"), form::evtx(entries)?);
        files.insert(path("incident-csv", "csv"), form::csv(entries, &world, &layouts)?);
        files.insert(path("incident-json", "jsonl"), form::jsonl(entries));
    }
    let readme = readme::text(&story, &world, n_events)?;
    files.insert(PathBuf::from("incident/README.md"), readme.into_bytes());
    Ok(files)
}

/// Gives each event its number in its channel, which has a history before this day.
fn number(entries: &mut [Entry<'_>]) {
    let mut next: BTreeMap<(String, String), u64> = BTreeMap::new();
    for entry in entries {
        let key = (entry.host.name.clone(), entry.event.channel.clone());
        let first = 1000 + digest(&format!("{}/{}", key.0, key.1)) % 400_000;
        let id = next.entry(key).or_insert(first);
        entry.event.record_id = Some(*id);
        *id += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The committed examples are what the generator writes.
    #[test]
    fn examples_are_up_to_date() {
        for (path, bytes) in files().unwrap() {
            let committed = fs::read(crate::root().join("examples").join(&path)).unwrap_or_default();
            assert!(committed == bytes, "{} is stale: run `cargo xtask incident`", path.display());
        }
    }

    /// The EVTX files, read by someone else's reader with every checksum validated, are the JSON files.
    #[test]
    fn forms_agree() {
        let files = files().unwrap();
        for (path, bytes) in &files {
            if path.extension().is_none_or(|extension| extension != "evtx") {
                continue;
            }
            let settings = evtx::ParserSettings::new().validate_checksums(true);
            let parser = evtx::EvtxParser::from_buffer(bytes.clone()).unwrap();
            let mut parser = parser.with_configuration(settings);
            let lines: String = parser.records_json().map(|record| record.unwrap().data + "\n").collect();
            let json = Path::new("incident-json").join(path.strip_prefix("incident").unwrap());
            assert!(lines.as_bytes() == files[&json.with_extension("jsonl")], "{}", path.display());
        }
    }

    #[test]
    fn files_stay_small() {
        let files = files().unwrap();
        for (path, bytes) in &files {
            assert!(bytes.len() < 1_000_000, "{} has {} bytes", path.display(), bytes.len());
        }
        assert!(files.values().map(Vec::len).sum::<usize>() < 8_000_000);
    }
}
