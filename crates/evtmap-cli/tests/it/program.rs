//! Running the program in a folder of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder in it that stands for the user's home.
const HOME: &str = "home";

/// A folder with the files of a test, in which the program is run.
pub(crate) struct Folder(TempDir);

/// What came of a run.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Writes a file, in a folder of it where the name has one.
    pub(crate) fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The names of its files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names_in("")
    }

    /// The names of the files in a folder of it.
    pub(crate) fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.path().join(folder)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != HOME);
        names.sort();
        names
    }

    /// The program with arguments that are parted by spaces, in this folder and without colours.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evtmap"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace()).stdin(Stdio::null());
        // Neither what this machine has in its cache nor the day of the test may make a difference.
        command.env("HOME", self.0.path().join(HOME)).env("USERPROFILE", self.0.path().join(HOME));
        command.env("LOCALAPPDATA", self.0.path().join(HOME)).env_remove("XDG_CACHE_HOME");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(name);
        }
        command.env("EVTMAP_NOW", "2026-08-10T12:00:00Z");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Runs the program, which is to end with a status, and gives what it prints.
    pub(crate) fn check(&self, arguments: &str, status: i32) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.status, status, "evtmap {arguments}\n{}\n{}", run.out, run.err);
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }
}

/// What the program says with the signs that Linux has between folders, in JSON too.
pub(crate) fn slashes(text: &str) -> String {
    text.replace(r"\\", "/").replace('\\', "/")
}

impl Run {
    /// What a finished program left.
    pub(crate) fn of(output: Output) -> Self {
        Self {
            // A signal has no status.
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
