//! Reading and compiling rules: `cargo bench -p evtmap-sigma`.
//!
//! With SigmaHQ's archive beside the project its rules for Windows are read, otherwise the project's own as
//! often as they make about as many. The column of allocations shows the peak memory.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]
#![expect(clippy::print_stderr, reason = "a benchmark says what it measures")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use divan::Bencher;
use evtmap_sigma::{Collection, EngineBuilder, Placeholders, Rule};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

/// About as many rules for Windows as SigmaHQ has.
const N_RULES: usize = 2_858;

fn main() {
    divan::main();
}

/// Parsing and compiling, from text to rules that can be asked.
#[divan::bench(sample_count = 20)]
fn parse_and_compile(bencher: Bencher<'_, '_>) {
    let texts = texts();
    bencher.bench(|| load(&texts));
}

/// All rules in one engine: more than any bucket ever holds.
#[divan::bench(sample_count = 10)]
fn build_one_engine(bencher: Bencher<'_, '_>) {
    let rules = load(&texts());
    bencher.bench(|| {
        let mut builder = EngineBuilder::default();
        for (rule, number) in rules.iter().zip(0..) {
            builder.add(number, rule.compiled(), &[], &|field| vec![field.to_owned()]);
        }
        builder.build()
    });
}

fn load(texts: &[String]) -> Vec<Rule> {
    let placeholders = Placeholders::default();
    texts.iter().flat_map(|text| Collection::parse(text, &placeholders).rules).collect()
}

fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let archive = root.join("../shared/data/sigma/sigma-master.tar.gz");
    let texts = if archive.exists() { sigmahq(&archive) } else { own(&root.join("rules")) };
    eprintln!("{} rule files", texts.len());
    texts
}

fn sigmahq(archive: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(File::open(archive).unwrap()));
    let mut texts = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let folder = path.split('/').nth(1).unwrap_or_default();
        let mut text = String::new();
        if path.ends_with(".yml") && folder.starts_with("rules") {
            entry.read_to_string(&mut text).unwrap();
        }
        if text.contains("product: windows") {
            texts.push(text);
        }
    }
    texts
}

fn own(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts.sort();
    let n_texts = texts.len();
    texts.into_iter().cycle().take(N_RULES.next_multiple_of(n_texts)).collect()
}
