//! How much of everything a page has.
//!
//! All that a log can make long or many has a limit, since a page must stay small whatever the log holds. The
//! first limits leave nearly everything as it is; the next are tried when the page would become too large.

/// The sign that a name was cut.
const CUT: &str = "…";

/// How much of everything a page has, beside alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The largest part of a value, in bytes.
    pub(super) value: usize,
    /// The longest name of a host, an account or a log, in bytes.
    pub(super) name: usize,
    /// How many hosts, and how many accounts, are listed by risk.
    pub(super) n_ranked: usize,
    /// How many connections there are.
    pub(super) n_connections: usize,
    /// How many addresses a host has, and how many other spellings an account.
    pub(super) n_names: usize,
    /// How many fields an event has.
    pub(super) n_fields: usize,
    /// How many values the condition of a rule has; a rule with more is shown without it.
    pub(super) n_asked: usize,
}

/// What a page has when all fits.
pub(super) const WHOLE: Limits = Limits {
    value: 1 << 20,
    name: 256,
    n_ranked: 1_000,
    n_connections: 2_000,
    n_names: 8,
    n_fields: usize::MAX,
    n_asked: usize::MAX,
};

/// What is tried before alerts are left out. Values come first: the log has them, and they are what is large
/// in most logs.
pub(super) const STEPS: [Limits; 5] = [
    WHOLE,
    Limits { value: 16 << 10, ..WHOLE },
    Limits { value: 4 << 10, ..WHOLE },
    Limits { value: 1 << 10, name: 128, n_ranked: 500, n_connections: 1_000, ..WHOLE },
    Limits { value: 256, name: 96, n_ranked: 250, n_connections: 500, n_names: 4, ..WHOLE },
];

/// What a page has from which alerts are left out for its size.
pub(super) const LEAST: Limits = Limits {
    value: 64,
    name: 64,
    n_ranked: 200,
    n_connections: 200,
    n_names: 2,
    n_fields: 64,
    n_asked: 1_000,
};

impl Limits {
    /// Whether a document with these limits can be smaller than with others, whose longest value is given.
    pub(super) fn may_be_less_than(self, others: Self, longest: usize) -> bool {
        longest > self.value || Self { value: others.value, ..self } != others
    }
}

/// A name as the page has it: where it is too long, its beginning and a sign that it is only that.
pub(super) fn name(name: &str, n_bytes_max: usize) -> String {
    if name.len() <= n_bytes_max {
        return name.to_owned();
    }
    let end = name.floor_char_boundary(n_bytes_max.saturating_sub(CUT.len()));
    format!("{}{CUT}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_visibly_and_between_characters() {
        for (text, n_bytes_max, expected) in
            [("WS01", 4, "WS01"), ("WS012345", 7, "WS01…"), ("ääää", 7, "ää…"), ("ääää", 2, "…")]
        {
            assert_eq!(name(text, n_bytes_max), expected);
        }
    }

    #[test]
    fn a_step_that_changes_nothing_is_passed_over() {
        let [whole, shorter, ..] = STEPS;
        assert!(shorter.may_be_less_than(whole, shorter.value + 1));
        assert!(!shorter.may_be_less_than(whole, shorter.value));
        assert!(LEAST.may_be_less_than(whole, 0));
    }
}
