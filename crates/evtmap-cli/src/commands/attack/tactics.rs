//! `evtmap attack tactics`: the columns of the matrix.

use clap::Args;
use evtmap::attack::{Status, Tactic};
use serde_json::json;

use super::{Asked, print, print_json};
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{FAINT, HEADING, counted, fit, plain};

#[derive(Args, Debug)]
pub(crate) struct TacticsArgs {
    #[command(flatten)]
    asked: Asked,
}

pub(super) fn run(args: &TacticsArgs, cache: &Cache) -> Result<(), Failure> {
    let attack = args.asked.attack(cache)?;
    let catalogue = &attack.catalogue;
    let n_techniques = |tactic: &Tactic, is_sub: bool| {
        let active = catalogue.techniques().iter().filter(|technique| technique.status == Status::Active);
        let own = active.filter(|technique| technique.tactics.contains(&tactic.id));
        own.filter(|technique| technique.id.parent().is_some() == is_sub).count()
    };
    if args.asked.json {
        let tactics = catalogue.tactics().iter().map(|tactic| {
            json!({
                "id": tactic.id, "short_name": tactic.short_name, "name": tactic.name,
                "techniques": n_techniques(tactic, false), "sub_techniques": n_techniques(tactic, true),
            })
        });
        return print_json(&tactics.collect());
    }
    print(&format!("{HEADING}ATT&CK {}{HEADING:#}\n", plain(&catalogue.label())))?;
    for tactic in catalogue.tactics() {
        print(&format!(
            "  {}  {} {} {FAINT}{}, {}{FAINT:#}\n",
            tactic.id,
            fit(&tactic.name, 24),
            fit(&tactic.short_name, 24),
            counted(n_techniques(tactic, false) as u64, "technique"),
            counted(n_techniques(tactic, true) as u64, "sub-technique"),
        ))?;
    }
    Ok(())
}
