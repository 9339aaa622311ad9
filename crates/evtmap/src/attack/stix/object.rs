//! The properties of a STIX object that matter, whatever its type.

use std::str::FromStr;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::attack::library::Reference;
use crate::attack::tactic::Tactic;
use crate::attack::technique::Status;

/// A STIX object. What is long is left as it is written until it is known to be wanted.
#[derive(Deserialize)]
pub(super) struct Object<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    pub(super) modified: Option<String>,
    revoked: Option<bool>,
    x_mitre_deprecated: Option<bool>,
    #[serde(borrow)]
    external_references: Option<&'a RawValue>,
    pub(super) kill_chain_phases: Option<Vec<KillChainPhase>>,
    pub(super) tactic_refs: Option<Vec<String>>,
    pub(super) relationship_type: Option<Relationship>,
    pub(super) source_ref: Option<String>,
    pub(super) target_ref: Option<String>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) x_mitre_aliases: Option<Vec<String>>,
    pub(super) x_mitre_platforms: Option<Vec<String>>,
    pub(super) x_mitre_shortname: Option<String>,
    pub(super) x_mitre_version: Option<String>,
    pub(super) x_mitre_data_source_ref: Option<String>,
    pub(super) x_mitre_analytic_refs: Option<Vec<String>>,
    pub(super) x_mitre_log_source_references: Option<Vec<LogSourceReference>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    AttackPattern,
    Campaign,
    CourseOfAction,
    IntrusionSet,
    Malware,
    Relationship,
    Tool,
    XMitreAnalytic,
    XMitreCollection,
    XMitreDataComponent,
    XMitreDataSource,
    XMitreDetectionStrategy,
    XMitreMatrix,
    XMitreTactic,
    #[serde(other)]
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Relationship {
    Detects,
    Mitigates,
    RevokedBy,
    Uses,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
pub(super) struct KillChainPhase {
    pub(super) phase_name: String,
}

/// What an analytic looks at.
#[derive(Deserialize)]
pub(super) struct LogSourceReference {
    pub(super) x_mitre_data_component_ref: Option<String>,
    pub(super) name: Option<String>,
    pub(super) channel: Option<String>,
}

#[derive(Deserialize)]
struct ExternalReference {
    source_name: Option<String>,
    external_id: Option<String>,
    url: Option<String>,
    description: Option<String>,
}

/// The external references of an object, read.
pub(super) struct References(Vec<ExternalReference>);

impl Object<'_> {
    /// The text that describes it; empty where there is none.
    pub(super) fn description(&self) -> String {
        self.description.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// Its external references; those that are no list are none.
    pub(super) fn references(&self) -> References {
        let list = self.external_references.and_then(|raw| serde_json::from_str(raw.get()).ok());
        References(list.unwrap_or_default())
    }

    pub(super) fn tactic(&self) -> Option<Tactic> {
        let (short_name, name) = (self.x_mitre_shortname.clone()?, self.name.clone()?);
        Some(Tactic { id: self.references().id()?, short_name, name })
    }

    pub(super) fn status(&self) -> Status {
        match (self.revoked, self.x_mitre_deprecated) {
            (Some(true), _) => Status::Revoked,
            (_, Some(true)) => Status::Deprecated,
            _ => Status::Active,
        }
    }
}

impl References {
    /// The first external id of the wanted form: other catalogues' ids stand beside ATT&CK's.
    pub(super) fn id<T: FromStr>(&self) -> Option<T> {
        self.0.iter().filter_map(|reference| reference.external_id.as_deref()?.parse().ok()).next()
    }

    /// The address of the page that ATT&CK has for an id.
    pub(super) fn url(&self, id: &str) -> Option<&str> {
        let own = self.0.iter().find(|reference| reference.external_id.as_deref() == Some(id));
        own.and_then(|reference| reference.url.as_deref())
    }

    /// What is referred to elsewhere.
    pub(super) fn elsewhere(self) -> Vec<Reference> {
        let elsewhere = self.0.into_iter().filter(|reference| reference.external_id.is_none());
        elsewhere
            .map(|reference| Reference {
                name: reference.source_name.unwrap_or_default(),
                text: reference.description.unwrap_or_default(),
                url: reference.url.unwrap_or_default(),
            })
            .collect()
    }
}
