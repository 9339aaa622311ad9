//! What `evtmap.toml` may say, table by table. What is not named here is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use evtmap::Severity;
use evtmap_update::SourcesConfig;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{Profile, WatchTable};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Tables {
    pub(crate) rules: RulesTable,
    pub(crate) attack: AttackTable,
    pub(crate) input: InputTable,
    /// Names of hosts by the name of their group.
    pub(crate) host_groups: BTreeMap<String, Vec<String>>,
    pub(crate) critical: CriticalTable,
    pub(crate) severity: Vec<Spanned<SeverityTable>>,
    pub(crate) exclusion: Vec<Spanned<ExclusionTable>>,
    pub(crate) profiles: BTreeMap<String, Profile>,
    pub(crate) watch: WatchTable,
    pub(crate) update: SourcesConfig,
}

/// Which rules are used where none are named, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RulesTable {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) pipelines: Vec<PathBuf>,
    pub(crate) placeholders: Option<PathBuf>,
}

/// Which ATT&CK is used where none is named.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct AttackTable {
    pub(crate) path: Option<PathBuf>,
}

/// How logs are read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct InputTable {
    /// What columns of tables are, by their names.
    pub(crate) columns: BTreeMap<String, String>,
    pub(crate) timezone: Option<String>,
    pub(crate) date_format: Option<String>,
}

/// What makes a detection worse.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct CriticalTable {
    pub(crate) hosts: Vec<String>,
    pub(crate) host_groups: Vec<Spanned<String>>,
    pub(crate) accounts: Vec<String>,
    pub(crate) steps: Option<Spanned<u8>>,
}

/// Another severity.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct SeverityTable {
    pub(crate) severity: Severity,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) techniques: Vec<String>,
    #[serde(default = "yes")]
    pub(crate) sub_techniques: bool,
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    #[serde(default)]
    pub(crate) host_groups: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) accounts: Vec<String>,
}

/// What is known and not to be told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct ExclusionTable {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) expires: Option<Spanned<Datetime>>,
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
    #[serde(default)]
    pub(crate) techniques: Vec<String>,
    #[serde(default = "yes")]
    pub(crate) sub_techniques: bool,
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    #[serde(default)]
    pub(crate) host_groups: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) accounts: Vec<String>,
    /// A selection as in a Sigma rule: fields with modifiers, and their values.
    pub(crate) fields: Option<Spanned<toml::Table>>,
    /// A Sigma filter, as YAML.
    pub(crate) filter: Option<Spanned<String>>,
    /// A file of Sigma filters.
    pub(crate) filter_file: Option<Spanned<PathBuf>>,
}

fn yes() -> bool {
    true
}
