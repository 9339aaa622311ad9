//! What comes out of the cache is what went in, or nothing.

use evtmap_sigma::FieldList;

use super::super::RuleFile;
use super::*;

const TEXT: &str = r#"
title: Whoami
id: 1c2d0d2f-0000-4000-8000-000000000001
level: high
tags: [attack.t1033]
logsource: {product: windows, category: process_creation}
detection:
    image: {Image|endswith: '\whoami.exe', IntegrityLevel|re|i: '^sys.*m$'}
    number: {EventID: 4688, LogonId|gt: 5, SourceIp|cidr: 10.0.0.0/8, User: null}
    keywords: ['a*b', c]
    other: {CommandLine|windash|contains|all: [' -a', 'ü'], Image|fieldref: ParentImage, Hashes|exists: true}
    condition: image and not (number or 1 of other*) or keywords
---
title: Many
name: many
correlation:
    type: event_count
    rules: [1c2d0d2f-0000-4000-8000-000000000001]
    group-by: [User]
    timespan: 1h
    condition: {gte: 3}
---
title: Elsewhere
logsource: {product: linux}
detection: {a: {b: c}, condition: a}
---
title: Broken
logsource: {product: windows}
detection: {a: {b|re: '('}, condition: a}
"#;

fn sources(text: &str) -> Vec<RuleSource> {
    vec![RuleSource::packed("a.yml", text.as_bytes().to_vec())]
}

fn load(sources: &[RuleSource], cache: &RuleCache) -> Rules {
    let pipelines = Pipelines::bundled().unwrap();
    Rules::load_cached(sources, &pipelines, &Placeholders::default(), Some(cache)).unwrap()
}

fn key(sources: &[RuleSource]) -> Key {
    Key::new(sources, &Pipelines::bundled().unwrap(), &Placeholders::default())
}

/// The rules of a file of the cache, as [`RuleCache::read`] gives them.
fn read(cache: &RuleCache, key: Key) -> Option<Rules> {
    cache.read(key, &Pipelines::bundled().unwrap())
}

/// All that there is to rules, the engines apart, which are made when they are needed.
fn printed(rules: &Rules) -> String {
    let Rules { rules, correlations, plan, skipped, diagnostics, .. } = rules;
    // What is not read yet cannot be printed.
    rules.iter().for_each(|loaded| _ = loaded.rule.compiled());
    format!("{rules:#?}{correlations:#?}{plan:#?}{skipped:#?}{diagnostics:#?}")
}

#[test]
fn what_was_kept_is_what_was_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path().join("deep/er"));
    let sources = sources(TEXT);
    assert!(read(&cache, key(&sources)).is_none(), "nothing is there yet");
    let fresh = load(&sources, &cache);
    assert_eq!((fresh.rules.len(), fresh.correlations.len(), fresh.skipped.len()), (1, 1, 2));
    let kept = read(&cache, key(&sources)).expect("the rules are kept");
    assert_eq!(printed(&kept), printed(&fresh));
    assert_eq!(printed(&load(&sources, &cache)), printed(&fresh));
}

/// Rules are read in parts, and come in their order.
#[test]
fn many_rules_are_kept_in_their_order() {
    for n_rules in [2, N_PARTS, N_PARTS + 1, 3 * N_PARTS + 2] {
        let rule = |number| {
            format!(
                "title: '{number}'\nlogsource: {{product: windows}}\ndetection: {{a: [b], condition: a}}\n"
            )
        };
        let sources = sources(&(0..n_rules).map(rule).collect::<Vec<_>>().join("---\n"));
        let folder = tempfile::tempdir().unwrap();
        let cache = RuleCache::at(folder.path());
        let fresh = load(&sources, &cache);
        assert_eq!(fresh.rules.len(), n_rules);
        assert_eq!(printed(&read(&cache, key(&sources)).unwrap()), printed(&fresh));
    }
}

/// Whatever rules follow from is in the key.
#[test]
fn other_content_has_another_key() {
    let own = key(&sources(TEXT));
    assert_eq!(own, key(&sources(TEXT)));
    let packed = |name: &str, text: &str| RuleSource::packed(name, text.as_bytes().to_vec());
    for other in [
        vec![],
        sources(&TEXT.replace("high", "low")),
        vec![packed("b.yml", TEXT)],
        vec![packed("a.ymlx", ""), packed("", TEXT)],
        vec![packed("a.yml", TEXT), RuleSource::bundled()],
    ] {
        assert_ne!(own, key(&other), "{other:?}");
    }
    let with = |pipelines: &Pipelines, placeholders: &str| {
        Key::new(&sources(TEXT), pipelines, &Placeholders::parse(placeholders).unwrap())
    };
    let mut pipelines = Pipelines::bundled().unwrap();
    let named = with(&pipelines, "a: [b]");
    assert_ne!(own, named);
    assert_ne!(named, with(&pipelines, "a: [b, c]"));
    pipelines.remove_derived();
    assert_ne!(named, with(&pipelines, "a: [b]"));
}

/// A folder is read as it is and an archive as its bytes; both give what reading the path gives.
#[test]
fn sources_give_the_files_of_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yml");
    fs::write(&path, TEXT).unwrap();
    let expected = RuleFile { path: path.display().to_string(), text: TEXT.to_owned() };
    for opened in [path.as_path(), folder.path()] {
        assert_eq!(RuleSource::open(opened).unwrap().files().unwrap(), std::slice::from_ref(&expected));
        assert_eq!(crate::rules::read(opened).unwrap(), std::slice::from_ref(&expected));
    }
    let missing = folder.path().join("b.yml");
    let own = RuleSource::open(&missing).unwrap_err().to_string();
    assert_eq!(own, crate::rules::read(&missing).unwrap_err().to_string());
    assert_eq!(RuleSource::bundled().files().unwrap(), crate::rules::bundled().unwrap());
}

/// A byte that changed, an end too early and an end too late: none of it is taken for rules.
#[test]
fn damage_anywhere_is_no_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let sources = sources(TEXT);
    let key = key(&sources);
    let fresh = load(&sources, &cache);
    let path = folder.path().join(key.file_name());
    let whole = fs::read(&path).unwrap();
    let unpack = |bytes: &[u8], key| unpack(&Arc::new(bytes.to_vec()), key);
    assert!(unpack(&whole, key).is_some());
    for place in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[place] ^= bit;
            assert!(unpack(&bytes, key).is_none(), "bit {bit} of byte {place}");
        }
        assert!(unpack(&whole[..place], key).is_none(), "{place} bytes");
    }
    assert!(unpack(&[whole.as_slice(), b"x"].concat(), key).is_none());
    // The same on disk, where a file that is no use is replaced.
    for broken in [&b""[..], &whole[..100], b"something else"] {
        fs::write(&path, broken).unwrap();
        assert!(read(&cache, key).is_none());
        assert_eq!(printed(&load(&sources, &cache)), printed(&fresh));
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

/// A file whose digest is right may still hold anything.
#[test]
fn made_up_content_is_refused_and_harmless() {
    let key = key(&sources(TEXT));
    let with_digest = |body: &[u8]| {
        let digest: Hash = Sha256::digest(body).into();
        [MAGIC.as_slice(), &key.0, &digest, body].concat()
    };
    let fresh = load(&sources(TEXT), &RuleCache::at("/dev/null/nowhere"));
    let whole = pack(key, &fresh).unwrap();
    let body = &whole[MAGIC.len() + 64..];
    let pipelines = Pipelines::bundled().unwrap();
    let unpack = |bytes: &[u8], key| unpack(&Arc::new(bytes.to_vec()), key);
    let mut n_rules = 0;
    for place in 0..body.len() {
        for byte in [0, 0x81, 0x91, 0xc4, 0xdd, 0xff] {
            let mut changed = body.to_vec();
            changed[place] = byte;
            if let Some((rules, found)) = unpack(&with_digest(&changed), key) {
                let rules = Rules::prepare(rules, found.correlations, &pipelines);
                let rules = rules.into_iter().flat_map(|rules| rules.rules);
                n_rules += rules.filter(|loaded| !loaded.rule.matches(&FieldList::default())).count();
            }
        }
        assert!(unpack(&with_digest(&body[..place]), key).is_none(), "{place} bytes");
    }
    assert!(n_rules > 0, "what was changed is a rule still, or one that never holds");
    let in_part = |bytes: &[u8]| [&(bytes.len() as u64).to_le_bytes(), bytes].concat();
    let kept = rmp_serde::to_vec(&Kept { correlations: &[], skipped: &[], diagnostics: &[] }).unwrap();
    let none = [in_part(&[]), in_part(&kept)].concat();
    assert!(unpack(&with_digest(&none), key).is_some(), "no rules are no damage");
    for (bytes, what) in [
        (vec![0x91; 1 << 20], "lists within lists"),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], "a list without its members"),
    ] {
        assert!(unpack(&with_digest(&[in_part(&bytes), none.clone()].concat()), key).is_none(), "{what}");
        assert!(unpack(&with_digest(&in_part(&bytes)), key).is_none(), "{what}");
    }
    let empty = in_part(&[0x90]);
    for (n_parts, is_read) in [(N_PARTS, true), (N_PARTS + 1, false)] {
        let body = [empty.repeat(n_parts), none.clone()].concat();
        assert_eq!(unpack(&with_digest(&body), key).is_some(), is_read, "{n_parts} parts");
    }
}

/// `not not not …`, deeper than any rule may be: it would take all of the stack.
#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize| {
        let mut body: Vec<u8> = Vec::new();
        for _ in 0..depth {
            // A map of one: the variant, and its value in a list of one.
            body.extend([0x81, 0xa3, b'N', b'o', b't', 0x91]);
        }
        body.extend([0x81, 0xa9]);
        body.extend(b"Selection\x00");
        let mut reader = rmp_serde::Deserializer::from_read_ref(&body);
        reader.set_max_depth(MAX_DEPTH);
        Expr::deserialize(&mut reader).map(drop)
    };
    assert!(nested(200).is_ok(), "{:?}", nested(200));
    assert!(nested(100_000).is_err());
}

/// The deepest rule that the language allows can be kept.
#[test]
fn the_deepest_rule_is_kept() {
    let condition = format!("{}a{}", "not (a and ".repeat(31), ")".repeat(31));
    let lists = format!("{}{{b: c}}{}", "[{d: e}, ".repeat(14), "]".repeat(14));
    let text = format!(
        "title: t\nlogsource: {{product: windows}}\ndetection:\n    a: {lists}\n    condition: {condition}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let fresh = load(&sources(&text), &cache);
    assert_eq!(fresh.rules.len(), 1, "{:?}", fresh.diagnostics);
    assert_eq!(printed(&read(&cache, key(&sources(&text))).unwrap()), printed(&fresh));
}

/// A rule means the same in every run, however many filters there are for it.
#[test]
fn a_rule_with_many_filters_is_kept() {
    let rule = "title: t\nlogsource: {product: windows}\ndetection: {a: {b: c}, x: {y: z}, condition: a and not x}\n";
    let filter =
        "---\ntitle: f\nlogsource: {product: windows}\nfilter: {rules: any, s: {d: e}, condition: not s}\n";
    let text = format!("{rule}{}", filter.repeat(1_000));
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let fresh = load(&sources(&text), &cache);
    assert_eq!(fresh.rules.len(), 1, "{:?}", fresh.diagnostics);
    let kept = read(&cache, key(&sources(&text))).expect("the rule is kept");
    assert_eq!(printed(&kept), printed(&fresh));
    for rules in [&fresh, &kept] {
        for (fields, expected) in [(&[("b", "c")][..], true), (&[("b", "c"), ("d", "e")], false)] {
            let event: FieldList<'_> =
                fields.iter().map(|(name, value)| (*name, evtmap_sigma::Value::Text(value))).collect();
            assert_eq!(rules.rules[0].rule.matches(&event), expected, "{fields:?}");
        }
    }
}

/// A hundred thousand modifiers would take all of the stack.
#[test]
fn many_modifiers_are_refused() {
    let text = format!(
        "title: t\nlogsource: {{product: windows}}\ndetection: {{a: {{\"b{}\": c}}, condition: a}}\n",
        "|expand".repeat(100_000)
    );
    let folder = tempfile::tempdir().unwrap();
    let rules = load(&sources(&text), &RuleCache::at(folder.path()));
    assert!(rules.rules.is_empty());
    let told: Vec<_> = rules.diagnostics.iter().map(|(_, problem)| problem.message.as_str()).collect();
    let detail = rules.skipped.iter().map(|rule| rule.detail.as_str()).collect::<String>();
    assert!(format!("{told:?}{detail}").contains("more than 16 modifiers"), "{told:?} {detail}");
}

/// Two programs that write at once leave a whole file, and nothing else.
#[test]
fn writers_at_once_leave_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let sources = sources(TEXT);
    let key = key(&sources);
    let fresh = load(&sources, &cache);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    cache.write(key, &fresh);
                    assert!(read(&cache, key).is_some());
                }
            });
        }
    });
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn keeps_the_newest_files() {
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    for level in 0..N_KEPT + 3 {
        load(&sources(&TEXT.replace("Whoami", &format!("Whoami {level}"))), &cache);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), N_KEPT);
}

/// Where the folder cannot be made, or is no folder, rules are loaded all the same.
#[test]
fn a_cache_that_cannot_be_written_to_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let sources = sources(TEXT);
    for cache in [RuleCache::at(&file), RuleCache::at(file.join("below"))] {
        assert_eq!(load(&sources, &cache).rules.len(), 1);
        assert!(read(&cache, key(&sources)).is_none());
    }
}

/// What others may have written is not read.
#[cfg(unix)]
#[test]
fn a_folder_that_others_may_write_to_is_not_trusted() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = RuleCache::at(folder.path());
    let sources = sources(TEXT);
    load(&sources, &cache);
    let file = folder.path().join(key(&sources).file_name());
    for (path, shared, own) in [(folder.path(), 0o777, 0o700), (&file, 0o666, 0o600)] {
        let set = |mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        set(shared);
        assert!(read(&cache, key(&sources)).is_none(), "{}", path.display());
        set(own);
        assert!(read(&cache, key(&sources)).is_some(), "{}", path.display());
    }
}
