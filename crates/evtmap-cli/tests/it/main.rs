//! The program itself, run as its users run it: files and arguments in, status and text out.
//!
//! Samples are made here. What needs data beside the checkout says when it is skipped.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test's own functions may fail the test"
)]

mod attack;
mod config;
mod coverage;
mod hostile;
mod input;
mod needle;
mod output;
mod program;
mod recordings;
mod report;
mod report_options;
mod rules;
mod rules_commands;
mod sample;
mod selection;
mod summary;
mod system;
mod update;
mod views;
#[cfg(unix)]
mod watch;
