//! Where rules and ATT&CK are from: what comes with the program, and what the user configured.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::UpdateError;
use crate::manifest::Part;
use crate::store::is_plain_name;

const TABLE: &str = include_str!("../data/sources.toml");

const HELP: &str = "see docs/updates.md for what a source may say";

/// The sources that the user configured, the `[update]` of `evtmap.toml`. A part without any has the
/// program's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourcesConfig {
    /// Sources of rules; all of them are used.
    #[serde(default)]
    pub rules: Vec<SourceConfig>,
    /// The source of ATT&CK.
    pub attack: Option<SourceConfig>,
}

/// A source as the user configures it: by the name of one that comes with the program, or with one of `url`,
/// `path` and `repository`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceConfig {
    /// What it is called, each once.
    pub name: String,
    /// The address of an archive or a bundle.
    pub url: Option<String>,
    /// A file or folder; from the configuration's folder, if it is relative.
    pub path: Option<PathBuf>,
    /// A repository on a git host, such as `owner/name`.
    pub repository: Option<String>,
    /// The kind of git host: `github`, `gitlab` or `gitea`.
    pub host: Option<String>,
    /// The host's address, if it is another than the usual one.
    pub server: Option<String>,
    /// A branch, tag, commit or release; the newest by default.
    pub version: Option<String>,
    /// The variables of which one holds a token.
    #[serde(default)]
    pub token_env: Vec<String>,
    /// What its licence is called.
    pub licence: Option<String>,
}

/// A source that is known well enough to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The variables of which one may hold a token.
    pub(crate) token_env: Vec<String>,
    pub(crate) licence: Option<String>,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Url(String),
    Path(PathBuf),
}

#[derive(Deserialize)]
struct Table {
    rules: Vec<Known>,
    attack: Vec<Known>,
    host: Vec<Host>,
}

/// A source that comes with the program.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Known {
    name: String,
    latest: String,
    release: Option<String>,
    pinned: String,
    token_env: Vec<String>,
    licence: String,
}

/// A kind of git host.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Host {
    name: String,
    server: String,
    archive: String,
    token_env: Vec<String>,
}

impl SourcesConfig {
    /// The sources of a part. `folder` is where relative paths begin; `version` takes the place of those
    /// that are configured.
    ///
    /// # Errors
    /// When a source does not say where it is, or says it twice.
    pub fn sources(
        &self,
        part: Part,
        folder: &Path,
        version: Option<&str>,
    ) -> Result<Vec<Source>, UpdateError> {
        let table: Table = toml::from_str(TABLE)
            .map_err(|error| UpdateError::content("sources.toml", error.to_string(), HELP))?;
        let (known, own) = match part {
            Part::Rules => (&table.rules, self.rules.clone()),
            Part::Attack => (&table.attack, self.attack.clone().into_iter().collect()),
        };
        let by_default =
            known.first().map(|known| SourceConfig { name: known.name.clone(), ..SourceConfig::default() });
        let wanted = if own.is_empty() { by_default.into_iter().collect() } else { own };
        let mut sources: Vec<Source> = Vec::new();
        for mut config in wanted {
            config.version = version.map(str::to_owned).or(config.version);
            let source = config.source(known, &table.host, folder)?;
            if sources.iter().any(|other| other.name == source.name) {
                return Err(config.wrong("there are two of that name"));
            }
            sources.push(source);
        }
        Ok(sources)
    }
}

impl SourceConfig {
    fn wrong(&self, what: &str) -> UpdateError {
        UpdateError::content(&self.name, what, HELP)
    }

    fn source(&self, known: &[Known], hosts: &[Host], folder: &Path) -> Result<Source, UpdateError> {
        if !is_plain_name(&self.name) {
            return Err(self.wrong("the name of a source has letters, digits, `-`, `_` and `.`"));
        }
        let is_safe = |version: &String| {
            !version.contains("..")
                && version.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        };
        if self.version.as_ref().is_some_and(|version| !is_safe(version)) {
            return Err(self.wrong("the version is none that a host could have"));
        }
        let (place, token_env, licence) = match (&self.url, &self.path, &self.repository) {
            (Some(url), None, None) => (Place::Url(url.clone()), Vec::new(), None),
            (None, Some(path), None) => (Place::Path(folder.join(path)), Vec::new(), None),
            (None, None, Some(repository)) => self.of_host(repository, hosts)?,
            (None, None, None) => self.of_known(known)?,
            _ => return Err(self.wrong("it is in one place: `url`, `path` or `repository`")),
        };
        let token_env = if self.token_env.is_empty() { token_env } else { self.token_env.clone() };
        Ok(Source { name: self.name.clone(), place, token_env, licence: self.licence.clone().or(licence) })
    }

    fn of_known(&self, known: &[Known]) -> Result<(Place, Vec<String>, Option<String>), UpdateError> {
        let Some(known) = known.iter().find(|known| known.name == self.name) else {
            return Err(self.wrong("it does not say where it is: give `url`, `path` or `repository`"));
        };
        let url = match (self.version.as_deref(), &known.release) {
            (None | Some("latest"), _) => known.latest.clone(),
            (Some("release"), Some(release)) => release.clone(),
            (Some(version), _) => known.pinned.replace("{version}", version),
        };
        Ok((Place::Url(url), known.token_env.clone(), Some(known.licence.clone())))
    }

    fn of_host(
        &self,
        repository: &str,
        hosts: &[Host],
    ) -> Result<(Place, Vec<String>, Option<String>), UpdateError> {
        let wanted = self.host.as_deref().unwrap_or("github");
        let Some(host) = hosts.iter().find(|host| host.name == wanted) else {
            return Err(self.wrong("its host is none of github, gitlab, gitea"));
        };
        let server = self.server.as_deref().unwrap_or(&host.server).trim_end_matches('/');
        let version = self.version.as_deref().filter(|version| *version != "latest").unwrap_or("HEAD");
        let url = host.archive.replace("{server}", server).replace("{repository}", repository);
        Ok((Place::Url(url.replace("{version}", version)), host.token_env.clone(), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &str, version: Option<&str>, expected: &str) {
        let config: SourcesConfig = toml::from_str(config).unwrap();
        let sources = config.sources(Part::Rules, Path::new("/etc"), version);
        let told = match sources {
            Ok(sources) => sources
                .iter()
                .map(|source| match &source.place {
                    Place::Url(url) => format!("{} {url}", source.name),
                    Place::Path(path) => format!("{} {}", source.name, path.display()).replace('\\', "/"),
                })
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn sources_that_come_with_the_program() {
        let github = "sigmahq https://github.com/SigmaHQ/sigma";
        check("", None, &format!("{github}/archive/HEAD.tar.gz"));
        check("", Some("release"), &format!("{github}/releases/latest/download/sigma_all_rules.zip"));
        check("", Some("r2026-08-01"), &format!("{github}/archive/r2026-08-01.tar.gz"));
        check("", Some("../../x"), "cannot use `sigmahq`: the version is none that a host could have");
        let attack = SourcesConfig::default().sources(Part::Attack, Path::new(""), Some("18.1")).unwrap();
        let Place::Url(url) = &attack[0].place else { panic!() };
        assert!(url.ends_with("/enterprise-attack/enterprise-attack-18.1.json"), "{url}");
    }

    #[test]
    fn sources_of_ones_own() {
        let own = "[[rules]]\nname = 'sigmahq'\nversion = 'abc'\n[[rules]]\nname = 'ours'\npath = 'rules'\n\
            [[rules]]\nname = 'git'\nhost = 'gitlab'\nrepository = 'a/b'\nserver = 'https://git.example/'\n\
            [[rules]]\nname = 'web'\nurl = 'https://a.example/r.zip'\n";
        check(
            own,
            None,
            "sigmahq https://github.com/SigmaHQ/sigma/archive/abc.tar.gz\nours /etc/rules\n\
             git https://git.example/a/b/-/archive/HEAD/archive.tar.gz\nweb https://a.example/r.zip",
        );
        let wrong = |config: &str, what: &str| check(config, None, &format!("cannot use `a`: {what}"));
        wrong("rules = [{name = 'a'}]", "it does not say where it is: give `url`, `path` or `repository`");
        wrong(
            "rules = [{name = 'a', url = 'u', path = 'p'}]",
            "it is in one place: `url`, `path` or `repository`",
        );
        wrong(
            "rules = [{name = 'a', repository = 'x', host = 'x'}]",
            "its host is none of github, gitlab, gitea",
        );
        wrong("rules = [{name = 'a', url = 'u'}, {name = 'a', url = 'v'}]", "there are two of that name");
        assert!(toml::from_str::<SourcesConfig>("rules = [{name = 'a', ulr = 'u'}]").is_err());
    }
}
