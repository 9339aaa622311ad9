//! Which part may know which: crates, the modules of the library, the language and the world outside.

use super::code::{code, paths};
use super::{Complaint, Tree};

/// What each crate may use of the others, in its build and in its tests.
const CRATES: &[(&str, &[&str], &[&str])] = &[
    ("crates/evtmap-sigma", &[], &[]),
    ("crates/evtmap", &["evtmap-sigma"], &["evtx-fixture"]),
    ("crates/evtmap-live", &["evtmap"], &[]),
    ("crates/evtmap-update", &["evtmap"], &[]),
    ("crates/evtmap-watch", &["evtmap", "evtmap-live"], &[]),
    ("crates/evtmap-cli", &["evtmap", "evtmap-live", "evtmap-update", "evtmap-watch"], &["evtx-fixture"]),
    ("crates/evtmap-py", &["evtmap", "evtmap-live", "evtmap-update"], &[]),
    ("crates/evtx-fixture", &[], &[]),
    ("xtask", &["evtmap", "evtx-fixture"], &[]),
];

/// What each module of the library may use of the others, in the order of the flow: a row names rows above
/// it. `input::Position` is that item alone.
const MODULES: &[(&str, &[&str])] = &[
    ("idle", &[]),
    ("keyed", &[]),
    ("parts", &[]),
    ("recurring", &[]),
    ("severity", &[]),
    ("sixteen", &[]),
    ("span", &[]),
    ("attack", &[]),
    ("navigator", &["attack"]),
    ("event", &["sixteen"]),
    ("input", &["event", "idle", "recurring", "sixteen"]),
    ("association", &["event", "severity"]),
    ("logsource", &["event"]),
    ("rules", &["logsource"]),
    ("coverage", &["attack", "logsource", "navigator", "rules"]),
    ("authoring", &["attack", "event", "input", "logsource", "rules"]),
    ("alert", &["association", "attack", "event", "input::Position", "rules", "severity"]),
    ("policy", &["alert", "event", "severity"]),
    ("label", &["alert", "severity"]),
    ("alike", &["alert", "span"]),
    (
        "scan",
        &[
            "alert",
            "alike",
            "association",
            "attack",
            "event",
            "idle",
            "input",
            "logsource",
            "policy",
            "parts",
            "recurring",
            "rules",
            "severity",
            "span",
        ],
    ),
    ("account", &["alert"]),
    ("connection", &["alert"]),
    ("ranking", &["alert", "alike", "keyed", "severity"]),
    ("risk", &["alert", "alike", "keyed", "severity", "span"]),
    (
        "triage",
        &["alert", "alike", "attack", "keyed", "ranking", "risk", "rules", "scan", "severity", "span"],
    ),
    ("sort", &["alert", "severity"]),
    ("row", &["alert", "input::Position", "severity", "sixteen"]),
    ("arrow", &["alert", "event", "input", "label", "parts", "row", "scan", "severity"]),
    (
        "report",
        &[
            "account",
            "alert",
            "arrow",
            "attack",
            "connection",
            "idle",
            "input::Position",
            "navigator",
            "ranking",
            "risk",
            "row",
            "scan",
            "severity",
            "triage",
        ],
    ),
    (
        "view",
        &[
            "alert",
            "association",
            "event",
            "input::Position",
            "logsource",
            "row",
            "rules",
            "scan",
            "severity",
            "span",
        ],
    ),
];

const LIBRARY: &str = "crates/evtmap/src/";
const LANGUAGE: &str = "crates/evtmap-sigma/src/";

/// What the language has no business with, and what lies among it that is harmless: types without I/O.
const OUTSIDE: &[&str] =
    &["env", "fs", "io", "net", "process", "thread", "time::Instant", "time::SystemTime"];
const HARMLESS: &[&str] = &["net::IpAddr", "net::Ipv4Addr", "net::Ipv6Addr"];

/// Crates use those below them only.
pub(super) fn crates(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (folder, allowed, allowed_in_tests) in CRATES {
        let path = format!("{folder}/Cargo.toml");
        let manifest: toml::Table = tree.text(&path).parse().unwrap_or_default();
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let used = manifest.get(section).and_then(toml::Value::as_table);
            for name in used.into_iter().flat_map(toml::Table::keys) {
                let is_ours = CRATES.iter().any(|(folder, ..)| folder.rsplit('/').next() == Some(name));
                let is_fine = allowed.contains(&name.as_str())
                    || (section == "dev-dependencies" && allowed_in_tests.contains(&name.as_str()));
                if is_ours && !is_fine {
                    complaints.push(Complaint::new(&path, format!("must not use `{name}`")));
                }
            }
        }
    }
    complaints
}

/// Modules of the library use those before them in the flow only.
pub(super) fn modules(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        let Some(rest) = file.path.strip_prefix(LIBRARY) else { continue };
        let module = rest.split(['/', '.']).next().unwrap_or_default();
        if module == "lib" {
            continue;
        }
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
            complaints.push(Complaint::new(&file.path, format!("`{module}` is not in the table of arrows")));
            continue;
        };
        let is_below = |path: &str, part: &str| {
            path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let is_fine =
            |path: &str| is_below(path, module) || allowed.iter().any(|allowed| is_below(path, allowed));
        for path in paths(&code(&file.text), "crate").into_iter().filter(|path| !is_fine(path)) {
            complaints.push(Complaint::new(&file.path, format!("`{module}` must not use `{path}`")));
        }
    }
    complaints
}

/// The language reads no file, no clock, no environment, and prints nothing.
pub(super) fn language(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust().filter(|file| file.path.starts_with(LANGUAGE) && !file.is_test()) {
        let code = code(&file.text);
        let is_outside = |path: &String| {
            OUTSIDE.iter().any(|outside| path.starts_with(outside))
                && !HARMLESS.iter().any(|harmless| path.starts_with(harmless))
        };
        let used = paths(&code, "std").into_iter().filter(is_outside).map(|path| format!("std::{path}"));
        let printed = ["print!", "println!", "eprint!", "eprintln!"].map(str::to_owned);
        let printed =
            printed.into_iter().filter(|name| code.split(|c: char| !is_of_macro(c)).any(|w| w == name));
        for name in used.chain(printed) {
            complaints.push(Complaint::new(&file.path, format!("the language must not use `{name}`")));
        }
    }
    complaints
}

fn is_of_macro(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '!'
}

/// The crates that may use the network, one to fetch and one to tell, and what it takes to use it: scanning never
/// does.
const NETWORK: &[&str] = &["crates/evtmap-update/", "crates/evtmap-watch/"];
const NETWORK_CRATES: &[&str] =
    &["curl", "hyper", "reqwest", "rustls", "rustls-platform-verifier", "tokio", "ureq"];
const NETWORK_TYPES: &[&str] =
    &["net::TcpListener", "net::TcpStream", "net::ToSocketAddrs", "net::UdpSocket"];

/// Only what fetches rules and ATT&CK, and what tells alerts while they happen, touches the network.
pub(super) fn network(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let may = |path: &str| NETWORK.iter().any(|own| path.starts_with(own));
    for file in tree.files.iter().filter(|file| !may(&file.path)) {
        if file.path.ends_with("/Cargo.toml") {
            let manifest: toml::Table = file.text.parse().unwrap_or_default();
            let used = manifest.get("dependencies").and_then(toml::Value::as_table);
            let names = used.into_iter().flat_map(toml::Table::keys);
            let found = names.filter(|name| NETWORK_CRATES.contains(&name.as_str()));
            complaints.extend(found.map(|name| Complaint::new(&file.path, format!("must not use `{name}`"))));
        }
    }
    for file in tree.rust().filter(|file| !file.is_test() && !may(&file.path)) {
        let used = paths(&code(&file.text), "std");
        let found = used.iter().filter(|path| NETWORK_TYPES.iter().any(|own| path.starts_with(own)));
        complaints
            .extend(found.map(|path| Complaint::new(&file.path, format!("must not use `std::{path}`"))));
    }
    complaints
}

/// Ids of techniques are data, and data is not code.
pub(super) fn attack_ids(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test()) {
        let code = code(&file.text);
        let words = code.split(|c: char| !c.is_ascii_alphanumeric());
        for id in words.filter(|word| is_technique(word)) {
            complaints.push(Complaint::new(&file.path, format!("`{id}` belongs into a data file")));
        }
    }
    complaints
}

fn is_technique(word: &str) -> bool {
    let digits = word.strip_prefix(['T', 't']);
    digits.is_some_and(|digits| digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn the_table_of_arrows_goes_one_way() {
        for (place, (module, allowed)) in MODULES.iter().enumerate() {
            for used in *allowed {
                let used = used.split("::").next().unwrap();
                let is_above = MODULES[..place].iter().any(|(name, _)| *name == used);
                assert!(is_above, "{module} uses {used}, which does not come before it");
            }
        }
    }

    #[test]
    fn libraries_do_not_know_the_program() {
        let manifest = "[dependencies]\nevtmap-cli.workspace = true\nevtmap-sigma = \"1\"\nserde = \"1\"\n[dev-dependencies]\nevtx-fixture = \"1\"\n";
        check(
            crates,
            &[("crates/evtmap/Cargo.toml", manifest)],
            &["crates/evtmap/Cargo.toml: must not use `evtmap-cli`"],
        );
    }

    #[test]
    fn arrows_between_modules() {
        check(
            modules,
            &[
                ("crates/evtmap/src/input/evtx.rs", "use crate::{event::Event, rules};\n//! crate::report"),
                ("crates/evtmap/src/report/csv.rs", "use crate::input::{Position, open};"),
                ("crates/evtmap/src/report/tests.rs", "use crate::rules::Rules;"),
                ("crates/evtmap/src/lib.rs", "pub use crate::rules::Rules;"),
                ("crates/evtmap/src/stray.rs", ""),
            ],
            &[
                "crates/evtmap/src/input/evtx.rs: `input` must not use `rules`",
                "crates/evtmap/src/report/csv.rs: `report` must not use `input::open`",
                "crates/evtmap/src/stray.rs: `stray` is not in the table of arrows",
            ],
        );
    }

    #[test]
    fn the_language_is_alone() {
        let text =
            "use std::{fs, net::IpAddr, time::{Duration, SystemTime}};\nfn a() { println!(\"\"); write!() }";
        check(
            language,
            &[("crates/evtmap-sigma/src/a.rs", text), ("crates/evtmap/src/rules/files.rs", text)],
            &[
                "crates/evtmap-sigma/src/a.rs: the language must not use `std::fs`",
                "crates/evtmap-sigma/src/a.rs: the language must not use `std::time::SystemTime`",
                "crates/evtmap-sigma/src/a.rs: the language must not use `println!`",
            ],
        );
    }

    #[test]
    fn scanning_is_without_network() {
        check(
            network,
            &[
                ("crates/evtmap/Cargo.toml", "[dependencies]\nureq = \"1\"\nserde = \"1\"\n"),
                ("crates/evtmap-update/Cargo.toml", "[dependencies]\nureq = \"1\"\n"),
                ("crates/evtmap/src/scan/mod.rs", "use std::net::{IpAddr, TcpStream};"),
                ("crates/evtmap/tests/it/a.rs", "use std::net::TcpListener;"),
            ],
            &[
                "crates/evtmap/Cargo.toml: must not use `ureq`",
                "crates/evtmap/src/scan/mod.rs: must not use `std::net::TcpStream`",
            ],
        );
    }

    #[test]
    fn ids_are_data() {
        let text = "//! T1059\nconst A: &str = \"attack.t1059.001\";\nlet b = \"T1234\"; // T1235\nlet c = 0xT12345;\n";
        check(
            attack_ids,
            &[("a.rs", text), ("a/tests/it/b.rs", text)],
            &["a.rs: `t1059` belongs into a data file", "a.rs: `T1234` belongs into a data file"],
        );
    }
}
