//! Ends in the midst of work.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::Signal;
use scenarios::{Daemon, Launch, Process, lines};

use super::ledger::Ledger;
use super::{ask, odd, text};

const SESSIONS: usize = 1000;

/// The last line on stderr, which says why it ended.
fn last_line(stderr: &str) -> &str {
    stderr.lines().last().unwrap_or_default()
}

/// Opens sessions with `tool`, each of which says one thing and stays.
fn open_sessions(daemon: &mut Daemon, tool: &str) -> Vec<serde_json::Value> {
    for n in 0..SESSIONS {
        ask(daemon, &n.to_string(), tool);
    }
    (0..SESSIONS).map(|_| daemon.next_message()).collect()
}

#[test]
fn a_signal_ends_a_thousand_sessions_once_each_when_the_grace_runs_out() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = odd().env("DIFY_PLUGIN_SHUTDOWN_GRACE", "0.2").start();
        open_sessions(&mut daemon, "forever");
        daemon.signal(signal);
        let exit = daemon.exit_by_itself();
        let mut ledger = Ledger::default();
        exit.rest.iter().for_each(|message| ledger.note(message));
        assert_eq!((exit.code, ledger.ended(), ledger.errors().count()), (Some(1), SESSIONS, SESSIONS));
        let last = last_line(&exit.stderr);
        assert!(
            last.contains("1000 sessions took longer than DIFY_PLUGIN_SHUTDOWN_GRACE"),
            "{}",
            exit.stderr
        );
    }
}

#[test]
fn a_signal_lets_a_thousand_sessions_finish_that_are_answered_in_time() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = odd().env("DIFY_PLUGIN_SHUTDOWN_GRACE", "200").start();
        let calls = open_sessions(&mut daemon, "wait");
        daemon.signal(signal);
        for call in &calls {
            let session = call["session_id"].as_str().unwrap();
            let id = call["data"]["data"]["backwards_request_id"].as_str().unwrap();
            daemon.line(lines::response(session, id, "1"));
            daemon.line(lines::end(session, id));
        }
        let exit = daemon.exit_by_itself();
        let mut ledger = Ledger::default();
        exit.rest.iter().for_each(|message| ledger.note(message));
        assert_eq!((exit.code, ledger.ended(), ledger.errors().count()), (Some(0), SESSIONS, 0));
        assert!(last_line(&exit.stderr).contains("shutting down"), "{}", exit.stderr);
    }
}

#[test]
fn a_daemon_that_dies_under_a_stream_ends_the_plugin_in_a_few_words() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "stream");
    for _ in 0..1000 {
        assert_eq!(text(&daemon.session_message("s")).len(), 1000);
    }
    daemon.close_output();
    let exit = daemon.exit_by_itself();
    exit.assert_quiet(1);
    assert!(exit.stderr.len() <= 1024, "{}", exit.stderr);
    assert!(last_line(&exit.stderr).contains("no longer reads"), "{}", exit.stderr);
}

#[test]
fn a_plugin_whose_parent_was_killed_exits() {
    // A shell gives what runs in the background an empty input, unless it is told which.
    let script = r#"exec 3<&0; "$0" <&3 & exec 3<&-; wait"#;
    let mut shell = Launch::new("sh")
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_odd"))
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
    let mut stderr = shell.stderr.take().unwrap();
    let process = Process::new(shell);
    let mut output = BufReader::new(output);
    std::io::Write::write_all(&mut input, format!("{}\n", lines::tool("s", "odd", "wait", "{}")).as_bytes())
        .unwrap();
    let mut line = String::new();
    while !line.contains(r#""type":"invoke""#) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the plugin lives");
    }
    let pid = rustix::process::Pid::from_raw(process.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    drop((input, output));
    // The plugin is the last to hold its stderr: that it ends means the plugin has.
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(last_line(&said).contains("no longer reads") || last_line(&said).contains("closed"), "{said}");
}
