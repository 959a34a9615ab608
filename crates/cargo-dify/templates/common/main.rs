//! What the daemon starts. What the plugin does is in `lib.rs`, so that its tests have it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    {{crate}}::plugin().run()
}
