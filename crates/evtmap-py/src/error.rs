//! Errors and warnings as Python has them: classes of `evtmap`, with file, line and help.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// What goes wrong, by the class that says so.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    Input,
    Rules,
    Attack,
    Option,
    Update,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "InputError",
            Self::Rules => "RulesError",
            Self::Attack => "AttackError",
            Self::Option => "OptionError",
            Self::Update => "UpdateError",
        }
    }
}

/// What is wrong, and where.
#[derive(Default)]
pub(crate) struct Problem<'a> {
    pub(crate) message: String,
    pub(crate) code: Option<&'a str>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u64>,
    pub(crate) help: Option<&'a str>,
}

impl Problem<'_> {
    /// The exception that says so.
    pub(crate) fn raise(self, class: Class) -> PyErr {
        Python::attach(|py| {
            let made = (|| {
                let details = PyDict::new(py);
                details.set_item("code", self.code)?;
                details.set_item("file", self.file)?;
                details.set_item("line", self.line)?;
                details.set_item("help", self.help.filter(|help| !help.is_empty()))?;
                module(py)?.getattr(class.name())?.call((self.message,), Some(&details))
            })();
            made.map_or_else(|error| error, PyErr::from_value)
        })
    }
}

/// An option that cannot be what it is.
pub(crate) fn option(message: impl Into<String>, help: &str) -> PyErr {
    Problem { message: message.into(), help: Some(help), ..Problem::default() }.raise(Class::Option)
}

/// A file that cannot be read.
pub(crate) fn input(error: &evtmap::input::InputError) -> PyErr {
    Problem {
        message: error.to_string(),
        code: Some(error.code),
        file: Some(error.path.display().to_string()),
        line: None,
        help: Some(error.help),
    }
    .raise(Class::Input)
}

/// Rules that cannot be read at all.
pub(crate) fn rules(error: &evtmap::rules::RulesError) -> PyErr {
    let file = Some(error.path.display().to_string());
    Problem { message: error.to_string(), file, ..Problem::default() }.raise(Class::Rules)
}

/// What went wrong in an output.
pub(crate) fn output(error: std::io::Error) -> PyErr {
    PyErr::from(error)
}

/// The classes of warnings.
#[derive(Clone, Copy)]
pub(crate) enum Warning {
    Rules,
    Records,
    Input,
}

/// Warns by way of Python's `warnings`, which may make an exception of it.
pub(crate) fn warn(py: Python<'_>, warning: Warning, message: &str) -> PyResult<()> {
    let name = match warning {
        Warning::Rules => "RuleWarning",
        Warning::Records => "RecordWarning",
        Warning::Input => "InputWarning",
    };
    let class = module(py)?.getattr(name)?.cast_into::<PyType>()?;
    // What a C string cannot hold is no part of a message for people.
    let message = std::ffi::CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
    PyErr::warn(py, &class, &message, 1)
}

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("evtmap._errors").map(Bound::unbind))?;
    Ok(module.bind(py))
}
