//! The `evtmap` command: parse, dispatch, exit status.

mod args;
mod clock;
mod commands;
mod config;
mod desk;
mod failure;
mod output;
mod progress;
mod stock;
mod summary;
mod table;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use stock::Cache;

fn main() -> ExitCode {
    let args = Args::parse();
    args.color.apply();
    let cache = Cache::open(&args.cache);
    let outcome = match &args.command {
        Command::Map(args) => commands::map::run(args, &cache),
        Command::Summary(args) => commands::summary::run(args, &cache),
        Command::Timeline(args) => commands::timeline::run(args, &cache),
        Command::Logons(args) => commands::logons::run(args),
        Command::Stats(args) => commands::stats::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Explain(args) => commands::rules::explain::run(args, &cache),
        Command::Attack(command) => commands::attack::run(command, &cache),
        Command::Coverage(args) => commands::coverage::run(args, &cache),
        Command::Rules(command) => commands::rules::run(command, &cache),
        Command::Update(args) => commands::update::run(args, &cache),
    };
    outcome.unwrap_or_else(|failure| {
        // A closed pipe downstream, as `| head` makes it, is no failure.
        if failure.is_closed_pipe() {
            return ExitCode::SUCCESS;
        }
        terminal::error(&failure);
        Failure::EXIT_CODE.into()
    })
}
