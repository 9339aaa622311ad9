//! The lexer reads what others write, and refuses what others refuse.

use super::*;
use proptest::prelude::*;
use serde_json::Value as Json;

/// Reads a value into a tree, as nothing else does.
fn tree(lexer: &mut Lexer<'_>) -> Result<Json> {
    Ok(match lexer.value()? {
        Token::Object => {
            let (mut members, mut is_first) = (serde_json::Map::new(), true);
            while let Some(key) = lexer.key(&mut is_first)? {
                members.insert(key.text()?.into_owned(), tree(lexer)?);
            }
            Json::Object(members)
        }
        Token::Array => {
            let (mut items, mut is_first) = (Vec::new(), true);
            while lexer.has_item(&mut is_first)? {
                items.push(tree(lexer)?);
            }
            Json::Array(items)
        }
        Token::Text(text) => Json::String(text.text()?.into_owned()),
        Token::Number(number) => serde_json::from_str(number).unwrap(),
        Token::Bool(truth) => Json::Bool(truth),
        Token::Null => Json::Null,
    })
}

fn read(text: &str) -> Result<Json> {
    let mut lexer = Lexer::new(text);
    let value = tree(&mut lexer)?;
    lexer.end()?;
    let mut lexer = Lexer::new(text);
    assert_eq!(lexer.skip().unwrap(), text.trim_ascii(), "{text}");
    Ok(value)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match read(text) {
        Ok(value) => value.to_string(),
        Err(error) => format!("{error} at {}", error.at),
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn values() {
    check(
        r#" {"a" : [1, -2.5e3, true,false , null, {}], "b": []} "#,
        r#"{"a":[1,-2500.0,true,false,null,{}],"b":[]}"#,
    );
    check(r#""C:\\x \"y\" \/ \b\f\n\r\t \u00e4 \ud83d\ude00""#, r#""C:\\x \"y\" / \b\f\n\r\t ä 😀""#);
    check("\"a\tb\"", r#""a\tb""#);
}

#[test]
fn plain_strings_are_seen_at_once() {
    assert_eq!(Text::plain(r#""a b""#), Some("a b"));
    for text in [r#""a\tb""#, r#""a" "b""#, "1", "\"", r#" "a""#] {
        assert_eq!(Text::plain(text), None, "{text}");
    }
}

#[test]
fn half_a_surrogate_pair_costs_a_character_only() {
    check(r#""a\ud83d""#, "\"a\u{fffd}\"");
    check(r#""\ud83dx\ude00""#, "\"\u{fffd}x\u{fffd}\"");
    check(r#""\ud83d\u0041""#, "\"\u{fffd}A\"");
    check(r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}😀\"");
}

#[test]
fn mistakes() {
    for (text, expected) in [
        ("", "the text ends before a value at 0"),
        ("{", "the text ends within an object or array at 1"),
        ("[1", "the text ends within an object or array at 2"),
        ("[1 2]", "there is no `,` between two members at 3"),
        ("[1,]", "this is not the beginning of a value at 3"),
        (r#"{"a":1,}"#, "the key of a member is missing at 7"),
        (r#"{"a" 1}"#, "there is no `:` behind the key of a member at 5"),
        (r#"{1:2}"#, "the key of a member is missing at 1"),
        (r#""abc"#, "a string is not closed at 0"),
        (r#""abc\"#, "a string is not closed at 0"),
        (r#"["\x"]"#, "there is no such escape at 3"),
        (r#""\u12g4""#, "there is no such escape at 2"),
        ("01", "this is no number at 0"),
        ("1.", "this is no number at 0"),
        ("1e", "this is no number at 0"),
        ("-", "this is no number at 0"),
        ("nul", "this is not the beginning of a value at 0"),
        ("1 1", "there is more behind the value at 2"),
    ] {
        let mut lexer = Lexer::new(text);
        let found = tree(&mut lexer).and_then(|_| lexer.end()).unwrap_err();
        assert_eq!(format!("{found} at {}", found.at), expected, "{text}");
    }
}

#[test]
fn what_is_passed_over_is_bounded() {
    let deep = "[".repeat(MAX_SKIPPED_DEPTH + 1);
    assert!(Lexer::new(&deep).skip().unwrap_err().reason.starts_with("values lie deeper"));
}

fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<String>().prop_map(Json::String),
        r#"[a"\\/ -~ä😀]{0,20}"#.prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            proptest::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn reads_what_others_write(value in json(), is_pretty in any::<bool>()) {
        let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        let expected: Json = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read(&text).unwrap(), expected);
    }

    #[test]
    fn refuses_what_others_refuse(text in r#"[\[\]{}",:0-9.eE+\-truefalsn\\ ]{0,12}"#) {
        let mut lexer = Lexer::new(&text);
        let is_read = tree(&mut lexer).and_then(|_| lexer.end()).is_ok();
        prop_assert_eq!(is_read, serde_json::from_str::<Json>(&text).is_ok(), "{}", text);
    }
}
