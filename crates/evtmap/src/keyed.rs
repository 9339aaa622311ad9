//! Tables whose keys an attacker may write.
//!
//! Names of hosts, accounts and rules come from logs. Their hash has a seed that nobody knows, so that a log
//! cannot be made whose names all fall on one place; and it costs a fraction of the standard library's, which
//! guards against more than a log can do: nobody sees how long a look-up takes.

/// A table with text from a log as its keys.
pub(crate) type KeyedMap<K, V> = std::collections::HashMap<K, V, foldhash::quality::RandomState>;
