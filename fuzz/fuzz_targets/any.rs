//! Any bytes: what they are is for the readers to find out.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| read::read(bytes.to_vec()));
