//! Alerts as JSON lines in a file, each once whatever kills the program, and rotated by size.
//!
//! The state says how long the file was when the sources stood where it says. What a kill leaves beyond that is
//! cut off at the next start and told again. A full file is rotated between two states: the first says that it
//! will be, the second that it was.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Health, Opened, Sink, SinkOptions, Told};
use crate::digest::digest;
use crate::error::WatchError;
use crate::own::split;
use crate::source::Identity;
use crate::state::{folder_of, sync_folder};

/// How many bytes before the end of a file are compared before anything after it is cut off.
const END_BYTES: u64 = 4096;

/// When a file is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The size in bytes from which on it is; never if there is none.
    pub n_bytes: Option<u64>,
    /// How many rotated files are kept.
    pub n_kept: u64,
}

/// What is remembered of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// The number that the file gets when it is rotated.
    number: u64,
    n_bytes: u64,
    /// A digest of what comes before the end.
    end: String,
    /// Whether it is to be rotated.
    is_full: bool,
}

struct FileSink {
    name: String,
    path: PathBuf,
    file: File,
    /// How much of the file is whole.
    n_bytes: u64,
    number: u64,
    rotation: Rotation,
    is_full: bool,
    /// What was taken and not written.
    buffer: Vec<u8>,
    /// How many alerts that is.
    n_waiting: u64,
}

pub(super) fn open(name: &str, options: SinkOptions) -> Opened {
    let path = PathBuf::from(name);
    let failed = |error: io::Error| WatchError::write(&path, &error);
    let mark = options.mark.map(serde_json::from_value::<Mark>).transpose().map_err(|error| {
        let message = format!("what was remembered of `{name}` is unreadable: {error}");
        WatchError::new("watch-state-damaged", message, "remove the state to begin anew")
    })?;
    let mut remarks = Vec::new();
    let number = match &mark {
        Some(mark) => adopt(&path, mark, &mut remarks).map_err(failed)?,
        None => last_number(&path).map_err(failed)? + 1,
    };
    let (file, n_bytes) = open_at_end(&path).map_err(failed)?;
    let sink = FileSink {
        name: name.to_owned(),
        file,
        n_bytes,
        number,
        rotation: options.rotation,
        is_full: false,
        buffer: Vec::new(),
        n_waiting: 0,
        path: path.clone(),
    };
    Ok((Box::new(sink), remarks))
}

/// Brings the file to what is remembered of it; gives its number.
fn adopt(path: &Path, mark: &Mark, remarks: &mut Vec<String>) -> io::Result<u64> {
    let shown = path.display();
    if mark.is_full {
        if rotated(path, mark.number).exists() {
            // It was rotated, and what is in its place was never remembered.
            cut(path, 0)?;
            return Ok(mark.number + 1);
        }
        cut(path, mark.n_bytes)?;
        return Ok(mark.number);
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if mark.n_bytes > 0 {
                remarks.push(format!("`{shown}` is gone; a new one is begun"));
            }
            return Ok(mark.number);
        }
        Err(error) => return Err(error),
    };
    let size = file.metadata()?.len();
    if size < mark.n_bytes || end_of(&mut file, mark.n_bytes)? != mark.end {
        remarks.push(format!(
            "`{shown}` is not the file that was written; alerts are appended, and the last of the earlier run may be there twice"
        ));
    } else if size > mark.n_bytes {
        cut(path, mark.n_bytes)?;
        remarks.push(format!(
            "{} bytes at the end of `{shown}` were written and not remembered; they are cut off and told again",
            size - mark.n_bytes
        ));
    }
    Ok(mark.number)
}

fn cut(path: &Path, n_bytes: u64) -> io::Result<()> {
    match File::options().write(true).open(path) {
        Ok(file) => {
            if file.metadata()?.len() > n_bytes {
                file.set_len(n_bytes)?;
                file.sync_all()?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_at_end(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
    let n_bytes = file.seek(SeekFrom::End(0))?;
    Ok((file, n_bytes))
}

/// A digest of what comes before a place in a file.
fn end_of(file: &mut File, end: u64) -> io::Result<String> {
    let start = end.saturating_sub(END_BYTES);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end - start).read_to_end(&mut bytes)?;
    Ok(digest(&bytes, 16))
}

/// The name of a rotated file: `alerts.7.jsonl`.
fn rotated(path: &Path, number: u64) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = split(&name);
    folder_of(path).join(format!("{stem}.{number}{ending}"))
}

/// The numbers of the rotated files that are there.
fn numbers(path: &Path) -> io::Result<Vec<u64>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = split(&name);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder_of(path))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        let number =
            number.and_then(|rest| rest.strip_suffix(ending)).and_then(|text| text.parse::<u64>().ok());
        numbers.extend(number);
    }
    Ok(numbers)
}

fn last_number(path: &Path) -> io::Result<u64> {
    Ok(numbers(path)?.into_iter().max().unwrap_or(0))
}

impl Sink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn take(&mut self, told: &Told<'_>) {
        self.buffer.extend_from_slice(told.line.as_bytes());
        self.buffer.push(b'\n');
        self.n_waiting += 1;
    }

    fn flush(&mut self) -> Result<(), WatchError> {
        self.write().map_err(|error| WatchError::write(&self.path, &error))
    }

    fn commit(&mut self) -> Result<Value, WatchError> {
        self.try_commit().map_err(|error| WatchError::write(&self.path, &error))
    }

    fn is_stored(&mut self) -> Result<(), WatchError> {
        if !self.is_full {
            return Ok(());
        }
        self.rotate().map_err(|error| WatchError::write(&self.path, &error))
    }

    fn health(&self) -> Health {
        Health { n_waiting: self.n_waiting, is_up: true, ..Health::default() }
    }
}

impl FileSink {
    fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        // What an earlier try wrote of it is written over.
        self.file.seek(SeekFrom::Start(self.n_bytes))?;
        self.file.write_all(&self.buffer)?;
        self.n_bytes += self.buffer.len() as u64;
        self.buffer.clear();
        self.n_waiting = 0;
        Ok(())
    }

    fn try_commit(&mut self) -> io::Result<Value> {
        self.write()?;
        self.file.sync_data()?;
        self.reopen_if_moved()?;
        self.is_full = self.rotation.n_bytes.is_some_and(|max| self.n_bytes >= max);
        let end = end_of(&mut self.file, self.n_bytes)?;
        let mark = Mark { number: self.number, n_bytes: self.n_bytes, end, is_full: self.is_full };
        Ok(serde_json::to_value(mark)?)
    }

    /// When somebody else rotated the file, a new one is begun at its path.
    fn reopen_if_moved(&mut self) -> io::Result<()> {
        let own = Identity::of(&self.file)?;
        if Identity::at(&self.path).is_ok_and(|(found, _)| found == own) {
            return Ok(());
        }
        (self.file, self.n_bytes) = open_at_end(&self.path)?;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, rotated(&self.path, self.number))?;
        (self.file, self.n_bytes) = open_at_end(&self.path)?;
        self.number += 1;
        self.is_full = false;
        let oldest_kept = self.number.saturating_sub(self.rotation.n_kept);
        for number in numbers(&self.path)?.into_iter().filter(|number| *number < oldest_kept) {
            fs::remove_file(rotated(&self.path, number))?;
        }
        sync_folder(folder_of(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{alert, options};
    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn path(&self) -> PathBuf {
            self.0.path().join("alerts.jsonl")
        }

        fn open(&self, mark: Option<Value>) -> (Box<dyn Sink>, Vec<String>) {
            let rotation = Rotation { n_bytes: Some(20), n_kept: 2 };
            let options = SinkOptions { mark, rotation, ..options() };
            open(self.path().to_str().unwrap(), options).unwrap()
        }

        fn texts(&self) -> Vec<String> {
            let mut paths: Vec<PathBuf> =
                fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            let text = |path: &PathBuf| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                format!("{name}: {}", fs::read_to_string(path).unwrap().replace('\n', " "))
            };
            paths.iter().map(text).collect()
        }
    }

    fn take(sink: &mut dyn Sink, line: &str) {
        sink.take(&Told { alert: &alert(), id: "", line });
        sink.flush().unwrap();
    }

    #[test]
    fn what_was_not_remembered_is_cut_off() {
        let place = Place(tempfile::tempdir().unwrap());
        let (mut sink, _) = place.open(None);
        take(&mut *sink, "one");
        let mark = sink.commit().unwrap();
        take(&mut *sink, "two");
        drop(sink);
        let (mut sink, remarks) = place.open(Some(mark));
        assert_eq!(remarks.len(), 1);
        take(&mut *sink, "two again");
        assert_eq!(place.texts(), ["alerts.jsonl: one two again "]);
    }

    #[test]
    fn a_file_of_somebody_else_is_not_cut() {
        let place = Place(tempfile::tempdir().unwrap());
        let (mut sink, _) = place.open(None);
        take(&mut *sink, "one");
        let mark = sink.commit().unwrap();
        drop(sink);
        fs::write(place.path(), "another text\n").unwrap();
        let (_sink, remarks) = place.open(Some(mark));
        assert!(remarks[0].contains("not the file that was written"), "{remarks:?}");
        assert_eq!(place.texts(), ["alerts.jsonl: another text "]);
    }

    #[test]
    fn a_full_file_is_rotated_and_the_oldest_goes() {
        let place = Place(tempfile::tempdir().unwrap());
        let (mut sink, _) = place.open(None);
        for number in 1..=5 {
            take(&mut *sink, &format!("a line of so many bytes {number}"));
            sink.commit().unwrap();
            sink.is_stored().unwrap();
        }
        let line = |number: u32| format!("alerts.{number}.jsonl: a line of so many bytes {number} ");
        assert_eq!(place.texts(), [line(4), line(5), "alerts.jsonl: ".to_owned()]);
    }

    /// A kill before, within and after the rotation.
    #[test]
    fn a_rotation_is_done_once() {
        let line = "a line of so many bytes";
        for has_rotated in [false, true] {
            let place = Place(tempfile::tempdir().unwrap());
            let (mut sink, _) = place.open(None);
            take(&mut *sink, line);
            let mark = sink.commit().unwrap();
            if has_rotated {
                sink.is_stored().unwrap();
            }
            take(&mut *sink, "told and not remembered");
            drop(sink);
            let (mut sink, _) = place.open(Some(mark));
            take(&mut *sink, "told again");
            let mut texts = place.texts();
            if !has_rotated {
                // It is done with the next state.
                sink.commit().unwrap();
                sink.is_stored().unwrap();
                texts = place.texts();
                assert_eq!(
                    texts,
                    [format!("alerts.1.jsonl: {line} told again "), "alerts.jsonl: ".to_owned()]
                );
            } else {
                assert_eq!(
                    texts,
                    [format!("alerts.1.jsonl: {line} "), "alerts.jsonl: told again ".to_owned()]
                );
            }
        }
    }
}
