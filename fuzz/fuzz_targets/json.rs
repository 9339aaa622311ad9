//! Objects after one that is an event.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::read([b"{\"EventID\":1}\n".as_slice(), bytes].concat()));
