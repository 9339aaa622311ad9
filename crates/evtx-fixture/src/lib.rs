//! Writes EVTX files, for tests, examples and benchmarks.
