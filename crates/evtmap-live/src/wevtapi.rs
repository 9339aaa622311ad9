//! The calls of Windows' event log. This file and `shell32.rs` are the only ones of the project with `unsafe`
//! code.
//!
//! It does as little as can be done: handles that close themselves, texts with the NUL that Windows wants, and
//! buffers that are asked for again when they were too small. What is in the buffers is read elsewhere
//! (`value`), in safe code that believes nothing of it.

#![expect(unsafe_code, reason = "Windows' functions are foreign; each call says why it is sound")]

use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    CloseHandle, GetLastError, HANDLE, WAIT_FAILED, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVT_HANDLE, EVT_RPC_LOGIN, EvtChannelConfigEnabled, EvtChannelConfigType,
    EvtClose, EvtCreateBookmark, EvtCreateRenderContext, EvtFormatMessage, EvtFormatMessageEvent,
    EvtGetChannelConfigProperty, EvtNext, EvtNextChannelPath, EvtOpenChannelConfig, EvtOpenChannelEnum,
    EvtOpenPublisherMetadata, EvtOpenSession, EvtQuery, EvtQueryChannelPath, EvtQueryFilePath,
    EvtQueryForwardDirection, EvtQueryReverseDirection, EvtRender, EvtRenderBookmark, EvtRenderContextSystem,
    EvtRenderContextUser, EvtRenderEventValues, EvtRenderEventXml, EvtRpcLogin, EvtRpcLoginAuthDefault,
    EvtSubscribe, EvtSubscribeStartAfterBookmark, EvtSubscribeStartAtOldestRecord, EvtSubscribeStrict,
    EvtSubscribeToFutureEvents, EvtUpdateBookmark, RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForMultipleObjects, WaitForSingleObject,
};

use crate::error::Code;
/// Beside what is here, since `elsewhere.rs` stands in the place of both.
pub(crate) use crate::shell32::Icon;
use crate::value::{Buffer, MAX_BUFFER_BYTES};

/// What a buffer has at first.
const FIRST_BUFFER_BYTES: usize = 4096;
/// What says that a buffer is too small.
const INSUFFICIENT_BUFFER: Code = Code(122);
/// A session, a context or a bookmark that is not given.
const NONE: EVT_HANDLE = 0;
/// Types of channels that may be read while they are enabled: admin and operational ones.
const READABLE_TYPES: std::ops::RangeInclusive<u64> = 0..=1;

/// Something of the event log's that is closed when it is no longer used. It may be used by any thread, one at
/// a time.
struct Handle(EVT_HANDLE);

impl Handle {
    /// Takes what a function gave, or its error.
    fn of(handle: EVT_HANDLE) -> Result<Self, Code> {
        if handle == NONE { Err(last_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle was given by the event log, and only this value has it.
        let _ = unsafe { EvtClose(self.0) };
    }
}

/// The number of the error of the last call on this thread.
pub(crate) fn last_error() -> Code {
    // SAFETY: it takes nothing and only reads the thread's own number.
    Code(unsafe { GetLastError() })
}

/// The outcome of a function that says whether it succeeded.
pub(crate) fn checked(has_succeeded: i32) -> Result<(), Code> {
    if has_succeeded == 0 { Err(last_error()) } else { Ok(()) }
}

/// A text as Windows takes it: UTF-16 with a NUL at the end. A NUL within ends it there.
pub(crate) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Has `call` fill a buffer, and makes it larger until it suffices. `call` is given the size in bytes and the
/// memory, and says how many bytes it used or would need.
fn fill(buffer: &mut Buffer, mut call: impl FnMut(u32, *mut u64, &mut u32) -> i32) -> Result<(), Code> {
    buffer.grow(FIRST_BUFFER_BYTES)?;
    loop {
        let size = u32::try_from(buffer.n_bytes()).map_err(|_| Code::INVALID_DATA)?;
        let mut n_used = 0;
        match checked(call(size, buffer.memory().as_mut_ptr(), &mut n_used)) {
            Ok(()) => {
                buffer.set_used(n_used.min(size) as usize);
                return Ok(());
            }
            // It has to grow each time, or this would never end.
            Err(INSUFFICIENT_BUFFER) if n_used > size => buffer.grow(n_used as usize)?,
            Err(INSUFFICIENT_BUFFER) => {
                buffer.grow((2 * buffer.n_bytes()).min(MAX_BUFFER_BYTES + 1))?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The event log of this computer or of another.
pub(crate) struct Session(Option<Handle>);

impl Session {
    pub(crate) fn open(computer: Option<&str>) -> Result<Self, Code> {
        let Some(computer) = computer else { return Ok(Self(None)) };
        let mut server = wide(computer);
        let login = EVT_RPC_LOGIN {
            Server: server.as_mut_ptr(),
            User: null_mut(),
            Domain: null_mut(),
            Password: null_mut(),
            Flags: EvtRpcLoginAuthDefault,
        };
        // SAFETY: `login` is what this kind of login asks for; it and the name it points to outlive the call,
        // and no name of a user means the user who runs this.
        let handle = unsafe { EvtOpenSession(EvtRpcLogin, (&raw const login).cast(), 0, 0) };
        Handle::of(handle).map(|handle| Self(Some(handle)))
    }

    fn raw(&self) -> EVT_HANDLE {
        self.0.as_ref().map_or(NONE, |handle| handle.0)
    }
}

/// The names of all channels.
pub(crate) fn channels(session: &Session) -> Result<Vec<String>, Code> {
    // SAFETY: it takes a session or none, and no flags.
    let list = Handle::of(unsafe { EvtOpenChannelEnum(session.raw(), 0) })?;
    let mut buffer = Buffer::default();
    let mut names = Vec::new();
    loop {
        let next = fill(&mut buffer, |size, memory, n_used| {
            let mut n_units = 0;
            // SAFETY: `memory` has `size` bytes, which is twice as many as there are units of UTF-16.
            let is_filled = unsafe { EvtNextChannelPath(list.0, size / 2, memory.cast(), &raw mut n_units) };
            *n_used = n_units.saturating_mul(2);
            is_filled
        });
        match next {
            Ok(()) => names.push(buffer.text()),
            Err(Code::NO_MORE_ITEMS) => return Ok(names),
            Err(error) => return Err(error),
        }
    }
}

/// Whether a channel is enabled and of a kind that can be read meanwhile.
pub(crate) fn is_readable(session: &Session, channel: &str) -> Result<bool, Code> {
    let name = wide(channel);
    // SAFETY: the name ends with a NUL and outlives the call.
    let config = Handle::of(unsafe { EvtOpenChannelConfig(session.raw(), name.as_ptr(), 0) })?;
    let mut buffer = Buffer::default();
    let mut number = |property| {
        fill(&mut buffer, |size, memory, n_used| {
            // SAFETY: `memory` has `size` bytes and is aligned as a variant has to be.
            unsafe {
                EvtGetChannelConfigProperty(config.0, property, 0, size, memory.cast(), &raw mut *n_used)
            }
        })?;
        // A number of whatever width, in the lower half.
        Ok::<_, Code>(buffer.values(1).number(0).unwrap_or_default())
    };
    Ok(number(EvtChannelConfigEnabled)? != 0 && READABLE_TYPES.contains(&number(EvtChannelConfigType)?))
}

/// What a query is about.
#[derive(Clone, Copy)]
pub(crate) struct Flags {
    /// An exported log, and not a channel.
    pub(crate) is_file: bool,
    /// Newest first.
    pub(crate) is_backwards: bool,
}

/// Where a subscription begins.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'b> {
    Future,
    Oldest,
    After(&'b Bookmark),
    Behind(&'b Bookmark),
}

/// The events that a query finds, or that a subscription is given.
pub(crate) struct Events(Handle);

impl Events {
    pub(crate) fn query(session: &Session, log: &str, xpath: &str, flags: Flags) -> Result<Self, Code> {
        let (log, xpath) = (wide(log), wide(xpath));
        let kind = if flags.is_file { EvtQueryFilePath } else { EvtQueryChannelPath };
        let direction = if flags.is_backwards { EvtQueryReverseDirection } else { EvtQueryForwardDirection };
        // SAFETY: both texts end with a NUL and outlive the call.
        let handle = unsafe { EvtQuery(session.raw(), log.as_ptr(), xpath.as_ptr(), kind | direction) };
        Handle::of(handle).map(Self)
    }

    /// Subscribes to a channel; `arrival` is set when there is something to read.
    pub(crate) fn subscribe(
        session: &Session,
        channel: &str,
        xpath: &str,
        origin: Origin<'_>,
        arrival: &Signal,
    ) -> Result<Self, Code> {
        let (channel, xpath) = (wide(channel), wide(xpath));
        let (bookmark, flags) = match origin {
            Origin::Future => (NONE, EvtSubscribeToFutureEvents),
            Origin::Oldest => (NONE, EvtSubscribeStartAtOldestRecord),
            // Strict: that the event is gone is told, and not passed over.
            Origin::After(bookmark) => (bookmark.0.0, EvtSubscribeStartAfterBookmark | EvtSubscribeStrict),
            Origin::Behind(bookmark) => (bookmark.0.0, EvtSubscribeStartAfterBookmark),
        };
        // SAFETY: both texts end with a NUL and outlive the call; there is no callback, hence no context; the
        // signal outlives the subscription, which is kept beside it.
        let handle = unsafe {
            EvtSubscribe(
                session.raw(),
                arrival.0,
                channel.as_ptr(),
                xpath.as_ptr(),
                bookmark,
                null(),
                None,
                flags,
            )
        };
        Handle::of(handle).map(Self)
    }

    /// The next events, at most so many, waiting so many milliseconds or for ever.
    pub(crate) fn next(&mut self, n_at_most: usize, patience_ms: Option<u32>) -> Result<Vec<Record>, Code> {
        let mut handles: Vec<EVT_HANDLE> = vec![NONE; n_at_most];
        let n_at_most = u32::try_from(n_at_most).map_err(|_| Code::INVALID_DATA)?;
        let mut n_given = 0;
        // SAFETY: `handles` has room for as many as are asked for.
        let has_some = unsafe {
            EvtNext(
                self.0.0,
                n_at_most,
                handles.as_mut_ptr(),
                patience_ms.unwrap_or(INFINITE),
                0,
                &raw mut n_given,
            )
        };
        checked(has_some)?;
        handles.truncate(n_given as usize);
        handles.into_iter().map(|handle| Handle::of(handle).map(Record)).collect()
    }
}

/// An event of Windows'.
pub(crate) struct Record(Handle);

impl Record {
    /// Renders the values of a context, and gives how many there are.
    pub(crate) fn values(&self, context: &Context, buffer: &mut Buffer) -> Result<usize, Code> {
        render(context.0.0, self.0.0, EvtRenderEventValues, buffer)
    }

    /// Renders the event as XML.
    pub(crate) fn xml(&self, buffer: &mut Buffer) -> Result<String, Code> {
        render(NONE, self.0.0, EvtRenderEventXml, buffer)?;
        Ok(buffer.text())
    }

    /// The event's message, in the language of whoever runs this.
    pub(crate) fn message(&self, publisher: &Publisher, buffer: &mut Buffer) -> Result<String, Code> {
        fill(buffer, |size, memory, n_used| {
            let mut n_units = 0;
            // SAFETY: `memory` has `size` bytes, which is twice as many as there are units of UTF-16; no
            // values are given, so that there are none to point to.
            let is_filled = unsafe {
                EvtFormatMessage(
                    publisher.0.0,
                    self.0.0,
                    0,
                    0,
                    null(),
                    EvtFormatMessageEvent,
                    size / 2,
                    memory.cast(),
                    &raw mut n_units,
                )
            };
            *n_used = n_units.saturating_mul(2);
            is_filled
        })?;
        Ok(buffer.text())
    }
}

fn render(context: EVT_HANDLE, fragment: EVT_HANDLE, flags: u32, buffer: &mut Buffer) -> Result<usize, Code> {
    let mut n_values = 0;
    fill(buffer, |size, memory, n_used| {
        // SAFETY: `memory` has `size` bytes and is aligned as variants have to be.
        unsafe { EvtRender(context, fragment, flags, size, memory.cast(), n_used, &raw mut n_values) }
    })?;
    Ok(n_values as usize)
}

/// Which values of an event are rendered.
pub(crate) struct Context(Handle);

impl Context {
    /// Those that every event has.
    pub(crate) fn system() -> Result<Self, Code> {
        Self::of(EvtRenderContextSystem)
    }

    /// Those of the event's own.
    pub(crate) fn user() -> Result<Self, Code> {
        Self::of(EvtRenderContextUser)
    }

    fn of(flags: u32) -> Result<Self, Code> {
        // SAFETY: contexts of these kinds take no paths.
        Handle::of(unsafe { EvtCreateRenderContext(0, null(), flags) }).map(Self)
    }
}

/// The texts of a provider.
pub(crate) struct Publisher(Handle);

impl Publisher {
    pub(crate) fn open(session: &Session, provider: &str) -> Result<Self, Code> {
        let name = wide(provider);
        // SAFETY: the name ends with a NUL and outlives the call; no path means those that are registered.
        let handle = unsafe { EvtOpenPublisherMetadata(session.raw(), name.as_ptr(), null(), 0, 0) };
        Handle::of(handle).map(Self)
    }
}

/// A place in a channel.
pub(crate) struct Bookmark(Handle);

impl Bookmark {
    /// The place that a text says, or none yet.
    pub(crate) fn of(text: Option<&str>) -> Result<Self, Code> {
        let text = text.map(wide);
        let xml = text.as_ref().map_or(null(), Vec::as_ptr);
        // SAFETY: the text, where there is one, ends with a NUL and outlives the call.
        Handle::of(unsafe { EvtCreateBookmark(xml) }).map(Self)
    }

    /// Moves it to an event.
    pub(crate) fn update(&mut self, record: &Record) -> Result<(), Code> {
        // SAFETY: both handles are open.
        checked(unsafe { EvtUpdateBookmark(self.0.0, record.0.0) })
    }

    /// The place as a text.
    pub(crate) fn text(&self) -> Result<String, Code> {
        let mut buffer = Buffer::default();
        render(NONE, self.0.0, EvtRenderBookmark, &mut buffer)?;
        Ok(buffer.text())
    }
}

/// Something that is set or not, and that can be waited for.
pub(crate) struct Signal(HANDLE);

// SAFETY: the handle is one of the kernel's, which every thread of the process may use at the same time.
unsafe impl Send for Signal {}
// SAFETY: as above; what is done with it goes through the kernel.
unsafe impl Sync for Signal {}

impl Signal {
    pub(crate) fn new() -> Result<Self, Code> {
        // SAFETY: it takes no attributes and no name; it stays set until it is reset.
        let handle = unsafe { CreateEventW(null(), 1, 0, null()) };
        if handle.is_null() { Err(last_error()) } else { Ok(Self(handle)) }
    }

    pub(crate) fn set(&self) {
        // SAFETY: the handle is open.
        let _ = unsafe { SetEvent(self.0) };
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the handle is open.
        let _ = unsafe { ResetEvent(self.0) };
    }

    pub(crate) fn is_set(&self) -> bool {
        // SAFETY: the handle is open, and nothing is waited for.
        unsafe { WaitForSingleObject(self.0, 0) == WAIT_OBJECT_0 }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and only this value has it.
        let _ = unsafe { CloseHandle(self.0) };
    }
}

/// Waits until one of these is set, and gives the first that is.
pub(crate) fn wait(signals: [&Signal; 2], patience: Duration) -> Result<Option<usize>, Code> {
    let handles = signals.map(|signal| signal.0);
    let patience_ms = u32::try_from(patience.as_millis()).unwrap_or(INFINITE - 1).min(INFINITE - 1);
    // SAFETY: there are two handles, and both are open.
    match unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, patience_ms) } {
        WAIT_FAILED => Err(last_error()),
        WAIT_TIMEOUT => Ok(None),
        which => Ok(Some(which.wrapping_sub(WAIT_OBJECT_0) as usize)),
    }
}

/// A provider of the classic kind, in whose name entries are written.
pub(crate) struct Provider(HANDLE);

// SAFETY: the handle belongs to the process and not to the thread that opened it.
unsafe impl Send for Provider {}

impl Provider {
    pub(crate) fn open(name: &str) -> Result<Self, Code> {
        let name = wide(name);
        // SAFETY: the name ends with a NUL and outlives the call; no name of a computer means this one.
        let handle = unsafe { RegisterEventSourceW(null(), name.as_ptr()) };
        if handle.is_null() { Err(last_error()) } else { Ok(Self(handle)) }
    }

    /// Writes an entry: its type (winnt.h), its event id, and its texts.
    pub(crate) fn write(&self, kind: u16, event_id: u32, texts: &[String]) -> Result<(), Code> {
        let texts: Vec<Vec<u16>> = texts.iter().map(|text| wide(text)).collect();
        let pointers: Vec<*const u16> = texts.iter().map(Vec::as_ptr).collect();
        let n_texts = u16::try_from(texts.len()).map_err(|_| Code::INVALID_DATA)?;
        // SAFETY: there are so many texts, each ends with a NUL, and all outlive the call; neither a user nor
        // bytes are given.
        checked(unsafe {
            ReportEventW(self.0, kind, 0, event_id, null_mut(), n_texts, 0, pointers.as_ptr(), null())
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and only this value has it.
        let _ = unsafe { DeregisterEventSource(self.0) };
    }
}
