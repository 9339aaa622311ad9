//! `evtmap update`: rules and ATT&CK data brought up to date, or back to what was before.

mod told;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use evtmap_update::{Landed, Part, UpdateError};

use crate::clock;
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap update rules --from sigma-master.tar.gz
  evtmap update attack --from enterprise-attack.json
  evtmap update rules --rollback

Exit status:
  0  done    2  an error; what was in use before still is")]
pub(crate) struct UpdateArgs {
    /// What to update
    #[arg(value_enum, default_value_t = Target::All)]
    target: Target,

    /// Take it from a file or folder that was carried over instead of the network
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,

    /// Return to what was in use before the last update
    #[arg(long, conflicts_with = "from")]
    rollback: bool,

    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

/// What to update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Sigma rules
    Rules,
    /// ATT&CK data
    Attack,
    /// Both
    All,
}

impl Target {
    fn parts(self) -> &'static [Part] {
        match self {
            Self::Rules => &[Part::Rules],
            Self::Attack => &[Part::Attack],
            Self::All => &Part::ALL,
        }
    }
}

/// Runs the command. A part that cannot be updated does not keep the other from it.
pub(crate) fn run(args: &UpdateArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    if args.from.is_some() && args.target == Target::All {
        return Err(Failure::new("`--from` needs to know what it is given")
            .help("write `evtmap update rules --from PATH` or `evtmap update attack --from PATH`"));
    }
    let mut has_failed = false;
    for part in args.target.parts() {
        match update(args, *part, cache) {
            Ok(landed) if !args.quiet => told::print(&landed)?,
            Ok(_) => {}
            Err(failure) => {
                terminal::error(&failure);
                has_failed = true;
            }
        }
    }
    Ok(if has_failed { Failure::EXIT_CODE.into() } else { ExitCode::SUCCESS })
}

fn update(args: &UpdateArgs, part: Part, cache: &Cache) -> Result<Landed, Failure> {
    let store = cache.store()?;
    if args.rollback {
        return Ok(evtmap_update::roll_back(store, part)?);
    }
    let Some(path) = &args.from else {
        let what = if cache.is_offline { "`--offline` keeps it from" } else { "nothing is known yet about" };
        return Err(Failure::new(format!("{what} fetching {}", part.title()))
            .help("give what was carried over with `--from`"));
    };
    Ok(evtmap_update::import(store, part, path, clock::now()?)?)
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        Self::new(error.to_string()).help(error.help())
    }
}
