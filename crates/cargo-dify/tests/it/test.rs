//! `cargo dify test`, and `cargo dify call` with a package, on a plugin that needs no build.

use std::fs;

use serde_json::json;

use crate::packaging::{run, stderr, stdout};
use crate::pond::{PYTHON, Pond};

const ANSWER: &str = r#"
    case $line in
    *'"tool":"swim"'*) say stream '{"type":"text","message":{"text":"swam"}}' ;;
    *) say error '{"error_type":"HandlerNotFound","message":"no such tool","args":{}}' ;;
    esac
    say end null"#;

/// A pond with `p.difypkg` in it; `start` is run before the plugin is ready.
fn packed(answer: &str, start: &str) -> Pond {
    let pond = Pond::answering(answer);
    fs::write(pond.path("start.sh"), start).unwrap();
    stdout(&run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg", "--json"]));
    pond
}

#[test]
fn a_package_runs_as_the_daemon_runs_it() {
    let pond = packed(ANSWER, "");
    // From another folder, so that nothing of the plugin's own is used.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(pond.path("p.difypkg"), elsewhere.path().join("p.difypkg")).unwrap();
    let said = stdout(&run(elsewhere.path(), &["test", "p.difypkg", "--python", PYTHON, "--json"]));
    let inspected = stdout(&run(elsewhere.path(), &["inspect", "p.difypkg", "--json"]));
    assert_eq!(
        (&said["passed"], &said["unique_identifier"]),
        (&json!(true), &inspected["unique_identifier"])
    );

    let call = ["call", "p.difypkg", "tool", "pond/swim", "--param", "far=3", "--python", PYTHON];
    let output = run(elsewhere.path(), &call);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"swam\n"[..]), "{}", stderr(&output));
}

#[test]
fn a_package_that_does_not_hold_together_fails_and_says_where() {
    for (answer, start, said) in [
        (ANSWER, "echo 'not the protocol'", "wrote to stdout what is not a protocol message (1 line)"),
        (ANSWER, "echo 'no lake here' >&2; exit 3", "no lake here"),
        ("say end null", "", "but a call of it succeeded"),
    ] {
        let pond = packed(answer, start);
        let output = run(pond.dir(), &["test", "p.difypkg", "--python", PYTHON]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}
