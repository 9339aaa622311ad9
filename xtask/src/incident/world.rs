//! The company: its hosts, accounts and habits (`incident/world.toml`).

use anyhow::Context as _;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct World {
    pub(super) domain: String,
    pub(super) realm: String,
    pub(super) dns: String,
    pub(super) domain_sid: String,
    /// The day of the incident, as `2026-03-11`.
    pub(super) day: String,
    pub(super) host: Vec<Host>,
    pub(super) user: Vec<User>,
    pub(super) program: Vec<Program>,
    pub(super) routine: Vec<Routine>,
    pub(super) browse: Vec<Browse>,
    pub(super) service: Vec<Service>,
    pub(super) task: Vec<Task>,
    pub(super) share: Vec<Share>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) rid: u32,
    pub(super) machine_guid: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) rid: u32,
    pub(super) seat: Option<String>,
    #[serde(default)]
    pub(super) admin: bool,
    /// Has a service principal name, so that anyone may ask for its ticket.
    #[serde(default)]
    pub(super) roast: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) version: String,
    pub(super) original: Option<String>,
    #[serde(default = "Program::windows")]
    pub(super) product: String,
    #[serde(default = "Program::microsoft")]
    pub(super) company: String,
}

impl Program {
    fn windows() -> String {
        "Microsoft® Windows® Operating System".to_owned()
    }

    fn microsoft() -> String {
        "Microsoft Corporation".to_owned()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Routine {
    pub(super) host: Option<String>,
    pub(super) user: Option<String>,
    #[serde(default = "Routine::services")]
    pub(super) parent: String,
    pub(super) image: String,
    pub(super) command: String,
    pub(super) per_day: u64,
}

impl Routine {
    fn services() -> String {
        r"C:\Windows\System32\services.exe".to_owned()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Browse {
    pub(super) image: String,
    pub(super) names: Vec<String>,
    /// The address of each name.
    pub(super) addresses: Vec<String>,
    pub(super) per_day: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) action: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Share {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) files: Vec<String>,
}

impl World {
    pub(super) fn host(&self, name: &str) -> anyhow::Result<&Host> {
        self.host.iter().find(|host| host.name == name).with_context(|| format!("no host `{name}`"))
    }

    /// The SID of a user, or of a host's account (`WS01$`).
    pub(super) fn sid(&self, account: &str) -> Option<String> {
        let user = || self.user.iter().find(|user| user.name == account).map(|user| user.rid);
        let host = || Some(self.host(account.strip_suffix('$')?).ok()?.rid);
        user().or_else(host).map(|rid| self.domain_sid(rid))
    }

    pub(super) fn domain_sid(&self, rid: u32) -> String {
        format!("{}-{rid}", self.domain_sid)
    }

    /// What the Event Viewer shows in place of a SID.
    pub(super) fn account_of(&self, sid: &str) -> String {
        let known = match sid {
            "S-1-0-0" => "NULL SID",
            "S-1-5-18" => "SYSTEM",
            "S-1-16-8192" => r"Mandatory Label\Medium Mandatory Level",
            "S-1-16-12288" => r"Mandatory Label\High Mandatory Level",
            "S-1-16-16384" => r"Mandatory Label\System Mandatory Level",
            _ => "",
        };
        if !known.is_empty() {
            return known.to_owned();
        }
        let hosts = self.host.iter().map(|host| (host.rid, format!("{}$", host.name)));
        let users = self.user.iter().map(|user| (user.rid, user.name.clone()));
        let groups = [(502, "krbtgt".to_owned()), (512, "Domain Admins".to_owned())];
        let name = hosts.chain(users).chain(groups).find(|(rid, _)| self.domain_sid(*rid) == sid);
        name.map_or_else(|| sid.to_owned(), |(_, name)| format!(r"{}\{name}", self.domain))
    }

    /// The program's version resource, by the file name of its image.
    pub(super) fn program(&self, image: &str) -> Option<&Program> {
        let name = file_name(image);
        self.program.iter().find(|program| program.name.eq_ignore_ascii_case(name))
    }
}

/// The last part of a Windows path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('\\').next().unwrap_or(path)
}
