//! Lints, and the files that may do what they forbid everywhere else.

use super::code::code;
use super::{Complaint, Tree};

/// The crate that calls the system, and the files in which it does, each named after whose functions it calls.
const LIVE: &str = "crates/evtmap-live/Cargo.toml";
const CALLS: [&str; 2] = ["crates/evtmap-live/src/shell32.rs", "crates/evtmap-live/src/wevtapi.rs"];
/// The lints about `unsafe`, which are the crate's own.
const OWN_LINTS: &[&str] =
    &["multiple_unsafe_ops_per_block", "undocumented_unsafe_blocks", "unsafe_code", "unsafe_op_in_unsafe_fn"];
/// How many lines above unsafe code its reason may end.
const N_LINES_ABOVE: usize = 5;

/// Every crate has the lints of the workspace; one has them as a copy, but for `unsafe`.
pub(super) fn tables(tree: &Tree) -> Vec<Complaint> {
    let workspace: toml::Table = tree.text("Cargo.toml").parse().unwrap_or_default();
    let lints = workspace.get("workspace").and_then(|workspace| workspace.get("lints"));
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let manifest: toml::Table = file.text.parse().unwrap_or_default();
        // What is a workspace of its own has rules of its own.
        if manifest.contains_key("workspace") || !manifest.contains_key("package") {
            continue;
        }
        let own = manifest.get("lints");
        let is_fine = if file.path == LIVE {
            without_unsafe(own) == without_unsafe(lints)
        } else {
            own.and_then(|own| own.get("workspace")) == Some(&toml::Value::Boolean(true))
        };
        if !is_fine {
            complaints.push(Complaint::new(&file.path, "has not the lints of the workspace"));
        }
    }
    complaints
}

/// A table of lints without those about `unsafe`.
fn without_unsafe(lints: Option<&toml::Value>) -> Option<toml::Table> {
    let mut tools = lints?.as_table()?.clone();
    for tool in tools.iter_mut().filter_map(|(_, tool)| tool.as_table_mut()) {
        tool.retain(|lint, _| !OWN_LINTS.contains(&lint));
    }
    Some(tools)
}

/// Unsafe code is in these files, and each piece of it says why it is sound. The compiler sees them on Windows
/// only.
pub(super) fn unsafe_code(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust() {
        let is_unsafe = |line: &str| {
            let mut words = line.split(|char: char| !char.is_alphanumeric() && char != '_');
            words.any(|word| word == "unsafe")
        };
        if !CALLS.contains(&file.path.as_str()) {
            if code(&file.text).lines().any(|line| is_unsafe(line) && !line.contains(['"', '`'])) {
                complaints.push(Complaint::new(
                    &file.path,
                    format!("unsafe code belongs into {}", CALLS.join(" or ")),
                ));
            }
            continue;
        }
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            let above = lines.get(number.saturating_sub(N_LINES_ABOVE)..number).unwrap_or_default();
            if is_code && is_unsafe(line) && !above.iter().any(|line| line.contains("// SAFETY: ")) {
                complaints.push(Complaint::new(
                    &file.path,
                    format!("line {} does not say why it is sound", number + 1),
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn one_table_of_lints() {
        let workspace = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"\n";
        let copy = "[package]\n[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"\n";
        let inherits = "[package]\n[lints]\nworkspace = true\n";
        check(tables, &[("Cargo.toml", workspace), (LIVE, copy), ("crates/a/Cargo.toml", inherits)], &[]);
        check(
            tables,
            &[
                ("Cargo.toml", workspace),
                (LIVE, "[package]\n[lints.rust]\nunsafe_code = \"deny\"\n"),
                ("crates/a/Cargo.toml", copy),
                ("fuzz/Cargo.toml", "[package]\n[workspace]\n"),
            ],
            &[
                "crates/evtmap-live/Cargo.toml: has not the lints of the workspace",
                "crates/a/Cargo.toml: has not the lints of the workspace",
            ],
        );
    }

    #[test]
    fn unsafe_code_is_in_few_files_and_has_a_reason() {
        let sound = "// SAFETY: it is.\nlet a = unsafe { b() };\n";
        check(
            unsafe_code,
            &[(CALLS[0], sound), (CALLS[1], sound), ("a.rs", "// unsafe\nlet a = \"unsafe\";\n")],
            &[],
        );
        check(
            unsafe_code,
            &[(CALLS[1], "let a = unsafe { b() };\n"), ("a.rs", sound)],
            &[
                "crates/evtmap-live/src/wevtapi.rs: line 1 does not say why it is sound",
                "a.rs: unsafe code belongs into crates/evtmap-live/src/shell32.rs or crates/evtmap-live/src/wevtapi.rs",
            ],
        );
    }
}
