//! What the program knows for the lints of rules: the loaded release of ATT&CK, and Windows' log sources.

use evtmap_sigma::{Knowledge, LogSourcePart, TagMeaning};
use serde::Deserialize;

use crate::attack::{Catalogue, Resolved, Route};
use crate::logsource::Pipelines;

/// The products of `data/products.toml`.
const PRODUCTS: &str = include_str!("../../data/products.toml");

#[derive(Default, Deserialize)]
struct Products {
    products: Vec<String>,
}

/// Knows ATT&CK and Windows, for [`evtmap_sigma::Linter`].
#[derive(Debug)]
pub struct RuleKnowledge<'a> {
    catalogue: &'a Catalogue,
    categories: Vec<String>,
    products: Vec<String>,
    services: Vec<String>,
}

impl<'a> RuleKnowledge<'a> {
    /// The knowledge of a release of ATT&CK and of pipelines.
    pub fn new(catalogue: &'a Catalogue, pipelines: &Pipelines) -> Self {
        // A test reads the list, so that it is never empty in a program that was tested.
        let Products { products } = toml::from_str(PRODUCTS).unwrap_or_default();
        Self {
            catalogue,
            categories: pipelines.names(|logsource| logsource.category.as_ref()),
            products,
            services: pipelines.names(|logsource| logsource.service.as_ref()),
        }
    }
}

impl Knowledge for RuleKnowledge<'_> {
    fn attack_tag(&self, tag: &str) -> TagMeaning {
        match self.catalogue.resolve(tag) {
            Resolved::Unknown => TagMeaning::Unknown,
            Resolved::Technique(mapped) if mapped.route == Route::Successor => {
                TagMeaning::Replaced(format!("`attack.{}`", mapped.technique.id.to_string().to_lowercase()))
            }
            Resolved::Tactics(tactics) => {
                let asked = tag.to_ascii_lowercase().replace('_', "-");
                let names: Vec<String> =
                    tactics.iter().map(|tactic| format!("attack.{}", tactic.short_name)).collect();
                let is_id = asked.starts_with("attack.ta0");
                if is_id || names.contains(&asked) {
                    TagMeaning::Known
                } else {
                    TagMeaning::Replaced(format!("`{}`", names.join("` or `")))
                }
            }
            Resolved::Technique(_) | Resolved::Object(_) | Resolved::NotAttack => TagMeaning::Known,
        }
    }

    /// Only Windows' log sources are known as a whole.
    fn logsource_names(&self, part: LogSourcePart, product: Option<&str>) -> Option<Vec<String>> {
        let names = match part {
            LogSourcePart::Product => &self.products,
            LogSourcePart::Category => &self.categories,
            LogSourcePart::Service => &self.services,
        };
        let is_known = part == LogSourcePart::Product || product == Some("windows");
        is_known.then(|| names.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_tags() {
        let catalogue = Catalogue::bundled();
        let knowledge = RuleKnowledge::new(&catalogue, &Pipelines::bundled().unwrap());
        for (part, name) in [
            (LogSourcePart::Product, "windows"),
            (LogSourcePart::Category, "process_creation"),
            (LogSourcePart::Service, "security"),
        ] {
            let names = knowledge.logsource_names(part, Some("windows")).unwrap();
            assert!(names.iter().any(|known| known == name), "{part:?}");
        }
        assert_eq!(knowledge.logsource_names(LogSourcePart::Service, Some("linux")), None);
        for (tag, meaning) in [
            ("attack.t1059.001", TagMeaning::Known),
            ("attack.discovery", TagMeaning::Known),
            ("attack.t9999", TagMeaning::Unknown),
            ("attack.t1086", TagMeaning::Replaced("`attack.t1059.001`".to_owned())),
            ("cve.2021-1675", TagMeaning::Known),
        ] {
            assert_eq!(knowledge.attack_tag(tag), meaning, "{tag}");
        }
    }
}
