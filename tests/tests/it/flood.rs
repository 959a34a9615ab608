//! More requests than the plugin may keep.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use scenarios::{Launch, Process, lines};

use super::ledger::Ledger;
use super::{bare, odd};

const REQUESTS: usize = 50_000;

/// Sends requests as fast as possible, each of which waits for a reply that never arrives, and then closes the input. Each
/// request is either accepted or refused with the name of `setting`. Returns how many were accepted, and the peak growth of
/// the memory in KiB.
fn flood(launch: &Launch, request: impl Fn(&str) -> String, setting: &str) -> (usize, u64) {
    let mut daemon = launch.start();
    daemon.await_heartbeats(1);
    let idle = daemon.memory_kib("VmRSS");
    for n in 0..REQUESTS {
        daemon.line(request(&n.to_string()));
    }
    let mut ledger = Ledger::default();
    let mut taken = 0;
    while taken + ledger.ended() < REQUESTS {
        let message = daemon.next_message();
        taken += usize::from(message["data"]["type"] == "invoke");
        ledger.note(&message);
    }
    let most = daemon.memory_kib("VmHWM");
    for error in ledger.errors() {
        assert_eq!(error["error_type"], "SessionLimitExceeded", "{error}");
        assert!(error["message"].as_str().is_some_and(|message| message.contains(setting)), "{error}");
    }
    let exit = daemon.exit();
    exit.rest.iter().for_each(|message| ledger.note(message));
    assert_eq!((exit.code, ledger.ended(), ledger.errors().count()), (Some(0), REQUESTS, REQUESTS));
    (taken, most - idle)
}

#[test]
fn a_flood_stays_within_the_total_and_each_request_is_answered_or_refused_by_name() {
    const TOTAL: usize = 8 * 1024 * 1024;
    const SIZE: usize = 1000;
    let data = format!(r#"{{"type":"tool","action":"keep","padding":"{}"}}"#, "x".repeat(SIZE));
    let (taken, grown) = flood(
        &bare().env("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", TOTAL.to_string()),
        |session| lines::request(session, &data),
        "`total_queue_bytes`",
    );
    assert!((TOTAL / SIZE / 2..=TOTAL / SIZE).contains(&taken), "{taken} taken");
    // The total does not include the memory of a handler and of its call.
    let allowance = 8 * 1024 + 2 * taken as u64;
    assert!(grown < TOTAL as u64 / 1024 + allowance, "it grew by {grown} KiB");
}

#[test]
fn a_flood_of_calls_opens_as_many_sessions_as_may_be_and_costs_no_more_than_they_do() {
    const SESSIONS: usize = 5000;
    let parameters = format!(r#"{{"padding":"{}"}}"#, "x".repeat(1000));
    let (taken, grown) = flood(
        &odd().env("MAX_WORKER", SESSIONS.to_string()),
        |session| lines::tool(session, "odd", "wait", &parameters),
        "`max_sessions`",
    );
    assert_eq!(taken, SESSIONS);
    let allowance = 8 * 1024 + 5 * SESSIONS as u64;
    assert!(grown < allowance, "it grew by {grown} KiB");
}

/// A request counts for as long as its handler runs, and the output that the handler waits to send is not stored in addition.
#[test]
fn a_flood_of_long_requests_to_a_daemon_that_does_not_read_stays_within_the_total() {
    const TOTAL: u64 = 8 * 1024 * 1024;
    const COUNT: usize = 300;
    let parameters = format!(r#"{{"text":"{}"}}"#, "x".repeat(1024 * 1024));
    let mut plugin = super::bench()
        .env("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", TOTAL.to_string())
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, output) = (plugin.stdin.take().unwrap(), plugin.stdout.take().unwrap());
    let process = Process::new(plugin);
    // It continues to read although nothing reads its output.
    for n in 0..COUNT {
        writeln!(input, "{}", lines::tool(&n.to_string(), "bench", "echo", &parameters)).unwrap();
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let most: u64 = most.trim_end_matches("kB").trim().parse().unwrap();
    // Each of the few accepted requests may be in memory three times: raw, parsed, and as output.
    assert!(most < 4 * TOTAL / 1024 + 16 * 1024, "it took {most} KiB");

    drop(input);
    let (mut answered, mut refused) = (0, 0);
    for line in BufReader::new(output).lines() {
        let line = line.unwrap();
        answered += usize::from(line.contains(r#""type":"end""#));
        refused += usize::from(line.contains("SessionLimitExceeded"));
    }
    assert_eq!(answered, COUNT);
    // Eight fit into the total, and there is room for another whenever one has been read.
    assert!((COUNT - 30..COUNT).contains(&refused), "{refused} were refused");
}
