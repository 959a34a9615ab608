//! Where the example plugins are.

use std::collections::HashSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Returns the root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is a folder of the workspace")
}

/// Builds `examples/<name>`, once per process, beside the running program and with its profile, and returns the path
/// of the binary. Cargo builds the binaries of a test's own package before the test, but not those of other packages.
///
/// # Panics
///
/// Panics if it doesn't build.
pub fn example(name: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashSet<String>>> = Mutex::new(None);
    let folder = profile_folder();
    let binary = folder.join(name);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if !built.contains(name) {
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(profile) => profile,
        };
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--locked", "--package", name, "--profile", profile, "--target-dir"])
            .arg(folder.parent().expect("the profile's folder is in the target folder"))
            .current_dir(repository())
            .status()
            .expect("cargo starts");
        assert!(status.success(), "`{name}` doesn't build");
        built.insert(name.to_owned());
    }
    binary
}

/// Returns the folder of this build, such as `target/debug`.
fn profile_folder() -> PathBuf {
    let program = env::current_exe().expect("this program has a path");
    let folder = program.parent().expect("this program is in a folder");
    // Tests are one folder deeper than programs.
    let folder =
        if folder.ends_with("deps") { folder.parent().expect("`deps` is in a folder") } else { folder };
    folder.to_owned()
}
