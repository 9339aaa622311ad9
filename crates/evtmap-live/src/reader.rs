//! One event of Windows' to one of ours.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use evtmap::event::{Event, Place, Value};

use crate::api::{Context, Publisher, Record, Session};
use crate::error::Code;
use crate::layout::{self, Layout, Layouts, Names};
use crate::system;
use crate::value::{Buffer, Unusual, Values};

/// What is wrong with an event that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl Unread {
    fn new(code: Code) -> Self {
        Self { code: "live-render", reason: format!("Windows does not render the event: error {}", code.0) }
    }
}

/// What the readers of one log know together.
pub(crate) struct Known {
    layouts: Layouts,
    messages: Option<Messages>,
}

impl Known {
    pub(crate) fn new(session: &Arc<Session>, has_messages: bool) -> Self {
        let messages = || Messages { session: Arc::clone(session), publishers: Mutex::default() };
        Self { layouts: Layouts::default(), messages: has_messages.then(messages) }
    }
}

/// Reads the events of a batch; everything in it is used again for the next.
pub(crate) struct Reader<'k> {
    known: &'k Known,
    contexts: Contexts,
    system: Buffer,
    user: Buffer,
    rendered: Buffer,
    text: String,
    kind: Vec<u8>,
}

/// Which values are rendered.
struct Contexts {
    system: Context,
    user: Context,
}

impl<'k> Reader<'k> {
    pub(crate) fn new(known: &'k Known) -> Result<Self, Unread> {
        let contexts = || Ok(Contexts { system: Context::system()?, user: Context::user()? });
        Ok(Self {
            known,
            contexts: contexts().map_err(Unread::new)?,
            system: Buffer::default(),
            user: Buffer::default(),
            rendered: Buffer::default(),
            text: String::new(),
            kind: Vec::new(),
        })
    }

    /// Fills an event.
    pub(crate) fn read(&mut self, record: &Record, event: &mut Event) -> Result<(), Unread> {
        event.clear();
        if self.read_values(record, event)?.is_err() {
            let xml = record.xml(&mut self.rendered).map_err(Unread::new)?;
            read_xml(&xml, event)?;
        }
        if let Some(messages) = &self.known.messages
            && event.message().is_none()
            && let Some(message) = messages.of(record, event.provider(), &mut self.rendered)
        {
            event.set_message(&message);
        }
        Ok(())
    }

    /// Fills an event from its values, unless it is to be read as XML.
    fn read_values(&mut self, record: &Record, event: &mut Event) -> Result<Result<(), Unusual>, Unread> {
        let n_system = record.values(&self.contexts.system, &mut self.system).map_err(Unread::new)?;
        let n_user = record.values(&self.contexts.user, &mut self.user).map_err(Unread::new)?;
        let (system, user) = (self.system.values(n_system), self.user.values(n_user));
        if layout::write_kind(system, user, &mut self.kind).is_err() {
            return Ok(Err(Unusual));
        }
        let layout = match self.known.layouts.get(&self.kind) {
            Some(layout) => layout,
            None => {
                let xml = record.xml(&mut self.rendered).map_err(Unread::new)?;
                let told = &mut Event::new();
                read_xml(&xml, told)?;
                let layout = layout::of_first(user, &xml, told);
                self.known.layouts.learn(&self.kind, layout.clone());
                layout
            }
        };
        Ok(match layout {
            Layout::Xml => Err(Unusual),
            Layout::Names(names) => read_named(system, user, &names, event, &mut self.text),
        })
    }
}

fn read_named(
    system: Values<'_>,
    user: Values<'_>,
    names: &Names,
    event: &mut Event,
    text: &mut String,
) -> Result<(), Unusual> {
    system::read(system, names.source_name.as_deref(), event, text)?;
    for (index, name) in names.names.iter().enumerate() {
        text.clear();
        user.get(index)?.write(text)?;
        event.push(Place::Data, name, Value::Text(text));
    }
    Ok(())
}

fn read_xml(xml: &str, event: &mut Event) -> Result<(), Unread> {
    layout::read_xml(xml, event).map_err(|reason| Unread { code: "live-xml", reason })
}

/// The largest number of providers whose texts are kept open.
const N_PUBLISHERS_MAX: usize = 5_000;

/// What makes messages out of events, by provider.
struct Messages {
    session: Arc<Session>,
    /// The providers' texts; nothing for those that have none here.
    publishers: Mutex<HashMap<String, Option<Publisher>>>,
}

impl Messages {
    /// The message of an event, if its provider is known here and has one.
    fn of(&self, record: &Record, provider: &str, buffer: &mut Buffer) -> Option<String> {
        // One after the other: that the texts of a provider may be used by several threads is said nowhere.
        let mut publishers = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
        if !publishers.contains_key(provider) {
            if publishers.len() >= N_PUBLISHERS_MAX {
                publishers.clear();
            }
            publishers.insert(provider.to_owned(), Publisher::open(&self.session, provider).ok());
        }
        let publisher = publishers.get(provider)?.as_ref()?;
        record.message(publisher, buffer).ok()
    }
}
