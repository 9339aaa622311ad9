//! Layers of the ATT&CK Navigator, in its layer format 4.5.
//!
//! A layer colours cells of the matrix. A cell is a technique in a tactic; only pairs that the release has
//! are given, since the Navigator drops others without a word.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::attack::{Catalogue, Status, TechniqueId};

/// The layer format, and the oldest Navigator that reads it.
const LAYER: &str = "4.5";
const NAVIGATOR: &str = "5.0.0";

/// What is said of a technique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// How much of it there is.
    pub score: u64,
    /// Its colour as `#rrggbb`; by the score where there is none.
    pub color: Option<&'static str>,
    /// A line about it.
    pub comment: String,
}

/// A layer that is being made.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// What it is called.
    pub name: String,
    /// What it shows.
    pub description: String,
    /// What is said of techniques.
    pub cells: BTreeMap<TechniqueId, Cell>,
    /// What colours mean.
    pub legend: Vec<(&'static str, &'static str)>,
}

impl Layer {
    /// The layer as JSON, for a release of ATT&CK.
    pub fn to_json(&self, catalogue: &Catalogue) -> Value {
        let mut techniques = Vec::new();
        for (id, cell) in &self.cells {
            let active = catalogue.technique(*id).filter(|technique| technique.status == Status::Active);
            let tactics = active.into_iter().flat_map(|technique| &technique.tactics);
            for tactic in tactics.filter_map(|tactic| catalogue.tactic(*tactic)) {
                techniques.push(cell.to_json(*id, &tactic.short_name));
            }
        }
        let highest = self.cells.values().map(|cell| cell.score).max().unwrap_or(0).max(1);
        // The Navigator names releases by their number before the dot.
        let version = catalogue.version().and_then(|version| version.split('.').next());
        let mut versions = json!({"navigator": NAVIGATOR, "layer": LAYER});
        if let (Some(version), Some(versions)) = (version, versions.as_object_mut()) {
            versions.insert("attack".to_owned(), json!(version));
        }
        json!({
            "name": self.name,
            "versions": versions,
            "domain": catalogue.domain().unwrap_or("enterprise-attack"),
            "description": self.description,
            "sorting": 3,
            "hideDisabled": false,
            "techniques": techniques,
            "gradient": {"colors": ["#fff7bc", "#d95f0e"], "minValue": 0, "maxValue": highest},
            "legendItems": self.legend.iter()
                .map(|(label, color)| json!({"label": label, "color": color})).collect::<Vec<_>>(),
            "metadata": [{"name": "made by", "value": concat!("evtmap ", env!("CARGO_PKG_VERSION"))}],
        })
    }
}

impl Cell {
    fn to_json(&self, id: TechniqueId, tactic: &str) -> Value {
        let mut cell = json!({
            "techniqueID": id, "tactic": tactic, "score": self.score, "comment": self.comment,
            "enabled": true, "showSubtechniques": id.parent().is_some(),
        });
        if let (Some(color), Some(cell)) = (self.color, cell.as_object_mut()) {
            cell.insert("color".to_owned(), json!(color));
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pairs_that_the_release_has() {
        let cells =
            ["T1078", "T1562.001", "T1059.001", "T9999"].map(|id| (id.parse().unwrap(), Cell::default()));
        let layer = Layer { cells: cells.into_iter().collect(), ..Layer::default() };
        let pairs = |version: &str| -> Vec<String> {
            let json = layer.to_json(&Catalogue::bundled_version(version).unwrap());
            let cells = json["techniques"].as_array().unwrap().iter();
            cells.map(|cell| format!("{} {}", cell["techniqueID"], cell["tactic"]).replace('"', "")).collect()
        };
        let of_both = [
            "T1059.001 execution",
            "T1078 initial-access",
            "T1078 persistence",
            "T1078 privilege-escalation",
        ];
        assert_eq!(pairs("19.2"), [&of_both[..], &["T1078 stealth"]].concat());
        assert_eq!(
            pairs("18.1"),
            [&of_both[..], &["T1078 defense-evasion", "T1562.001 defense-evasion"]].concat()
        );
    }
}
