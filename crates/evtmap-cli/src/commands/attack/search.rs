//! `evtmap attack search`: what has all of some words in its id, name, other names or text.

use clap::Args;
use evtmap::attack::{Library, Object, ObjectKind, Status, Technique, own_description};
use serde_json::{Value as Json, json};

use super::{Asked, print, print_json};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{FAINT, counted, fit, plain};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap attack search brute force
  evtmap attack search lsass --json")]
pub(crate) struct SearchArgs {
    /// Words that all must occur, in any case
    #[arg(required = true, value_name = "WORD")]
    words: Vec<String>,

    /// Also find what is no longer in use, and analytics
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    asked: Asked,
}

/// Something that was found.
struct Hit {
    id: String,
    kind: &'static str,
    name: String,
    status: Status,
    /// Whether all words are in what it is called, which counts more than in what is told of it.
    is_by_name: bool,
}

pub(super) fn run(args: &SearchArgs, cache: &Cache) -> Result<(), Failure> {
    let attack = args.asked.attack(cache)?;
    let catalogue = &attack.catalogue;
    // Without texts, names and the program's own descriptions of techniques are searched.
    let library = attack.library().unwrap_or_default();
    let words: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
    let techniques = catalogue.techniques().iter().filter_map(|it| technique(it, &library, &words));
    // Analytics have numbers for names and say in other words what their detection strategy says.
    let told = catalogue.objects().iter().filter(|object| args.all || object.kind != ObjectKind::Analytic);
    let objects = told.filter_map(|it| object(it, &library, &words));
    let mut hits: Vec<Hit> =
        techniques.chain(objects).filter(|hit| args.all || hit.status == Status::Active).collect();
    hits.sort_by_key(|hit| !hit.is_by_name);
    if args.asked.json {
        return print_json(&hits.iter().map(Hit::json).collect());
    }
    for hit in &hits {
        print(&hit.text())?;
    }
    let texts =
        if library.techniques.is_empty() { ", in names and the program's short descriptions" } else { "" };
    print(&format!(
        "{FAINT}{} in ATT&CK {}{texts}{FAINT:#}\n",
        counted(hits.len() as u64, "hit"),
        plain(&catalogue.label())
    ))
}

fn technique(technique: &Technique, library: &Library, words: &[String]) -> Option<Hit> {
    let told = library.techniques.get(&technique.id).map(|entry| entry.description.as_str());
    let told = told.filter(|text| !text.is_empty()).or_else(|| own_description(technique.id));
    let id = technique.id.to_string();
    let is_by_name = matches(words, &[&id, &technique.name], told.unwrap_or_default())?;
    let kind = if technique.id.parent().is_some() { "sub-technique" } else { "technique" };
    Some(Hit { id, kind, name: technique.name.clone(), status: technique.status, is_by_name })
}

fn object(object: &Object, library: &Library, words: &[String]) -> Option<Hit> {
    let entry = library.objects.get(&object.id);
    let mut names = vec![object.id.as_str(), &object.name];
    names.extend(entry.into_iter().flat_map(|entry| &entry.aliases).map(String::as_str));
    let told = entry.map(|entry| entry.description.as_str()).unwrap_or_default();
    let is_by_name = matches(words, &names, told)?;
    let (id, kind) = (object.id.to_string(), object.kind.as_str());
    Some(Hit { id, kind, name: object.name.clone(), status: object.status, is_by_name })
}

/// Whether all words occur, and if so whether they do in the names alone.
fn matches(words: &[String], names: &[&str], told: &str) -> Option<bool> {
    let (names, told) = (names.join("\n").to_lowercase(), told.to_lowercase());
    let is_by_name = words.iter().all(|word| names.contains(word));
    let is_found = words.iter().all(|word| names.contains(word) || told.contains(word));
    is_found.then_some(is_by_name)
}

impl Hit {
    fn json(&self) -> Json {
        json!({"id": self.id, "kind": self.kind, "name": self.name, "status": self.status})
    }

    fn text(&self) -> String {
        let status = match self.status {
            Status::Active => "",
            Status::Deprecated => " (deprecated)",
            Status::Revoked => " (revoked)",
        };
        format!(
            "{} {} {}{FAINT}{status}{FAINT:#}\n",
            fit(&self.id, 10),
            fit(self.kind, 18),
            plain(&self.name)
        )
    }
}
