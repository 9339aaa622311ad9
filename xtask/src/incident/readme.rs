//! The page that tells the story.

use std::fmt::Write as _;

use anyhow::Context as _;
use evtmap::attack::{Catalogue, TechniqueId};

use super::story::Story;
use super::world::World;

const HEAD: &str = "\
# The incident

An intrusion that never happened, in the logs of three hosts that do not exist: WS01 is the workstation of
m.keller, FS01 a file server, DC01 the domain controller of corp.example. Around it is an ordinary working
day. Every name is invented, every address is private or reserved for documentation, and the payload is
harmless: the encoded command asks a host that cannot exist for a file.

The same events are here in three forms:

- `examples/incident/HOST/CHANNEL.evtx`, as Windows keeps them;
- `examples/incident-csv/HOST/CHANNEL.csv`, as the Event Viewer's \"Save All Events As\" writes them (times are
  UTC; the paragraphs of general explanation that Windows appends to some messages are left out);
- `examples/incident-json/HOST/CHANNEL.jsonl`, as `evtx_dump -o jsonl` prints them.

The logs were collected as they were written, so what the intruder cleared is here as well.
";

const TAIL: &str = "
Written by `cargo xtask incident` from the files in `xtask/incident/`: `world.toml` is the company, `story.toml`
the intrusion, `layouts.toml` how Windows writes each event. The output depends on these and on nothing else.
";

pub(super) fn text(story: &Story, world: &World, n_events: usize) -> anyhow::Result<String> {
    let catalogue = Catalogue::bundled();
    let mut out = HEAD.to_owned();
    writeln!(out, "\n## Timeline\n\n{}, UTC; {n_events} events in all.\n", world.day)?;
    writeln!(out, "| time | host | what | technique | tactic |\n| --- | --- | --- | --- | --- |")?;
    for step in &story.step {
        let mut names = Vec::new();
        let mut tactics: Vec<&str> = Vec::new();
        for id in &step.techniques {
            let parsed = id.parse::<TechniqueId>().with_context(|| format!("`{id}`"))?;
            let technique =
                catalogue.technique(parsed).with_context(|| format!("`{id}` is not in ATT&CK"))?;
            names.push(format!("{id} {}", technique.name));
            for id in &technique.tactics {
                tactics.extend(catalogue.tactic(*id).map(|tactic| tactic.name.as_str()));
            }
        }
        tactics.dedup();
        let (names, tactics) = (names.join(", "), tactics.join(", "));
        writeln!(out, "| {} | {} | {} | {names} | {tactics} |", step.at, step.host, step.what)?;
    }
    out.push_str(TAIL);
    Ok(out)
}
