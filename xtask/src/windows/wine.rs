//! Running programs for Windows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::Skipped;
use super::toolchain::{folder, is_there, need};
use crate::root;

/// Where Debian has what starts programs; `wine` itself asks for 32 bits too.
const DEBIAN: &str = "/usr/lib/wine/wine64";

/// The DLLs that stand in for missing ones, and what they are linked with.
const STAND_INS: [(&str, &[&str]); 2] = [("bcryptprimitives", &["-ladvapi32"]), ("wevtapi", &[])];

/// Wine, with a Windows of its own.
pub(super) struct Wine {
    starter: PathBuf,
    /// Wine's Windows: drives, registry.
    prefix: PathBuf,
    /// Where cargo builds for Windows.
    built: PathBuf,
    /// The folder of the program, and of the DLLs that stand in for missing ones.
    programs: PathBuf,
}

impl Wine {
    /// Finds Wine, makes a Windows for it, and puts there the programs that were built into a folder.
    pub(super) fn prepare(built: &Path) -> anyhow::Result<Self> {
        if !is_there(DEBIAN) {
            need("wine", &["wine64", "wine"])?;
        }
        let starter = PathBuf::from(if is_there(DEBIAN) { DEBIAN } else { "wine" });
        let folder = folder()?;
        let (prefix, programs) = (folder.join("wine"), folder.join("programs"));
        fs::create_dir_all(&programs)?;
        for program in ["evtmap.exe", "examples/follow.exe"].map(|name| built.join(name)) {
            let name = program.file_name().unwrap_or_default();
            fs::copy(&program, programs.join(name)).with_context(|| format!("no `{}`", program.display()))?;
        }
        let wine = Self { starter, prefix, built: built.to_owned(), programs };
        for (name, libraries) in STAND_INS {
            wine.stand_in(name, libraries)?;
        }
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

    /// Puts the DLLs into a folder from which programs are started that are not ours to place.
    pub(super) fn stand_beside(&self, folder: &Path) -> anyhow::Result<()> {
        for name in STAND_INS.map(|(name, _)| format!("{name}.dll")) {
            fs::copy(self.programs.join(&name), folder.join(&name))?;
        }
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
        self.program("evtmap.exe")
    }

    /// One of the programs, to be started in the root of the repository.
    pub(super) fn program(&self, name: &str) -> Command {
        self.start(&self.programs.join(name))
    }

    /// A program at a path of this system, to be started in the root of the repository.
    pub(super) fn start(&self, program: &Path) -> Command {
        let mut command = Command::new(&self.starter);
        command.current_dir(root()).arg(program).envs(self.environment());
        command
    }

    /// What cargo built for Windows, of this name.
    pub(super) fn built(&self, name: &str) -> PathBuf {
        self.built.join(name)
    }

    /// The name that a file or folder of this system has there.
    pub(super) fn name_of(&self, path: &Path) -> String {
        format!("Z:{}", path.display()).replace('/', "\\")
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

    /// Makes Wine's Windows, which its first program would wait for. Where not even a program of Wine's own
    /// starts, it is not ours that is wrong.
    fn boot(&self) -> anyhow::Result<()> {
        const CODE: i32 = 7;
        fs::create_dir_all(&self.prefix)?;
        let mut own = Command::new(&self.starter);
        own.args(["cmd", "/c", "exit", &CODE.to_string()]).envs(self.environment());
        let ended = own.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !ended.is_ok_and(|ended| ended.code() == Some(CODE)) {
            return Err(Skipped::because("Wine is there and starts none of its own programs".to_owned()));
        }
        let mut version = self.evtmap();
        let told = version.arg("--version").stdin(Stdio::null()).output()?;
        let [said, complained] =
            [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        ensure!(said.starts_with("evtmap "), "the program does not start under Wine: {said}{complained}");
        Ok(())
    }
}
