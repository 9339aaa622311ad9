//! `evtmap attack show`: one technique, tactic or other object, and what has to do with it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use evtmap::Catalogue;
use evtmap::attack::{
    Library, Object, ObjectEntry, ObjectId, ObjectKind, Resolved, Status, Tactic, Technique, TechniqueEntry,
    TechniqueId, own_description, plain_text,
};
use evtmap::sigma::Level;
use serde_json::{Value as Json, json};

use super::{Asked, TaggedRule, print, print_json, tagged_rules};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{FAINT, HEADING, counted, fit, plain};

/// How many objects of a kind, and rules, are shown; JSON has all.
const N_SHOWN: usize = 12;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap attack show ID
  evtmap attack show stealth
  evtmap attack show G0016 --json")]
pub(crate) struct ShowArgs {
    /// An id, a tactic's short name, or a tag of a rule; in any case
    #[arg(value_name = "ID")]
    wanted: String,

    /// Rules to look for it in, instead of the cache's or the program's
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,

    #[command(flatten)]
    asked: Asked,
}

/// What is shown, whatever it is.
struct Page<'a> {
    catalogue: &'a Catalogue,
    /// Nothing where there are no texts.
    library: Option<&'a Library>,
    rules: Vec<TaggedRule>,
}

pub(super) fn run(args: &ShowArgs, cache: &Cache) -> Result<(), Failure> {
    let attack = args.asked.attack(cache)?;
    let library = attack.library().ok();
    let (catalogue, wanted) = (&attack.catalogue, args.wanted.trim());
    let wanted = wanted.strip_prefix("attack.").unwrap_or(wanted);
    let tag = format!("attack.{wanted}");
    let rules = tagged_rules(&args.rules, cache, catalogue)?;
    let page = Page { catalogue, library: library.as_ref(), rules };
    let mut out = String::new();
    // An id that is known is itself, also where it was replaced: who asks for it wants to know that.
    let technique = wanted.parse().ok().and_then(|id| catalogue.technique(id));
    let object = wanted.parse().ok().and_then(|id| catalogue.object(&id));
    let (json, _) = match (technique, object, catalogue.resolve(&tag)) {
        (Some(technique), ..) => (page.technique_json(technique), page.technique(&mut out, technique)),
        (None, Some(object), _) | (None, None, Resolved::Object(object)) => {
            (page.object_json(object), page.object(&mut out, object))
        }
        (None, None, Resolved::Technique(mapped)) => {
            let _ = writeln!(out, "{FAINT}{} is this in the loaded release{FAINT:#}\n", plain(wanted));
            (page.technique_json(mapped.technique), page.technique(&mut out, mapped.technique))
        }
        (None, None, Resolved::Tactics(tactics)) => {
            let json = tactics.iter().map(|tactic| page.tactic_json(tactic)).collect();
            (json, tactics.iter().try_for_each(|tactic| page.tactic(&mut out, tactic)))
        }
        (None, None, Resolved::Unknown | Resolved::NotAttack) => {
            return Err(Failure::new(format!("`{wanted}` is not in ATT&CK {}", catalogue.label()))
                .help("`evtmap attack search WORDS` finds by name"));
        }
    };
    if args.asked.json {
        return print_json(&json);
    }
    if page.library.is_none() {
        let _ = writeln!(
            out,
            "{FAINT}the program's ATT&CK has names and short descriptions of its own; `evtmap update attack` brings MITRE's texts, groups and mitigations{FAINT:#}"
        );
    }
    print(&out)
}

/// What a library says of a technique of which it says nothing.
static NOTHING: TechniqueEntry =
    TechniqueEntry { description: String::new(), related: Vec::new(), references: Vec::new() };

impl Page<'_> {
    fn entry(&self, id: TechniqueId) -> &TechniqueEntry {
        self.library.and_then(|library| library.techniques.get(&id)).unwrap_or(&NOTHING)
    }

    /// What a technique is, and whose words that is.
    fn description(&self, id: TechniqueId) -> (&str, Option<&'static str>) {
        match (self.entry(id).description.as_str(), own_description(id)) {
            ("", Some(own)) => (own, Some("evtmap")),
            ("", None) => ("", None),
            (text, _) => (text, Some("attack")),
        }
    }

    fn object_entry(&self, id: &ObjectId) -> Option<&ObjectEntry> {
        self.library?.objects.get(id)
    }

    /// What has to do with a technique, by kind.
    fn related(&self, id: TechniqueId) -> BTreeMap<ObjectKind, Vec<&Object>> {
        let mut related: BTreeMap<ObjectKind, Vec<&Object>> = BTreeMap::new();
        for object in self.entry(id).related.iter().filter_map(|id| self.catalogue.object(id)) {
            related.entry(object.kind).or_default().push(object);
        }
        related
    }

    fn sub_techniques(&self, id: TechniqueId) -> impl Iterator<Item = &Technique> {
        let active = self.catalogue.techniques().iter().filter(|sub| sub.status == Status::Active);
        active.filter(move |sub| sub.id.parent() == Some(id))
    }

    fn rules_of(&self, id: TechniqueId) -> Vec<&TaggedRule> {
        let mut rules: Vec<&TaggedRule> =
            self.rules.iter().filter(|rule| rule.techniques.contains(&id)).collect();
        rules.sort_by(|a, b| {
            (b.metadata.level, &a.metadata.title).cmp(&(a.metadata.level, &b.metadata.title))
        });
        rules
    }

    fn technique(&self, out: &mut String, technique: &Technique) -> fmt::Result {
        let id = technique.id;
        writeln!(out, "{HEADING}{id} {}{HEADING:#}", plain(&technique.name))?;
        writeln!(out, "  {}", id.url())?;
        if let Some(parent) = id.parent().and_then(|parent| self.catalogue.technique(parent)) {
            writeln!(out, "  sub-technique of {} {}", parent.id, plain(&parent.name))?;
        }
        status(out, technique.status, technique.successor.map(|id| id.to_string()))?;
        let tactics = technique.tactics.iter().filter_map(|id| self.catalogue.tactic(*id));
        let tactics: Vec<&str> = tactics.map(|tactic| tactic.name.as_str()).collect();
        line(out, "tactics", &tactics.join(", "))?;
        line(out, "platforms", &technique.platforms.join(", "))?;
        text(out, self.description(id).0)?;
        let subs: Vec<String> =
            self.sub_techniques(id).map(|sub| format!("{} {}", sub.id, sub.name)).collect();
        list(out, "Sub-techniques", &subs)?;
        for (kind, objects) in self.related(id) {
            let lines: Vec<String> = objects.iter().flat_map(|object| self.lines(object)).collect();
            let word = if objects.len() == 1 { kind.as_str() } else { kind.plural() };
            list(out, &format!("{} {word}", objects.len()), &lines)?;
        }
        let rules = self.rules_of(id);
        let heading = format!("{} in use", counted(rules.len() as u64, "rule"));
        list(out, &heading, &rules.iter().map(|rule| rule_line(rule)).collect::<Vec<_>>())?;
        writeln!(out)
    }

    /// An object in a list, and where a detection strategy finds its traces on Windows.
    fn lines(&self, object: &Object) -> Vec<String> {
        let traces = self.object_entry(&object.id).into_iter().flat_map(|entry| &entry.traces);
        let here = traces.filter(|trace| trace.platforms.iter().any(|platform| platform == "Windows"));
        let logs = here.map(|trace| format!("    {} {}", trace.log, trace.channel));
        std::iter::once(format!("{} {}", object.id, object.name)).chain(logs).collect()
    }

    fn technique_json(&self, technique: &Technique) -> Json {
        let (id, entry) = (technique.id, self.entry(technique.id));
        let (description, description_from) = self.description(id);
        let related = self.related(id).into_iter().map(|(kind, objects)| {
            let objects: Json = objects.iter().map(|it| json!({"id": it.id, "name": it.name})).collect();
            (kind.plural().replace(' ', "_"), objects)
        });
        let rules = self.rules_of(id).into_iter().map(|rule| {
            json!({"title": rule.metadata.title, "id": rule.metadata.id, "path": rule.path,
                "level": rule.metadata.level.map(Level::as_str)})
        });
        json!({
            "id": id, "kind": "technique", "name": technique.name, "status": technique.status,
            "successor": technique.successor, "parent": id.parent(), "url": id.url(),
            "tactics": technique.tactics.iter().filter_map(|id| self.catalogue.tactic(*id)).collect::<Vec<_>>(),
            "platforms": technique.platforms,
            "description": description, "description_from": description_from,
            "sub_techniques": self.sub_techniques(id)
                .map(|sub| json!({"id": sub.id, "name": sub.name})).collect::<Vec<_>>(),
            "related": related.collect::<serde_json::Map<_, _>>(), "references": entry.references,
            "rules": rules.collect::<Vec<_>>(), "attack_version": self.catalogue.version(),
        })
    }

    fn members(&self, tactic: &Tactic) -> Vec<&Technique> {
        let active = self.catalogue.techniques().iter().filter(|it| it.status == Status::Active);
        active.filter(|technique| technique.tactics.contains(&tactic.id)).collect()
    }

    fn tactic(&self, out: &mut String, tactic: &Tactic) -> fmt::Result {
        writeln!(
            out,
            "{HEADING}{} {}{HEADING:#} {}",
            tactic.id,
            plain(&tactic.name),
            plain(&tactic.short_name)
        )?;
        for technique in self.members(tactic) {
            let indent = if technique.id.parent().is_some() { "    " } else { "  " };
            let n_rules = self.rules_of(technique.id).len();
            let rules = if n_rules > 0 { counted(n_rules as u64, "rule") } else { String::new() };
            writeln!(out, "{indent}{} {} {FAINT}{rules}{FAINT:#}", technique.id, fit(&technique.name, 52))?;
        }
        writeln!(out)
    }

    fn tactic_json(&self, tactic: &Tactic) -> Json {
        let members = self.members(tactic);
        let techniques = members.iter().map(|technique| {
            let n_rules = self.rules_of(technique.id).len();
            json!({"id": technique.id, "name": technique.name, "rules": n_rules})
        });
        json!({
            "id": tactic.id, "kind": "tactic", "name": tactic.name, "short_name": tactic.short_name,
            "techniques": techniques.collect::<Vec<_>>(), "attack_version": self.catalogue.version(),
        })
    }

    /// The techniques that an object has to do with.
    fn techniques_of(&self, object: &Object) -> Vec<&Technique> {
        let entries = self.library.into_iter().flat_map(|library| &library.techniques);
        let own = entries.filter(|(_, entry)| entry.related.contains(&object.id));
        own.filter_map(|(id, _)| self.catalogue.technique(*id)).collect()
    }

    fn object(&self, out: &mut String, object: &Object) -> fmt::Result {
        writeln!(out, "{HEADING}{} {}{HEADING:#} {}", object.id, plain(&object.name), object.kind.as_str())?;
        status(out, object.status, object.successor.as_ref().map(ToString::to_string))?;
        if let Some(entry) = self.object_entry(&object.id) {
            line(out, "page", &entry.url)?;
            line(out, "also", &entry.aliases.join(", "))?;
            text(out, &entry.description)?;
            list(out, "Traces", &self.lines(object).split_off(1))?;
        }
        let techniques = self.techniques_of(object);
        let lines: Vec<String> = techniques.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
        list(out, &counted(lines.len() as u64, "technique"), &lines)?;
        writeln!(out)
    }

    fn object_json(&self, object: &Object) -> Json {
        let techniques = self.techniques_of(object);
        json!({
            "id": object.id, "kind": object.kind, "name": object.name, "status": object.status,
            "successor": object.successor, "told": self.object_entry(&object.id),
            "techniques": techniques.iter().map(|it| json!({"id": it.id, "name": it.name})).collect::<Vec<_>>(),
            "attack_version": self.catalogue.version(),
        })
    }
}

fn rule_line(rule: &TaggedRule) -> String {
    let level = rule.metadata.level.map_or("undefined", Level::as_str);
    format!("{level:<13} {} ({})", rule.metadata.title, rule.path)
}

fn line(out: &mut String, name: &str, value: &str) -> fmt::Result {
    if value.is_empty() { Ok(()) } else { writeln!(out, "  {FAINT}{name:<10}{FAINT:#} {}", plain(value)) }
}

fn status(out: &mut String, status: Status, successor: Option<String>) -> fmt::Result {
    match (status, successor) {
        (Status::Active, _) => Ok(()),
        (Status::Deprecated, _) => line(out, "status", "deprecated, without a successor"),
        (Status::Revoked, None) => line(out, "status", "revoked"),
        (Status::Revoked, Some(successor)) => {
            line(out, "status", &format!("revoked in favour of {successor}"))
        }
    }
}

/// A text of several paragraphs; a line end of the text is one here too.
fn text(out: &mut String, text: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    plain_text(text).lines().try_for_each(|line| writeln!(out, "  {}", plain(line)))
}

fn list(out: &mut String, heading: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}{heading}{HEADING:#}")?;
    lines.iter().take(N_SHOWN).try_for_each(|line| writeln!(out, "  {}", plain(line)))?;
    match lines.len().saturating_sub(N_SHOWN) {
        0 => Ok(()),
        n_more => writeln!(out, "  {FAINT}and {n_more} more{FAINT:#}"),
    }
}
