//! A notification on the desktop of whoever runs the watch: that something was found, and what is the worst of it.
//!
//! People stop reading what comes too often, so that there is one a minute at most, with the number of the others.
//! Nothing is remembered: what could not be shown is in the other sinks.
//!
//! It is the notification of an icon beside the clock, which needs nothing to be installed. Those that programs
//! of the store show want an id that an installer registers with a shortcut in the start menu.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use evtmap::Severity;
use evtmap::alert::{Alert, Kind};
use evtmap_live::{Balloon, LiveError};
use serde_json::Value;

use super::{Health, Opened, Sink, SinkOptions, Told};
use crate::error::WatchError;
use crate::wake::Waker;

/// How its name begins; what follows is from which severity on something is shown.
pub(super) const SCHEME: &str = "toast:";
/// How long it is from one to the next, at least.
const PAUSE: Duration = Duration::from_secs(60);
/// How long the first waits for others that come with it.
const GATHER: Duration = Duration::from_secs(1);
/// How long a text may be, in characters; Windows shows 255 units of it.
const N_TEXT_MAX: usize = 200;

/// What is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Toast {
    severity: Severity,
    title: String,
    text: String,
}

impl Toast {
    /// What an alert says in two lines.
    fn of(alert: &Alert, severity: Severity) -> Self {
        let event = &alert.event;
        let place = [event.said.computer.as_str(), event.said.user.as_deref().unwrap_or_default()];
        let techniques = alert.finding.techniques.iter().map(|technique| technique.id.as_str());
        let parts: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).chain(techniques).collect();
        let title = format!("{severity}: {}", plain(alert.finding.title()));
        Self { severity, title, text: plain(&parts.join(", ")) }
    }
}

/// A text without what would steer whoever shows it, cut where nobody reads on.
fn plain(text: &str) -> String {
    let sign = |sign: char| if sign.is_control() { char::REPLACEMENT_CHARACTER } else { sign };
    text.chars().take(N_TEXT_MAX).map(sign).collect()
}

/// What was found since something was shown last.
#[derive(Debug, Default)]
struct Gathered {
    worst: Option<Toast>,
    n_others: u64,
    /// When the first of these was found.
    since: Option<Instant>,
    /// When something was shown last.
    shown: Option<Instant>,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    Show(Toast),
    In(Duration),
    Nothing,
}

impl Gathered {
    /// Keeps the worst, of equal ones the first, and counts the others.
    fn add(&mut self, toast: Toast, now: Instant) {
        self.since.get_or_insert(now);
        match &self.worst {
            None => self.worst = Some(toast),
            Some(worst) => {
                self.n_others += 1;
                if toast.severity > worst.severity {
                    self.worst = Some(toast);
                }
            }
        }
    }

    fn due(&mut self, now: Instant) -> Due {
        let Some(since) = self.since else { return Due::Nothing };
        let gathered = since + GATHER;
        let due = self.shown.map_or(gathered, |shown| gathered.max(shown + PAUSE));
        if due > now {
            return Due::In(due - now);
        }
        self.since = None;
        let n_others = std::mem::take(&mut self.n_others);
        let Some(mut toast) = self.worst.take() else { return Due::Nothing };
        if n_others > 0 {
            toast.text += &format!("\nand {n_others} more");
        }
        self.shown = Some(now);
        Due::Show(toast)
    }
}

/// What the sink and the thread that shows have in common.
#[derive(Default)]
struct Shared {
    gathered: Gathered,
    is_ending: bool,
    n_missed: u64,
    trouble: Option<String>,
}

struct Toasts {
    name: String,
    from: Severity,
    shared: Arc<Mutex<Shared>>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

pub(super) fn open(name: &str, _: SinkOptions) -> Opened {
    let from = match name.strip_prefix(SCHEME).unwrap_or_default() {
        "" => Some(Severity::High),
        word => Severity::named(word),
    };
    let from = from.ok_or_else(|| {
        let message = format!("`{name}` does not say from which severity on");
        WatchError::new("watch-address", message, "write `toast:`, which is `toast:high`, or `toast:medium`")
    })?;
    if !cfg!(windows) {
        let message = "notifications are shown on Windows only";
        return Err(WatchError::new("watch-elsewhere", message, "leave `toast:` out"));
    }
    Ok((Box::new(Toasts::begin(name, from, Box::new(desktop))), Vec::new()))
}

/// Shows something.
type Show = Box<dyn FnMut(&Toast) -> Result<(), LiveError>>;
/// Makes that, on the thread that it then stays on.
type Begin = Box<dyn FnOnce() -> Show + Send>;

/// The desktop of Windows. The icon is made when there is something to show, and anew when that failed.
fn desktop() -> Show {
    let mut icon: Option<Balloon> = None;
    Box::new(move |toast| {
        let balloon = icon.take().map_or_else(Balloon::open, Ok)?;
        balloon.show(&toast.title, &toast.text)?;
        icon = Some(balloon);
        Ok(())
    })
}

impl Toasts {
    fn begin(name: &str, from: Severity, begin: Begin) -> Self {
        let (shared, waker) = (Arc::new(Mutex::new(Shared::default())), Waker::default());
        let thread = thread::spawn({
            let (shared, waker) = (Arc::clone(&shared), waker.clone());
            move || run(&shared, &waker, begin())
        });
        Self { name: name.to_owned(), from, shared, waker, thread: Some(thread) }
    }
}

/// Shows what is due until it ends.
fn run(shared: &Mutex<Shared>, waker: &Waker, mut show: Show) {
    loop {
        let due = {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if shared.is_ending {
                return;
            }
            shared.gathered.due(Instant::now())
        };
        match due {
            Due::Show(toast) => {
                let trouble = show(&toast).err().map(|error| error.message);
                let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
                shared.n_missed += u64::from(trouble.is_some());
                shared.trouble = trouble;
            }
            Due::In(pause) => {
                waker.wait(pause);
            }
            Due::Nothing => {
                waker.wait(PAUSE);
            }
        }
    }
}

impl Sink for Toasts {
    fn name(&self) -> &str {
        &self.name
    }

    fn take(&mut self, told: &Told<'_>) {
        let finding = &told.alert.finding;
        if let Some(severity) = finding.severity.filter(|severity| *severity >= self.from)
            && finding.kind == Kind::Detection
        {
            let toast = Toast::of(told.alert, severity);
            let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
            shared.gathered.add(toast, Instant::now());
            self.waker.wake();
        }
    }

    fn flush(&mut self) -> Result<(), WatchError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<Value, WatchError> {
        Ok(Value::Null)
    }

    fn health(&self) -> Health {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = shared.trouble.clone();
        Health { is_up: trouble.is_none(), trouble, n_refused: shared.n_missed, ..Health::default() }
    }

    fn when_down(&self) -> &'static str {
        "what is found meanwhile is in the other outputs"
    }

    fn end(&mut self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).is_ending = true;
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use evtmap::alert::{AlertEvent, Finding, RuleRef};
    use evtmap::event::{Event, Place};
    use evtmap::input::Position;

    use super::super::tests::options;
    use super::*;

    fn toast(severity: Severity, title: &str) -> Toast {
        Toast { severity, title: title.to_owned(), text: "WS01".to_owned() }
    }

    /// What is due at a time, in one line.
    fn due(gathered: &mut Gathered, now: Instant) -> String {
        match gathered.due(now) {
            Due::Show(toast) => format!("{}: {}", toast.title, toast.text.replace('\n', " ")),
            Due::In(pause) => format!("in {} s", pause.as_secs()),
            Due::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn one_a_minute_with_the_number_of_the_others() {
        let (begun, mut gathered) = (Instant::now(), Gathered::default());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(due(&mut gathered, at(0)), "nothing");
        gathered.add(toast(Severity::High, "a"), at(0));
        gathered.add(toast(Severity::High, "b"), at(0));
        assert_eq!(due(&mut gathered, at(0)), "in 1 s");
        assert_eq!(due(&mut gathered, at(1)), "a: WS01 and 1 more");
        assert_eq!(due(&mut gathered, at(1)), "nothing");
        for n in 0..1000 {
            gathered.add(toast(Severity::High, "c"), at(2));
            assert_eq!(due(&mut gathered, at(2)), "in 59 s", "{n}");
        }
        gathered.add(toast(Severity::Critical, "d"), at(30));
        assert_eq!(due(&mut gathered, at(61)), "d: WS01 and 1000 more");
        gathered.add(toast(Severity::High, "e"), at(300));
        assert_eq!(due(&mut gathered, at(301)), "e: WS01");
    }

    #[test]
    fn what_it_says() {
        let mut event = Event::new();
        event.push(Place::System, "Computer", evtmap::event::Value::Text("WS\u{1b}01"));
        let rule = RuleRef { title: "x".repeat(1000), ..RuleRef::default() };
        let finding = Finding { rule: Some(rule), ..Finding::of_event() };
        let alert = Alert {
            finding: Arc::new(finding),
            event: Arc::new(AlertEvent::of(&event, &"log".into(), Position::Row(0))),
            ..super::super::tests::alert()
        };
        let toast = Toast::of(&alert, Severity::Critical);
        assert_eq!(toast.title, format!("critical: {}", "x".repeat(N_TEXT_MAX)));
        assert_eq!(toast.text, "WS\u{fffd}01");
    }

    #[test]
    fn only_detections_that_are_bad_enough() {
        let (sender, shown) = channel();
        let begin = move || -> Show {
            Box::new(move |toast| {
                let _ = sender.send(toast.clone());
                let message = "there is no desktop".to_owned();
                Err(LiveError { code: "live-no-desktop", message, help: "" })
            })
        };
        let mut toasts = Toasts::begin("toast:", Severity::High, Box::new(begin));
        for (kind, severity) in [
            (Kind::Association, Severity::Critical),
            (Kind::Detection, Severity::Medium),
            (Kind::Detection, Severity::High),
        ] {
            let finding = Finding { kind, severity: Some(severity), ..Finding::of_event() };
            let alert = Alert { finding: Arc::new(finding), ..super::super::tests::alert() };
            toasts.take(&Told { alert: &alert, id: "", line: "" });
        }
        let shown = shown.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!((shown.title.as_str(), shown.text.as_str()), ("high: ", ""));
        toasts.end();
        assert_eq!(toasts.health().trouble.as_deref(), Some("there is no desktop"));
        assert!(!toasts.health().is_up);
    }

    #[test]
    fn names() {
        let code = |name: &str| open(name, options()).err().map(|error| error.code);
        assert_eq!(code("toast:loud"), Some("watch-address"));
        #[cfg(not(windows))]
        assert_eq!(code("toast:medium"), Some("watch-elsewhere"));
    }
}
