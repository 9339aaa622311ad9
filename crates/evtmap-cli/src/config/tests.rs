//! The template, and the example of the documentation that is made of it.

use super::*;

/// The template with everything in it switched on.
fn example() -> String {
    let setting = |line: &'static str| {
        let rest = line.strip_prefix('#')?;
        (!rest.starts_with(' ') || rest.starts_with("    ")).then_some(rest)
    };
    TEMPLATE.lines().map(|line| setting(line).unwrap_or(line).to_owned() + "\n").collect()
}

/// The example of the documentation is the template, switched on, and all of it can be read.
#[test]
fn the_documented_example_is_right() {
    let page = include_str!("../../../../docs/configuration.md");
    let (_, after) = page.split_once("```toml\n").unwrap();
    let (documented, _) = after.split_once("```\n").unwrap();
    let source = Source { path: NAME.into(), text: example() };
    let tables: Tables = toml::from_str(&source.text).unwrap();
    assert_eq!(documented, source.text);
    let count = (tables.severity.len(), tables.exclusion.len(), tables.profiles.len());
    assert_eq!(count, (3, 3, 1));
    assert_eq!((tables.watch.live.len(), tables.watch.rotate.map(|size| size.0)), (2, Some(100 << 20)));
}

/// As it is written, the template says nothing.
#[test]
fn the_template_changes_nothing() {
    assert!(TEMPLATE.parse::<toml::Table>().unwrap().is_empty());
}
