//! The `evtmap` command: parse, dispatch, exit status.

mod args;
mod clock;
mod commands;
mod config;
mod desk;
mod failure;
mod output;
mod pending;
mod progress;
mod stock;
mod summary;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use args::{Args, Command};
use config::Config;
use failure::Failure;
use stock::Cache;

fn main() -> ExitCode {
    let args = Args::parse();
    args.color.apply();
    let outcome = run(args);
    outcome.unwrap_or_else(|failure| {
        // A closed pipe downstream, as `| head` makes it, is no failure.
        if failure.is_closed_pipe() {
            return ExitCode::SUCCESS;
        }
        terminal::error(&failure);
        Failure::EXIT_CODE.into()
    })
}

fn run(mut args: Args) -> Result<ExitCode, Failure> {
    if let Command::Config(command) = &args.command {
        return commands::config::run(command, &args.cache, || Config::read(&args.config));
    }
    match &args.command {
        Command::Completions(own) => return commands::completions::run(own, Args::command()),
        Command::InstallTask(own) => return commands::task::install(own),
        Command::UninstallTask(own) => return commands::task::uninstall(own),
        Command::Manual(own) => return commands::manual::run(own, Args::command()),
        // Its configuration is read again whenever it changes.
        Command::Watch(watch) => return commands::watch::run(watch, &args.cache, &args.config),
        _ => {}
    }
    let config = Config::read(&args.config)?;
    let cache = Cache::open(&args.cache, &config);
    args.command.fill(&config)?;
    match &args.command {
        Command::Map(args) => commands::map::run(args, &cache, &config),
        Command::Summary(args) => commands::summary::run(args, &cache, &config),
        Command::Timeline(args) => commands::timeline::run(args, &cache, &config),
        Command::Logons(args) => commands::logons::run(args),
        Command::Stats(args) => commands::stats::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Explain(args) => commands::rules::explain::run(args, &cache),
        Command::Attack(command) => commands::attack::run(command, &cache),
        Command::Coverage(args) => commands::coverage::run(args, &cache),
        Command::Rules(command) => commands::rules::run(command, &cache),
        Command::Update(args) => commands::update::run(args, &cache, &config),
        // Done above, without a configuration.
        Command::Config(_)
        | Command::Watch(_)
        | Command::InstallTask(_)
        | Command::UninstallTask(_)
        | Command::Completions(_)
        | Command::Manual(_) => Ok(ExitCode::SUCCESS),
    }
}
