//! Writes EVTX files, for tests, examples and benchmarks: events in, a valid file out.
//!
//! ```
//! use evtx_fixture::{Event, Value, Writer};
//!
//! let mut event = Event::new("Microsoft-Windows-Security-Auditing", 4624);
//! event.channel = "Security".into();
//! event.computer = "WS01.corp.example".into();
//! event.body = vec![
//!     ("TargetUserName", Value::from("m.keller")),
//!     ("LogonType", Value::UInt32(2)),
//! ]
//! .into();
//!
//! let mut writer = Writer::new();
//! writer.push(&event)?;
//! let file: Vec<u8> = writer.finish();
//! assert!(file.starts_with(b"ElfFile\0"));
//! # Ok::<(), evtx_fixture::Error>(())
//! ```
//!
//! The file is laid out as Windows lays it out: a header of 4 KiB, chunks of 64 KiB with their own tables
//! of names and templates, and in each record one template instance for `System` with a second one nested
//! in it for `EventData` or `UserData`. What Windows' files get wrong in the field, [`Damage`] gets wrong
//! on purpose. [`json_line`] renders the same event as `evtx_dump -o jsonl` prints it.
//!
//! Source: [MS-EVEN6] section 2.2.12 (BinXml) for the records; files that Windows wrote for the rest.
//!
//! [MS-EVEN6]: https://learn.microsoft.com/openspecs/windows_protocols/ms-even6/

mod binxml;
mod chunk;
mod error;
mod event;
mod guid;
mod json;
mod sid;
mod value;
mod writer;

pub use error::Error;
pub use event::{Body, Event, EventData, Provider, UserData};
pub use guid::Guid;
pub use json::json_line;
pub use sid::Sid;
pub use value::Value;
pub use writer::{Damage, Writer};
