//! A rule's log source: which logs it is about.

use serde::{Deserialize, Serialize};

/// The `logsource` section. What is absent stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogSource {
    /// The kind of event, such as `process_creation`.
    pub category: Option<String>,
    /// The product, such as `windows`.
    pub product: Option<String>,
    /// The log of the product, such as `security`.
    pub service: Option<String>,
}

impl LogSource {
    /// Whether everything this one names, the other names too.
    ///
    /// A pipeline's `product: windows` covers a rule's `product: windows, service: security`.
    pub fn covers(&self, other: &Self) -> bool {
        let within = |own: &Option<String>, theirs: &Option<String>| own.is_none() || own == theirs;
        within(&self.category, &other.category)
            && within(&self.product, &other.product)
            && within(&self.service, &other.service)
    }
}

impl std::fmt::Display for LogSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [&self.product, &self.category, &self.service];
        let text: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        f.write_str(&text.join("/"))
    }
}
