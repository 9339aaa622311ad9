//! `evtmap rules check`: what is wrong or doubtful in rules.

use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use evtmap::Catalogue;
use evtmap::authoring::RuleKnowledge;
use evtmap::rules::RuleFile;
use evtmap::sigma::{Checked, Code, Collection, Correlation, Finding, Gravity, Lint, Linter, Plan, Rule};
use serde_json::{Value as Json, json};

use super::{pipelines, print, sarif, snippet};
use crate::commands::read_placeholders;
use crate::failure::Failure;
use crate::stock::Cache;
use crate::terminal::{HEADING, counted, plain};

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  evtmap rules check rules/
  evtmap rules check rules/ --deny warnings
  evtmap rules check my_rule.yml --fix
  evtmap rules check rules/ --format sarif > findings.sarif

Exit status:
  0  nothing that is denied was found    1  something was    2  the rules could not be read")]
pub(crate) struct CheckArgs {
    /// Rule files, folders, or archives (.tar.gz, .zip); the rules in use by default
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How to write what is found
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,

    /// Mend in the files what is mechanical; the rules match the same events as before
    #[arg(long)]
    fix: bool,

    /// Exit with status 1 for these too, and not only for errors
    #[arg(long, value_enum, value_name = "GRAVITY")]
    deny: Option<Denied>,

    /// Tell nothing less grave
    #[arg(long, value_enum, default_value_t = Least::Remark, value_name = "GRAVITY")]
    min: Least,

    /// Values for the placeholders of rules: a YAML map of names to lists
    #[arg(long, value_name = "FILE")]
    placeholders: Option<PathBuf>,

    /// Leave out what has this code; may be given several times
    #[arg(long, value_name = "CODE")]
    allow: Vec<String>,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines that are meant
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, which code hosts show beside the lines
    Sarif,
}

/// What may be denied beside errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Denied {
    /// Warnings
    Warnings,
    /// Warnings and remarks
    Remarks,
}

/// The least grave of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Least {
    /// Everything
    Remark,
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
}

impl Least {
    fn gravity(self) -> Gravity {
        match self {
            Self::Remark => Gravity::Remark,
            Self::Warning => Gravity::Warning,
            Self::Error => Gravity::Error,
        }
    }
}

/// A file and what was found in it.
pub(super) struct CheckedFile {
    pub(super) file: RuleFile,
    pub(super) findings: Vec<Finding>,
}

/// How much was looked at and found.
#[derive(Default)]
struct Account {
    n_rules: usize,
    n_correlations: usize,
    n_filters: usize,
    n_refused: usize,
    n_errors: usize,
    n_warnings: usize,
    n_remarks: usize,
    n_mendable: usize,
    n_mended: usize,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs, cache: &Cache) -> Result<ExitCode, Failure> {
    reject_unknown(&args.allow)?;
    let mut files = cache.rules(&args.paths)?.files()?;
    let catalogue = Catalogue::bundled();
    let knowledge = RuleKnowledge::new(&catalogue, &pipelines()?);
    let placeholders = read_placeholders(args.placeholders.as_deref())?;
    let mut account = Account::default();
    if args.fix {
        let linter = Linter::new(&knowledge, &placeholders);
        for file in &mut files {
            account.n_mended += usize::from(mend(&linter, file)?);
        }
    }
    let mut linter = Linter::new(&knowledge, &placeholders);
    let least = args.min.gravity();
    let checked: Vec<Checked> = files.iter().map(|file| linter.check(&file.path, &file.text)).collect();
    let mut linked = link(&files, &checked);
    let is_told =
        |finding: &Finding| finding.gravity >= least && !args.allow.iter().any(|code| code == finding.code);
    let mut checked_files = Vec::new();
    for (index, (file, checked)) in files.into_iter().zip(checked).enumerate() {
        account.count(&checked.collection);
        let mut findings = checked.findings;
        findings.extend(linked.remove(&index).unwrap_or_default());
        findings.retain(is_told);
        account.add(&findings);
        checked_files.push(CheckedFile { file, findings });
    }
    match args.format {
        Format::Text => print_text(&checked_files, &account)?,
        Format::Json => print(&pretty(&json(&checked_files, &account))?)?,
        Format::Sarif => print(&pretty(&sarif::log(&checked_files))?)?,
    }
    Ok(if account.is_denied(args.deny) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What is wrong with correlations beside the rules of all files, by the index of the correlation's file.
fn link(files: &[RuleFile], checked: &[Checked]) -> HashMap<usize, Vec<Finding>> {
    let rules: Vec<&Rule> = checked.iter().flat_map(|checked| &checked.collection.rules).collect();
    let owned = checked.iter().enumerate();
    let owned = owned.flat_map(|(index, checked)| {
        checked.collection.correlations.iter().map(move |correlation| (index, correlation))
    });
    let (owners, correlations): (Vec<usize>, Vec<&Correlation>) = owned.unzip();
    let (_, problems) = Plan::link(&rules, &correlations);
    let mut findings: HashMap<usize, Vec<Finding>> = HashMap::new();
    for problem in problems {
        let owner = owners.get(problem.correlation).copied().unwrap_or_default();
        let text = files.get(owner).map(|file| file.text.as_str()).unwrap_or_default();
        findings.entry(owner).or_default().push(Finding::of(&problem.diagnostic, text));
    }
    findings
}

/// A code that does not exist leaves nothing out, and whoever gave it believes otherwise.
fn reject_unknown(codes: &[String]) -> Result<(), Failure> {
    let known = |code: &&String| {
        Lint::all().any(|lint| lint.code == **code) || Code::ALL.iter().any(|known| known.as_str() == **code)
    };
    match codes.iter().find(|code| !known(code)) {
        Some(code) => Err(Failure::new(format!("there is no code `{code}`"))
            .help("the code stands in brackets before what is told, such as `unused-selection`")),
        None => Ok(()),
    }
}

impl Account {
    fn count(&mut self, collection: &Collection) {
        self.n_rules += collection.rules.len();
        self.n_correlations += collection.correlations.len();
        self.n_filters += collection.filters.len();
        self.n_refused += collection.refused.len();
    }

    fn add(&mut self, findings: &[Finding]) {
        let of = |gravity: Gravity| findings.iter().filter(|finding| finding.gravity == gravity).count();
        self.n_errors += of(Gravity::Error);
        self.n_warnings += of(Gravity::Warning);
        self.n_remarks += of(Gravity::Remark);
        self.n_mendable += findings.iter().filter(|finding| finding.fix.is_some()).count();
    }

    fn is_denied(&self, deny: Option<Denied>) -> bool {
        self.n_errors > 0
            || deny.is_some() && self.n_warnings > 0
            || deny == Some(Denied::Remarks) && self.n_remarks > 0
    }

    fn in_words(&self) -> String {
        let count = |n: usize, noun: &str| counted(n as u64, noun);
        let mut text = format!(
            "{HEADING}{}, {} and {} loaded, {} refused{HEADING:#}: {}, {}, {}\n",
            count(self.n_rules, "rule"),
            count(self.n_correlations, "correlation"),
            count(self.n_filters, "filter"),
            count(self.n_refused, "document"),
            count(self.n_errors, "error"),
            count(self.n_warnings, "warning"),
            count(self.n_remarks, "remark"),
        );
        if self.n_mended > 0 {
            text += &format!("{} mended\n", count(self.n_mended, "file"));
        }
        if self.n_mendable > 0 {
            text += &format!("`--fix` mends {} of these\n", self.n_mendable);
        }
        text
    }
}

fn print_text(files: &[CheckedFile], account: &Account) -> Result<(), Failure> {
    for CheckedFile { file, findings } in files {
        let lines: Vec<&str> = file.text.lines().collect();
        for finding in findings {
            print(&format!("{}\n", snippet::render(&file.path, &lines, finding)))?;
        }
    }
    print(&account.in_words())
}

fn json(files: &[CheckedFile], account: &Account) -> Json {
    let findings: Vec<Json> = files
        .iter()
        .flat_map(|checked| checked.findings.iter().map(|finding| finding_json(&checked.file.path, finding)))
        .collect();
    json!({
        "rules": account.n_rules,
        "correlations": account.n_correlations,
        "filters": account.n_filters,
        "refused": account.n_refused,
        "errors": account.n_errors,
        "warnings": account.n_warnings,
        "remarks": account.n_remarks,
        "mended_files": account.n_mended,
        "findings": findings,
    })
}

fn finding_json(path: &str, finding: &Finding) -> Json {
    let place = |place: evtmap::sigma::Place| json!({"line": place.line, "column": place.column});
    let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
    let edits: Vec<Json> = edits
        .map(|edit| json!({"start": edit.start, "end": edit.end, "replacement": edit.replacement}))
        .collect();
    json!({
        "path": path,
        "code": finding.code,
        "gravity": finding.gravity.as_str(),
        "message": finding.message,
        "help": finding.help,
        "start": place(finding.place),
        "end": place(finding.end),
        "edits": edits,
    })
}

/// JSON for people to read too.
pub(super) fn pretty(json: &Json) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(json).map_err(|error| Failure::new(error.to_string()))?;
    Ok(text + "\n")
}

/// Mends a file in its place; says whether it changed.
fn mend(linter: &Linter<'_>, file: &mut RuleFile) -> Result<bool, Failure> {
    let path = PathBuf::from(&file.path);
    // Members of archives are left alone, and so is what is not UTF-8 and was read with losses.
    if !path.is_file() || !fs::read(&path).is_ok_and(|bytes| bytes == file.text.as_bytes()) {
        return Ok(false);
    }
    let mended = linter.mend(&file.path, &file.text);
    if mended == file.text {
        return Ok(false);
    }
    replace(&path, &mended).map_err(|error| Failure::output(&plain(&file.path), &error))?;
    file.text = mended;
    Ok(true)
}

/// Puts a text in the place of a file as a whole, with the permissions that it had.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // What a link points to is replaced, and not the link.
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".evtmap-").suffix(".partial").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    fs::set_permissions(file.path(), fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
