//! The document in the page: the types of `html/src/contract.ts`, which says what each member means.

use serde::Serialize;

/// An index into a table; -1 is none.
pub(super) type Index = i64;
/// Microseconds since 1970.
pub(super) type Micros = i64;

/// The version of the contract.
pub(super) const CONTRACT: u32 = 1;

#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) contract: u32,
    pub(super) run: Run,
    pub(super) totals: Totals,
    pub(super) strings: Vec<String>,
    pub(super) cut: Vec<(Index, usize)>,
    pub(super) tactics: Vec<Tactic>,
    pub(super) techniques: Vec<Technique>,
    pub(super) findings: Vec<Finding>,
    pub(super) hosts: Vec<Host>,
    pub(super) users: Vec<User>,
    pub(super) sessions: Vec<Session>,
    pub(super) connections: Vec<Connection>,
    pub(super) inputs: Vec<String>,
    pub(super) kinds: Vec<EventKind>,
    pub(super) shapes: Vec<Shape>,
    pub(super) events: Events,
    pub(super) alerts: Alerts,
    pub(super) evidence: Vec<String>,
    pub(super) derivations: Vec<Derivation>,
    pub(super) correlations: Vec<Correlation>,
    pub(super) account: Account,
}

#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) evtmap: &'static str,
    pub(super) command: Vec<String>,
    pub(super) made: Option<Micros>,
    pub(super) attack: Attack,
    pub(super) rules: Rules,
    pub(super) timezone: String,
    pub(super) local_times: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Attack {
    pub(super) domain: String,
    pub(super) version: Option<String>,
    pub(super) date: Option<String>,
    pub(super) origin: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Rules {
    pub(super) used: usize,
    pub(super) origins: Vec<String>,
    pub(super) newest: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Totals {
    pub(super) files: usize,
    pub(super) events: u64,
    pub(super) span: Option<(Micros, Micros)>,
    pub(super) detections: [u64; 5],
    pub(super) associations: [u64; 5],
    pub(super) detected: Detected,
    pub(super) left_out: LeftOut,
    pub(super) other_reports: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Detected {
    pub(super) hosts: usize,
    pub(super) span: Option<(Micros, Micros)>,
    pub(super) tactics: Vec<Index>,
}

#[derive(Debug, Serialize)]
pub(super) struct LeftOut {
    pub(super) detections: u64,
    pub(super) associations: u64,
    pub(super) events: u64,
    pub(super) hosts: usize,
    pub(super) users: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Tactic {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Technique {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) tactics: Vec<Index>,
    pub(super) url: String,
    pub(super) description: Option<String>,
    pub(super) mitigations: Vec<Mitigation>,
}

#[derive(Debug, Serialize)]
pub(super) struct Mitigation {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) kind: &'static str,
    pub(super) severity: Index,
    pub(super) overridden: Option<Overridden>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) techniques: Vec<Index>,
    pub(super) tactics: Vec<Index>,
    pub(super) total: u64,
    pub(super) rule: Option<Rule>,
}

#[derive(Debug, Serialize)]
pub(super) struct Overridden {
    pub(super) from: Index,
    pub(super) because: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) id: Option<String>,
    pub(super) author: String,
    pub(super) level: Option<String>,
    pub(super) status: Option<String>,
    pub(super) path: String,
    pub(super) falsepositives: Vec<String>,
    pub(super) references: Vec<String>,
    pub(super) condition: Option<Part>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part {
    All { all: Vec<Part> },
    Any { any: Vec<Part> },
    AtLeast { at_least: u32, of: Vec<Part> },
    Not { not: Box<Part> },
    Selection { selection: String, of: Vec<Part> },
    Item { item: String, field: Option<String>, values: Vec<String>, every: bool, negated: bool },
}

/// What hosts and users have in common.
#[derive(Debug, Serialize)]
pub(super) struct Ranked {
    pub(super) name: String,
    pub(super) score: u64,
    pub(super) detections: [u64; 5],
    pub(super) tactics: Vec<(Index, Index)>,
    pub(super) first: Option<Micros>,
    pub(super) last: Option<Micros>,
    pub(super) decisive: Vec<Index>,
}

#[derive(Debug, Serialize)]
pub(super) struct Host {
    #[serde(flatten)]
    pub(super) ranked: Ranked,
    pub(super) addresses: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct User {
    #[serde(flatten)]
    pub(super) ranked: Ranked,
    pub(super) also: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Session {
    pub(super) host: Index,
    pub(super) id: String,
    pub(super) user: Index,
    pub(super) from: Index,
    pub(super) from_text: String,
    pub(super) opened: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Connection {
    pub(super) from: Index,
    pub(super) from_text: String,
    pub(super) to: Index,
    pub(super) to_text: String,
    pub(super) user: Index,
    pub(super) how: String,
    pub(super) failed: bool,
    pub(super) n: u64,
    pub(super) first: Micros,
    pub(super) last: Micros,
}

#[derive(Debug, Serialize)]
pub(super) struct EventKind {
    pub(super) channel: String,
    pub(super) provider: String,
    pub(super) id: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Shape {
    pub(super) names: Vec<Index>,
    pub(super) columns: Vec<Vec<Index>>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Events {
    pub(super) time: Vec<Option<Micros>>,
    pub(super) kind: Vec<Index>,
    pub(super) host: Vec<Index>,
    pub(super) user: Vec<Index>,
    pub(super) session: Vec<Index>,
    pub(super) record: Vec<Option<i128>>,
    pub(super) input: Vec<Index>,
    pub(super) position: Vec<i128>,
    pub(super) shape: Vec<Index>,
    pub(super) message: Vec<Index>,
    pub(super) recovered: Vec<Index>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Alerts {
    pub(super) event: Vec<Index>,
    pub(super) finding: Vec<Index>,
    pub(super) evidence: Vec<Index>,
    pub(super) derivation: Vec<Index>,
    pub(super) correlation: Vec<Index>,
    pub(super) found: Vec<(Index, usize, Vec<Index>)>,
}

#[derive(Debug, Serialize)]
pub(super) struct Derivation {
    pub(super) category: String,
    pub(super) missing_fields: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Correlation {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) first: Micros,
    pub(super) last: Micros,
    pub(super) events: u64,
    pub(super) members: Vec<Member>,
}

#[derive(Debug, Serialize)]
pub(super) struct Member {
    pub(super) time: Option<Micros>,
    pub(super) host: String,
    pub(super) event_id: Option<u32>,
    pub(super) record: Option<u64>,
    pub(super) input: String,
    pub(super) position: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Account {
    pub(super) lines: Vec<AccountLine>,
}

#[derive(Debug, Serialize)]
pub(super) struct AccountLine {
    pub(super) about: &'static str,
    pub(super) n: u64,
    pub(super) reason: String,
    pub(super) examples: Vec<String>,
    pub(super) grave: bool,
}
