//! HTML: one page that needs nothing else, with the story, the picture, the matrix and the alerts.
//!
//! The page is made beforehand (`html/` of this crate) and has no data; here the document is made that it
//! reads ([`document`]), and put into it. Texts of logs and rules are in that document alone, compressed and in
//! base64, so that nothing in them can become markup.

mod account;
mod attack;
mod best;
mod builder;
mod document;
mod evidence;
mod pack;
mod place;
mod text;

use std::io::{self, Write};

use super::{ReportOptions, Writer};
use crate::account::Accounts;
use crate::alert::Alert;
use crate::connection::Connections;
use crate::triage::Report;
use best::Best;
use builder::Builder;

/// The page, with a place for the document.
const PAGE: &str = include_str!("../../../html/dist/report.html");
const PLACE: &str = "{{data}}";

/// How many alerts a page has at most. Of more than that nobody reads a list, and browsers grow slow.
const N_ALERTS_MAX: usize = 10_000;
/// How large a page may become, in bytes: what a mail and a ticket take.
const N_BYTES_MAX: usize = 1_500_000;
/// How much of a value a page has at most, in bytes; the next is tried when the page would become too large.
const VALUE_LIMITS: [usize; 6] = [1 << 20, 16 << 10, 4 << 10, 1 << 10, 256, 64];
/// How many times fewer alerts a page has when even short values make it too large.
const FEWER: usize = 2;

struct Html {
    out: Box<dyn Write>,
    options: ReportOptions,
    best: Best,
    accounts: Accounts,
    connections: Connections,
}

pub(super) fn open(out: Box<dyn Write>, options: &ReportOptions) -> io::Result<Box<dyn Writer>> {
    Ok(Box::new(Html {
        out,
        options: options.clone(),
        best: Best::new(N_ALERTS_MAX),
        accounts: Accounts::default(),
        connections: Connections::default(),
    }))
}

impl Writer for Html {
    fn alert(&mut self, alert: &Alert) -> io::Result<()> {
        self.accounts.learn(alert);
        self.connections.add(alert);
        self.best.add(alert);
        Ok(())
    }

    fn finish(&mut self, report: &Report<'_>) -> io::Result<()> {
        let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
        let room = N_BYTES_MAX.saturating_sub(PAGE.len());
        let packed = self.packed(report, room)?;
        for part in [before.as_bytes(), packed.as_bytes(), after.as_bytes()] {
            self.out.write_all(part)?;
        }
        self.out.flush()
    }
}

impl Html {
    /// The document as it goes into the page: with whole values and all alerts that were kept where there is
    /// room, else with less of them.
    fn packed(&mut self, report: &Report<'_>, room: usize) -> io::Result<String> {
        let names = self.accounts.names();
        let mut limits = VALUE_LIMITS.into_iter();
        let mut value_max = limits.next().unwrap_or_default();
        loop {
            let builder = Builder {
                report,
                options: &self.options,
                best: &self.best,
                names: &names,
                connections: &self.connections,
                value_max,
            };
            let packed = pack::pack(&builder.document())?;
            if packed.len() <= room || self.best.len() == 0 {
                return Ok(packed);
            }
            match limits.next() {
                Some(limit) => value_max = limit,
                None => self.best.keep(self.best.len() / FEWER),
            }
        }
    }
}

#[cfg(test)]
mod tests;
