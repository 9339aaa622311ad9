//! Who looks at a view: how wide their terminal is, and in which zone they read times.

use clap::Args;
use evtmap::input::InputOptions;
use evtmap::report::TimeStyle;
use jiff::Timestamp;

use super::{reading, reporting};
use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Clone, Debug)]
pub(crate) struct ZoneArgs {
    /// The time zone of times in text: UTC, local, +02:00, Europe/Berlin; in JSON they are in UTC
    #[arg(long, value_name = "ZONE", default_value = "UTC", help_heading = "Display", allow_hyphen_values = true, value_parser = reading::zone_name)]
    timezone: String,
}

impl ZoneArgs {
    /// Who looks at text that goes to standard output.
    pub(super) fn viewer(&self) -> Result<Viewer, Failure> {
        Ok(Viewer { width: terminal::width(), times: self.times()? })
    }

    /// How times are written.
    pub(super) fn times(&self) -> Result<TimeStyle, Failure> {
        reporting::times(Some(&self.timezone), None)
    }
}

/// Who looks at text.
pub(super) struct Viewer {
    /// How many columns their terminal has; nothing where it is none.
    pub(super) width: Option<usize>,
    times: TimeStyle,
}

impl Viewer {
    /// One who reads times in UTC.
    #[cfg(test)]
    pub(super) fn of_width(width: Option<usize>) -> Self {
        Self { width, times: TimeStyle::default() }
    }

    /// What times are in: `UTC`.
    pub(super) fn zone(&self) -> String {
        let timezone = self.times.zone().clone();
        InputOptions { timezone, ..InputOptions::default() }.timezone_name()
    }

    /// Whether times are in UTC; others have their offset with them.
    pub(super) fn is_in_utc(&self) -> bool {
        self.times == TimeStyle::default()
    }

    /// A time to the second, or a dash.
    pub(super) fn second(&self, time: Option<Timestamp>) -> String {
        time.map_or_else(|| "-".to_owned(), |time| self.times.second(time))
    }

    /// A time to the minute.
    pub(super) fn minute(&self, time: Timestamp) -> String {
        self.times.short(time)
    }

    /// The time of a day that is known.
    pub(super) fn time_of_day(&self, time: Timestamp) -> String {
        time.to_zoned_datetime(self.times.zone().clone()).strftime("%H:%M:%S").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, expected: [&str; 3]) {
        let viewer = ZoneArgs { timezone: zone.to_owned() }.viewer().unwrap();
        let times: [Timestamp; 2] =
            ["2026-10-25T00:30:15Z", "2026-10-25T01:30:15Z"].map(|time| time.parse().unwrap());
        let shown = times.map(|time| viewer.second(Some(time)));
        assert_eq!([&viewer.zone(), &shown[0], &shown[1]], expected);
    }

    #[test]
    fn times_are_shown_in_a_zone() {
        check("UTC", ["UTC", "2026-10-25 00:30:15", "2026-10-25 01:30:15"]);
        check("-05:30", ["-05:30", "2026-10-24 19:00:15-05:30", "2026-10-24 20:00:15-05:30"]);
        let berlin = ["Europe/Berlin", "2026-10-25 02:30:15+02:00", "2026-10-25 02:30:15+01:00"];
        check("Europe/Berlin", berlin);
    }
}
