//! Archives and compressed files, by the magic that the first byte chooses.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let magic: &[u8] = match choice % 4 {
        0 => b"PK\x03\x04",
        1 => &[0x1f, 0x8b, 8],
        2 => &[0x28, 0xb5, 0x2f, 0xfd],
        _ => b"",
    };
    read::read([magic, rest].concat());
});
