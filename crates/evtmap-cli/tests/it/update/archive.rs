//! Archives of rules, whole and hostile.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A rule that sees programs whose command line has a word.
pub(crate) fn rule(number: u32, word: &str, level: &str, tag: &str) -> String {
    format!(
        "title: Program {number}\nid: 8a3c5a1e-0d2b-4d0e-9a11-6f0c7d8f1{number:03}\nauthor: Ada Example\n\
         date: 2026-08-01\nlevel: {level}\ntags: [attack.{tag}]\n\
         logsource: {{product: windows, category: process_creation}}\n\
         detection: {{selection: {{CommandLine|contains: {word}}}, condition: selection}}\n"
    )
}

/// An archive in the layout of a git host: a note with the commit, a folder, a licence, rules.
pub(crate) fn tar_gz(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let note = format!("52 comment={}\n", "1a2b3c4d".repeat(5));
    append(&mut archive, "pax_global_header", note.as_bytes(), tar::EntryType::XGlobalHeader);
    append(&mut archive, "rules-main/", b"", tar::EntryType::Directory);
    append(&mut archive, "rules-main/LICENSE", b"MIT License\n", tar::EntryType::Regular);
    for (name, text) in members {
        append(&mut archive, name, text.as_bytes(), tar::EntryType::Regular);
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Adds a member whatever its name is, as an attacker would.
pub(crate) fn append<W: Write>(
    archive: &mut tar::Builder<W>,
    name: &str,
    content: &[u8],
    kind: tar::EntryType,
) {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mtime(1_785_542_400);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, content).unwrap();
}

/// An archive with one rule.
pub(crate) fn one_rule(number: u32, word: &str) -> Vec<u8> {
    tar_gz(&[("rules-main/rules/a.yml", &rule(number, word, "high", "t1059.003"))])
}
