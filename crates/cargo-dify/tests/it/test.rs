//! `cargo dify test`, and `cargo dify call` with a package.

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

/// A pond with `p.difypkg` in it, which runs `start` before it is ready.
fn packed(answer: &str, start: &str) -> Pond {
    let pond = Pond::answering(answer);
    fs::write(pond.path("start.sh"), start).unwrap();
    stdout(&run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg", "--json"]));
    pond
}

#[test]
fn a_package_runs_as_under_the_daemon() {
    let pond = packed(ANSWER, "");
    // In another folder, so that no files of the plugin's folder are used.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(pond.path("p.difypkg"), elsewhere.path().join("p.difypkg")).unwrap();
    let result = stdout(&run(elsewhere.path(), &["test", "p.difypkg", "--python", PYTHON, "--json"]));
    let inspected = stdout(&run(elsewhere.path(), &["inspect", "p.difypkg", "--json"]));
    assert_eq!(
        (&result["passed"], &result["unique_identifier"]),
        (&json!(true), &inspected["unique_identifier"])
    );

    let call = ["call", "p.difypkg", "tool", "pond/swim", "--param", "far=3", "--python", PYTHON];
    let output = run(elsewhere.path(), &call);
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"swam\n"[..]), "{}", stderr(&output));
}

#[test]
fn a_package_that_does_not_work_is_an_error_that_says_why() {
    for (answer, start, result) in [
        (ANSWER, "echo 'not the protocol'", "wrote to stdout what is not a protocol message (1 line)"),
        (ANSWER, "echo 'no lake here' >&2; exit 3", "no lake here"),
        ("say end null", "", "but a call of it succeeded"),
    ] {
        let pond = packed(answer, start);
        let output = run(pond.dir(), &["test", "p.difypkg", "--python", PYTHON]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(result), "{}", stderr(&output));
    }
}
