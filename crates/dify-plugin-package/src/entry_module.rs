//! What Python runs.

/// The module that becomes the plugin's binary: as `main.py` beside the manifest, with `entrypoint: main` in it.
///
/// The daemon runs Python plugins alone (`internal/core/local_runtime/subprocess.go`), unpacks files without the right to be
/// executed, and kills the very process it started. So this module doesn't start `bin/plugin-linux-amd64` or `-arm64` as a
/// child: it makes the file executable, or where that isn't allowed (a file system mounted noexec or read-only, a file of
/// somebody else's) copies it into memory, and has it take its own place. Without a binary for the machine it says so in the last
/// line on stderr, which the daemon shows.
pub const ENTRY_MODULE: &str = include_str!("main.py");
