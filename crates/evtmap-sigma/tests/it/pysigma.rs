//! pySigma, the reference implementation, agrees on escapes, dashes, encodings and conditions.
//!
//! It is asked where it is installed: `pip install pysigma`, with `PYTHON` naming an interpreter other than
//! `python3`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use evtmap_sigma::{Collection, Expr, FieldList, Part, Pattern, Placeholders, Predicate, Test, Value};
use serde_json::{Value as Json, json};

use crate::skipped;

/// Numbers that look random and are the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(n).unwrap()).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn text(&mut self, alphabet: &[&str], n_max: usize) -> String {
        (0..self.below(n_max + 1)).map(|_| self.pick(alphabet)).collect()
    }

    fn condition(&mut self, depth: usize) -> String {
        const LEAVES: &[&str] = &[
            "a",
            "b",
            "sel_a",
            "sel_b",
            "_c",
            "1 of sel_*",
            "all of sel_*",
            "1 of them",
            "all of them",
            "any of sel*",
            "1 of _*",
            "all of *a",
            "1 of *",
        ];
        let inner = |numbers: &mut Self| numbers.condition(depth - 1);
        match if depth == 0 { 0 } else { self.below(6) } {
            0 => self.pick(LEAVES).to_owned(),
            1 => format!("not {}", self.pick(LEAVES)),
            2 => format!("not ({})", inner(self)),
            3 => format!("{} and {}", inner(self), inner(self)),
            4 => format!("{} or {}", inner(self), inner(self)),
            _ => format!("({})", inner(self)),
        }
    }
}

/// pySigma's answers to questions, or nothing when it is not there.
fn ask(questions: &[Json]) -> Option<Vec<Json>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pysigma.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let child = Command::new(&python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        skipped(&format!("{python} is not there"));
        return None;
    };
    let lines: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let mut input = child.stdin.take().unwrap();
    // The answers may fill the pipe before the questions are all written. A child that has ended reads none.
    let writer = std::thread::spawn(move || drop(input.write_all(lines.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    if output.status.code() == Some(77) {
        skipped(&format!("{python} has no pySigma"));
        return None;
    }
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len());
    Some(answers)
}

fn parse(detection: &Json) -> Collection {
    let rule = json!({"title": "Case", "logsource": {"product": "windows"}, "detection": detection});
    Collection::parse(&rule.to_string(), &Placeholders::default())
}

/// The strings that the modifiers of a key make of a value, in pySigma's notation; none if it is refused.
fn values(key: &str, value: &str) -> Option<Vec<String>> {
    let collection = parse(&json!({"s": {key: value}, "condition": "s"}));
    let [rule] = collection.rules.as_slice() else { return None };
    let Expr::All(items) = &rule.compiled().selections[0] else { panic!("a map is expected") };
    let [Expr::Predicate(Predicate { tests, .. })] = items.as_slice() else { panic!("an item is expected") };
    Some(tests.iter().flat_map(texts).collect())
}

fn texts(test: &Test) -> Vec<String> {
    match test {
        Test::Text(matcher) => variants(&matcher.pattern()),
        Test::AnyOf(tests) => tests.iter().flat_map(texts).collect(),
        other => panic!("a text is expected, not {other:?}"),
    }
}

/// A pattern as pySigma has it: every dash in each of its five forms.
fn variants(pattern: &Pattern) -> Vec<String> {
    let mut variants = vec![Vec::new()];
    for part in pattern.parts() {
        let choices: Vec<Part> = match part {
            Part::Dash => ["-", "/", "–", "—", "―"].map(|dash| Part::Text(dash.to_owned())).to_vec(),
            other => vec![other.clone()],
        };
        variants = variants
            .iter()
            .flat_map(|done: &Vec<Part>| {
                choices.iter().map(|choice| [done.as_slice(), std::slice::from_ref(choice)].concat())
            })
            .collect();
    }
    variants.into_iter().map(|parts| show(&Pattern::from_parts(parts))).collect()
}

fn show(pattern: &Pattern) -> String {
    let show = |part: &Part| match part {
        Part::Text(text) => format!("[{text}]"),
        Part::Any => "*".to_owned(),
        Part::One => "?".to_owned(),
        Part::Dash | Part::Placeholder(_) => panic!("{part:?}"),
    };
    pattern.parts().iter().map(show).collect()
}

#[track_caller]
fn check_values(keys: &[&str], alphabet: &[&str]) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let cases: Vec<(&str, String)> =
        (0..2_000).map(|_| (numbers.pick(keys), numbers.text(alphabet, 8))).collect();
    let questions: Vec<Json> = cases.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    let Some(answers) = ask(&questions) else { return };
    for ((key, value), answer) in cases.iter().zip(&answers) {
        // pySigma gives empty texts where nothing of a value is fixed; they are left out here.
        let texts = answer.as_array().map(|texts| texts.iter().map(|text| text.as_str().unwrap().to_owned()));
        let expected = texts.into_iter().flatten().filter(|text| !text.is_empty());
        let found = values(key, value).into_iter().flatten().filter(|text| !text.is_empty());
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{key}: {value:?} {answer}");
    }
}

#[test]
fn escapes() {
    check_values(&["A", "A|contains", "A|startswith", "A|endswith"], &["\\", "\\", "*", "?", "a", ".", " "]);
}

#[test]
fn dashes() {
    check_values(
        &["A|windash", "A|windash|contains", "A|contains|windash"],
        &["a", "a", "é", "_", " ", "*", "-", "/"],
    );
}

#[test]
fn encodings() {
    let keys = [
        "A|base64",
        "A|base64offset",
        "A|wide|base64",
        "A|wide|base64offset",
        "A|utf16|base64",
        "A|utf16be|base64offset",
    ];
    check_values(&keys, &["a", "Z", "5", " ", "\\*", "\\?", "\\", "~"]);
    check_values(&keys[..2], &["a", "ä", "€", "\u{1f600}"]);
}

#[test]
fn conditions() {
    const NAMES: [&str; 5] = ["a", "b", "sel_a", "sel_b", "_c"];
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let conditions: Vec<String> = (0..2_000).map(|_| numbers.condition(3)).collect();
    let questions: Vec<Json> =
        conditions.iter().map(|condition| json!({"condition": condition, "names": NAMES})).collect();
    let Some(answers) = ask(&questions) else { return };
    for (condition, answer) in conditions.iter().zip(&answers) {
        let mut detection = json!({"condition": condition});
        for name in NAMES {
            detection[name] = json!({name: "x"});
        }
        let collection = parse(&detection);
        let rule =
            collection.rules.first().unwrap_or_else(|| panic!("{condition}: {:?}", collection.diagnostics));
        let holds = |bits: usize| {
            let chosen = NAMES.iter().enumerate().filter(|(i, _)| bits & (16 >> i) != 0);
            let event: FieldList<'_> = chosen.map(|(_, name)| (*name, Value::Text("x"))).collect();
            if rule.matches(&event) { '1' } else { '0' }
        };
        let found: String = (0..32).map(holds).collect();
        assert_eq!(answer, &json!(found), "{condition}");
    }
}
