//! How often to try, and how long to wait between.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How patient to be with a network that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often to try in all.
    pub n_tries: u32,
    /// The longest wait after the first try; it doubles with each.
    pub first_wait: Duration,
    /// The longest wait of all, also if a server asks for a longer one: then it is given up.
    pub longest_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { n_tries: 5, first_wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) }
    }
}

impl Patience {
    /// How long to wait after so many tries; nothing to give up. What the server asks for is kept to.
    /// Otherwise the wait is random up to its bound, so that many who failed at once do not come back at once.
    pub(super) fn wait(&self, n_tries: u32, asked: Option<Duration>) -> Option<Duration> {
        if n_tries >= self.n_tries || asked.is_some_and(|asked| asked > self.longest_wait) {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(1 << (n_tries.saturating_sub(1)).min(16));
        let bound = doubled.min(self.longest_wait);
        let thousandths = u32::try_from(RandomState::new().hash_one(n_tries) % 1000).unwrap_or(0);
        Some(asked.unwrap_or(bound * (500 + thousandths / 2) / 1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let patience = Patience::default();
        for (n_tries, longest) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
            let wait = patience.wait(n_tries, None).unwrap();
            let longest = Duration::from_secs(longest);
            assert!(wait >= longest / 2 && wait <= longest, "{n_tries}: {wait:?}");
        }
        assert_eq!(patience.wait(5, None), None);
        let patient = Patience { n_tries: 100, ..patience };
        assert!(patient.wait(99, None).unwrap() <= Duration::from_secs(60));
        assert_eq!(patience.wait(1, Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
        assert_eq!(patience.wait(1, Some(Duration::from_secs(3600))), None);
    }
}
