//! How command lines are read, and what a wrong one prints.

use std::process::{Command, Output};

use crate::pond::Pond;

fn run(line: &str) -> Output {
    let args = line.split(' ');
    Command::new(env!("CARGO_BIN_EXE_cargo-dify")).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_subcommand_name_may_come_first() {
    for line in ["dify check no/such/folder", "check no/such/folder"] {
        let output = run(line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("no-manifest"), "{line}");
    }
    // Only that one word is dropped: a folder may have that name too.
    let printed = stderr(&run("dify dev dify"));
    assert!(printed.starts_with("error: cannot read the plugin in `dify`\n"), "{printed}");
}

#[test]
fn options_may_stand_before_or_after_what_is_called() {
    let pond = Pond::answering(r#"say stream '{"status":200,"headers":{},"result":"6f6e65"}'; say end null"#);
    for (before, after) in [(&["--json", "--as-daemon"][..], &[][..]), (&[], &["--json", "--as-daemon"])] {
        let args = [before, &["endpoint", "get", "/duck/app-1?a=b"], after].concat();
        let output = pond.command("call", &args).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert_eq!(stdout, "{\"headers\":{},\"status\":200}\n{\"result\":\"6f6e65\"}\n");
    }
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    for line in [
        "call duck",
        "call duck endpoint GET duck",
        "call duck endpoint GET /a\u{7f}b",
        "call duck endpoint G{T /duck",
        "call duck endpoint GET /duck --header nonsense",
        "call duck tool bench/echo --param nonsense",
        "call duck tool bench/echo --param =nonsense",
        "call duck tool bench/echo --param a:=nonsense",
        "dev --app nonsense",
        "dev --app =nonsense",
        "dev --app a=",
        "install 127.0.0.1:5002 --tenant t",
        "install ftp://127.0.0.1 --tenant t",
        "install http://127.0.0.1:5002 --tenant ../t",
        "package --target x86_64",
    ] {
        let output = run(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    }
    assert_eq!(run("--help").status.code(), Some(0));
}

#[test]
fn a_secret_is_not_repeated() {
    assert!(stderr(&run("call duck tool a/b --param key:=hunter2")).contains("hunter2"));
    for line in [
        "call duck tool a/b --credential key:=hunter2",
        "call duck endpoint GET / --setting hunter2",
        "call duck endpoint GET / --setting =hunter2",
        "dev duck --setting hunter2",
        "dev duck --dify http://a --app hunter2",
    ] {
        let error = stderr(&run(line));
        assert!(error.contains("invalid value '…'") && !error.contains("hunter2"), "{error}");
    }
    let error = stderr(&run("call duck tool a/b --credential key:=hunter2"));
    assert!(error.contains("the value after `key:=` is not JSON (expected value"), "{error}");
}
