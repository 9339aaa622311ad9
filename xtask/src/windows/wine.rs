//! Running programs for Windows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::toolchain::{folder, is_there, need, output};
use crate::root;

/// Where Debian has what starts programs; `wine` itself asks for 32 bits too.
const DEBIAN: &str = "/usr/lib/wine/wine64";

/// Wine, with a Windows of its own.
pub(super) struct Wine {
    starter: PathBuf,
    /// Wine's Windows: drives, registry.
    prefix: PathBuf,
    /// The folder of the program, and of the DLLs that stand in for missing ones.
    programs: PathBuf,
}

impl Wine {
    /// Finds Wine, makes a Windows for it, and puts the program there.
    pub(super) fn prepare(program: &Path) -> anyhow::Result<Self> {
        if !is_there(DEBIAN) {
            need("wine", &["wine64", "wine"])?;
        }
        let starter = PathBuf::from(if is_there(DEBIAN) { DEBIAN } else { "wine" });
        let folder = folder()?;
        let (prefix, programs) = (folder.join("wine"), folder.join("programs"));
        fs::create_dir_all(&programs)?;
        fs::copy(program, programs.join("evtmap.exe"))?;
        let wine = Self { starter, prefix, programs };
        wine.stand_in("bcryptprimitives", &["-ladvapi32"])?;
        wine.stand_in("wevtapi", &[])?;
        wine.boot()?;
        Ok(wine)
    }

    /// Compiles a DLL that stands in for one which this Wine lacks, and puts it beside the program.
    fn stand_in(&self, name: &str, libraries: &[&str]) -> anyhow::Result<()> {
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-o"]);
        compiler.arg(self.programs.join(format!("{name}.dll")));
        compiler.arg(root().join(format!("xtask/windows/{name}.c"))).args(libraries);
        ensure!(compiler.status()?.success(), "the stand-in for {name}.dll does not compile");
        Ok(())
    }

    /// Gives the stand-in for the event log its events.
    pub(super) fn put_events(&self, table: &[u8]) -> anyhow::Result<()> {
        Ok(fs::write(self.programs.join("events.table"), table)?)
    }

    /// Where a drive of Wine's lies here.
    pub(super) fn drive_c(&self) -> PathBuf {
        self.prefix.join("drive_c")
    }

    /// Where what is found under `\\SERVER\SHARE` lies here.
    pub(super) fn share(&self, server: &str, share: &str) -> PathBuf {
        self.prefix.join("dosdevices/unc").join(server).join(share)
    }

    /// The program, to be started with arguments in the root of the repository.
    pub(super) fn evtmap(&self) -> Command {
        self.command(&self.programs.join("evtmap.exe"))
    }

    /// A program, to be started in the root of the repository.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.starter);
        command.current_dir(root()).arg(program);
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    /// What Wine is told: its Windows, no windows of its own, no questions, and the stand-in for the event log.
    pub(super) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("WINEPREFIX", self.prefix.display().to_string()),
            ("WINEDEBUG", "-all".to_owned()),
            ("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=;wevtapi=n".to_owned()),
        ]
    }

    /// What starts programs, for those that start them themselves.
    pub(super) fn starter(&self) -> &Path {
        &self.starter
    }

    /// Makes Wine's Windows, which its first program would wait for.
    fn boot(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.prefix)?;
        let told = output(self.evtmap().arg("--version").stdin(Stdio::null()))
            .context("the program does not start under Wine")?;
        ensure!(told.starts_with("evtmap "), "the program says `{told}` for its version");
        Ok(())
    }
}
