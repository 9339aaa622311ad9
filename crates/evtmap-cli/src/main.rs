//! The `evtmap` command.

fn main() {}
