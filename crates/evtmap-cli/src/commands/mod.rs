//! One file a command.

pub(crate) mod attack;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod coverage;
pub(crate) mod live;
pub(crate) mod logons;
pub(crate) mod manual;
pub(crate) mod map;
pub(crate) mod reading;
pub(crate) mod reporting;
pub(crate) mod rule_choice;
pub(crate) mod rules;
pub(crate) mod search;
pub(crate) mod stats;
pub(crate) mod summary;
pub(crate) mod task;
pub(crate) mod timeline;
pub(crate) mod update;
mod viewer;
mod viewing;
pub(crate) mod watch;

use std::path::Path;

use evtmap::Placeholders;

use crate::failure::Failure;

/// The user's values for the placeholders of rules; without a file there are none.
fn read_placeholders(path: Option<&Path>) -> Result<Placeholders, Failure> {
    let Some(path) = path else { return Ok(Placeholders::default()) };
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(format!("cannot read `{name}`: {}", error.to_string().to_lowercase()))
    })?;
    Placeholders::parse(&text).map_err(|problem| {
        Failure::new(format!("cannot use `{name}` as placeholders: {}", problem.message)).help(problem.help)
    })
}
