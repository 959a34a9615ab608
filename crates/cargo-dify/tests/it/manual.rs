//! `cargo dify completions` and `cargo dify man`.

use std::fs;
use std::process::{Command, Stdio};

fn cargo_dify() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command.arg("dify").stdin(Stdio::null());
    command
}

#[test]
fn bash_completes_commands_and_options() {
    let script = cargo_dify().args(["completions", "bash"]).output().unwrap();
    assert!(script.status.success());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("completions");
    fs::write(&file, script.stdout).unwrap();
    let complete = |words: &str, current: &str| {
        let asked = format!(
            "source {}; COMP_WORDS=({words} {current}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             function=$(complete -p cargo-dify | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
             $function cargo-dify '{current}' ''; echo \"${{COMPREPLY[*]}}\"",
            file.display()
        );
        String::from_utf8(Command::new("bash").args(["-c", &asked]).output().unwrap().stdout).unwrap()
    };
    assert_eq!(complete("cargo-dify", "ins").trim(), "inspect install");
    assert_eq!(complete("cargo-dify install", "--ten").trim(), "--tenant");
}

#[test]
fn every_command_has_its_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    assert!(cargo_dify().arg("man").arg(&pages).status().unwrap().success());
    let help = String::from_utf8(cargo_dify().arg("--help").output().unwrap().stdout).unwrap();
    let commands =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut count = 0;
    for command in commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let page = fs::read_to_string(pages.join(format!("cargo-dify-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
        count += 1;
    }
    assert!(count >= 5, "{help}");
    // `cargo help dify` shows this one.
    assert!(fs::read_to_string(pages.join("cargo-dify.1")).unwrap().contains("cargo\\-dify\\-install(1)"));
}
