//! The intrusion (`incident/story.toml`).

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Deserialize;

use super::scene::{Actor, Moment, SYSTEM, Scene, Start, Values};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    pub(super) step: Vec<Step>,
}

/// A line of the timeline and the events that it leaves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub(super) at: String,
    pub(super) host: String,
    pub(super) what: String,
    pub(super) techniques: Vec<String>,
    event: Vec<Happening>,
}

/// A process that starts, or an event.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Happening {
    #[serde(default)]
    after: f64,
    on: Option<String>,
    user: Option<String>,
    /// Repeats the event for each.
    #[serde(default)]
    users: Vec<String>,
    // A process.
    start: Option<String>,
    parent: Option<String>,
    image: Option<String>,
    command: Option<String>,
    level: Option<toml::Value>,
    // An event.
    log: Option<String>,
    id: Option<u16>,
    by: Option<String>,
    #[serde(default)]
    fields: Values,
}

/// Writes the events of all steps.
pub(super) fn play(story: &Story, scene: &mut Scene<'_>) -> anyhow::Result<()> {
    for step in &story.step {
        play_step(step, scene).with_context(|| format!("the step at {}", step.at))?;
    }
    Ok(())
}

fn play_step(step: &Step, scene: &mut Scene<'_>) -> anyhow::Result<()> {
    let time: Timestamp = format!("{}T{}.1532087Z", scene.world.day, step.at).parse()?;
    let world = scene.world;
    let mut moment = Moment { host: world.host(&step.host)?, time };
    for happening in &step.event {
        moment = moment.later(happening.after + jitter(scene));
        let there = match &happening.on {
            Some(name) => Moment { host: world.host(name)?, ..moment },
            None => moment,
        };
        if happening.start.is_some() {
            start(happening, there, scene)?;
        } else if happening.users.is_empty() {
            record(happening, there, scene, &happening.fields)?;
        } else {
            for (number, user) in happening.users.iter().enumerate() {
                moment = moment.later(happening.after + jitter(scene));
                let filled = fill(&happening.fields, user, &scene.sid(user), number);
                record(happening, Moment { host: there.host, ..moment }, scene, &filled)?;
            }
        }
    }
    Ok(())
}

/// Up to 40 ms, so that no two events share a time.
fn jitter(scene: &mut Scene<'_>) -> f64 {
    f64::from(u32::try_from(scene.random.between(10_000, 400_000)).unwrap_or_default()) * 1e-7
}

fn start<'a>(happening: &Happening, moment: Moment<'a>, scene: &mut Scene<'a>) -> anyhow::Result<()> {
    let integrity = happening.level.as_ref().and_then(toml::Value::as_str).unwrap_or_default();
    let image = happening.image.as_deref().context("a process needs an image")?;
    scene.start(
        moment,
        Start {
            name: happening.start.as_deref().unwrap_or_default(),
            parent: happening.parent.as_deref().context("a process needs a parent")?,
            user: happening.user.as_deref().unwrap_or(SYSTEM),
            image,
            command: happening.command.as_deref().unwrap_or(image),
            integrity,
        },
    )
}

fn record<'a>(
    happening: &Happening,
    moment: Moment<'a>,
    scene: &mut Scene<'a>,
    fields: &Values,
) -> anyhow::Result<()> {
    let log = happening.log.as_deref().context("an event needs a log")?;
    let id = happening.id.context("an event needs an id")?;
    let user = happening.user.as_deref().unwrap_or(SYSTEM);
    if (log, id) == ("security", 4624) {
        scene.new_session(moment.host, user);
    }
    let actor = Actor { user, process: happening.by.as_deref() };
    let event = scene.record(moment, (log, id), actor, fields)?;
    if let Some(level) = happening.level.as_ref().and_then(toml::Value::as_integer) {
        event.level = u8::try_from(level)?;
    }
    Ok(())
}

/// The fields with the placeholders for this user filled in.
fn fill(fields: &Values, user: &str, sid: &str, number: usize) -> Values {
    let number = format!("{:03}", 200 + 7 * number);
    let filled = |text: &String| text.replace("{user}", user).replace("{sid}", sid).replace("{n}", &number);
    fields.iter().map(|(name, text)| (name.clone(), filled(text))).collect()
}
