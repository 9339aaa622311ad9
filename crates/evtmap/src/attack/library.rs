//! What ATT&CK tells at length, for those who ask: texts, references, and what has to do with what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::ObjectId;
use super::technique::TechniqueId;

/// The texts of a release and how its objects are related. Texts are MITRE's; see its terms of use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    /// By technique.
    pub techniques: BTreeMap<TechniqueId, TechniqueEntry>,
    /// By object.
    pub objects: BTreeMap<ObjectId, ObjectEntry>,
}

/// What is told of a technique.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TechniqueEntry {
    /// What it is, at length, in Markdown.
    pub description: String,
    /// The mitigations, groups, software, campaigns, data components and detection strategies that have to do
    /// with it, sorted.
    pub related: Vec<ObjectId>,
    /// What the description refers to.
    pub references: Vec<Reference>,
}

/// What is told of another object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectEntry {
    /// What it is, at length, in Markdown.
    pub description: String,
    /// The page about it.
    pub url: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Where traces are found, for a detection strategy.
    pub traces: Vec<Trace>,
}

/// Where a detection strategy finds traces.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trace {
    /// On which platforms.
    pub platforms: Vec<String>,
    /// What the traces are.
    pub component: Option<ObjectId>,
    /// The log, as ATT&CK calls it.
    pub log: String,
    /// What of the log, in ATT&CK's words.
    pub channel: String,
}

/// A work that is referred to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What citations call it.
    pub name: String,
    /// Author, day and title.
    pub text: String,
    /// Where it is.
    pub url: String,
}

/// The first paragraph of a description as plain text in one line.
pub(super) fn summary(description: &str) -> String {
    plain(description.split("\n\n").next().unwrap_or_default())
}

/// A description as plain text: without citations, marks and addresses of links. Lines stay lines.
#[must_use]
pub fn plain_text(description: &str) -> String {
    description.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['(', '[', '<', '`', '\n', '\r']) {
        let (before, mark) = rest.split_at_checked(at).unwrap_or((rest, ""));
        plain.push_str(before);
        rest =
            mark.strip_prefix("(Citation:").and_then(|citation| after(citation, ")")).unwrap_or_else(|| {
                if let Some((text, end)) = link(mark) {
                    plain.push_str(text);
                    return end;
                }
                if let Some(end) =
                    ["<code>", "</code>", "<br>", "`"].iter().find_map(|tag| mark.strip_prefix(tag))
                {
                    return end;
                }
                let mut chars = mark.chars();
                plain.extend(chars.next().map(|c| if c.is_whitespace() { ' ' } else { c }));
                chars.as_str()
            });
    }
    plain.push_str(rest);
    let mut line = String::with_capacity(plain.len());
    for word in plain.split_whitespace() {
        // A citation leaves a blank before the full stop or comma behind it. The one of `.NET` stays.
        let is_left_over =
            word.strip_prefix(['.', ',']).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
        if !line.is_empty() && !is_left_over {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// What stands behind the first `end`.
fn after<'a>(text: &'a str, end: &str) -> Option<&'a str> {
    text.split_once(end).map(|(_, after)| after)
}

/// The words of a link `[words](address)` and what stands behind it.
fn link(text: &str) -> Option<(&str, &str)> {
    let (words, rest) = text.strip_prefix('[')?.split_once(']')?;
    let end = after(rest.strip_prefix('(')?, ")")?;
    Some((words, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_plain() {
        let check = |text: &str, expected: &str| assert_eq!(summary(text), expected, "{text}");
        check("One thing.(Citation: A B) Another (as it is) .\n\nMore.", "One thing. Another (as it is).");
        check("See [Net](https://x.example/S1) and <code>net use</code>, `x`.", "See Net and net use, x.");
        check("With .NET (Citation: A), or a .msc file (Citation: B).", "With .NET, or a .msc file.");
        check("Open [bracket and (paren and <tag", "Open [bracket and (paren and <tag");
        check("a\nb\r\nc (Citation: cut", "a b c (Citation: cut");
        check("", "");
        assert_eq!(plain_text("One (Citation: A).\n\n* `two`\n"), "One.\n\n* two");
    }
}
