//! What holds for every pattern, condition and rule, tried on random ones.

use evtmap_sigma::{
    Collection, Condition, FieldList, Part, Pattern, Place, Placeholders, Quantifier, Selector, TextMatcher,
    Value,
};
use proptest::prelude::*;

/// Texts of few characters, so that patterns and texts meet often: letters whose case is odd, wildcards,
/// backslashes, dashes, line ends.
fn text() -> impl Strategy<Value = String> {
    "[aAbkKſsßäÄσς*?\\\\%/ \n-]{0,8}"
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof!["[aB\\\\*?%-]{1,4}".prop_map(Part::Text), Just(Part::Any), Just(Part::One),]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_-]{0,3}"
        .prop_filter("keywords", |name| !["and", "or", "not", "of"].contains(&name.as_str()))
}

fn selector() -> impl Strategy<Value = Selector> {
    let pattern = "[a-z*_]{1,5}".prop_filter("`them`", |pattern| pattern != "them");
    prop_oneof![Just(Selector::Them), pattern.prop_map(Selector::Pattern)]
}

fn condition() -> impl Strategy<Value = Condition> {
    let quantifier = prop_oneof![Just(Quantifier::All), (1..5u32).prop_map(Quantifier::AtLeast)];
    let leaf = prop_oneof![
        name().prop_map(Condition::Selection),
        (quantifier, selector()).prop_map(|(quantifier, selector)| Condition::Of(quantifier, selector)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Condition::And),
            proptest::collection::vec(inner, 2..4).prop_map(Condition::Or),
        ]
    })
}

/// An item with modifiers that need not fit, and values that need not either.
fn item() -> impl Strategy<Value = (String, Vec<String>)> {
    let modifier = proptest::sample::select(vec![
        "contains",
        "startswith",
        "endswith",
        "all",
        "cased",
        "neq",
        "windash",
        "re",
        "i",
        "base64",
        "base64offset",
        "wide",
        "cidr",
        "fieldref",
        "gt",
        "lte",
        "hour",
        "exists",
        "expand",
    ]);
    let field = proptest::sample::select(vec!["A", "B", ""]);
    let value = prop_oneof![
        text().prop_map(|text| format!("'{}'", text.replace('\n', "").replace('\'', "''"))),
        proptest::sample::select(vec!["4688", "0x10", "true", "null", "B", "10.0.0.0/8", "1.5", "'a|b'"])
            .prop_map(str::to_owned),
    ];
    (field, proptest::collection::vec(modifier, 0..3), proptest::collection::vec(value, 1..4)).prop_map(
        |(field, modifiers, values)| {
            let chain: String = modifiers.iter().map(|modifier| format!("|{modifier}")).collect();
            let key = if field.is_empty() && chain.is_empty() {
                "|contains".to_owned()
            } else {
                field.to_owned() + &chain
            };
            (key, values)
        },
    )
}

fn event() -> impl Strategy<Value = Vec<(&'static str, Option<String>)>> {
    let value = proptest::option::of(prop_oneof![
        text(),
        proptest::sample::select(vec![
            "4688",
            "0x10",
            "16",
            "10.1.2.3",
            "2026-01-02T03:04:05Z",
            "true",
            "YQ=="
        ])
        .prop_map(str::to_owned),
    ]);
    proptest::collection::vec((proptest::sample::select(vec!["A", "B"]), value), 0..4)
}

fn fields<'a>(event: &'a [(&'static str, Option<String>)]) -> FieldList<'a> {
    event.iter().map(|(name, value)| (*name, value.as_deref().map_or(Value::Null, Value::Text))).collect()
}

fn rule(items: &[(String, Vec<String>)], condition: &str) -> Collection {
    let items: String =
        items.iter().map(|(key, values)| format!("    - '{key}': [{}]\n", values.join(", "))).collect();
    let text = format!(
        "title: Rule\nlogsource: {{product: windows}}\ndetection:\n  s:\n{items}  condition: {condition}\n"
    );
    Collection::parse(&text, &Placeholders::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn patterns_print_as_they_parse(parts in proptest::collection::vec(part(), 0..6)) {
        let pattern = Pattern::from_parts(parts);
        prop_assert_eq!(Pattern::parse(&pattern.to_string()), pattern);
    }

    #[test]
    fn texts_parse_print_and_parse(written in text()) {
        let pattern = Pattern::parse(&written);
        prop_assert_eq!(Pattern::parse(&pattern.to_string()), pattern);
    }

    #[test]
    fn conditions_print_as_they_parse(condition in condition()) {
        let printed = condition.to_string();
        let parsed = Condition::parse(&printed, Place::default());
        prop_assert_eq!(parsed.map_err(|problem| problem.to_string()), Ok(condition), "{}", printed);
    }

    #[test]
    fn matchers_are_their_patterns(written in text(), text in text(), cased: bool) {
        let pattern = Pattern::parse(&written);
        let matcher = TextMatcher::new(pattern.clone(), cased);
        prop_assert_eq!(matcher.matches(&text), pattern.matches(&text, cased));
    }

    /// A literal matches itself, its upper case where that folds, and is found in what contains it.
    #[test]
    fn literals_match_themselves(own in text(), before in text(), behind in text()) {
        let pattern = Pattern::literal(&own);
        prop_assert!(pattern.matches(&own, true) && pattern.matches(&own, false));
        let around = Pattern::from_parts([Part::Any].into_iter().chain(pattern.parts().to_vec()).chain([Part::Any]));
        let text = format!("{before}{own}{behind}");
        prop_assert!(around.matches(&text, true) && around.matches(&text, false));
    }

    /// Any text ends in a condition or in a diagnostic.
    #[test]
    fn any_condition_is_read_or_told(text in "[a-c10 ()|*not andorfhlm_-]{0,40}") {
        if let Ok(condition) = Condition::parse(&text, Place::default()) {
            prop_assert_eq!(Condition::parse(&condition.to_string(), Place::default()).ok(), Some(condition));
        }
    }

    /// Any text ends in rules or in diagnostics.
    #[test]
    fn any_text_is_read_or_told(text in "[a-c: \n\\[\\]{}&*!|>'\"%@#?,-]{0,80}") {
        let collection = Collection::parse(&text, &Placeholders::default());
        prop_assert!(collection.rules.is_empty());
    }

    /// Random rules on random events: `not` inverts, and the order of values does not matter.
    #[test]
    fn rules_on_events(items in proptest::collection::vec(item(), 1..4), event in event()) {
        let event = fields(&event);
        let plain = rule(&items, "s");
        let negated = rule(&items, "not s");
        let reversed: Vec<_> = items.iter().rev().map(|(key, values)| (key.clone(), values.iter().rev().cloned().collect())).collect();
        let reversed = rule(&reversed, "s");
        prop_assert_eq!(plain.rules.len(), negated.rules.len());
        prop_assert_eq!(plain.rules.len(), reversed.rules.len());
        prop_assert_eq!(plain.rules.is_empty(), plain.diagnostics.iter().any(evtmap_sigma::Diagnostic::is_error));
        if let ([plain], [negated], [reversed]) = (&plain.rules[..], &negated.rules[..], &reversed.rules[..]) {
            prop_assert_ne!(plain.matches(&event), negated.matches(&event));
            prop_assert_eq!(plain.matches(&event), reversed.matches(&event));
        }
    }
}
