//! The `cargo dify` command.
fn main() {}
