//! Lints on log sources.
//!
//! Specification: sigma-rules-specification, "Log Source". Which names there are is asked of the caller.

use super::subject::Subject;
use super::{Lint, LogSourcePart, Reporter};
use crate::diagnostic::Gravity::{Remark, Warning};
use crate::modifier::distance;
use crate::yaml::Node;

pub(super) const LINTS: &[Lint] = &[
    Lint {
        code: "unknown-category",
        gravity: Warning,
        finds: "a category that no known event of the product belongs to",
        why: "The rule is shown no event at all.",
        check: |subject, out| unknown(subject, out, LogSourcePart::Category),
    },
    Lint {
        code: "unknown-product",
        gravity: Warning,
        finds: "a product that is not known",
        why: "The rule is shown no event at all.",
        check: |subject, out| unknown(subject, out, LogSourcePart::Product),
    },
    Lint {
        code: "unknown-service",
        gravity: Warning,
        finds: "a service that no known channel of the product belongs to",
        why: "The rule is shown no event at all.",
        check: |subject, out| unknown(subject, out, LogSourcePart::Service),
    },
    Lint {
        code: "logsource-case",
        gravity: Warning,
        finds: "capital letters or blanks in the name of a category, product or service",
        why: "The names are written small and compared as they are, so that the rule is shown no event.",
        check: logsource_case,
    },
    Lint {
        code: "logsource-attribute",
        gravity: Warning,
        finds: "an attribute of the log source that the specification does not know",
        why: "It has no effect; a slip such as `sevice` widens the rule to the whole product.",
        check: logsource_attribute,
    },
    Lint {
        code: "service-without-product",
        gravity: Remark,
        finds: "a service without a product",
        why: "Services are parts of a product: without it, `security` may be anybody's.",
        check: service_without_product,
    },
];

fn name(part: LogSourcePart) -> &'static str {
    match part {
        LogSourcePart::Category => "category",
        LogSourcePart::Product => "product",
        LogSourcePart::Service => "service",
    }
}

/// A part of the log source, unless it is null.
fn part<'a>(subject: &Subject<'a>, key: &str) -> Option<(&'a Node, &'a str)> {
    let value = subject.node.get("logsource")?.get(key).filter(|value| !value.is_null())?;
    value.text().map(|text| (value, text))
}

fn unknown(subject: &Subject<'_>, out: &mut Reporter<'_>, wanted: LogSourcePart) {
    let product = part(subject, "product").map(|(_, product)| product);
    let Some((node, text)) = part(subject, name(wanted)) else { return };
    let Some(names) = subject.knowledge.logsource_names(wanted, product) else { return };
    // Names with capitals are found by a lint of their own.
    if names.iter().any(|known| known.eq_ignore_ascii_case(text)) {
        return;
    }
    let lower = text.to_ascii_lowercase();
    let near = names.iter().map(|known| (distance(&lower, known), known));
    let near = near.filter(|(distance, _)| *distance <= 2).min();
    let what = name(wanted);
    let finding = out.find(node.extent, format!("no event is known for the {what} `{text}`"));
    if let Some((_, near)) = near {
        finding.help(format!("did you mean `{near}`?"));
    }
}

fn logsource_case(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    for key in ["category", "product", "service"] {
        if let Some((node, text)) = part(subject, key)
            && text.chars().any(|c| c.is_uppercase() || c.is_whitespace())
        {
            let meant = text.to_lowercase().replace(char::is_whitespace, "_");
            out.find(node.extent, format!("the {key} `{text}` is not written small"))
                .help(format!("write `{meant}`"));
        }
    }
}

fn logsource_attribute(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    const KNOWN: [&str; 4] = ["category", "product", "service", "definition"];
    for entry in subject.node.get("logsource").map_or(&[][..], Node::entries) {
        if !KNOWN.contains(&entry.key.as_str()) {
            out.find(entry.extent, format!("the log source has no attribute `{}`", entry.key))
                .help(format!("it has {}", KNOWN.join(", ")));
        }
    }
}

fn service_without_product(subject: &Subject<'_>, out: &mut Reporter<'_>) {
    if let Some((node, service)) = part(subject, "service")
        && part(subject, "product").is_none()
    {
        out.find(node.extent, format!("the service `{service}` is no product's"));
    }
}
