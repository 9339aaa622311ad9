//! What authors of rules need beside the way from a log to a report: what the program knows for the lints of
//! rules, and trials of rules on examples.

mod correlation;
mod knowledge;
mod trial;

pub use correlation::{CorrelationExplanation, CorrelationResult, CorrelationTrial, RuleMatches};
pub use knowledge::RuleKnowledge;
pub use trial::{Trial, TrialOutcome, Trials, Wanted};
