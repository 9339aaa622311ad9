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
mod limit;
mod pack;
mod place;
mod rank;
mod text;

use std::io::{self, Write};

use super::{ReportOptions, Writer};
use crate::account::{AccountNames, Accounts};
use crate::alert::Alert;
use crate::connection::Connections;
use crate::triage::Report;
use best::Best;
use builder::Builder;
use document::Document;
use limit::{LEAST, Limits, STEPS, WHOLE};
use rank::Ranks;

/// The page, with a place for the document.
const PAGE: &str = include_str!("../../../html/dist/report.html");
const PLACE: &str = "{{data}}";

/// How many alerts a page has at most. Of more than that nobody reads a list, and browsers grow slow.
const N_ALERTS_MAX: usize = 10_000;
/// How large a page may become, in bytes: what a mail and a ticket take.
const N_BYTES_MAX: usize = 1_500_000;

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
    /// The document as it goes into the page: whole, with all alerts that were kept, where there is room, else
    /// with less of everything and at last with fewer alerts.
    fn packed(&mut self, report: &Report<'_>, room: usize) -> io::Result<String> {
        let names = self.accounts.names();
        let ranks = Ranks::new(report.summary, &names, WHOLE.n_ranked);
        let mut before: Option<(Limits, usize)> = None;
        for limits in STEPS {
            // What would only cut longer values than there are would come out the same.
            if before.is_some_and(|(others, longest)| !limits.may_be_less_than(others, longest)) {
                continue;
            }
            let document = self.document(report, &names, &ranks, limits);
            if let Some(packed) = pack::pack_within(&document, room)? {
                return Ok(packed);
            }
            let longest = document.strings.iter().map(String::len).max();
            before = Some((limits, longest.unwrap_or_default()));
        }
        loop {
            let packed = pack::pack(&self.document(report, &names, &ranks, LEAST))?;
            let n = self.best.len();
            if packed.len() <= room || n <= 1 {
                return Ok(packed);
            }
            self.best.keep(fewer(n, packed.len(), room));
        }
    }

    fn document(&self, report: &Report<'_>, names: &AccountNames, ranks: &Ranks, limits: Limits) -> Document {
        let Self { options, best, connections, .. } = self;
        Builder { report, options, best, names, ranks, connections, limits }.document()
    }
}

/// Of how many alerts a page may have the size, when it has another with so many: a tenth fewer than by their
/// share, since not all of a page are alerts. Never none.
fn fewer(n: usize, n_bytes: usize, n_bytes_max: usize) -> usize {
    let share = n.saturating_mul(n_bytes_max) / n_bytes.max(1);
    (share - share / 10).clamp(1, n.saturating_sub(1).max(1))
}

#[cfg(test)]
mod tests;
