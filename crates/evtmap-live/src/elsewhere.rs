//! What stands in the place of Windows' event log where there is none: nothing can be opened.
//!
//! Its types have no values, so that what is done with them is never reached and needs no answer.

use std::time::Duration;

use crate::error::Code;
use crate::value::Buffer;

/// Something that does not exist here.
enum Nothing {}

pub(crate) struct Session(Nothing);
pub(crate) struct Events(Nothing);
pub(crate) struct Record(Nothing);
pub(crate) struct Context(Nothing);
pub(crate) struct Publisher(Nothing);
pub(crate) struct Bookmark(Nothing);
pub(crate) struct Signal(Nothing);
pub(crate) struct Provider(Nothing);
pub(crate) struct Icon(Nothing);

/// What a query is about.
#[derive(Clone, Copy)]
pub(crate) struct Flags {
    #[expect(dead_code, reason = "it is asked for on Windows")]
    pub(crate) is_file: bool,
    #[expect(dead_code, reason = "it is asked for on Windows")]
    pub(crate) is_backwards: bool,
}

/// Where a subscription begins.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'b> {
    Future,
    Oldest,
    After(#[expect(dead_code, reason = "it is asked for on Windows")] &'b Bookmark),
    Behind(#[expect(dead_code, reason = "it is asked for on Windows")] &'b Bookmark),
}

impl Session {
    pub(crate) fn open(_: Option<&str>) -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }
}

pub(crate) fn channels(session: &Session) -> Result<Vec<String>, Code> {
    match session.0 {}
}

pub(crate) fn is_readable(session: &Session, _: &str) -> Result<bool, Code> {
    match session.0 {}
}

impl Events {
    pub(crate) fn query(session: &Session, _: &str, _: &str, _: Flags) -> Result<Self, Code> {
        match session.0 {}
    }

    pub(crate) fn subscribe(
        session: &Session,
        _: &str,
        _: &str,
        _: Origin<'_>,
        _: &Signal,
    ) -> Result<Self, Code> {
        match session.0 {}
    }

    pub(crate) fn next(&mut self, _: usize, _: Option<u32>) -> Result<Vec<Record>, Code> {
        match self.0 {}
    }
}

impl Record {
    pub(crate) fn values(&self, _: &Context, _: &mut Buffer) -> Result<usize, Code> {
        match self.0 {}
    }

    pub(crate) fn xml(&self, _: &mut Buffer) -> Result<String, Code> {
        match self.0 {}
    }

    pub(crate) fn message(&self, _: &Publisher, _: &mut Buffer) -> Result<String, Code> {
        match self.0 {}
    }
}

impl Context {
    pub(crate) fn system() -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }

    pub(crate) fn user() -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }
}

impl Publisher {
    pub(crate) fn open(session: &Session, _: &str) -> Result<Self, Code> {
        match session.0 {}
    }
}

impl Bookmark {
    pub(crate) fn of(_: Option<&str>) -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }

    pub(crate) fn update(&mut self, _: &Record) -> Result<(), Code> {
        match self.0 {}
    }

    pub(crate) fn text(&self) -> Result<String, Code> {
        match self.0 {}
    }
}

impl Signal {
    pub(crate) fn new() -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }

    pub(crate) fn set(&self) {
        match self.0 {}
    }

    pub(crate) fn reset(&self) {
        match self.0 {}
    }

    pub(crate) fn is_set(&self) -> bool {
        match self.0 {}
    }
}

impl Provider {
    pub(crate) fn open(_: &str) -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }

    pub(crate) fn write(&self, _: u16, _: u32, _: &[String]) -> Result<(), Code> {
        match self.0 {}
    }
}

impl Icon {
    pub(crate) fn open() -> Result<Self, Code> {
        Err(Code::ELSEWHERE)
    }

    pub(crate) fn show(&self, _: &str, _: &str) -> Result<(), Code> {
        match self.0 {}
    }
}

pub(crate) fn wait(signals: [&Signal; 2], _: Duration) -> Result<Option<usize>, Code> {
    let [signal, _] = signals;
    match signal.0 {}
}
