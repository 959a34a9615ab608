//! A short run of the rogue daemon finds no fault. Long runs are started by hand.

use std::process::Command;

use scenarios::example;

fn rogue(arguments: &[&str]) -> String {
    example("bench");
    let output =
        Command::new(env!("CARGO_BIN_EXE_rogue")).args(arguments).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn no_fault_leaves_a_session_unanswered() {
    let said = rogue(&["faults", "--processes", "5", "--seed", "1"]);
    for kind in ["requests", "broken requests", "lines of junk", "stray replies", "calls", "errors"] {
        assert!(said.lines().any(|line| line.starts_with(&format!("{kind}: "))), "no {kind}: {said}");
    }
}

#[test]
fn of_many_messages_each_request_is_answered_once_and_no_descriptor_is_left() {
    let said = rogue(&["soak", "--messages", "50000"]);
    assert!(said.contains("each session ended once"), "{said}");
}
