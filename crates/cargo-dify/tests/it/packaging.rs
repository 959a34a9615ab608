//! `cargo dify package` and `cargo dify inspect`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dify_plugin_package::{ENTRY_MODULE, MAX_PACKAGE_BYTES, Package};
use serde_json::{Value, json};

use crate::pond::Pond;

const CARGO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cargo.sh");
const X86_64: u8 = 62;
const AARCH64: u8 = 183;

/// The shortest static binary: only a header.
pub(crate) fn elf(machine: u8) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (header[16], header[18], header[20]) = (2, machine, 1);
    header
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command.arg("dify").args(args).current_dir(dir).stdin(Stdio::null());
    // Without a working rustc, all targets count as installed.
    command.env("CARGO", CARGO).env("RUSTC", "/bin/false").output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn read(file: &Path) -> Package {
    Package::read(&fs::read(file).unwrap(), MAX_PACKAGE_BYTES).unwrap()
}

/// A plugin with the binaries that `cargo.sh` claims to build.
fn plugin(arch: &str) -> Pond {
    let pond = Pond::answering("");
    let dir = pond.dir();
    for added in ["main.py", "requirements.txt"] {
        fs::remove_file(dir.join(added)).unwrap();
    }
    let manifest = fs::read_to_string(dir.join("manifest.yaml")).unwrap();
    fs::write(dir.join("manifest.yaml"), manifest.replace("arch: [amd64]", &format!("arch: {arch}")))
        .unwrap();
    fs::write(dir.join("Cargo.toml"), "").unwrap();
    fs::write(dir.join(".difyignore"), "binary-*\ncalls\n*.sh\n").unwrap();
    for (name, machine) in [("x86_64", X86_64), ("aarch64", AARCH64)] {
        fs::write(dir.join(format!("binary-{name}-unknown-linux-musl")), elf(machine)).unwrap();
    }
    pond
}

#[test]
fn a_package_has_a_static_binary_for_each_processor_and_an_entry_module() {
    let plugin = plugin("[amd64, arm64]");
    let dir = plugin.dir();
    let output = run(dir, &["package", "--json"]);
    let result = stdout(&output);
    let package = read(&dir.join("pond-0.0.1.difypkg"));
    assert_eq!(result["checksum"], package.checksum());
    assert_eq!(result["unique_identifier"], format!("tests/pond:0.0.1@{}", package.checksum()));
    assert_eq!((&result["binaries"], &result["limit_bytes"]), (&json!(["amd64", "arm64"]), &json!(50 << 20)));
    assert_eq!(package.file("bin/plugin-linux-amd64"), Some(&*elf(X86_64)));
    assert_eq!(package.file("bin/plugin-linux-arm64"), Some(&*elf(AARCH64)));
    assert_eq!(package.file("main.py"), Some(ENTRY_MODULE.as_bytes()));
    assert_eq!(package.file("requirements.txt"), Some(&b""[..]));
    assert!(package.file("answer.sh").is_none());
    let printed = stderr(&output);
    for words in
        ["Packaged pond-0.0.1.difypkg: ", "limit 50.0 MiB", "bin/plugin-linux-arm64 64 bytes, static"]
    {
        assert!(printed.contains(words), "{printed}");
    }
    assert!(!printed.contains('\u{1b}'), "colour where there is no terminal: {printed}");

    let calls = fs::read_to_string(dir.join("calls")).unwrap();
    for (call, arch) in calls.lines().zip(["x86_64", "aarch64"]) {
        for words in [
            format!("--target {arch}-unknown-linux-musl"),
            format!("--config target.{arch}-unknown-linux-musl.linker=\"rust-lld\"")
                .replace(".linker=", ".linker = "),
            "--profile dify-package".to_owned(),
            "profile.dify-package.panic = \"unwind\"".to_owned(),
        ] {
            assert!(call.contains(&words), "{call}: {words}");
        }
    }
    assert_eq!(calls.lines().count(), 2);

    // The same files give the same bytes, and the earlier package is not included.
    let first = fs::read(dir.join("pond-0.0.1.difypkg")).unwrap();
    let again = run(dir, &["package", "--json"]);
    assert_eq!(stdout(&again)["left_out"], json!(["pond-0.0.1.difypkg"]));
    assert_eq!(fs::read(dir.join("pond-0.0.1.difypkg")).unwrap(), first);
}

#[test]
fn inspect_shows_what_package_reported() {
    let plugin = plugin("[amd64, arm64]");
    let made = stdout(&run(plugin.dir(), &["package", "-o", "a.difypkg", "--json"]));
    let output = run(plugin.dir(), &["inspect", "a.difypkg", "--json"]);
    let result = stdout(&output);
    for field in ["unique_identifier", "checksum", "unpacked_bytes", "limit_bytes"] {
        assert_eq!(result[field], made[field], "{field}");
    }
    assert_eq!((&result["name"], &result["arch"]), (&json!("pond"), &json!(["amd64", "arm64"])));
    assert_eq!((&result["signed_at"], &result["category"]), (&Value::Null, &Value::Null));
    assert_eq!(result["binaries"][1], json!({"arch": "arm64", "bytes": 64, "needs": "static"}));
    assert!(result["files"].as_array().unwrap().contains(&json!({"path": "requirements.txt", "bytes": 0})));

    let text = String::from_utf8(run(plugin.dir(), &["inspect", "a.difypkg"]).stdout).unwrap();
    assert!(text.starts_with("tests/pond:0.0.1@") && text.contains("\nnot signed\n"), "{text}");
    assert!(text.contains("binary for amd64: 64 bytes, static\n"), "{text}");
}

#[test]
fn target_selects_a_processor_and_differences_to_the_manifest_are_warnings() {
    let plugin = plugin("[amd64]");
    let output = run(plugin.dir(), &["package", "--target", "arm64", "--json"]);
    assert_eq!(stdout(&output)["binaries"], json!(["arm64"]));
    let printed = stderr(&output);
    assert!(printed.contains("`meta.arch` lists amd64, but the package has no binary for it"), "{printed}");
    assert!(printed.contains("a binary for arm64, but `meta.arch` doesn't list it"), "{printed}");
    assert_eq!(fs::read_to_string(plugin.dir().join("calls")).unwrap().lines().count(), 1);
}

#[test]
fn zig_builds_and_links() {
    let plugin = plugin("[amd64]");
    stdout(&run(plugin.dir(), &["package", "--zig", "--profile", "mine", "--json"]));
    let calls = fs::read_to_string(plugin.dir().join("calls")).unwrap();
    assert!(calls.starts_with("zigbuild ") && calls.contains("--profile mine"), "{calls}");
    assert!(!calls.contains("rust-lld") && !calls.contains("profile.dify"), "{calls}");
}

#[test]
fn a_missing_target_is_an_error_with_the_command_to_add_it() {
    let plugin = plugin("[amd64, arm64]");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    // The echoed arguments are not a folder.
    command.args(["dify", "package"]).current_dir(plugin.dir()).env("CARGO", CARGO).env("RUSTC", "/bin/echo");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = stderr(&output);
    let wanted = "help: run `rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl`\n";
    assert!(printed.ends_with(wanted), "{printed}");
    assert!(!plugin.dir().join("calls").exists());
}

#[test]
fn a_failed_build_suggests_zig_for_dependencies_in_c() {
    let plugin = plugin("[amd64]");
    fs::create_dir(plugin.dir().join("calls")).unwrap();
    fs::remove_file(plugin.dir().join("binary-x86_64-unknown-linux-musl")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command
        .args(["dify", "package"])
        .current_dir(plugin.dir())
        .env("CARGO", "/bin/false")
        .env("RUSTC", "/bin/false");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cargo install cargo-zigbuild"), "{}", stderr(&output));
}

#[test]
fn a_binary_that_would_not_start_is_refused() {
    let plugin = plugin("[amd64]");
    let dir = plugin.dir();
    fs::create_dir(dir.join("bin")).unwrap();
    let refused = |content: &[u8]| {
        fs::write(dir.join("bin/plugin-linux-amd64"), content).unwrap();
        let output = run(dir, &["package", "--no-build", "-o", "a.difypkg"]);
        assert_eq!((output.status.code(), dir.join("a.difypkg").exists()), (Some(1), false));
        stderr(&output)
    };
    let printed = refused(&elf(AARCH64));
    assert!(printed.contains("the daemon could not start `bin/plugin-linux-amd64`"), "{printed}");
    assert!(printed.contains("it is for arm64, but its name says amd64"), "{printed}");
    assert!(refused(b"#!/bin/sh\n").contains("it is not a 64-bit Linux executable"));
    // A valid binary is packaged as it is.
    fs::write(dir.join("bin/plugin-linux-amd64"), elf(X86_64)).unwrap();
    stdout(&run(dir, &["package", "--no-build", "--json"]));
    assert!(!dir.join("calls").exists());
}

#[test]
fn secrets_packages_and_ignored_files_are_left_out() {
    let pond = Pond::answering("");
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEowIBAAKCAQEAx".repeat(4));
    for (name, text) in [
        (".env", "KEY=hunter2"),
        (".env.example", "KEY="),
        ("notes.txt", &key),
        ("old.difypkg", ""),
        (".git/config", ""),
        (".dify/storage/name", "hunter2"),
        ("target/CACHEDIR.TAG", ""),
        ("src/main.rs", ""),
        (".difyignore", "/src\n!/src/main.rs\n*.sh\n"),
    ] {
        fs::create_dir_all(pond.path(name).parent().unwrap()).unwrap();
        fs::write(pond.path(name), text).unwrap();
    }
    let output = run(pond.dir(), &["package", "--no-build", "--json"]);
    let left_out = [".dify/", ".env", ".git/", "notes.txt", "old.difypkg", "target/"];
    assert_eq!(stdout(&output)["left_out"], json!(left_out));
    let printed = stderr(&output);
    assert!(
        printed.contains(".env (local settings)") && printed.contains("notes.txt (a private key)"),
        "{printed}"
    );
    assert!(!printed.contains("hunter2"), "{printed}");
    let package = read(&pond.path("pond-0.0.1.difypkg"));
    let paths: Vec<_> = package.files().iter().map(|file| &*file.path).collect();
    assert_eq!(
        paths,
        [
            ".difyignore",
            ".env.example",
            "_assets/icon.svg",
            "group.yaml",
            "main.py",
            "manifest.yaml",
            "pond.yaml",
            "requirements.txt"
        ]
    );
}

#[test]
fn a_package_that_the_daemon_would_refuse_is_not_created() {
    let pond = Pond::answering("");
    let refused = || {
        let output = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
        assert_eq!((output.status.code(), pond.path("p.difypkg").exists()), (Some(1), false));
        stderr(&output)
    };
    fs::write(pond.path(".difyignore"), "pond.yaml\n").unwrap();
    let printed = refused();
    assert!(
        printed.contains("the package lacks a file that the plugin declares")
            && printed.contains(".difyignore"),
        "{printed}"
    );

    fs::write(pond.path(".difyignore"), "_assets/\n").unwrap();
    let printed = refused();
    assert!(printed.contains("manifest.yaml:7:7: error [no-icon]: icon: there is no icon"), "{printed}");

    fs::remove_file(pond.path(".difyignore")).unwrap();
    fs::File::create(pond.path("lake.bin")).unwrap().set_len(51 << 20).unwrap();
    let printed = refused();
    assert!(
        printed.contains("but at most 52428800 are allowed") && printed.contains("lake.bin"),
        "{printed}"
    );
}

#[test]
fn a_package_that_can_not_be_started_is_not_created() {
    let pond = Pond::answering("");
    fs::remove_file(pond.path("main.py")).unwrap();
    let refused = |args: &[&str], module: &str| {
        let output = run(pond.dir(), args);
        let printed = stderr(&output);
        assert!(!output.status.success() && !pond.path("p.difypkg").exists(), "{printed}");
        assert!(printed.contains(&format!("there is no {module}")), "{printed}");
        assert!(printed.contains("`meta.runner.entrypoint: main`"), "{printed}");
    };
    refused(&["package", "-o", "p.difypkg"], "main.py");

    // There is a binary, but the entrypoint is in a folder, from where our module would not find it.
    let manifest = fs::read_to_string(pond.path("manifest.yaml")).unwrap();
    assert!(manifest.contains("entrypoint: main"), "{manifest}");
    let manifest = manifest.replace("entrypoint: main", "entrypoint: app.run");
    fs::write(pond.path("manifest.yaml"), manifest).unwrap();
    fs::create_dir_all(pond.path("bin")).unwrap();
    fs::write(pond.path("bin/plugin-linux-amd64"), elf(X86_64)).unwrap();
    refused(&["package", "--no-build", "-o", "p.difypkg"], "app/run.py");
}

#[test]
fn a_file_that_is_not_a_package_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.difypkg"), "hello").unwrap();
    let printed = stderr(&run(dir.path(), &["inspect", "a.difypkg"]));
    assert!(printed.contains("this is not a zip file, or it is truncated"), "{printed}");
    let printed = stderr(&run(dir.path(), &["inspect", "b.difypkg"]));
    assert!(printed.contains("cannot read the package `b.difypkg`"), "{printed}");
}

#[test]
fn errors_of_check_are_shown_and_no_package_is_created() {
    let pond = Pond::answering("");
    fs::remove_file(pond.path("_assets/icon.svg")).unwrap();
    let output = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
    assert_eq!((output.status.code(), pond.path("p.difypkg").exists()), (Some(1), false));
    assert!(stderr(&output).contains("error: 2 errors, 0 warnings"), "{}", stderr(&output));
    let shown = stderr(&output);
    assert!(shown.contains("[manifest.yaml:7:7]") && shown.contains("7 │ icon: icon.svg"), "{shown}");
    assert!(output.stdout.is_empty());
    let output = run(pond.dir(), &["package", "--no-build", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["errors"], 2);
}

/// A cargo that builds these binaries, each of which holds its name.
fn cargo_building(pond: &Pond, binaries: &[(&str, &str)]) -> PathBuf {
    let mut script = "#!/bin/sh\n".to_owned();
    for (package, name) in binaries {
        let (dir, package_dir) = (pond.dir().display(), pond.path(package));
        let package_dir = if *package == "pond" { pond.dir().to_owned() } else { package_dir };
        script.push_str(&format!(
            r#"echo '{{"reason":"compiler-artifact","package_id":"path+file:///w/{package}#0.1.0","manifest_path":"{}/Cargo.toml","target":{{"kind":["bin"],"name":"{name}"}},"executable":"{dir}/bin-{name}"}}'
"#,
            package_dir.display()
        ));
        let mut elf = elf(X86_64);
        elf.extend(name.bytes());
        fs::write(pond.path(&format!("bin-{name}")), elf).unwrap();
    }
    script.push_str(
        r#"echo '{"reason":"compiler-artifact","package_id":"a","manifest_path":"c","target":{"kind":["lib"],"name":"n"},"executable":null}'
echo '{"reason":"build-finished","success":true}'
echo 'not json'
"#,
    );
    let file = pond.path("cargo");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[test]
fn the_only_binary_or_the_one_named_like_the_package_is_packaged() {
    let package = |binaries: &[(&str, &str)]| {
        let pond = plugin("[amd64]");
        let cargo = cargo_building(&pond, binaries);
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
        command.args(["dify", "package", "-o", "a.difypkg"]).current_dir(pond.dir());
        let output = command.env("CARGO", cargo).env("RUSTC", "/bin/false").output().unwrap();
        if !output.status.success() {
            return Err(stderr(&output));
        }
        let content = read(&pond.path("a.difypkg")).file("bin/plugin-linux-amd64").unwrap().to_vec();
        Ok(String::from_utf8(content[64..].to_vec()).unwrap())
    };
    assert_eq!(package(&[("pond", "other")]).unwrap(), "other");
    assert_eq!(package(&[("pond", "other"), ("pond", "pond")]).unwrap(), "pond");
    // Binaries of other packages don't count.
    assert_eq!(package(&[("lake", "pond"), ("pond", "own")]).unwrap(), "own");
    let error = package(&[("pond", "a"), ("pond", "b")]).unwrap_err();
    assert!(error.contains("builds several binaries (a, b)"), "{error}");
    assert!(
        error.ends_with("help: rename the plugin's binary to `pond`, the name of its package\n"),
        "{error}"
    );
    let error = package(&[("lake", "a")]).unwrap_err();
    assert!(error.contains("builds no binary\nhelp: add a src/main.rs\n"), "{error}");
}
