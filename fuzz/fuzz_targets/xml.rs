//! Elements after one that is an event.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::read([b"<Event><System><EventID>1</EventID></System></Event>".as_slice(), bytes].concat()));
