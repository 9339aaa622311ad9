//! What time it is: the only place where the program asks.

use jiff::Timestamp;

use crate::failure::Failure;

/// A time to be taken for now, so that what depends on the day can be repeated and tested.
const NOW: &str = "EVTMAP_NOW";

/// Now, or what the environment says is now.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    let Some(text) = std::env::var_os(NOW) else { return Ok(Timestamp::now()) };
    let text = text.to_string_lossy();
    text.parse()
        .map_err(|_| Failure::new(format!("`{NOW}={text}` is not a time")).help("write 2026-03-02T08:00:00Z"))
}
