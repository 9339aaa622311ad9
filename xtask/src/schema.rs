//! The JSON Schema of an alert, as users of the reports read it.

use std::fs;

use anyhow::{Context as _, bail};

use crate::root;

pub(crate) const ABOUT: &str = "[--check] writes docs/alert.schema.json";

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<String> {
    let path = root().join("docs/alert.schema.json");
    let schema = serde_json::to_string_pretty(&evtmap::report::schema())? + "\n";
    match arguments {
        [] => {
            fs::write(&path, schema).context("cannot write docs/alert.schema.json")?;
            Ok("wrote docs/alert.schema.json".to_owned())
        }
        [check] if check == "--check" => {
            if fs::read_to_string(&path).unwrap_or_default() != schema {
                bail!("docs/alert.schema.json is stale; run `cargo xtask schema`");
            }
            Ok("docs/alert.schema.json is up to date".to_owned())
        }
        [other, ..] => bail!("unknown argument `{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_is_up_to_date() {
        run(&["--check".to_owned()]).unwrap();
    }
}
