//! More requests than the plugin may keep.

use scenarios::lines;

use super::bare;
use super::ledger::Ledger;

#[test]
fn a_flood_stays_within_the_total_and_each_request_is_answered_or_refused_by_name() {
    const REQUESTS: usize = 50_000;
    const TOTAL: u64 = 8 * 1024 * 1024;
    let mut daemon = bare().env("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", TOTAL.to_string()).start();
    daemon.await_heartbeats(1);
    let idle = daemon.memory_kib("VmRSS");
    let data = format!(r#"{{"type":"tool","action":"keep","padding":"{}"}}"#, "x".repeat(1000));
    for n in 0..REQUESTS {
        daemon.line(lines::request(&n.to_string(), &data));
    }
    let mut ledger = Ledger::default();
    let mut calls = 0;
    // All are either refused by now or wait for a reply that never comes.
    while calls + ledger.ended() < REQUESTS {
        let message = daemon.next_message();
        calls += usize::from(message["data"]["type"] == "invoke");
        ledger.note(&message);
    }
    let most = daemon.memory_kib("VmHWM");
    let refused = ledger.ended();
    assert!(calls > 0 && refused > 0, "{calls} taken, {refused} refused");
    for error in ledger.errors() {
        assert_eq!(error["error_type"], "SessionLimitExceeded", "{error}");
        assert!(error["message"].as_str().unwrap().contains("DIFY_PLUGIN_TOTAL_QUEUE_BYTES"), "{error}");
    }
    let exit = daemon.exit();
    for message in &exit.rest {
        ledger.note(message);
    }
    assert_eq!((exit.code, ledger.ended(), ledger.errors().count()), (Some(0), REQUESTS, REQUESTS));
    eprintln!("{calls} taken, {refused} refused; memory in KiB: idle {idle}, at most {most}");
    // What a handler and its call hold of their own is not in the total.
    let allowance = 8 * 1024 + 2 * calls as u64;
    assert!(most - idle < TOTAL / 1024 + allowance, "{most} KiB at most, {idle} KiB when idle");
}
