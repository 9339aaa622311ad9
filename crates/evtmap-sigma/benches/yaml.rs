//! YAML libraries over SigmaHQ's files: `cargo bench -p evtmap-sigma --bench yaml`.
//!
//! Prints for each how long it takes, how many files it refuses, and what it makes of values that rules
//! write without quotes and mean as they are spelled. Why ours reads events and not values is in
//! `docs/dev/yaml.md`.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use saphyr::LoadableYamlNode;

/// Values without quotes, in the order of the table's columns.
const SPELLINGS: [&str; 5] = ["00000429", "0x1410", "no", "1e3", "4688"];

/// A library: whether it takes a text, and what a value without quotes becomes.
struct Library {
    name: &'static str,
    takes: fn(&str) -> bool,
    spells: fn(&str) -> String,
}

const LIBRARIES: [Library; 4] = [
    Library { name: "evtmap (saphyr-parser events)", takes: ours, spells: ours_spelled },
    Library {
        name: "saphyr values",
        takes: |text| saphyr::Yaml::load_from_str(text).is_ok(),
        spells: |value| {
            format!("{:?}", saphyr::Yaml::load_from_str(value).unwrap().into_iter().next().unwrap())
        },
    },
    Library {
        name: "yaml-rust2 values",
        takes: |text| yaml_rust2::YamlLoader::load_from_str(text).is_ok(),
        spells: |value| {
            format!("{:?}", yaml_rust2::YamlLoader::load_from_str(value).unwrap().into_iter().next().unwrap())
        },
    },
    Library {
        name: "serde-saphyr values",
        takes: |text| serde_saphyr::from_multiple::<serde_json::Value>(text).is_ok(),
        spells: |value| serde_saphyr::from_str::<serde_json::Value>(value).unwrap().to_string(),
    },
];

fn main() {
    let archive =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sigma/sigma-master.tar.gz");
    let texts = if archive.exists() { texts(&archive) } else { Vec::new() };
    let n_bytes: usize = texts.iter().map(String::len).sum();
    println!("{} files, {n_bytes} bytes; best of 5", texts.len());
    println!("{:30} {:>8} {:>8}  values of {}", "library", "ms", "refused", SPELLINGS.join(", "));
    for library in LIBRARIES {
        let refused = texts.iter().filter(|text| !(library.takes)(text)).count();
        let times = (0..5).map(|_| {
            let start = Instant::now();
            let n_taken = texts.iter().filter(|text| (library.takes)(text)).count();
            (start.elapsed(), std::hint::black_box(n_taken))
        });
        let best = times.map(|(time, _)| time).min().unwrap().as_secs_f64() * 1e3;
        let spelled = SPELLINGS.map(library.spells).join(", ");
        println!("{:30} {best:8.1} {refused:8}  {spelled}", library.name);
    }
}

/// Reading up to the tree, with everything that is not YAML left out: a document that is no rule is refused
/// for that reason only.
fn ours(text: &str) -> bool {
    let collection = evtmap_sigma::Collection::parse(text, &evtmap_sigma::Placeholders::default());
    collection.diagnostics.iter().all(|problem| problem.code != evtmap_sigma::Code::InvalidYaml)
}

fn ours_spelled(value: &str) -> String {
    let text = format!(
        "title: t\nlogsource: {{product: windows}}\ndetection: {{s: {{f: {value}}}, condition: s}}\n"
    );
    let collection = evtmap_sigma::Collection::parse(&text, &evtmap_sigma::Placeholders::default());
    let selection = &collection.rules.first().unwrap().detection.selections.first().unwrap().selection;
    let evtmap_sigma::Selection::All(items) = selection else { return String::new() };
    let scalar = items.first().unwrap().values.first().unwrap();
    format!("{:?} as {:?}", scalar.text, scalar.kind)
}

fn texts(archive: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
    let mut texts = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        if path.ends_with(".yml") || path.ends_with(".yaml") {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            texts.push(text);
        }
    }
    texts
}
