//! `cargo dify keygen`, `sign` and `verify`.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::packaging::{elf, run, stderr, stdout};
use crate::pond::Pond;

const SETTINGS: [&str; 2] = [
    "THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED=true",
    "THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS=/app/storage/me.public.pem",
];

fn keys(dir: &Path, name: &str) -> String {
    let output = run(dir, &["keygen", name, "--json"]);
    assert_eq!(
        stdout(&output),
        json!({"private_key": format!("{name}.private.pem"), "public_key": format!("{name}.public.pem")})
    );
    stderr(&output)
}

#[test]
fn keygen_sign_and_verify_print_the_settings_of_a_daemon() {
    let pond = Pond::answering("");
    let dir = pond.dir();
    fs::create_dir(dir.join("bin")).unwrap();
    fs::write(dir.join("bin/plugin-linux-amd64"), elf(62)).unwrap();
    let made = stdout(&run(dir, &["package", "--no-build", "-o", "a.difypkg", "--json"]));
    let printed = keys(dir, "me");
    assert!(SETTINGS.iter().all(|setting| printed.contains(setting)), "{printed}");

    let output = run(dir, &["sign", "a.difypkg", "--key", "me.private.pem", "--json"]);
    let signed = stdout(&output);
    assert_eq!((&signed["file"], &signed["category"]), (&json!("a.signed.difypkg"), &json!("community")));
    assert_ne!(signed["checksum"], made["checksum"]);
    assert!(SETTINGS.iter().all(|setting| stderr(&output).contains(setting)), "{}", stderr(&output));
    let inspected = stdout(&run(dir, &["inspect", "a.signed.difypkg", "--json"]));
    assert_eq!((&inspected["checksum"], &inspected["category"]), (&signed["checksum"], &json!("community")));
    assert!(inspected["signed_at"].as_i64() > Some(1_700_000_000));

    let output = run(dir, &["verify", "a.signed.difypkg", "--key", "me.public.pem"]);
    let printed = stderr(&output);
    assert!(output.status.success() && printed.contains("signed with this key as community"), "{printed}");
    assert!(SETTINGS.iter().all(|setting| printed.contains(setting)), "{printed}");

    // Another key doesn't verify it.
    keys(dir, "they");
    let output = run(dir, &["verify", "a.signed.difypkg", "--key", "they.public.pem", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result, json!({"verified": false, "category": "community"}));
    assert!(
        stderr(&output).contains("signed with another key or modified after signing"),
        "{}",
        stderr(&output)
    );
    let printed = stderr(&run(dir, &["verify", "a.difypkg", "--key", "me.public.pem"]));
    assert!(printed.contains("the package is not signed"), "{printed}");

    // Signing again replaces the signature.
    let output = run(dir, &["sign", "a.signed.difypkg", "--key", "me.private.pem", "-o", "b.difypkg"]);
    assert!(output.status.success() && stderr(&output).contains("replacing its earlier signature"));
}

#[test]
fn a_private_key_is_only_for_its_owner_and_never_overwritten_or_shown() {
    let dir = tempfile::tempdir().unwrap();
    keys(dir.path(), "me");
    let private = dir.path().join("me.private.pem");
    let text = fs::read_to_string(&private).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    let output = run(dir.path(), &["keygen", "me"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&private).unwrap(), text);

    // The wrong key of the pair is reported, and not shown.
    fs::write(dir.path().join("a.difypkg"), "x").unwrap();
    let printed = stderr(&run(dir.path(), &["verify", "a.difypkg", "--key", "me.private.pem"]));
    assert!(
        printed.contains("RSA PUBLIC KEY") && printed.contains("verify with NAME.public.pem"),
        "{printed}"
    );
    assert!(text.lines().all(|line| !printed.contains(line)), "{printed}");
}
