//! The `elector` command.

fn main() {}
