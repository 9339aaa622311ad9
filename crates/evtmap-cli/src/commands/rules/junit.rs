//! Results of tests of rules as JUnit XML, which build servers read.
//!
//! There is no standard; written is what Jenkins, GitLab and GitHub's actions agree on: suites by file, a case
//! for each example, a failure with its text.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

/// The example of a case and how it ended.
pub(super) struct Case {
    /// Where the example stands: the file, and the line where it has one.
    pub(super) place: String,
    /// The title of the rule.
    pub(super) rule: String,
    /// Why it failed, in plain text; nothing where it is as it should be.
    pub(super) failure: Option<String>,
}

/// The whole document.
pub(super) fn document(cases: &[Case]) -> io::Result<Vec<u8>> {
    let mut suites: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        suites.entry(file(&case.place).to_owned()).or_default().push(case);
    }
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Case> = cases.iter().collect();
    let counts = counts(&all);
    let root = xml.create_element("testsuites").with_attributes(attributes(&[("name", "evtmap rules test")]));
    root.with_attributes(attributes(&counts))
        .write_inner_content(|xml| suites.iter().try_for_each(|(name, cases)| suite(xml, name, cases)))?;
    let mut bytes = xml.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

fn suite(xml: &mut Writer<Vec<u8>>, name: &str, cases: &[&Case]) -> io::Result<()> {
    let name = allowed(name);
    let counts = counts(cases);
    let element = xml.create_element("testsuite").with_attributes(attributes(&[("name", &*name)]));
    element.with_attributes(attributes(&counts)).write_inner_content(|xml| {
        cases.iter().try_for_each(|case| {
            let (rule, place) = (allowed(&case.rule), allowed(&case.place));
            let title = if rule.is_empty() { place.clone() } else { format!("{rule} ({place})") };
            let element = xml.create_element("testcase");
            let element = element.with_attributes(attributes(&[("classname", &*name), ("name", &*title)]));
            match &case.failure {
                None => element.write_empty().map(drop),
                Some(why) => element.write_inner_content(|xml| failure(xml, &allowed(why))).map(drop),
            }
        })
    })?;
    Ok(())
}

fn failure(xml: &mut Writer<Vec<u8>>, why: &str) -> io::Result<()> {
    let first = why.lines().next().unwrap_or_default();
    let element = xml.create_element("failure").with_attributes(attributes(&[("message", first)]));
    element.write_text_content(BytesText::new(why)).map(drop)
}

fn attributes<'a, T: AsRef<str>>(pairs: &'a [(&'a str, T)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    pairs.iter().map(|(name, value)| (*name, value.as_ref()))
}

fn counts(cases: &[&Case]) -> [(&'static str, String); 3] {
    let n_failures = cases.iter().filter(|case| case.failure.is_some()).count();
    [("tests", cases.len().to_string()), ("failures", n_failures.to_string()), ("errors", "0".to_owned())]
}

/// The file of a place such as `whoami.test.yml:4`.
fn file(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => place,
    }
}

/// XML has no way to write most control characters; they are replaced.
fn allowed(text: &str) -> String {
    let is_allowed =
        |c: char| matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document() {
        let case = |place: &str, failure: Option<&str>| Case {
            place: place.to_owned(),
            rule: "<\"Bad\" & \u{1b}[31mworse>".to_owned(),
            failure: failure.map(str::to_owned),
        };
        let cases = [case("b.test.yml:2", None), case("a.test.yml:7", Some("no match\n]]> of <b>"))];
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"evtmap rules test\" tests=\"2\" failures=\"1\" errors=\"0\">
  <testsuite name=\"a.test.yml\" tests=\"1\" failures=\"1\" errors=\"0\">
    <testcase classname=\"a.test.yml\" name=\"&lt;&quot;Bad&quot; &amp; \u{fffd}[31mworse&gt; (a.test.yml:7)\">
      <failure message=\"no match\">no match
]]&gt; of &lt;b&gt;</failure>
    </testcase>
  </testsuite>
  <testsuite name=\"b.test.yml\" tests=\"1\" failures=\"0\" errors=\"0\">
    <testcase classname=\"b.test.yml\" name=\"&lt;&quot;Bad&quot; &amp; \u{fffd}[31mworse&gt; (b.test.yml:2)\"/>
  </testsuite>
</testsuites>
";
        assert_eq!(String::from_utf8(document(&cases).unwrap()).unwrap(), expected);
    }
}
