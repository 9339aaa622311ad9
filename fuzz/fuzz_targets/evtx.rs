//! The chunks of an event log: the magic is put where it belongs, since nothing else gets so far.
#![no_main]

#[path = "read.rs"]
mod read;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut log = bytes.to_vec();
    for chunk in log.chunks_mut(65_536) {
        let magic = b"ElfChnk\0";
        if let Some(start) = chunk.get_mut(..magic.len()) {
            start.copy_from_slice(magic);
        }
    }
    read::read(log);
});
