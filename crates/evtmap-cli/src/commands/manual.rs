//! `evtmap manual`: the help of every command as pages for `man`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap manual ~/.local/share/man/man1
  man evtmap-map

Exit status:
  0  done    2  a page could not be written")]
pub(crate) struct ManualArgs {
    /// The folder for the pages, one a command
    folder: PathBuf,
}

/// Runs the command; `program` is all that can be typed.
pub(crate) fn run(args: &ManualArgs, mut program: Command) -> Result<ExitCode, Failure> {
    let failed = |error| Failure::output(&args.folder.display().to_string(), &error);
    fs::create_dir_all(&args.folder).map_err(failed)?;
    program.build();
    let mut waiting = vec![("evtmap".to_owned(), program)];
    let mut n_pages = 0_u64;
    while let Some((name, command)) = waiting.pop() {
        let own = command.get_subcommands().filter(|own| own.get_name() != "help");
        waiting.extend(own.map(|own| (format!("{name}-{}", own.get_name()), own.clone())));
        let mut page = Vec::new();
        let written = Man::new(command.name(name.clone()).display_name(name.clone())).render(&mut page);
        written.and_then(|()| fs::write(args.folder.join(format!("{name}.1")), page)).map_err(failed)?;
        n_pages += 1;
    }
    terminal::print(&format!("{} in {}\n", terminal::counted(n_pages, "page"), args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
