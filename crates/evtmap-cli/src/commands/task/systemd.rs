//! Tasks of systemd: a service, and a timer that starts it.

use std::env;
use std::path::{Path, PathBuf};

use super::{Plan, Task, When};

/// Whose units they are.
pub(super) struct Place {
    folder: PathBuf,
    /// Whether they are a user's, and not the system's.
    is_of_user: bool,
}

impl Place {
    /// The system's for root, otherwise the user's.
    pub(super) fn of_user() -> Option<Self> {
        // Only root may write there, and this is how one finds out without asking the system who one is.
        let system = Path::new("/etc/systemd/system");
        let is_root = env::var_os("USER").is_some_and(|user| user == "root")
            || env::var_os("HOME").is_some_and(|home| home == "/root");
        if is_root {
            return Some(Self { folder: system.to_owned(), is_of_user: false });
        }
        let own = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
        let own = own.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
        Some(Self { folder: own?.join("systemd/user"), is_of_user: true })
    }

    fn systemctl(&self, arguments: &[&str]) -> Vec<String> {
        let whose = self.is_of_user.then_some("--user");
        ["systemctl"].into_iter().chain(whose).chain(arguments.iter().copied()).map(str::to_owned).collect()
    }

    fn service(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.service", unit(name)))
    }

    fn timer(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.timer", unit(name)))
    }
}

/// Names of units begin so, that they are found together.
fn unit(name: &str) -> String {
    if name.starts_with("evtmap") { name.to_owned() } else { format!("evtmap-{name}") }
}

pub(super) fn install(task: &Task, place: &Place) -> Plan {
    let unit = unit(&task.name);
    let mut written = vec![(place.service(&task.name), service(task, place).into_bytes())];
    let started = match timer(task) {
        None => format!("{unit}.service"),
        Some(timer) => {
            written.push((place.timer(&task.name), timer.into_bytes()));
            format!("{unit}.timer")
        }
    };
    let commands = vec![place.systemctl(&["daemon-reload"]), place.systemctl(&["enable", "--now", &started])];
    Plan { written, commands, removed: Vec::new() }
}

pub(super) fn uninstall(name: &str, place: &Place) -> Plan {
    let unit = unit(name);
    let (service, timer) = (place.service(name), place.timer(name));
    let mut commands = Vec::new();
    for (path, ending) in [(&timer, "timer"), (&service, "service")] {
        if path.exists() {
            commands.push(place.systemctl(&["disable", "--now", &format!("{unit}.{ending}")]));
        }
    }
    Plan { written: Vec::new(), commands, removed: vec![timer, service] }
}

fn service(task: &Task, place: &Place) -> String {
    let words = [task.program.display().to_string()].into_iter().chain(task.arguments.iter().cloned());
    let words: Vec<String> = words.map(|word| quoted(&word)).collect();
    let mut text = format!(
        "[Unit]\nDescription=evtmap: {}\n\n[Service]\nType={}\nWorkingDirectory={}\nExecStart={}\n",
        task.name,
        if matches!(task.when, When::AtStart) { "exec" } else { "oneshot" },
        task.folder.display().to_string().replace('%', "%%"),
        words.join(" ")
    );
    if matches!(task.when, When::AtStart) {
        let target = if place.is_of_user { "default.target" } else { "multi-user.target" };
        text += &format!("Restart=on-failure\nRestartSec=30\n\n[Install]\nWantedBy={target}\n");
    } else {
        // 1 says that something was found which was to be told, as `--fail-on` has it.
        text += "SuccessExitStatus=1\nNice=10\n";
    }
    text
}

fn timer(task: &Task) -> Option<String> {
    let when = match task.when {
        When::AtStart => return None,
        When::Daily(time) => format!("OnCalendar=*-*-* {}\nPersistent=true\n", time.strftime("%H:%M:%S")),
        When::Every(span) => format!("OnActiveSec=1min\nOnUnitActiveSec={}s\n", span.as_secs()),
    };
    Some(format!(
        "[Unit]\nDescription=evtmap: {}\n\n[Timer]\n{when}\n[Install]\nWantedBy=timers.target\n",
        task.name
    ))
}

/// A word of a command line as systemd reads it.
fn quoted(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=,@+".contains(char);
    let escaped = word.replace('%', "%%").replace('$', "$$");
    if !word.is_empty() && escaped.chars().all(is_plain) {
        return escaped;
    }
    format!("\"{}\"", escaped.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::time;

    use super::super::tests::{check, task};
    use super::*;

    fn place(is_of_user: bool) -> Place {
        Place { folder: PathBuf::from("/units"), is_of_user }
    }

    #[test]
    fn every_day() {
        check(
            &install(
                &task(When::Daily(time(3, 0, 0, 0)), &["map", "/logs", "-o", "100%.jsonl"]),
                &place(false),
            ),
            "Write /units/evtmap-nightly.service
             [Unit]
             Description=evtmap: nightly
             [Service]
             Type=oneshot
             WorkingDirectory=/srv
             ExecStart=/usr/bin/evtmap map /logs -o \"100%%.jsonl\"
             SuccessExitStatus=1
             Nice=10
             Write /units/evtmap-nightly.timer
             [Unit]
             Description=evtmap: nightly
             [Timer]
             OnCalendar=*-*-* 03:00:00
             Persistent=true
             [Install]
             WantedBy=timers.target
             Run systemctl daemon-reload
             Run systemctl enable --now evtmap-nightly.timer",
        );
        let timer = timer(&task(When::Every(SignedDuration::from_mins(15)), &[])).unwrap();
        assert!(timer.contains("OnUnitActiveSec=900s"), "{timer}");
    }

    #[test]
    fn when_the_system_starts() {
        check(
            &install(&task(When::AtStart, &["map", "a \"b\" $c\\d"]), &place(true)),
            r#"Write /units/evtmap-nightly.service
             [Unit]
             Description=evtmap: nightly
             [Service]
             Type=exec
             WorkingDirectory=/srv
             ExecStart="/opt/evt map/evtmap" map "a \"b\" $$c\\d"
             Restart=on-failure
             RestartSec=30
             [Install]
             WantedBy=default.target
             Run systemctl --user daemon-reload
             Run systemctl --user enable --now evtmap-nightly.service"#,
        );
        check(
            &uninstall("nightly", &place(true)),
            "Remove /units/evtmap-nightly.timer
             Remove /units/evtmap-nightly.service",
        );
    }
}
