//! Rows of the Event Viewer's table, under its header.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::read([b"Level,Date and Time,Source,Event ID,Task Category\r\n".as_slice(), bytes].concat()));
