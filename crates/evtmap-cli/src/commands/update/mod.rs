//! `evtmap update`: rules and ATT&CK data brought up to date, or back to what was before.

mod told;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use evtmap_update::{Edition, HttpOptions, Landed, Part, Patience, Session, Step, UpdateError, Updated};

use crate::config::Config;
use crate::failure::Failure;
use crate::stock::Cache;
use crate::{clock, progress, terminal};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap update
  evtmap update --check
  evtmap update attack --pin 18.1
  evtmap update rules --from sigma-master.tar.gz
  evtmap update attack --from enterprise-attack.json
  evtmap update rules --rollback
  evtmap update rules --reset

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
    #[arg(long, conflicts_with_all = ["from", "check", "pin"])]
    rollback: bool,

    /// Return to what comes with the program
    #[arg(long, conflicts_with_all = ["from", "check", "pin", "rollback"])]
    reset: bool,

    /// Say whether there is something newer, and change nothing
    #[arg(long, conflicts_with = "from")]
    check: bool,

    /// A tag, commit or `release` of the rules, or a release of ATT&CK, instead of the newest
    #[arg(long, value_name = "VERSION", conflicts_with = "from")]
    pin: Option<String>,

    /// Trust the certificates of this file (PEM) instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    ca_file: Option<PathBuf>,

    /// How long to wait for an answer and for more of it
    #[arg(long, value_name = "SECONDS", default_value_t = 30, help_heading = "Network")]
    timeout: u64,

    /// How often to try
    #[arg(long, value_name = "N", default_value_t = 5, help_heading = "Network")]
    tries: u32,

    /// Allow http://, where anybody on the way can change what is sent
    #[arg(long, help_heading = "Network")]
    allow_http: bool,

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
pub(crate) fn run(args: &UpdateArgs, cache: &Cache, config: &Config) -> Result<ExitCode, Failure> {
    if args.pin.is_some() && args.target == Target::All {
        return Err(Failure::new("`--pin` needs to know what it is a version of")
            .help("write `evtmap update rules --pin VERSION` or `evtmap update attack --pin VERSION`"));
    }
    if args.from.is_some() && args.target == Target::All {
        return Err(Failure::new("`--from` needs to know what it is given")
            .help("write `evtmap update rules --from PATH` or `evtmap update attack --from PATH`"));
    }
    let mut has_failed = false;
    for part in args.target.parts() {
        match update(args, *part, cache, config) {
            Ok(outcome) if !args.quiet => told::print(&outcome)?,
            Ok(_) => {}
            Err(failure) => {
                terminal::error(&failure);
                has_failed = true;
            }
        }
    }
    Ok(if has_failed { Failure::EXIT_CODE.into() } else { ExitCode::SUCCESS })
}

/// What came of a part.
enum Outcome {
    /// Something else is in use now.
    Landed(Box<Landed>),
    /// There is nothing newer than what is in use.
    Current(Box<Edition>),
    /// What comes with the program is in use again.
    Reset(Part),
    /// For each source, whether there is something newer.
    Checked(Part, Vec<(String, bool)>),
}

fn update(args: &UpdateArgs, part: Part, cache: &Cache, config: &Config) -> Result<Outcome, Failure> {
    let store = cache.store()?;
    if args.rollback {
        return Ok(Outcome::Landed(Box::new(evtmap_update::roll_back(store, part)?)));
    }
    if args.reset {
        evtmap_update::reset(store, part)?;
        return Ok(Outcome::Reset(part));
    }
    if let Some(path) = &args.from {
        return Ok(Outcome::Landed(Box::new(evtmap_update::import(store, part, path, clock::now()?)?)));
    }
    if cache.is_offline {
        return Err(Failure::new(format!("`--offline` keeps it from fetching {}", part.title()))
            .help("give what was carried over with `--from`"));
    }
    let sources = config.update().sources(part, &config.folder, args.pin.as_deref())?;
    let options = http_options(args);
    let bar = progress::download(args.quiet);
    let on_step = |step: Step<'_>| progress::show_step(&bar, part.title(), step);
    let session = Session { options: &options, now: clock::now()?, on_step: &on_step };
    let outcome = if args.check {
        evtmap_update::check(store, part, &sources, &session).map(|news| Outcome::Checked(part, news))
    } else {
        evtmap_update::update(store, part, &sources, &session).map(|updated| match updated {
            Updated::Landed(landed) => Outcome::Landed(landed),
            Updated::Current(edition) => Outcome::Current(edition),
        })
    };
    bar.finish_and_clear();
    Ok(outcome?)
}

fn http_options(args: &UpdateArgs) -> HttpOptions {
    HttpOptions {
        timeout: Duration::from_secs(args.timeout.max(1)),
        ca_file: args.ca_file.clone(),
        allow_http: args.allow_http,
        patience: Patience { n_tries: args.tries.max(1), ..Patience::default() },
    }
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        Self::new(error.to_string()).help(error.help())
    }
}
