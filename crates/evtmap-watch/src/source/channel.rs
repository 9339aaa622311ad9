//! A channel of the running event log of Windows, which hands out what is written to it.
//!
//! Windows tells with each batch where it ends, in a bookmark. A subscription behind the last bookmark goes on
//! there, in this run and in the next. When the event of the bookmark is gone, because the channel was cleared or
//! has turned over, that is told, and reading goes on with the oldest event that is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use evtmap::Followed;
use evtmap::input::{Batch, Position, RecordProblem};
use evtmap_live::{KIND, LiveError, Query, Start, Stop, Subscription};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Opened, Opening, Round, Source, remembered};

/// How long to wait before Windows is asked again that gave an error.
const RETRY_EVERY: Duration = Duration::from_secs(2);
/// The code of the error that says that the event of a bookmark is gone.
const GONE: &str = "live-cleared";

/// How far a channel was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Windows' bookmark of the last event; without one the oldest event is next.
    after: Option<String>,
    /// How many events were read since the channel was first watched. Events are numbered by it.
    n_read: u64,
    /// The XPath by which they were chosen.
    #[serde(default)]
    xpath: Option<String>,
}

/// Events that have arrived, how many they are, and the bookmark of the last.
struct Arrived {
    batch: Box<dyn Batch>,
    n_events: u64,
    bookmark: String,
}

/// What is asked of a channel.
trait Log: Send {
    /// The bookmark of the newest event.
    fn newest(&self) -> Result<Option<String>, LiveError>;

    /// Subscribes, and numbers events from there on.
    fn subscribe(&self, start: &Start, n_read: u64) -> Result<Box<dyn Feed>, LiveError>;
}

/// What is asked of a subscription.
trait Feed: Send {
    /// What has arrived since this was last asked.
    fn arrived(&mut self) -> Result<Option<Arrived>, LiveError>;
}

/// A channel of Windows'.
struct LiveLog {
    channel: String,
    query: Query,
    /// Nobody waits for events here, so that there is nothing to be stopped.
    stop: Stop,
}

impl Log for LiveLog {
    fn newest(&self) -> Result<Option<String>, LiveError> {
        Subscription::newest(&self.channel, &self.query)
    }

    fn subscribe(&self, start: &Start, n_read: u64) -> Result<Box<dyn Feed>, LiveError> {
        let subscription = Subscription::open(&self.channel, &self.query, start, &self.stop)?;
        Ok(Box::new(subscription.counting_from(n_read)))
    }
}

impl Feed for Subscription {
    fn arrived(&mut self) -> Result<Option<Arrived>, LiveError> {
        let arrived = Self::arrived(self)?;
        Ok(arrived.map(|arrived| Arrived {
            batch: arrived.batch,
            n_events: arrived.n_events as u64,
            bookmark: arrived.bookmark,
        }))
    }
}

struct Channel {
    name: Arc<str>,
    log: Box<dyn Log>,
    xpath: Option<String>,
    mark: Mark,
    feed: Option<Box<dyn Feed>>,
    /// Whether the event is gone behind which it was to go on, and that was not told yet.
    has_gap: bool,
    /// When Windows is asked again that gave an error, and how many it gave since something arrived.
    retry: Option<Instant>,
    n_failures: u32,
    /// The code of the error that was told last.
    told: Option<&'static str>,
    /// Whether more may have arrived than the round had room for.
    is_behind: bool,
}

/// Opens a channel. Of the query count its XPath, its computer and whether messages are made.
///
/// # Errors
/// When the channel is not there or may not be read, the query is not understood, or this is no Windows.
pub(super) fn open(channel: &str, query: &Query, opening: Opening<'_>) -> Opened {
    let name = evtmap_live::path(query.computer.as_deref(), channel);
    let stop = Stop::new().map_err(|error| error.of(&name))?;
    let log = LiveLog { channel: channel.to_owned(), query: query.clone(), stop };
    let known = remembered(opening.bookmark, &name)?;
    let path = name.to_string_lossy();
    let asked = Asked { xpath: query.xpath.clone(), from_start: opening.from_start };
    let channel = Channel::open(&path, Box::new(log), known, asked);
    Ok(Box::new(channel.map_err(|error| error.of(&name))?))
}

/// What is wanted of a channel.
struct Asked {
    xpath: Option<String>,
    /// Whether what is there already is, when nothing is known of an earlier run.
    from_start: bool,
}

impl Channel {
    /// Subscribes from where on it is to be read.
    fn open(name: &str, log: Box<dyn Log>, known: Option<Mark>, asked: Asked) -> Result<Self, LiveError> {
        let Asked { xpath, from_start } = asked;
        let mark = match known {
            Some(mark) => mark,
            None if from_start => Mark { xpath: xpath.clone(), ..Mark::default() },
            // A subscription to what comes from now on has no bookmark before its first event: a kill until then
            // would lose what came.
            None => Mark { after: log.newest()?, n_read: 0, xpath: xpath.clone() },
        };
        let mut channel = Self {
            name: name.into(),
            log,
            xpath,
            mark,
            feed: None,
            has_gap: false,
            retry: None,
            n_failures: 0,
            told: None,
            is_behind: false,
        };
        channel.subscribe()?;
        Ok(channel)
    }

    /// Subscribes behind what was read, or from the oldest event on if that is gone.
    fn subscribe(&mut self) -> Result<(), LiveError> {
        self.feed = None;
        let start = match self.mark.after.clone() {
            None => Start::Oldest,
            Some(after) if self.mark.xpath == self.xpath => Start::After(after),
            // The last event that was read may be none of those that are asked for now.
            Some(after) => Start::Behind(after),
        };
        let feed = match self.log.subscribe(&start, self.mark.n_read) {
            Err(error) if error.code == GONE && self.mark.after.take().is_some() => {
                self.has_gap = true;
                self.log.subscribe(&Start::Oldest, self.mark.n_read)
            }
            subscribed => subscribed,
        };
        self.feed = Some(feed?);
        Ok(())
    }

    /// Gives what has arrived, as long as there is room.
    fn try_read(&mut self, round: &mut Round) -> Result<(), LiveError> {
        if self.feed.is_none() {
            self.subscribe()?;
        }
        self.tell_gap(round);
        while !round.is_full() {
            let Some(feed) = &mut self.feed else { return Ok(()) };
            let Some(arrived) = feed.arrived()? else { return Ok(()) };
            self.mark.after = Some(arrived.bookmark);
            self.mark.xpath.clone_from(&self.xpath);
            self.mark.n_read += arrived.n_events;
            (self.n_failures, self.told) = (0, None);
            round.push(Followed { path: Arc::clone(&self.name), kind: KIND, batch: arrived.batch });
        }
        self.is_behind = true;
        Ok(())
    }

    fn tell_gap(&mut self, round: &mut Round) {
        if std::mem::take(&mut self.has_gap) {
            let reason = "the event up to which the channel was read is not there any more: it was cleared, or \
                          has overwritten it; reading goes on with its oldest event, and how many came before \
                          that is not known";
            round.problem(
                (&self.name, KIND),
                RecordProblem {
                    code: "watch-cleared",
                    position: Position::Row(self.mark.n_read),
                    reason: reason.to_owned(),
                    lost: true,
                },
            );
        }
    }

    /// Has Windows asked again after a while.
    fn fail(&mut self, error: LiveError, round: &mut Round) {
        self.feed = None;
        self.n_failures += 1;
        self.retry = Some(Instant::now() + RETRY_EVERY);
        // That a log was cleared ends a subscription. The next one tells whether something is missing.
        let is_harmless = error.code == GONE && self.n_failures == 1;
        if !is_harmless && self.told.replace(error.code) != Some(error.code) {
            round.refused.push((self.name.to_string(), error.of(self.name.as_ref().as_ref())));
        }
    }
}

impl Source for Channel {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self, round: &mut Round) {
        self.tell_gap(round);
    }

    fn read(&mut self, round: &mut Round) {
        self.is_behind = false;
        if self.retry.is_some_and(|retry| Instant::now() < retry) {
            return;
        }
        self.retry = None;
        if let Err(error) = self.try_read(round) {
            self.fail(error, round);
        }
    }

    fn bookmark(&self) -> Value {
        serde_json::to_value(&self.mark).unwrap_or_default()
    }

    /// Windows does not say how much there is.
    fn lag(&self) -> u64 {
        self.is_behind.into()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Mutex;

    use evtmap::input::growing::problem;

    use super::*;

    /// A log of so many events, by their numbers, and what is done to it.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        events: Range<u64>,
        /// Whether subscriptions end with an error, which Windows gives when a log is cleared.
        is_broken: bool,
        n_asked: u32,
    }

    struct FakeFeed {
        log: Fake,
        next: u64,
    }

    fn error(code: &'static str) -> LiveError {
        LiveError { code, message: "it is not to be".to_owned(), help: "" }
    }

    impl Fake {
        fn holding(events: Range<u64>) -> Self {
            let fake = Self::default();
            fake.0.lock().unwrap().events = events;
            fake
        }
    }

    impl Log for Fake {
        fn newest(&self) -> Result<Option<String>, LiveError> {
            let state = self.0.lock().unwrap();
            Ok(state.events.clone().next_back().map(|id| id.to_string()))
        }

        fn subscribe(&self, start: &Start, _: u64) -> Result<Box<dyn Feed>, LiveError> {
            let mut state = self.0.lock().unwrap();
            state.n_asked += 1;
            let id = |text: &str| text.parse::<u64>().unwrap();
            let next = match start {
                Start::Now => state.events.end,
                Start::Oldest => state.events.start,
                Start::After(text) if state.events.contains(&id(text)) => id(text) + 1,
                Start::After(_) => return Err(error(GONE)),
                Start::Behind(text) => state.events.start.max(id(text) + 1),
            };
            Ok(Box::new(FakeFeed { log: self.clone(), next }))
        }
    }

    impl Feed for FakeFeed {
        /// Three events at a time.
        fn arrived(&mut self) -> Result<Option<Arrived>, LiveError> {
            let state = self.log.0.lock().unwrap();
            if state.is_broken {
                return Err(error(GONE));
            }
            let given = self.next..state.events.end.min(self.next + 3);
            let Some(last) = given.clone().next_back() else { return Ok(None) };
            self.next = last + 1;
            let position = Position::Row(given.start);
            let told = RecordProblem { code: "event", position, reason: String::new(), lost: false };
            let n_events = given.end - given.start;
            Ok(Some(Arrived { batch: problem(told), n_events, bookmark: last.to_string() }))
        }
    }

    fn channel(log: &Fake, known: Option<Value>, from_start: bool) -> Channel {
        let known = known.map(|known| serde_json::from_value(known).unwrap());
        let asked = Asked { xpath: None, from_start };
        Channel::open("live:Security", Box::new(log.clone()), known, asked).unwrap()
    }

    /// What a round with room for so many batches gives: their codes, and why something was refused.
    fn read(channel: &mut Channel, n_left: usize) -> String {
        let mut round = Round { n_left, ..Round::default() };
        channel.read(&mut round);
        let mut told = String::new();
        for mut followed in round.followed {
            followed.batch.decode(&mut evtmap::event::Event::new(), &mut |decoded| {
                if let evtmap::input::Decoded::Bad(problem) = decoded {
                    told += &format!("{} {} ", problem.code, problem.position.number());
                }
            });
        }
        round.refused.iter().for_each(|(name, error)| told += &format!("{name}: {} ", error.code));
        told.trim_end().to_owned()
    }

    #[test]
    fn what_is_there_already_is_passed_over_and_what_came_since_is_not() {
        let log = Fake::holding(1..6);
        let mark = channel(&log, None, false).bookmark();
        // It was ended before anything came.
        log.0.lock().unwrap().events.end = 8;
        let mut again = channel(&log, Some(mark), false);
        assert_eq!(read(&mut again, 9), "event 6");
        assert_eq!(again.bookmark(), serde_json::json!({"after": "7", "n_read": 2, "xpath": null}));
        let mut whole = channel(&log, None, true);
        assert_eq!((read(&mut whole, 2), whole.lag()), ("event 1 event 4".to_owned(), 1));
        assert_eq!((read(&mut whole, 2), whole.lag()), ("event 7".to_owned(), 0));
    }

    #[test]
    fn a_channel_that_was_empty_is_read_from_its_first_event() {
        let log = Fake::holding(1..1);
        let mark = channel(&log, None, false).bookmark();
        log.0.lock().unwrap().events.end = 3;
        assert_eq!(read(&mut channel(&log, Some(mark), false), 9), "event 1");
    }

    #[test]
    fn an_event_that_is_gone_is_told_once() {
        let log = Fake::holding(20..22);
        let mark = serde_json::json!({"after": "7", "n_read": 5});
        let mut found = channel(&log, Some(mark), false);
        assert_eq!(read(&mut found, 9), "watch-cleared 5 event 20");
        assert_eq!(read(&mut found, 9), "");
    }

    /// The last event that was read is none of those that are asked for now, and was not lost.
    #[test]
    fn with_another_xpath_it_goes_on_behind_what_was_read() {
        let log = Fake::holding(20..22);
        let mark = serde_json::json!({"after": "20", "n_read": 5, "xpath": "*[System[EventID=1]]"});
        let mut found = channel(&log, Some(mark), false);
        assert_eq!(read(&mut found, 9), "event 21");
        assert_eq!(found.bookmark(), serde_json::json!({"after": "21", "n_read": 6, "xpath": null}));
        let mark = serde_json::json!({"after": "7", "n_read": 5, "xpath": "*[System[EventID=1]]"});
        assert_eq!(read(&mut channel(&log, Some(mark), false), 9), "event 20");
    }

    #[test]
    fn a_subscription_that_ends_is_taken_up_again() {
        let log = Fake::holding(1..3);
        let mut found = channel(&log, None, true);
        assert_eq!(read(&mut found, 9), "event 1");
        log.0.lock().unwrap().is_broken = true;
        // Once is nothing; it is told when it stays so, and once.
        for expected in ["", "live:Security: live-cleared", ""] {
            found.retry = None;
            assert_eq!(read(&mut found, 9), expected);
        }
        let n_asked = log.0.lock().unwrap().n_asked;
        *log.0.lock().unwrap() = State { events: 1..5, is_broken: false, n_asked };
        assert_eq!(read(&mut found, 9), "", "it was asked again at once");
        found.retry = None;
        assert_eq!(read(&mut found, 9), "event 3");
        assert_eq!(log.0.lock().unwrap().n_asked, n_asked + 1);
    }
}
