//! The Sigma detection language: rules in, matches out.
//!
//! The language and nothing else: this crate does no I/O, reads no clock, and knows neither Windows nor
//! ATT&CK. It reads texts of rules ([`Collection::parse`]), tells what is wrong with them
//! ([`Diagnostic`]), and answers whether a [`Rule`] holds for an [`Event`].

mod ascii_regex;
mod collection;
mod compile;
mod condition;
mod correlate;
mod correlation;
mod detection;
mod diagnostic;
mod engine;
mod event;
mod example;
mod explain;
mod filter;
mod fold;
mod lazy_regex;
mod lint;
mod logsource;
mod metadata;
mod modifier;
mod nested;
mod partial;
mod pattern;
mod pipeline;
mod predicate;
mod reference;
mod rule;
mod scalar;
mod text;
mod yaml;

pub use collection::{AnyRule, Collection, NotOne, Placeholders, Refused};
pub use compile::{Compiled, Expr};
pub use condition::{Condition, Quantifier, Selector};
pub use correlate::{
    Bound, BoundReached, Correlated, Correlator, Limits, LinkProblem, MAX_EVENTS, MAX_GROUPS, MAX_HANDLES,
    MAX_WINDOW_EVENTS, Matched, Plan, Values,
};
pub use correlation::{
    Aggregation, AggregationFunction, Alias, Comparison, Correlation, CorrelationCondition, CorrelationKind,
    MAX_CORRELATED_RULES, Threshold, Thresholds, TimeUnit, Timespan,
};
pub use detection::{Detection, Item, NamedSelection, Selection};
pub use diagnostic::{Code, Diagnostic, Gravity};
pub use engine::{Engine, EngineBuilder, Known, Scratch, Shortcut, SlotEvent, is_of_time};
pub use event::{Event, FieldList, Value};
pub use example::{EXAMPLES_ENDING, Example, ExampleEvents, ExampleFields, Examples, Recording, Recordings};
pub use explain::{Evidence, ExplainedItem, ExplainedPart, ExplainedValue, Explanation, ItemEvidence};
pub use filter::Filter;
pub use fold::{fold, fold_char};
pub use lazy_regex::LazyRegex;
pub use lint::{
    Checked, Edit, FAMILIES, Family, Finding, Fix, Knowledge, Lint, Linter, LogSourcePart, TagMeaning,
    apply as apply_fixes,
};
pub use logsource::LogSource;
pub use metadata::{Level, Metadata, Status};
pub use modifier::Modifier;
pub use pattern::{Part, Pattern};
pub use pipeline::{Change, Pipeline, Transformation};
pub use predicate::{Ordering, Predicate, Test, TimePart};
pub use rule::{CompiledRule, Correlatable, Rule, RuleHead};
pub use scalar::{Kind, Number, Scalar};
pub use text::{RefPart, TextMatcher};
pub use yaml::{MAX_BYTES, MAX_DEPTH, MAX_KEYS, MAX_NODES, Place};
