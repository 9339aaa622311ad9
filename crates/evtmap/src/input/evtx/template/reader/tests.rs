//! Elements that stand in a record itself.

use super::super::write_element_form;
use super::*;

/// The tokens of elements as a record has them that uses no template.
#[derive(Default)]
struct Tokens(Vec<u8>);

impl Tokens {
    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn name(&mut self, name: &str) {
        let at = u32::try_from(self.0.len() + 4).unwrap();
        self.0.extend(at.to_le_bytes());
        self.0.extend([0; 6]);
        self.0.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        self.0.extend(Self::utf16(name));
        self.0.extend([0; 2]);
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend([token::TEXT, value::kind::STRING]);
        self.0.extend(u16::try_from(text.encode_utf16().count()).unwrap().to_le_bytes());
        self.0.extend(Self::utf16(text));
        self
    }

    fn open(mut self, name: &str, attributes: &[(&str, &str)]) -> Self {
        let more = |is_more: bool| if is_more { token::MORE } else { 0 };
        self.0.push(token::OPEN | more(!attributes.is_empty()));
        self.0.extend([0; 4]);
        self.name(name);
        if !attributes.is_empty() {
            self.0.extend([0; 4]);
        }
        for (number, (name, value)) in attributes.iter().enumerate() {
            self.0.push(token::ATTRIBUTE | more(number + 1 < attributes.len()));
            self.name(name);
            self = self.text(value);
        }
        self.0.push(token::CLOSE_START);
        self
    }

    fn end(mut self) -> Self {
        self.0.push(token::END);
        self
    }

    fn element(self, name: &str, text: &str) -> Self {
        let open = self.open(name, &[]);
        if text.is_empty() { open.end() } else { open.text(text).end() }
    }
}

/// The template of an element, and the texts that are its gaps.
fn read_own(tokens: &[u8]) -> Result<(Template, Vec<Range<usize>>), Unusual> {
    let start = Cursor { chunk: tokens, at: 0, end: tokens.len() };
    let mut cursor = start;
    let (mut form, mut gaps) = (Vec::new(), Vec::new());
    write_element_form(&mut cursor, &mut form, &mut |gap| gaps.push(gap))?;
    assert_eq!(cursor.at, tokens.len());
    Ok((read_element(start)?, gaps))
}

/// The fields of an element, one a line.
#[track_caller]
fn check(tokens: Tokens, expected: &str) {
    let Tokens(tokens) = tokens;
    let (template, gaps) = read_own(&tokens).unwrap();
    let name = |label: &Label| template.text.get(label.name()).unwrap().to_owned();
    let value = |gap: u16| {
        let mut text = String::new();
        value::push_utf16(&tokens[gaps[usize::from(gap)].clone()], &mut text);
        text
    };
    let lines = template.steps.iter().map(|step| match &step.action {
        Action::Field { label, gap, .. } => format!("{}={}", name(label), value(*gap)),
        Action::Missing { label, empty } => format!("{} {empty:?}", name(label)),
        other => format!("{other:?}"),
    });
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected);
    let n_fields = template.steps.iter().filter(|step| step.action.gap().is_some()).count();
    assert_eq!(n_fields, gaps.len(), "each text is the value of one field");
}

#[test]
fn elements_of_a_record_itself() {
    let user_data = Tokens::default()
        .open("Settings", &[("xmlns", "urn:x")])
        .element("Name", "a.exe")
        .open("Process", &[("Id", "7"), ("Owner", "alice")])
        .end()
        .element("Rest", "")
        .end();
    check(user_data, "Name=a.exe\nProcess_Id=7\nProcess_Owner=alice\nRest Null");
    let event = Tokens::default()
        .open("Event", &[("xmlns", "urn:x")])
        .open("System", &[])
        .open("Provider", &[("Name", "P")])
        .end()
        .element("EventID", "7")
        .element("Channel", "")
        .end()
        .open("EventData", &[])
        .open("Data", &[("Name", "User")])
        .text("bob")
        .end()
        .open("Data", &[("Name", "Host")])
        .end()
        .end()
        .end();
    check(event, "Provider_Name=P\nEventID=7\nUser=bob\nHost Text");
}

#[test]
fn names_that_come_again_are_numbered() {
    let user_data = Tokens::default()
        .open("Chain", &[])
        .open("Element", &[("Id", "7")])
        .element("Name", "a")
        .end()
        .open("Element", &[("Id", "8")])
        .element("Name", "b")
        .end()
        .element("Element", "c")
        .end();
    check(user_data, "Element_Id=7\nName=a\nElement_1_Id=8\nName=b\nElement_2=c");
    let data =
        |tokens: Tokens, name: &str, text: &str| tokens.open("Data", &[("Name", name)]).text(text).end();
    let mut event_data = Tokens::default().open("EventData", &[]);
    for (name, text) in [("Guid", "1"), ("User", "bob"), ("Guid", "2"), ("Guid", "3")] {
        event_data = data(event_data, name, text);
    }
    check(event_data.end(), "Guid=1\nUser=bob\nGuid_1=2\nGuid_2=3");
    // Which of these the crate numbers how is not for this to say.
    let mut doubtful = Tokens::default().open("EventData", &[]);
    for name in ["Guid", "Guid_1", "Guid"] {
        doubtful = data(doubtful, name, "x");
    }
    assert!(read_own(&doubtful.end().0).is_err());
}

#[test]
fn a_gap_is_of_a_template() {
    let mut tokens = Tokens::default().open("Member", &[]).0;
    tokens.extend([token::GAP, 0, 0, value::kind::STRING, token::END]);
    assert!(read_own(&tokens).is_err());
}

/// What the reader takes for gaps of a template, texts of the record itself are not.
#[test]
fn a_text_of_the_record_is_a_value_only() {
    let refused = [
        Tokens::default().open("Event", &[]).text("a").end(),
        Tokens::default().open("UserData", &[]).text("a").end(),
        Tokens::default().open("EventData", &[]).element("Data", "a").end(),
        Tokens::default().open("EventData", &[]).open("Data", &[("Type", "a")]).text("b").end().end(),
        Tokens::default().open("EventData", &[("Name", "a")]).open("M", &[]).end().end(),
    ];
    assert!(refused.iter().all(|tokens| read_own(&tokens.0).is_err()));
}

#[test]
fn odd_texts_are_left_alone() {
    for text in ["a\0b", "\0", "a\0", "\u{fffd}", "é\0"] {
        let member = Tokens::default().open("M", &[]).element("User", text).end().0;
        assert!(read_own(&member).is_err(), "{text:?}");
        let attribute = Tokens::default().open("M", &[("User", text)]).element("A", "1").end().0;
        assert!(read_own(&attribute).is_err(), "{text:?}");
        let data = Tokens::default().open("EventData", &[]).open("Data", &[("Name", text)]).text("1");
        assert!(read_own(&data.end().end().0).is_err(), "{text:?}");
    }
    assert!(read_own(&Tokens::default().open("M", &[("User", "")]).element("A", "1").end().0).is_err());
    let mut half = Tokens::default().open("M", &[]).0;
    half.extend([token::TEXT, value::kind::STRING, 1, 0, 0, 0xd8, token::END]);
    assert!(read_own(&half).is_err());
    assert!(read_own(&Tokens::default().open("M", &[]).element("User", "Zoë").end().0).is_ok());
}

/// Records whose elements have the same names, with values or without, are made alike.
#[test]
fn what_records_have_in_common() {
    use std::hash::BuildHasher;

    let hasher = foldhash::quality::FixedState::default();
    let shape = |tokens: Tokens| hasher.hash_one(read_own(&tokens.0).unwrap().0);
    let member = |name: &str, text: &str| shape(Tokens::default().open("M", &[]).element(name, text).end());
    assert_eq!(member("User", "alice"), member("User", "bob"));
    assert_ne!(member("User", "alice"), member("User", ""));
    assert_ne!(member("User", "alice"), member("Host", "alice"));
    // Elements that make no field may still be told otherwise by the crate, and so may attributes that are empty.
    let around = |name: &str, xmlns: &str| {
        shape(Tokens::default().open("M", &[]).open(name, &[("xmlns", xmlns)]).element("A", "1").end().end())
    };
    assert_eq!(around("Foo", "urn:x"), around("Foo", "urn:y"));
    assert_ne!(around("Foo", "urn:x"), around("Foo_attributes", "urn:x"));
    assert_ne!(around("Foo", "urn:x"), around("Foo", ""));
    let system = || Tokens::default().open("Event", &[]).open("System", &[]).element("A", "1");
    let one = system().element("B", "2").end().end();
    assert_ne!(shape(one), shape(system().end().open("System", &[]).element("B", "2").end().end()));
}
