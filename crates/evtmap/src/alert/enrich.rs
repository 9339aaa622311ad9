//! What ATT&CK knows beyond the name of a technique, added to findings on request.

use super::{ObjectRef, TechniqueRef};
use crate::attack::{Catalogue, Library, ObjectKind, Trace};

/// The platform whose logs are mapped.
const PLATFORM: &str = "Windows";

/// What findings can be enriched with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Enrichment {
    /// Groups that are known to use the technique.
    Groups,
    /// What can be done against it.
    Mitigations,
    /// How it is seen: detection strategies, or data components in releases before 18.
    Detections,
}

impl Enrichment {
    /// Every enrichment.
    pub const ALL: [Self; 3] = [Self::Groups, Self::Mitigations, Self::Detections];

    /// The word on the command line and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Mitigations => "mitigations",
            Self::Detections => "detections",
        }
    }

    fn is_of(self, kind: ObjectKind) -> bool {
        match self {
            Self::Groups => kind == ObjectKind::Group,
            Self::Mitigations => kind == ObjectKind::Mitigation,
            Self::Detections => {
                matches!(kind, ObjectKind::DetectionStrategy | ObjectKind::DataComponent)
            }
        }
    }
}

impl TechniqueRef {
    /// Adds what the library tells of it.
    pub(crate) fn enrich(&mut self, catalogue: &Catalogue, library: &Library, wanted: &[Enrichment]) {
        for enrichment in wanted {
            let objects = objects(self, catalogue, library, *enrichment);
            match enrichment {
                Enrichment::Groups => self.groups = Some(objects),
                Enrichment::Mitigations => self.mitigations = Some(objects),
                Enrichment::Detections => self.detections = Some(objects),
            }
        }
    }
}

fn objects(
    technique: &TechniqueRef,
    catalogue: &Catalogue,
    library: &Library,
    wanted: Enrichment,
) -> Vec<ObjectRef> {
    let entry = technique.id.parse().ok().and_then(|id| library.techniques.get(&id));
    let related = entry.into_iter().flat_map(|entry| &entry.related);
    let known = related.filter_map(|id| catalogue.object(id)).filter(|object| wanted.is_of(object.kind));
    known
        .map(|object| ObjectRef {
            id: object.id.to_string(),
            name: object.name.clone(),
            logs: library.objects.get(&object.id).and_then(|entry| logs(&entry.traces)),
        })
        .collect()
}

/// The logs of traces on Windows, each once; nothing where there are none.
fn logs(traces: &[Trace]) -> Option<Vec<String>> {
    let here = traces.iter().filter(|trace| trace.platforms.iter().any(|platform| platform == PLATFORM));
    let mut logs: Vec<String> =
        here.map(|trace| format!("{} {}", trace.log, trace.channel).trim().to_owned()).collect();
    logs.sort();
    logs.dedup();
    (!logs.is_empty()).then_some(logs)
}
