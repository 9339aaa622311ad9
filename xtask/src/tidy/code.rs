//! What of a Rust file is code: without comments and without the tests at its end.

/// The lines of a file that are neither comment nor test.
pub(super) fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.contains("mod ")) {
            break;
        }
        let line = if line.trim_start().starts_with("//") { "" } else { line };
        code.push_str(line.split_once(" // ").map_or(line, |(before, _)| before));
        code.push('\n');
    }
    code
}

/// The paths below `root` (`crate`, `std`) that code names, without the root: `use std::{fs, io::Read}`
/// gives `fs` and `io::Read`.
pub(super) fn paths(code: &str, root: &str) -> Vec<String> {
    let start = format!("{root}::");
    let mut paths = Vec::new();
    for (at, _) in code.match_indices(&start) {
        let (before, after) = code.split_at_checked(at).unwrap_or_default();
        if !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            expand(after.strip_prefix(&start).unwrap_or_default(), "", &mut paths);
        }
    }
    paths
}

/// Reads one path or a group of them, and gives what follows.
fn expand<'a>(text: &'a str, prefix: &str, paths: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut group) = text.strip_prefix('{') {
        loop {
            group = expand(group, prefix, paths).trim_start();
            match group.strip_prefix(',') {
                Some(next) => group = next,
                None => return group.strip_prefix('}').unwrap_or(group),
            }
        }
    }
    let length = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, after) = text.split_at_checked(length).unwrap_or_default();
    let path = match (prefix, name) {
        (_, "" | "self") => prefix.to_owned(),
        ("", name) => name.to_owned(),
        (prefix, name) => format!("{prefix}::{name}"),
    };
    if let Some(rest) = after.strip_prefix("::") {
        return expand(rest, &path, paths);
    }
    // What closes a group after its last comma is no path.
    if !(name.is_empty() && after.starts_with('}')) {
        paths.push(path);
    }
    match after.trim_start().strip_prefix("as ") {
        Some(alias) => alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_tests_are_no_code() {
        let text = "//! Uses std::fs.\nuse std::io; // std::env\n/// std::net\n#[cfg(test)]\nfn a() {}\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(paths(&code(text), "std"), ["io"]);
        assert!(code(text).contains("fn a"));
    }

    #[test]
    fn groups_are_taken_apart() {
        let check = |text: &str, expected: &[&str]| assert_eq!(paths(text, "std"), expected, "{text}");
        check("use std::fs;", &["fs"]);
        check("use std::{fs, io::{self, Read as _}, time};", &["fs", "io", "io::Read", "time"]);
        check(
            "use std::{\n    fs,\n    net::IpAddr,\n};\nstd::env::var(",
            &["fs", "net::IpAddr", "env::var"],
        );
        check("std::iter::repeat_n::<u8>(1); nostd::fs; ::std::fs", &["iter::repeat_n"]);
    }
}
