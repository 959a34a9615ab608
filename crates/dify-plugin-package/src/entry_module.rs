//! The Python module that starts the binary.

/// The Python module that replaces itself with the plugin's binary. It is packed as `main.py` beside the manifest, which names
/// it with `entrypoint: main`.
///
/// The daemon runs only Python plugins (`internal/core/local_runtime/subprocess.go`), unpacks files without execute
/// permission, and kills only the process that it started. So this module makes `bin/plugin-linux-amd64` or `-arm64`
/// executable and calls `exec` instead of starting a child. Where it may not change the file's mode (another owner, or a file
/// system mounted `noexec` or read-only), it copies the binary into memory first. If there is no binary for the machine, it
/// says so in its last line on stderr, which the daemon shows.
pub const ENTRY_MODULE: &str = include_str!("main.py");
