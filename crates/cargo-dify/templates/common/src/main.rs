//! The program that the daemon starts. The plugin is in `lib.rs`, where its tests can use it.

use std::process::ExitCode;

fn main() -> ExitCode {
    {{crate}}::plugin().run()
}
