//! Output files: each appears whole or not at all.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use evtmap::Prepared;
use evtmap::alert::Alert;
use evtmap::report::{FORMATS, Format, NameError, Pen, ReportOptions, Writer};
use evtmap::triage::Report;
use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::failure::Failure;
use crate::pending::Pending;

/// The name of a report with the day and time of the run in place of `{date}` and `{time}`, in UTC: so that what runs
/// every day keeps what it wrote the day before.
pub(crate) fn dated(path: &Path, now: Timestamp) -> PathBuf {
    let Some(name) = path.to_str().filter(|name| name.contains('{')) else { return path.to_owned() };
    let [date, time] = ["%Y-%m-%d", "%H%M%S"].map(|pattern| now.strftime(pattern).to_string());
    name.replace("{date}", &date).replace("{time}", &time).into()
}

/// A report that is being written somewhere.
pub(crate) struct Output {
    name: String,
    /// Which of the outputs it is, in the order of the command line.
    number: usize,
    writer: Box<dyn Writer>,
    /// The file to be put in place at the end; none for standard output and for devices.
    pending: Option<(Rc<RefCell<BufWriter<NamedTempFile>>>, PathBuf)>,
}

impl Output {
    /// Begins a report in a file, or on standard output for `-`.
    pub(crate) fn open(
        number: usize,
        path: &Path,
        format: &Format,
        options: &ReportOptions,
    ) -> Result<Self, Failure> {
        let name = path.display().to_string();
        if name == "-" {
            let out = Box::new(BufWriter::new(io::stdout()));
            let writer = format.open(out, options).map_err(|error| Failure::output(&name, &error))?;
            return Ok(Self { name, number, writer, pending: None });
        }
        // A device or a pipe is written to as it is; only a file can be replaced as a whole.
        let is_special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        let opened = if is_special { open_special(path) } else { open_pending(path) };
        let begun = opened.and_then(|(out, pending)| Ok((format.open(out, options)?, pending)));
        let (writer, pending) = begun.map_err(|error| Failure::output(&name, &error))?;
        Ok(Self { name, number, writer, pending })
    }

    /// Whether the report goes to standard output.
    pub(crate) fn is_stdout(&self) -> bool {
        self.name == "-"
    }

    /// Writes an alert.
    pub(crate) fn alert(&mut self, alert: &Alert) -> Result<(), Failure> {
        self.writer.alert(alert).map_err(|error| Failure::output(&self.name, &error))
    }

    /// Writes the alerts of a batch, of which lines may have been made for each output.
    pub(crate) fn batch(&mut self, alerts: &[Alert], prepared: &Prepared) -> Result<(), Failure> {
        match prepared.lines.get(self.number) {
            Some(Some(Ok(lines))) => {
                self.writer.lines(lines).map_err(|error| Failure::output(&self.name, &error))
            }
            Some(Some(Err(error))) => Err(Failure::output(&self.name, error)),
            Some(None) | None => alerts.iter().try_for_each(|alert| self.alert(alert)),
        }
    }

    /// What makes the output's lines on any thread, and which output it is.
    pub(crate) fn pen(&self) -> (usize, Option<Box<dyn Pen>>) {
        (self.number, self.writer.pen())
    }

    /// Writes what stands at the end and puts the file in its place.
    pub(crate) fn finish(mut self, report: &Report<'_>) -> Result<(), Failure> {
        let name = self.name.clone();
        let written = self.writer.finish(report);
        written.and_then(|()| self.put_in_place()).map_err(|error| Failure::output(&name, &error))
    }

    fn put_in_place(self) -> io::Result<()> {
        let Self { writer, pending, .. } = self;
        // The format's share of the file must be gone before the file can be taken out.
        drop(writer);
        let Some((shared, path)) = pending else { return Ok(()) };
        let Some(buffer) = Rc::into_inner(shared) else { return Ok(()) };
        place(buffer.into_inner(), path)
    }
}

/// Puts a file in its place as a whole.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (_, pending) = open_pending(path)?;
    let Some((shared, path)) = pending else { return Ok(()) };
    shared.borrow_mut().write_all(bytes)?;
    let Some(buffer) = Rc::into_inner(shared) else { return Ok(()) };
    place(buffer.into_inner(), path)
}

/// What was written is on the disk before it takes the place of what was there.
fn place(buffer: BufWriter<NamedTempFile>, path: PathBuf) -> io::Result<()> {
    let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    let mut pending = Pending::lock();
    let own = file.path().to_owned();
    file.persist(path).map_err(|error| error.error)?;
    pending.forget(&own);
    Ok(())
}

type Opened = (Box<dyn Write>, Option<(Rc<RefCell<BufWriter<NamedTempFile>>>, PathBuf)>);

fn open_special(path: &Path) -> io::Result<Opened> {
    let file = File::options().write(true).open(path)?;
    Ok((Box::new(BufWriter::new(file)), None))
}

fn open_pending(path: &Path) -> io::Result<Opened> {
    // Who has made a link wants the file written that it leads to, wherever that is.
    let linked = if path.is_symlink() { path.canonicalize().ok() } else { None };
    let path = linked.as_deref().unwrap_or(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".evtmap-").suffix(".partial");
    let file = create(&mut builder, folder, path)?;
    Pending::lock().add(file.path());
    let shared = Rc::new(RefCell::new(BufWriter::new(file)));
    Ok((Box::new(Shared(Rc::clone(&shared))), Some((shared, path.to_owned()))))
}

/// A new file in a folder, which those may read who may read the one at a path that it will replace; where there is
/// none, those whom the user's umask lets, as any new file, and not the owner alone.
#[cfg(unix)]
fn create(builder: &mut tempfile::Builder<'_, '_>, folder: &Path, path: &Path) -> io::Result<NamedTempFile> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    let replaced = path.metadata().ok().map(|metadata| metadata.permissions());
    builder.permissions(replaced.clone().unwrap_or_else(|| Permissions::from_mode(0o666)));
    let file = builder.tempfile_in(folder)?;
    // The umask has taken from these as well.
    if let Some(replaced) = replaced {
        file.as_file().set_permissions(replaced)?;
    }
    Ok(file)
}

#[cfg(not(unix))]
fn create(builder: &mut tempfile::Builder<'_, '_>, folder: &Path, _: &Path) -> io::Result<NamedTempFile> {
    builder.tempfile_in(folder)
}

/// The format's share of a file that we take back at the end.
struct Shared(Rc<RefCell<BufWriter<NamedTempFile>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

/// The format of each file: what its name says, or else what the user said. Where every name says one, he means
/// which of several whose files end alike.
pub(crate) fn formats_of(paths: &[PathBuf], asked: Option<&str>) -> Result<Vec<&'static Format>, Failure> {
    let asked = asked.and_then(Format::named);
    let told: Vec<_> = paths.iter().map(|path| Format::of_file(path, None)).collect();
    let is_for_others = told.iter().any(Result::is_err);
    let pairs = paths.iter().zip(told);
    pairs
        .map(|(path, told)| match told {
            Ok(format) if is_for_others => Ok(format),
            _ => Format::of_file(path, asked).map_err(|error| untold(path, error)),
        })
        .collect()
}

/// A name that does not tell the format, and what would.
fn untold(path: &Path, error: NameError) -> Failure {
    let names = |formats: &[&Format]| formats.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
    let name = path.display();
    if let NameError::Ambiguous(formats) = error {
        let first = formats.first().and_then(|format| Some((format.name, *format.endings.first()?)));
        let (format, ending) = first.unwrap_or_default();
        return Failure::new(format!("the name of `{name}` tells several formats: {}", names(&formats)))
            .help(format!("say which with `--format {format}`, or with an ending such as `.{ending}`"));
    }
    let what = if path.as_os_str() == "-" {
        "standard output needs `--format`".to_owned()
    } else {
        format!("the name of `{name}` does not tell the format")
    };
    Failure::new(what).help(format!("the formats are {}", names(&FORMATS.iter().collect::<Vec<_>>())))
}
