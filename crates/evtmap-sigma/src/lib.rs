//! The Sigma detection language: rules in, matches out.
