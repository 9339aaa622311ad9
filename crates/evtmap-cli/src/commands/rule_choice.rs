//! Which rules and which ATT&CK are used: the options that all commands have which look for detections.

use std::io;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use evtmap::alert::Alert;
use evtmap::policy::Policy;
use evtmap::{Associations, Findings, Pipelines, Progress, Rules, ScanAccount, ScanOptions, Scanner, Sink};
use indicatif::ProgressBar;

use super::reading::ReadingArgs;
use crate::commands::read_placeholders;
use crate::config::Config;
use crate::failure::Failure;
use crate::progress;
use crate::stock::{AttackStock, Cache, RuleStock};

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RuleArgs {
    /// Sigma rules to use instead of the cache's or the program's: a file, a folder, a .tar.gz or .zip
    #[arg(long, value_name = "PATH", help_heading = "Rules and ATT&CK")]
    rules: Vec<PathBuf>,

    /// Show rules about Sysmon's events only these, and not what Windows itself logs in their place
    #[arg(long, help_heading = "Rules and ATT&CK")]
    no_derived: bool,

    /// Where more log sources are found: a processing pipeline in pySigma's format
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    pipeline: Vec<PathBuf>,

    /// Values for the placeholders of rules: a YAML map such as `Servers: [SRV01, DC01]`
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    placeholders: Option<PathBuf>,

    /// A STIX bundle of ATT&CK to use instead of the cache's or the program's
    #[arg(long, value_name = "FILE", help_heading = "Rules and ATT&CK")]
    attack: Option<PathBuf>,

    /// Read all rules afresh, and keep nothing of them for the next run
    #[arg(long, help_heading = "Rules and ATT&CK")]
    no_rule_cache: bool,
}

impl RuleArgs {
    /// What the configuration says where the command line says nothing.
    pub(super) fn of(config: &Config) -> Self {
        let mut args = Self::default();
        args.fill(config);
        args
    }

    /// Takes from the configuration what was not said; which rules are used the cache knows.
    pub(crate) fn fill(&mut self, config: &Config) {
        let table = &config.tables.rules;
        let pipelines = table.pipelines.iter().map(|path| config.resolve(path));
        self.pipeline = pipelines.chain(self.pipeline.drain(..)).collect();
        let placeholders = || table.placeholders.as_ref().map(|path| config.resolve(path));
        self.placeholders = self.placeholders.take().or_else(placeholders);
    }
}

impl RuleArgs {
    /// The files and folders that they name.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.rules.iter().chain(&self.pipeline).chain(&self.placeholders).chain(&self.attack)
    }
}

/// Rules and ATT&CK, ready to be asked.
pub(super) struct Choice {
    pub(super) rules: Rules,
    pub(super) stock: RuleStock,
    pub(super) attack: AttackStock,
    pub(super) findings: Findings,
}

impl Choice {
    /// Reads the rules and the catalogue that the user chose.
    pub(super) fn load(args: &RuleArgs, cache: &Cache) -> Result<Self, Failure> {
        // Neither needs the other, and somebody is waiting.
        let (attack, loaded) = thread::scope(|scope| {
            let attack = scope.spawn(|| load_attack(args, cache));
            let loaded = load_rules(args, cache);
            (attack.join(), loaded)
        });
        let failed = |_| Failure::new("ATT&CK could not be read: the reader failed");
        let (attack, associations) = attack.map_err(failed)??;
        let (rules, stock) = loaded?;
        let findings = Findings::new(&rules, associations, &attack.catalogue);
        Ok(Self { rules, stock, attack, findings })
    }

    /// Looks for what the rules find in inputs, and gives each alert to `take`.
    pub(super) fn scan(
        &self,
        reading: &ReadingArgs,
        options: ScanOptions,
        policy: Option<&Policy>,
        take: impl FnMut(&Alert),
    ) -> Result<ScanAccount, Failure> {
        let found = reading.found(&options)?;
        let mut taking = Taking { take, bar: progress::bar(&found, reading.quiet) };
        let scanner = Scanner::new(&self.rules, &self.findings, options).with_policy(policy);
        let scanned = scanner.scan(&found, &mut taking);
        taking.bar.finish_and_clear();
        scanned.map_err(|error| Failure::new(error.to_string()))
    }
}

/// Gives alerts on, and shows how far the scan has come.
struct Taking<F> {
    take: F,
    bar: ProgressBar,
}

impl<F: FnMut(&Alert)> Sink for Taking<F> {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        (self.take)(alert);
        Ok(())
    }

    fn progress(&mut self, progress: Progress) -> io::Result<()> {
        progress::show(&self.bar, progress);
        Ok(())
    }
}

/// ATT&CK as it is in use, and what events may hint at in it.
fn load_attack(args: &RuleArgs, cache: &Cache) -> Result<(AttackStock, Associations), Failure> {
    let attack = cache.attack(args.attack.as_deref())?;
    let associations = Associations::bundled().map_err(|error| Failure::new(error.to_string()))?;
    Ok((attack, associations))
}

/// The rules in use, and where they are from.
fn load_rules(args: &RuleArgs, cache: &Cache) -> Result<(Rules, RuleStock), Failure> {
    let stock = cache.rules(&args.rules)?;
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let compiled = if args.no_rule_cache { None } else { cache.compiled() };
    let rules = Rules::load_cached(&stock.sources, &pipelines(args)?, &placeholders, compiled.as_ref())?;
    if rules.rules().is_empty() {
        return Err(Failure::new(format!("no rule of {} can be used", stock.origins.join(", ")))
            .help(first_reason(&rules)));
    }
    Ok((rules, stock))
}

/// Where log sources are found, with what the user adds.
fn pipelines(args: &RuleArgs) -> Result<Pipelines, Failure> {
    let mut pipelines = Pipelines::bundled().map_err(|problem| Failure::new(problem.to_string()))?;
    for path in &args.pipeline {
        let name = path.display();
        let problem = |message: String, help: &str| {
            Failure::new(format!("cannot use `{name}` as a pipeline: {message}")).help(help)
        };
        let text =
            std::fs::read_to_string(path).map_err(|error| problem(error.to_string().to_lowercase(), ""))?;
        pipelines
            .add(&text)
            .map_err(|found| problem(format!("line {}: {}", found.place.line, found.message), &found.help))?;
    }
    if args.no_derived {
        pipelines.remove_derived();
    }
    Ok(pipelines)
}

fn first_reason(rules: &Rules) -> String {
    match rules.skipped().first() {
        Some(rule) => format!("{}: {} ({})", rule.path, rule.reason.as_str(), rule.detail),
        None => "there is no rule in them".to_owned(),
    }
}
