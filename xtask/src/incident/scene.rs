//! The day as it unfolds: accounts log on, processes start, and the hosts write events.

use std::collections::BTreeMap;

use anyhow::Context as _;
use evtx_fixture::{Event, Guid};
use jiff::{SignedDuration, Timestamp};

use super::layout::{self, Field, Layout, Layouts, Log, Writer};
use super::random::{Random, digest};
use super::world::{Host, World, file_name};

/// The account under which Windows' own services run.
pub(super) const SYSTEM: &str = "SYSTEM";

/// Logon session of [`SYSTEM`].
const SYSTEM_LOGON: u64 = 0x3e7;

/// Values for some of an event's fields, by name.
pub(super) type Values = BTreeMap<String, String>;

/// [`Values`] from literals.
pub(super) fn values<const N: usize>(pairs: [(&str, &str); N]) -> Values {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// An event that a host wrote.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) host: &'a Host,
    pub(super) layout: &'a Layout,
    pub(super) event: Event,
}

/// Where and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) host: &'a Host,
    pub(super) time: Timestamp,
}

impl Moment<'_> {
    pub(super) fn later(self, seconds: f64) -> Self {
        let time = SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
        Self { time: self.time.saturating_add(time).unwrap_or(self.time), ..self }
    }
}

/// Who does it: the account, and the process where one is named.
#[derive(Debug, Clone, Copy)]
pub(super) struct Actor<'a> {
    pub(super) user: &'a str,
    /// The name of a process started before, or an image that runs all day.
    pub(super) process: Option<&'a str>,
}

impl<'a> Actor<'a> {
    pub(super) fn user(user: &'a str) -> Self {
        Self { user, process: None }
    }

    pub(super) fn system() -> Self {
        Self::user(SYSTEM)
    }

    pub(super) fn process(user: &'a str, process: &'a str) -> Self {
        Self { user, process: Some(process) }
    }
}

/// A process to start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start<'a> {
    /// For later events; empty when there are none.
    pub(super) name: &'a str,
    pub(super) parent: &'a str,
    pub(super) user: &'a str,
    pub(super) image: &'a str,
    pub(super) command: &'a str,
    /// `Medium`, `High` or `System`; empty is what the account usually has.
    pub(super) integrity: &'a str,
}

#[derive(Debug, Clone)]
struct Process {
    id: u32,
    guid: String,
    image: String,
    command: String,
    user: String,
}

/// The hosts, and what they have written so far.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) world: &'a World,
    layouts: &'a Layouts,
    pub(super) random: Random,
    pub(super) entries: Vec<Entry<'a>>,
    /// Logon session by host and account.
    sessions: BTreeMap<(String, String), u64>,
    /// Process by host and name.
    processes: BTreeMap<(String, String), Process>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(world: &'a World, layouts: &'a Layouts, random: Random) -> Self {
        Self {
            world,
            layouts,
            random,
            entries: Vec::new(),
            sessions: BTreeMap::new(),
            processes: BTreeMap::new(),
        }
    }

    /// Writes an event. Fields without a given value follow from who, where and when.
    pub(super) fn record(
        &mut self,
        moment: Moment<'a>,
        (log, id): (&str, u16),
        actor: Actor<'_>,
        given: &Values,
    ) -> anyhow::Result<&mut Event> {
        let layouts = self.layouts;
        let (log, layout) = layouts.get(log, id)?;
        let facts = self.facts(moment, layout, actor);
        for name in given.keys() {
            let known = layout.fields.iter().any(|field| field.name == *name);
            anyhow::ensure!(known, "event {id} of `{}` has no field `{name}`", layout.log);
        }
        let value = |field: &Field| -> String {
            let value = given.get(&field.name).or_else(|| facts.get(&field.name)).or(field.default.as_ref());
            value.map_or_else(|| field.kind.unknown().to_owned(), Clone::clone)
        };
        let values: Vec<String> = layout.fields.iter().map(value).collect();
        let mut event =
            layout::event(log, layout, &values).with_context(|| format!("event {id} of `{}`", layout.log))?;
        event.time = moment.time;
        event.computer = format!("{}.{}", moment.host.name, self.world.dns);
        event.thread_id = u32::try_from(self.random.between(100, 1500) * 4).unwrap_or_default();
        event.user_id = match layout::writer(log, layout) {
            None => None,
            Some(Writer::System) => Some("S-1-5-18".parse()?),
            Some(Writer::Subject) => Some(self.sid(actor.user).parse()?),
        };
        self.set_process(&mut event, moment, log, actor);
        self.entries.push(Entry { host: moment.host, layout, event });
        self.entries.last_mut().map(|entry| &mut entry.event).context("an event was just written")
    }

    /// PowerShell writes its events itself.
    fn set_process(&mut self, event: &mut Event, moment: Moment<'_>, log: &Log, actor: Actor<'_>) {
        if log.pid == 0
            && let Some(name) = actor.process
        {
            event.process_id = self.process(moment, name).id;
            event.activity_id = Some(self.guid());
        }
        if log.channel == "Windows PowerShell" {
            (event.process_id, event.thread_id, event.activity_id) = (0, 0, None);
        }
    }

    /// Starts a process: its creation in the Security and the Sysmon log.
    pub(super) fn start(&mut self, moment: Moment<'a>, start: Start<'_>) -> anyhow::Result<()> {
        let parent = self.process(moment, start.parent);
        let process = Process {
            id: self.process_id(),
            guid: self.process_guid(moment),
            image: start.image.to_owned(),
            command: start.command.to_owned(),
            user: start.user.to_owned(),
        };
        let (integrity, label, elevation) = match (start.integrity, start.user) {
            ("High", _) => ("High", "S-1-16-12288", "%%1937"),
            ("System", _) | ("", SYSTEM) => ("System", "S-1-16-16384", "%%1936"),
            _ => ("Medium", "S-1-16-8192", "%%1938"),
        };
        let security = values([
            ("NewProcessId", &format!("{:#x}", process.id)),
            ("NewProcessName", start.image),
            ("ProcessId", &format!("{:#x}", parent.id)),
            ("ParentProcessName", &parent.image),
            ("CommandLine", start.command),
            ("MandatoryLabel", label),
            ("TokenElevationType", elevation),
        ]);
        self.record(moment, ("security", 4688), Actor::user(start.user), &security)?;
        self.start_in_sysmon(moment.later(0.004), (&process, &parent), start, integrity)?;
        self.processes.insert((moment.host.name.clone(), start.name.to_owned()), process);
        Ok(())
    }

    fn start_in_sysmon(
        &mut self,
        moment: Moment<'a>,
        (process, parent): (&Process, &Process),
        start: Start<'_>,
        integrity: &str,
    ) -> anyhow::Result<()> {
        let logon = self.session(moment.host, start.user);
        let [a, b, rest @ ..] = logon.to_le_bytes();
        let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
        let logon_guid = format!("{}-0000-0000-{a:02x}{b:02x}-{rest}", moment.host.machine_guid);
        let directory = match start.user {
            SYSTEM => r"C:\Windows\system32\".to_owned(),
            user => format!(r"C:\Users\{user}\"),
        };
        let mut fields = values([
            ("ProcessGuid", &process.guid),
            ("ProcessId", &process.id.to_string()),
            ("Image", start.image),
            ("CommandLine", start.command),
            ("CurrentDirectory", &directory),
            ("User", &self.display(start.user)),
            ("LogonGuid", &logon_guid),
            ("LogonId", &logon.to_string()),
            ("TerminalSessionId", if self.sits_at(start.user, moment.host) { "1" } else { "0" }),
            ("IntegrityLevel", integrity),
            ("Hashes", &hashes(start.image)),
            ("ParentProcessGuid", &parent.guid),
            ("ParentProcessId", &parent.id.to_string()),
            ("ParentImage", &parent.image),
            ("ParentCommandLine", &parent.command),
            ("ParentUser", &self.display(&parent.user)),
        ]);
        if let Some(program) = self.world.program(start.image) {
            let original = program.original.as_ref().unwrap_or(&program.name);
            fields.extend(values([
                ("FileVersion", &program.version),
                ("Description", &program.description),
                ("Product", &program.product),
                ("Company", &program.company),
                ("OriginalFileName", original),
            ]));
        }
        self.record(moment, ("sysmon", 1), Actor::system(), &fields).map(drop)
    }

    /// What an event says of the one who acts, of the time and of the host.
    fn facts(&mut self, moment: Moment<'a>, layout: &Layout, actor: Actor<'_>) -> Values {
        let account = &layout.account;
        let (name, sid) = (self.account(moment.host, actor.user), self.sid(actor.user));
        let logon = self.session(moment.host, actor.user);
        let mut facts = Values::new();
        for (field, value) in [
            ("UserSid", sid),
            ("UserName", name),
            ("DomainName", self.world.domain.clone()),
            ("LogonId", logon.to_string()),
        ] {
            facts.insert(format!("{account}{field}"), value);
        }
        let utc = moment.time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
        facts.extend(values([("UtcTime", &utc), ("CreationUtcTime", &utc)]));
        facts.extend(values([("SourceIp", &moment.host.address)]));
        let port = self.random.between(49_152, 65_535).to_string();
        let thread = (self.random.between(100, 2000) * 4).to_string();
        facts.extend(values([("SourcePort", &port), ("SourceThreadId", &thread), ("EnginePID", "1480")]));
        let (block, instance) = (self.guid().to_string(), self.guid().to_string());
        facts.insert("ScriptBlockId".to_owned(), block.trim_matches(['{', '}']).to_owned());
        facts.insert("TaskInstanceId".to_owned(), instance);
        facts.insert("TargetProcessGUID".to_owned(), self.process(moment, "lsass").guid);
        if let Some(name) = actor.process {
            let process = self.process(moment, name);
            self.process_facts(&mut facts, &process, actor.user);
        }
        facts
    }

    fn process_facts(&mut self, facts: &mut Values, process: &Process, user: &str) {
        let (id, user) = (process.id.to_string(), self.display(user));
        facts.extend(values([
            ("ProcessGuid", &process.guid),
            ("ProcessId", &id),
            ("Image", &process.image),
            ("User", &user),
            ("SourceProcessGUID", &process.guid),
            ("SourceProcessId", &id),
            ("SourceImage", &process.image),
            ("SourceUser", &user),
            ("Hashes", &hashes(&process.image)),
        ]));
        let (host, runspace) = (self.guid().to_string(), self.guid().to_string());
        let (host, runspace) = (host.trim_matches(['{', '}']), runspace.trim_matches(['{', '}']));
        let version = "5.1.19041.4522";
        let command = &process.command;
        facts.insert(
            "Details".to_owned(),
            format!(
                "\tNewEngineState=Available\r\n\tPreviousEngineState=None\r\n\r\n\tSequenceNumber=13\r\n\r\n\
                 \tHostName=ConsoleHost\r\n\tHostVersion={version}\r\n\tHostId={host}\r\n\
                 \tHostApplication={command}\r\n\tEngineVersion={version}\r\n\tRunspaceId={runspace}\r\n\
                 \tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n\tScriptName=\r\n\tCommandPath=\r\n\
                 \tCommandLine="
            ),
        );
        facts.insert(
            "ContextInfo".to_owned(),
            format!(
                "        Severity = Informational\r\n        Host Name = ConsoleHost\r\n        \
                 Host Version = {version}\r\n        Host ID = {host}\r\n        Host Application = {command}\r\n\
                 \x20       Engine Version = {version}\r\n        Runspace ID = {runspace}\r\n        \
                 Pipeline ID = 1\r\n        Command Name = \r\n        Command Type = Cmdlet\r\n        \
                 Script Name = \r\n        Command Path = \r\n        Sequence Number = 16\r\n        \
                 User = {user}\r\n        Connected User = \r\n        Shell ID = Microsoft.PowerShell\r\n"
            ),
        );
    }

    /// A new logon session of the account, in place of the one before.
    pub(super) fn new_session(&mut self, host: &Host, user: &str) {
        if user != SYSTEM {
            let logon = self.random.between(0x1_0000, 0xff_ffff);
            self.sessions.insert((host.name.clone(), user.to_owned()), logon);
        }
    }

    fn session(&mut self, host: &Host, user: &str) -> u64 {
        if user == SYSTEM {
            return SYSTEM_LOGON;
        }
        let key = (host.name.clone(), user.to_owned());
        if !self.sessions.contains_key(&key) {
            self.new_session(host, user);
        }
        self.sessions.get(&key).copied().unwrap_or(SYSTEM_LOGON)
    }

    /// The process of this name, or the one that has run this image since the host started.
    fn process(&mut self, moment: Moment<'_>, name: &str) -> Process {
        let key = (moment.host.name.clone(), name.to_owned());
        if let Some(process) = self.processes.get(&key) {
            return process.clone();
        }
        let id = match file_name(name) {
            "System" => 4,
            "services.exe" => 680,
            "lsass" => 704,
            "MsMpEng.exe" => 3120,
            _ => self.process_id(),
        };
        let user = ["explorer.exe", "OUTLOOK.EXE", "msedge.exe", "Teams.exe"];
        let user = if user.contains(&file_name(name)) { "m.keller" } else { SYSTEM };
        let process = Process {
            id,
            guid: self.process_guid(Moment { time: start_of_day(moment.time), ..moment }),
            image: name.to_owned(),
            command: if name.contains(' ') { format!("\"{name}\"") } else { name.to_owned() },
            user: user.to_owned(),
        };
        self.processes.insert(key, process.clone());
        process
    }

    fn process_id(&mut self) -> u32 {
        u32::try_from(self.random.between(900, 3000) * 4).unwrap_or_default()
    }

    /// As Sysmon makes it: the machine, the time, a number.
    fn process_guid(&mut self, moment: Moment<'_>) -> String {
        let second = moment.time.as_second();
        let (high, low) = ((second >> 16) & 0xffff, second & 0xffff);
        let number = self.random.between(0x100, 0xffff);
        format!("{}-{low:04x}-{high:04x}-{number:04x}-000000000a00", moment.host.machine_guid)
    }

    pub(super) fn guid(&mut self) -> Guid {
        let (high, low) = (self.random.next(), self.random.next());
        // Version 4, variant 1.
        let digits = (u128::from(high) << 64) | u128::from(low);
        let digits = digits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        Guid::from_u128(digits)
    }

    /// The account's name in the Security log, where SYSTEM is the computer.
    fn account(&self, host: &Host, user: &str) -> String {
        if user == SYSTEM { format!("{}$", host.name) } else { user.to_owned() }
    }

    /// The account's name in Sysmon's log.
    fn display(&self, user: &str) -> String {
        if user == SYSTEM {
            r"NT AUTHORITY\SYSTEM".to_owned()
        } else {
            format!(r"{}\{user}", self.world.domain)
        }
    }

    /// Whether the user works at the host itself and not from elsewhere.
    fn sits_at(&self, user: &str, host: &Host) -> bool {
        let mut users = self.world.user.iter();
        users.any(|other| other.name == user && other.seat.as_ref() == Some(&host.name))
    }

    pub(super) fn sid(&self, user: &str) -> String {
        self.world.sid(user).unwrap_or_else(|| "S-1-5-18".to_owned())
    }
}

/// When the hosts start.
fn start_of_day(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    Timestamp::from_second(second - second % 86_400 + 6 * 3600).unwrap_or(time)
}

/// Sysmon's hash of a file: it depends on the path alone, so that it is the same all day.
fn hashes(image: &str) -> String {
    let name = file_name(image).to_ascii_lowercase();
    let digits: String = (0..4).map(|part| format!("{:016X}", digest(&format!("{name}/{part}")))).collect();
    format!("SHA256={digits}")
}
