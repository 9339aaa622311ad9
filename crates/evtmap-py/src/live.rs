//! `live`: the event log of this Windows computer, as an input of a scan.

use evtmap::input::Unopened;
use evtmap_live::{Channels, LiveError, Order, Query};
use pyo3::prelude::*;

use crate::error::{Class, Problem};

/// Channels of a running event log, as :func:`evtmap.live` gives them.
///
/// It is given to :func:`evtmap.map`, :meth:`Scanner.map` and :meth:`Scanner.scan` in the place of files, and can
/// be given to several: each reads what is there then.
#[pyclass(frozen, module = "evtmap")]
pub(crate) struct LiveLog {
    query: Query,
}

impl LiveLog {
    /// What arguments stand for, which are those of `live`.
    pub(crate) fn new(channels: Vec<String>, query: Query) -> PyResult<Self> {
        let log = Self { query: Query { channels: Channels::named(channels), ..query } };
        // Whether this is a Windows that answers is told where it is asked for, and not at the first scan.
        log.logs()?;
        Ok(log)
    }

    /// The logs to be read.
    pub(crate) fn logs(&self) -> PyResult<Vec<Box<dyn Unopened>>> {
        self.query.logs().map_err(|error| raise(&error))
    }
}

#[pymethods]
impl LiveLog {
    fn __repr__(&self) -> String {
        let channels = match &self.query.channels {
            Channels::All => "'all'".to_owned(),
            Channels::Named(names) => format!("{names:?}"),
        };
        let is_backwards = if self.query.order == Order::NewestFirst { ", newest_first=True" } else { "" };
        format!("evtmap.live({channels}{is_backwards})")
    }
}

fn raise(error: &LiveError) -> PyErr {
    Problem {
        message: format!("cannot read the event log: {error}"),
        code: Some(error.code),
        help: Some(error.help),
        ..Problem::default()
    }
    .raise(Class::Input)
}
