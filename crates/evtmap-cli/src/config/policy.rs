//! What the file says about alerts, as the library takes it.

use std::path::Path;

use evtmap::Placeholders;
use evtmap::policy::{AccountGlob, Critical, Exclusion, HostGlob, Override, Policy, Scope};
use evtmap::sigma::{Collection, Diagnostic, Filter};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use toml::Spanned;
use toml::value::Datetime;

use super::place::{Source, nearest};
use super::table::{ExclusionTable, SeverityTable, Tables};
use crate::failure::Failure;

/// How many severities there are between the least and the worst.
const N_STEPS_MAX: u8 = 4;

/// The file that is read, and where paths in it begin.
pub(super) struct Reading<'a> {
    pub(super) tables: &'a Tables,
    pub(super) source: &'a Source,
    pub(super) folder: &'a Path,
}

impl Reading<'_> {
    /// The policy that the file states; none if it states none.
    pub(super) fn policy(&self, now: Timestamp) -> Result<Option<Policy>, Failure> {
        let critical = self.critical()?;
        let overrides =
            self.tables.severity.iter().map(|own| self.severity(own)).collect::<Result<_, _>>()?;
        let exclusions =
            self.tables.exclusion.iter().map(|own| self.exclusion(own)).collect::<Result<_, _>>()?;
        let policy = Policy {
            origin: Some(self.source.path.display().to_string()),
            today: TimeZone::UTC.to_datetime(now).date(),
            overrides,
            critical,
            exclusions,
        };
        let is_nothing = policy.overrides.is_empty()
            && policy.exclusions.is_empty()
            && policy.critical.hosts.is_empty()
            && policy.critical.accounts.is_empty();
        Ok(Some(policy).filter(|_| !is_nothing))
    }

    fn critical(&self) -> Result<Critical, Failure> {
        let table = &self.tables.critical;
        let steps = table.steps.as_ref().map_or(1, |steps| *steps.get_ref());
        if let Some(wrong) = table.steps.as_ref().filter(|_| !(1..=N_STEPS_MAX).contains(&steps)) {
            let what = format!("`steps = {steps}` is not a number of steps");
            return Err(self.source.failure(&wrong.span(), &what).help("it is 1, 2, 3 or 4"));
        }
        Ok(Critical {
            hosts: self.hosts(&table.hosts, &table.host_groups)?,
            accounts: accounts(&table.accounts),
            steps,
        })
    }

    /// Hosts by their names and by those of their groups.
    fn hosts(&self, names: &[String], groups: &[Spanned<String>]) -> Result<Vec<HostGlob>, Failure> {
        let mut hosts: Vec<HostGlob> = names.iter().map(|name| HostGlob::new(name)).collect();
        for group in groups {
            let Some(members) = self.tables.host_groups.get(group.get_ref()) else {
                let known = self.tables.host_groups.keys().map(String::as_str);
                let help = nearest(group.get_ref(), known).map_or_else(
                    || "groups of hosts are in `[host-groups]`".to_owned(),
                    |nearest| format!("did you mean `{nearest}`?"),
                );
                let what = format!("there is no group of hosts `{}`", group.get_ref());
                return Err(self.source.failure(&group.span(), &what).help(help));
            };
            hosts.extend(members.iter().map(|name| HostGlob::new(name)));
        }
        Ok(hosts)
    }

    fn severity(&self, spanned: &Spanned<SeverityTable>) -> Result<Override, Failure> {
        let table = spanned.get_ref();
        let scope = Scope {
            rules: table.rules.clone(),
            tags: table.tags.clone(),
            techniques: table.techniques.clone(),
            without_sub_techniques: !table.sub_techniques,
            hosts: self.hosts(&table.hosts, &table.host_groups)?,
            accounts: accounts(&table.accounts),
        };
        if scope.is_empty() {
            let help = "name `rules`, `tags`, `techniques`, `hosts`, `host-groups` or `accounts`";
            let what = "a severity for every alert tells nothing";
            return Err(self.source.failure(&spanned.span(), what).help(help));
        }
        let (line, _) = self.source.place(spanned.span().start);
        let reason = table
            .reason
            .clone()
            .unwrap_or_else(|| format!("`[[severity]]` of line {line} of {}", super::NAME));
        Ok(Override { scope, severity: table.severity, reason })
    }

    fn exclusion(&self, spanned: &Spanned<ExclusionTable>) -> Result<Exclusion, Failure> {
        let table = spanned.get_ref();
        let wrong = |what: String| self.source.failure(&spanned.span(), &what);
        let name = &table.name;
        if name.trim().is_empty() || table.reason.trim().is_empty() {
            return Err(wrong("an exclusion needs a `name` and a `reason`".to_owned())
                .help("reports name it and say why; in a year nobody knows otherwise"));
        }
        let scope = Scope {
            rules: table.rules.clone(),
            tags: table.tags.clone(),
            techniques: table.techniques.clone(),
            without_sub_techniques: !table.sub_techniques,
            hosts: self.hosts(&table.hosts, &table.host_groups)?,
            accounts: accounts(&table.accounts),
        };
        let filters = self.filters(table)?;
        let expires = table.expires.as_ref().map(|day| self.day(day)).transpose()?;
        let exclusion =
            Exclusion { name: name.clone(), reason: table.reason.clone(), expires, scope, filters };
        if exclusion.hides_everything() {
            let is_nothing = exclusion.scope.is_empty() && exclusion.filters.is_empty();
            let help = if is_nothing {
                "name `rules`, `tags`, `techniques`, `hosts`, `host-groups`, `accounts`, `fields` or a `filter`"
            } else {
                "everything fits a pattern of wildcards alone, such as `*`; name something beside it, or in its place"
            };
            return Err(wrong(format!("the exclusion `{name}` would hide every alert")).help(help));
        }
        Ok(exclusion)
    }

    fn day(&self, day: &Spanned<Datetime>) -> Result<Date, Failure> {
        let text = day.get_ref().to_string();
        text.parse::<Date>().ok().filter(|_| day.get_ref().time.is_none()).ok_or_else(|| {
            let what = format!("`{text}` is not a day");
            self.source.failure(&day.span(), &what).help("write the last day on which it holds: 2027-06-30")
        })
    }

    /// The Sigma filters of an exclusion.
    fn filters(&self, table: &ExclusionTable) -> Result<Vec<Filter>, Failure> {
        let mut filters = Vec::new();
        if let Some(fields) = &table.fields {
            // JSON is YAML, so that the values mean what they mean in a rule.
            let document = json!({
                "title": table.name,
                "filter": {"rules": "any", "selection": fields.get_ref(), "condition": "not selection"},
            });
            let read = read_filters(&document.to_string());
            let told = |(_, what): (usize, String)| {
                let help = "fields, modifiers and values are written as in a Sigma rule";
                self.source.failure(&fields.span(), &what).help(help)
            };
            filters.extend(read.map_err(told)?);
        }
        if let Some(text) = &table.filter {
            let read = read_filters(text.get_ref());
            let told = |(line, what)| {
                self.source.failure(&text.span(), &format!("line {line} of the filter: {what}"))
            };
            filters.extend(read.map_err(told)?);
        }
        if let Some(path) = &table.filter_file {
            let file = self.folder.join(path.get_ref());
            let wrong = |what: &str| {
                self.source.failure(&path.span(), &format!("cannot use `{}`: {what}", file.display()))
            };
            let text =
                std::fs::read_to_string(&file).map_err(|error| wrong(&error.to_string().to_lowercase()))?;
            let told = |(line, what)| wrong(&format!("line {line}: {what}"));
            filters.extend(read_filters(&text).map_err(told)?);
        }
        match (&table.fields, &table.filter, &table.filter_file) {
            (Some(fields), Some(_), _) | (Some(fields), _, Some(_)) => {
                let what = "an exclusion has either `fields` or a filter";
                let help = "write the fields into the filter, or make two exclusions";
                Err(self.source.failure(&fields.span(), what).help(help))
            }
            _ => Ok(filters),
        }
    }
}

/// The filters of a text, or the line and the words of what is wrong with it.
fn read_filters(text: &str) -> Result<Vec<Filter>, (usize, String)> {
    let read = Collection::parse(text, &Placeholders::default());
    let refused = read.refused.iter().map(|refused| &refused.reason);
    let wrong = refused.chain(read.diagnostics.iter().filter(|problem| problem.is_error()));
    if let Some(problem) = { wrong }.next() {
        return Err((line(problem), problem.message.clone()));
    }
    if !read.rules.is_empty() || !read.correlations.is_empty() {
        return Err((1, "there are rules in it, and only filters belong here".to_owned()));
    }
    if read.filters.is_empty() {
        return Err((1, "there is no Sigma filter in it".to_owned()));
    }
    Ok(read.filters)
}

fn line(problem: &Diagnostic) -> usize {
    usize::try_from(problem.place.line).unwrap_or(1)
}

fn accounts(names: &[String]) -> Vec<AccountGlob> {
    names.iter().map(|name| AccountGlob::new(name)).collect()
}
