//! The names of an event's fields, kept to see that another event has the same.

use super::{Event, Place};

/// Names of fields, in the order in which an event has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// One after the other.
    text: Box<str>,
    /// Of each field the part that it belongs to, and where its name ends.
    fields: Box<[(Place, u32)]>,
}

impl Names {
    /// How much memory they take, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.fields)
    }
}

impl Event {
    /// The names of the fields.
    pub(crate) fn names(&self) -> Names {
        let mut text = String::with_capacity(self.fields.iter().map(|field| field.name.len()).sum());
        let fields = self.fields.iter().map(|field| {
            text.push_str(self.text(&field.name));
            (field.place, u32::try_from(text.len()).unwrap_or(u32::MAX))
        });
        Names { fields: fields.collect(), text: text.into() }
    }

    /// Whether the names of the fields are worth remembering: they take no more text than those of any event of
    /// Windows do. A log may be made of names alone, each event with others.
    pub(crate) fn has_usual_names(&self) -> bool {
        const N_BYTES_MAX: usize = 4 << 10;
        let n_bytes = || self.fields.iter().map(|field| field.name.len() + 1).sum::<usize>();
        self.text.len() <= N_BYTES_MAX || n_bytes() <= N_BYTES_MAX
    }

    /// Whether the fields have these names, in this order.
    pub(crate) fn has_names(&self, names: &Names) -> bool {
        let (own, others) = (self.text.as_bytes(), names.text.as_bytes());
        let mut start = 0;
        self.fields.len() == names.fields.len()
            && self.fields.iter().zip(&names.fields).all(|(field, (place, end))| {
                let end = *end as usize;
                let name = others.get(start..end);
                start = end;
                field.place == *place && own.get(field.name.clone()) == name
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Value;

    fn event(fields: &[(Place, &str)]) -> Event {
        let mut event = Event::new();
        fields.iter().for_each(|(place, name)| event.push(*place, name, Value::Text("x")));
        event
    }

    #[test]
    fn names_are_those_of_events_that_have_the_same() {
        use Place::{Data, System};

        let names = event(&[(System, "Channel"), (Data, "User"), (Data, "Image")]).names();
        assert_eq!(names.n_bytes(), 16 + 3 * 8);
        let check =
            |fields: &[(Place, &str)], expected| assert_eq!(event(fields).has_names(&names), expected);
        check(&[(System, "Channel"), (Data, "User"), (Data, "Image")], true);
        check(&[(System, "Channel"), (Data, "Image"), (Data, "User")], false);
        check(&[(System, "Channel"), (Data, "UserI"), (Data, "mage")], false);
        check(&[(Data, "Channel"), (Data, "User"), (Data, "Image")], false);
        check(&[(System, "Channel"), (Data, "User")], false);
        check(&[], false);
        assert!(event(&[]).has_names(&Names::default()));
        assert!(event(&[]).has_usual_names() && !event(&[(Data, &"n".repeat(4096))]).has_usual_names());
    }
}
