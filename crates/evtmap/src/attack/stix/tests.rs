//! Bundles in, what they say out: objects, texts, what has to do with what, and any way of cutting.

use super::super::{Catalogue, Library, ObjectId};

/// A technique and something of every other kind, in no helpful order.
const BUNDLE: &str = r#"{"type": "bundle", "number": -1.5e3, "is": true, "objects": [
  {"type": "relationship", "relationship_type": "uses", "source_ref": "is--1", "target_ref": "ap--1",
   "description": "with } and { and \" and \\"},
  {"type": "relationship", "relationship_type": "uses", "source_ref": "is--2", "target_ref": "ap--1"},
  {"type": "relationship", "relationship_type": "uses", "source_ref": "m--1", "target_ref": "ap--1", "revoked": true},
  {"type": "relationship", "relationship_type": "uses", "source_ref": "is--1", "target_ref": "m--1"},
  {"type": "relationship", "relationship_type": "mitigates", "source_ref": "c--1", "target_ref": "ap--1"},
  {"type": "relationship", "relationship_type": "detects", "source_ref": "dc--1", "target_ref": "ap--1"},
  {"type": "relationship", "relationship_type": "detects", "source_ref": "det--1", "target_ref": "ap--1"},
  {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "is--2", "target_ref": "is--1"},
  {"type": "attack-pattern", "id": "ap--1", "name": "One", "description": "What it is.(Citation: A)\n\nMore.",
   "external_references": [{"source_name": "mitre-attack", "external_id": "T1901", "url": "u"},
     {"source_name": "A", "description": "Ada. A.", "url": "https://a.example"}]},
  {"type": "intrusion-set", "id": "is--1", "name": "Group", "aliases": ["Group", "Other Name"],
   "external_references": [{"external_id": "G0901", "url": "https://attack.example/G0901"}]},
  {"type": "intrusion-set", "id": "is--2", "name": "Old Group", "revoked": true,
   "external_references": [{"external_id": "G0902"}]},
  {"type": "malware", "id": "m--1", "name": "Malware", "x_mitre_aliases": ["Mal"],
   "external_references": [{"external_id": "S0901"}]},
  {"type": "course-of-action", "id": "c--1", "name": "Do Less", "external_references": [{"external_id": "M0901"}]},
  {"type": "course-of-action", "id": "c--2", "name": "Of long ago", "external_references": [{"external_id": "T1901"}]},
  {"type": "x-mitre-data-component", "id": "dc--1", "name": "Steps", "x_mitre_data_source_ref": "ds--1",
   "external_references": [{"external_id": "DC0901"}]},
  {"type": "x-mitre-data-source", "id": "ds--1", "name": "Floor", "external_references": [{"external_id": "DS0901"}]},
  {"type": "x-mitre-detection-strategy", "id": "det--1", "name": "Listen", "x_mitre_analytic_refs": ["an--1"],
   "external_references": [{"external_id": "DET0901"}]},
  {"type": "x-mitre-analytic", "id": "an--1", "name": "Analytic 0901", "x_mitre_platforms": ["Windows"],
   "x_mitre_log_source_references": [{"x_mitre_data_component_ref": "dc--1", "name": "Log", "channel": "EventCode=1"}],
   "external_references": [{"external_id": "AN0901"}]}
]}"#;

fn read() -> (Catalogue, Library) {
    Catalogue::from_stix_whole(BUNDLE.as_bytes()).unwrap()
}

#[test]
fn objects_of_every_kind() {
    let (catalogue, library) = read();
    let objects: Vec<String> = (catalogue.objects().iter())
        .map(|object| {
            let successor = object.successor.as_ref().map(|id| format!(" → {id}")).unwrap_or_default();
            format!("{} {} {}{successor}", object.id, object.kind.as_str(), object.name)
        })
        .collect();
    assert_eq!(
        objects,
        [
            "AN0901 analytic Analytic 0901",
            "DC0901 data component Steps",
            "DET0901 detection strategy Listen",
            "DS0901 data source Floor",
            "G0901 group Group",
            "G0902 group Old Group → G0901",
            "M0901 mitigation Do Less",
            "S0901 software Malware",
        ]
    );
    let id = "T1901".parse().unwrap();
    assert_eq!(catalogue.summary(id), Some("What it is."));
    let technique = &library.techniques[&id];
    // What is revoked, or related by what is, has nothing to do with it.
    let related: Vec<&str> = technique.related.iter().map(ObjectId::as_str).collect();
    assert_eq!(related, ["DC0901", "DET0901", "DS0901", "G0901", "M0901"]);
    assert_eq!(technique.references.len(), 1);
    assert_eq!(technique.references[0].url, "https://a.example");
    let group = &library.objects[&"G0901".parse().unwrap()];
    assert_eq!(
        (group.url.as_str(), group.aliases.as_slice()),
        ("https://attack.example/G0901", &["Other Name".to_owned()][..])
    );
    let traces = &library.objects[&"DET0901".parse().unwrap()].traces;
    assert_eq!(traces.len(), 1);
    assert_eq!((traces[0].log.as_str(), traces[0].platforms[0].as_str()), ("Log", "Windows"));
    assert_eq!(traces[0].component, Some("DC0901".parse().unwrap()));
}

#[test]
fn it_does_not_matter_how_the_bytes_come() {
    let (catalogue, library) = read();
    for n_bytes in 1..=64 {
        let bundle = super::read_by(BUNDLE.as_bytes(), n_bytes).unwrap();
        assert_eq!(bundle.techniques, catalogue.techniques(), "{n_bytes}");
        assert_eq!(bundle.objects, catalogue.objects(), "{n_bytes}");
        assert_eq!(bundle.library, library, "{n_bytes}");
    }
}

#[test]
fn a_bundle_that_is_cut_anywhere_is_broken() {
    for n_bytes in 0..BUNDLE.len() {
        let cut = &BUNDLE.as_bytes()[..n_bytes];
        assert!(Catalogue::from_stix(cut).is_err(), "{n_bytes}");
    }
}

#[test]
fn what_is_kept_is_read_back() {
    let (catalogue, library) = read();
    let compact = catalogue.to_compact();
    let back = Catalogue::from_compact(&compact).unwrap();
    assert_eq!(back.techniques(), catalogue.techniques());
    assert_eq!(back.objects(), catalogue.objects());
    assert_eq!(back.summary("T1901".parse().unwrap()), Some("What it is."));
    assert_eq!(Library::from_compact(&library.to_compact()).unwrap(), library);
    let other = String::from_utf8(compact).unwrap().replace("\"format\":2", "\"format\":0");
    assert!(Catalogue::from_compact(other.as_bytes()).is_err());
    assert!(Catalogue::from_compact(b"{}").is_err());
}
