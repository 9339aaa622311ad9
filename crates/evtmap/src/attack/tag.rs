//! A rule's tag, by its form alone: whether it exists in ATT&CK is for the catalogue to say.

use super::object::ObjectId;
use super::tactic::TacticId;
use super::technique::TechniqueId;

/// The namespace of ATT&CK among Sigma's tags.
const NAMESPACE: &str = "attack";

/// What a tag's form says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// The id of a technique or sub-technique.
    Technique(TechniqueId),
    /// The id of a tactic.
    Tactic(TacticId),
    /// The id of another kind of object: a group, software, a data source, a mitigation and so on.
    Object(ObjectId),
    /// A word, which can only be a tactic's short name; in lower case with hyphens.
    ShortName(String),
    /// A tag of another namespace, or of none.
    Foreign,
}

impl Tag {
    /// Sigma writes a tactic with hyphens and once wrote it with underscores; both are read, in either case.
    pub(super) fn parse(text: &str) -> Self {
        let Some((namespace, value)) = text.trim().split_once('.') else {
            return Self::Foreign;
        };
        if !namespace.eq_ignore_ascii_case(NAMESPACE) {
            Self::Foreign
        } else if let Ok(id) = value.parse() {
            Self::Technique(id)
        } else if let Ok(id) = value.parse() {
            Self::Tactic(id)
        } else if let Ok(id) = value.parse() {
            Self::Object(id)
        } else {
            Self::ShortName(value.to_ascii_lowercase().replace('_', "-"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let got = match Tag::parse(text) {
            Tag::Technique(id) => format!("technique {id}"),
            Tag::Tactic(id) => format!("tactic {id}"),
            Tag::Object(id) => format!("object {id}"),
            Tag::ShortName(name) => format!("name {name}"),
            Tag::Foreign => "foreign".to_owned(),
        };
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn forms() {
        check("attack.t1059.001", "technique T1059.001");
        check(" ATTACK.T1059 ", "technique T1059");
        check("attack.ta0006", "tactic TA0006");
        check("attack.Credential_Access", "name credential-access");
        check("attack.command-and-control", "name command-and-control");
        check("attack.g0049", "object G0049");
        check("attack.s0002", "object S0002");
        check("attack.ds0005", "object DS0005");
        check("attack.det0001", "object DET0001");
        check("attack.t1059.1", "name t1059.1");
        check("attack.", "name ");
        check("cve.2021-1675", "foreign");
        check("attack", "foreign");
        check("", "foreign");
    }
}
