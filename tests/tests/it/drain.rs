//! A plugin that ends while sessions are open.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::Signal;
use scenarios::{Daemon, Launch, Process, lines};

use super::ledger::Ledger;
use super::{ask, odd, text};

const SESSIONS: usize = 1000;

/// Returns the last line on stderr, which reports why the plugin ended.
fn last_line(stderr: &str) -> &str {
    stderr.lines().last().unwrap_or_default()
}

/// Opens sessions with `tool`, each of which sends one message and stays open.
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
        assert!(last.contains("1000 sessions took longer than `shutdown_grace`"), "{}", exit.stderr);
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
        assert!(last_line(&exit.stderr).contains("ended in order"), "{}", exit.stderr);
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
fn a_signal_ends_a_plugin_whose_handlers_hold_every_worker() {
    for (signal, workers) in [(Signal::TERM, 1), (Signal::INT, 2)] {
        let fifo = super::Fifo::new();
        let mut daemon = odd()
            .env("DIFY_PLUGIN_WORKERS", workers.to_string())
            .env("DIFY_PLUGIN_SHUTDOWN_GRACE", "0.2")
            .start();
        for n in 0..2 {
            daemon.line(lines::tool(&format!("s-{n}"), "odd", "spin", &fifo.parameters()));
        }
        for _ in 0..workers {
            assert_eq!(text(&daemon.next_message()["data"]), "spinning");
        }
        daemon.signal(signal);
        let exit = daemon.exit_by_itself();
        assert_eq!(exit.code, Some(1), "{}", exit.stderr);
        assert!(last_line(&exit.stderr).contains("handlers blocked every worker"), "{}", exit.stderr);
        drop(fifo);
    }
}

/// The shell acts as the daemon: only it holds the other ends of the plugin's pipes.
#[test]
fn a_plugin_whose_parent_was_killed_exits() {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        mkfifo "$2/in" "$2/out"
        "$0" <"$2/in" >"$2/out" &
        exec 3>"$2/in" 4<"$2/out"
        printf '%s\n' "$1" >&3
        while read -r line <&4; do
            case $line in *'"type":"invoke"'*) echo it asks ;; esac
        done"#;
    let mut shell = Launch::new("sh")
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_odd"))
        .arg(lines::tool("s", "odd", "wait", "{}"))
        .arg(folder.path())
        .command()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (output, mut stderr) = (shell.stdout.take().unwrap(), shell.stderr.take().unwrap());
    let process = Process::new(shell);
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "it asks\n");
    let pid = rustix::process::Pid::from_raw(process.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
    // Only the plugin still holds its stderr, so once that ends, the plugin has ended.
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert!(last_line(&said).contains("no longer reads") || last_line(&said).contains("closed"), "{said}");
}
