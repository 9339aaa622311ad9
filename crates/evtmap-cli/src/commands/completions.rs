//! `evtmap completions`: what a shell needs to complete commands, options and their values.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap completions bash > ~/.local/share/bash-completion/completions/evtmap
  evtmap completions powershell >> $PROFILE

Exit status:
  0  done    2  it could not be written")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Runs the command; `program` is all that can be typed.
pub(crate) fn run(args: &CompletionsArgs, mut program: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "evtmap", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
