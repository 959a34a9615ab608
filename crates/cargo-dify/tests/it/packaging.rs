//! How `cargo dify package` has binaries built, and which it takes; what `inspect` says of them.

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

/// The shortest static binary: a header alone.
pub(crate) fn elf(machine: u8) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    (header[16], header[18], header[20]) = (2, machine, 1);
    header
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command.arg("dify").args(args).current_dir(dir).stdin(Stdio::null());
    // A toolchain that can build for everything, as far as it can be asked.
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

/// A plugin with the binaries that `cargo.sh` says it builds.
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
fn a_package_has_a_static_binary_for_each_processor_and_what_starts_it() {
    let plugin = plugin("[amd64, arm64]");
    let dir = plugin.dir();
    let output = run(dir, &["package", "--json"]);
    let said = stdout(&output);
    let package = read(&dir.join("pond-0.0.1.difypkg"));
    assert_eq!(said["checksum"], package.checksum());
    assert_eq!(said["unique_identifier"], format!("tests/pond:0.0.1@{}", package.checksum()));
    assert_eq!((&said["binaries"], &said["limit_bytes"]), (&json!(["amd64", "arm64"]), &json!(50 << 20)));
    assert_eq!(package.file("bin/plugin-linux-amd64"), Some(&*elf(X86_64)));
    assert_eq!(package.file("bin/plugin-linux-arm64"), Some(&*elf(AARCH64)));
    assert_eq!(package.file("main.py"), Some(ENTRY_MODULE.as_bytes()));
    assert_eq!(package.file("requirements.txt"), Some(&b""[..]));
    assert!(package.file("answer.sh").is_none());
    let told = stderr(&output);
    for words in
        ["Packaged pond-0.0.1.difypkg: ", "limit 50.0 MiB", "bin/plugin-linux-arm64 64 bytes, static"]
    {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains('\u{1b}'), "colour where there is no terminal: {told}");

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

    // The same files give the same bytes, and the package of before isn't in it.
    let first = fs::read(dir.join("pond-0.0.1.difypkg")).unwrap();
    let again = run(dir, &["package", "--json"]);
    assert_eq!(stdout(&again)["left_out"], json!(["pond-0.0.1.difypkg"]));
    assert_eq!(fs::read(dir.join("pond-0.0.1.difypkg")).unwrap(), first);
}

#[test]
fn a_package_is_inspected_as_it_was_made() {
    let plugin = plugin("[amd64, arm64]");
    let made = stdout(&run(plugin.dir(), &["package", "-o", "a.difypkg", "--json"]));
    let output = run(plugin.dir(), &["inspect", "a.difypkg", "--json"]);
    let said = stdout(&output);
    for field in ["unique_identifier", "checksum", "unpacked_bytes", "limit_bytes"] {
        assert_eq!(said[field], made[field], "{field}");
    }
    assert_eq!((&said["name"], &said["arch"]), (&json!("pond"), &json!(["amd64", "arm64"])));
    assert_eq!((&said["signed_at"], &said["category"]), (&Value::Null, &Value::Null));
    assert_eq!(said["binaries"][1], json!({"arch": "arm64", "bytes": 64, "needs": "static"}));
    assert!(said["files"].as_array().unwrap().contains(&json!({"path": "requirements.txt", "bytes": 0})));

    let text = String::from_utf8(run(plugin.dir(), &["inspect", "a.difypkg"]).stdout).unwrap();
    assert!(text.starts_with("tests/pond:0.0.1@") && text.contains("\nnot signed\n"), "{text}");
    assert!(text.contains("binary for amd64: 64 bytes, static\n"), "{text}");
}

#[test]
fn one_processor_may_be_asked_for_and_the_manifest_is_held_against_it() {
    let plugin = plugin("[amd64]");
    let output = run(plugin.dir(), &["package", "--target", "arm64", "--json"]);
    assert_eq!(stdout(&output)["binaries"], json!(["arm64"]));
    let told = stderr(&output);
    assert!(told.contains("`meta.arch` lists amd64, but the package has no binary for it"), "{told}");
    assert!(told.contains("a binary for arm64, but `meta.arch` doesn't list it"), "{told}");
    assert_eq!(fs::read_to_string(plugin.dir().join("calls")).unwrap().lines().count(), 1);
}

#[test]
fn zig_is_asked_to_link_what_it_compiles() {
    let plugin = plugin("[amd64]");
    stdout(&run(plugin.dir(), &["package", "--zig", "--profile", "mine", "--json"]));
    let calls = fs::read_to_string(plugin.dir().join("calls")).unwrap();
    assert!(calls.starts_with("zigbuild ") && calls.contains("--profile mine"), "{calls}");
    assert!(!calls.contains("rust-lld") && !calls.contains("profile.dify"), "{calls}");
}

#[test]
fn a_target_that_is_not_installed_is_named_with_its_command() {
    let plugin = plugin("[amd64, arm64]");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    // It says no folder.
    command.args(["dify", "package"]).current_dir(plugin.dir()).env("CARGO", CARGO).env("RUSTC", "/bin/echo");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    let wanted = "help: run `rustup target add x86_64-unknown-linux-musl aarch64-unknown-linux-musl`\n";
    assert!(told.ends_with(wanted), "{told}");
    assert!(!plugin.dir().join("calls").exists());
}

#[test]
fn a_build_that_fails_says_what_a_dependency_in_c_needs() {
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
    let told = refused(&elf(AARCH64));
    assert!(told.contains("the daemon could not start `bin/plugin-linux-amd64`"), "{told}");
    assert!(told.contains("it is for arm64, but its name says amd64"), "{told}");
    assert!(refused(b"#!/bin/sh\n").contains("it is not a 64-bit Linux executable"));
    // And one that would is packed as it is.
    fs::write(dir.join("bin/plugin-linux-amd64"), elf(X86_64)).unwrap();
    stdout(&run(dir, &["package", "--no-build", "--json"]));
    assert!(!dir.join("calls").exists());
}

#[test]
fn secrets_packages_and_what_is_ignored_stay_out() {
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
    let told = stderr(&output);
    assert!(told.contains(".env (local settings)") && told.contains("notes.txt (a private key)"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
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
fn what_the_daemon_would_refuse_is_not_packed() {
    let pond = Pond::answering("");
    let refused = || {
        let output = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
        assert_eq!((output.status.code(), pond.path("p.difypkg").exists()), (Some(1), false));
        stderr(&output)
    };
    fs::write(pond.path(".difyignore"), "pond.yaml\n").unwrap();
    let told = refused();
    assert!(
        told.contains("the package lacks a file that the plugin declares") && told.contains(".difyignore"),
        "{told}"
    );

    fs::write(pond.path(".difyignore"), "_assets/\n").unwrap();
    let told = refused();
    assert!(told.contains("manifest.yaml:7:7: refused [no-icon]: icon: there is no icon"), "{told}");

    fs::remove_file(pond.path(".difyignore")).unwrap();
    fs::File::create(pond.path("lake.bin")).unwrap().set_len(51 << 20).unwrap();
    let told = refused();
    assert!(told.contains("but at most 52428800 are allowed") && told.contains("lake.bin"), "{told}");
}

#[test]
fn a_package_that_nothing_would_start_is_refused() {
    let pond = Pond::answering("");
    fs::remove_file(pond.path("main.py")).unwrap();
    let refused = |args: &[&str], module: &str| {
        let output = run(pond.dir(), args);
        let told = stderr(&output);
        assert!(!output.status.success() && !pond.path("p.difypkg").exists(), "{told}");
        assert!(told.contains(&format!("there is no {module}")), "{told}");
        assert!(told.contains("`meta.runner.entrypoint: main`"), "{told}");
    };
    refused(&["package", "-o", "p.difypkg"], "main.py");

    // A binary is there, and the entrypoint is a module in a folder, where ours would not find it.
    let manifest = fs::read_to_string(pond.path("manifest.yaml")).unwrap();
    assert!(manifest.contains("entrypoint: main"), "{manifest}");
    let manifest = manifest.replace("entrypoint: main", "entrypoint: app.run");
    fs::write(pond.path("manifest.yaml"), manifest).unwrap();
    fs::create_dir_all(pond.path("bin")).unwrap();
    fs::write(pond.path("bin/plugin-linux-amd64"), elf(X86_64)).unwrap();
    refused(&["package", "--no-build", "-o", "p.difypkg"], "app/run.py");
}

#[test]
fn what_is_no_package_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.difypkg"), "hello").unwrap();
    let told = stderr(&run(dir.path(), &["inspect", "a.difypkg"]));
    assert!(told.contains("this is not a zip file, or it is truncated"), "{told}");
    let told = stderr(&run(dir.path(), &["inspect", "b.difypkg"]));
    assert!(told.contains("cannot read the package `b.difypkg`"), "{told}");
}

#[test]
fn what_check_refuses_is_not_packed_and_shown_with_its_lines() {
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

/// A cargo that builds these binaries, each of which prints its name.
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
fn the_only_binary_or_the_one_named_as_the_package_is_packed() {
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
