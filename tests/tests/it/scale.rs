//! Very many sessions in one process.

use scenarios::lines;
use serde_json::Value;

use super::bench;

const SESSIONS: usize = 10_000;

#[test]
#[cfg(target_os = "linux")]
fn ten_thousand_sessions_wait_on_a_reverse_call_at_once_and_all_are_answered() {
    let mut daemon = bench().start();
    daemon.await_heartbeats(1);
    let idle = daemon.memory_kib("VmRSS");

    for n in 0..SESSIONS {
        daemon.line(lines::tool(&n.to_string(), "bench", "relay", &format!(r#"{{"text":"query {n}"}}"#)));
    }
    let mut calls = vec![None; SESSIONS];
    for _ in 0..SESSIONS {
        let message = daemon.next_message();
        let (n, data) = of_session(&message);
        assert_eq!(data["type"], "invoke", "{message}");
        assert_eq!(data["data"]["request"]["query"], format!("query {n}"), "{message}");
        let call = data["data"]["backwards_request_id"].as_str().unwrap().to_owned();
        assert_eq!(calls[n].replace(call), None, "{message}");
    }
    let waiting = daemon.memory_kib("VmRSS");

    // Two events for each session: first the first event of every session, then the second ones in another order.
    for (n, call) in calls.iter().enumerate() {
        let event = lines::chat_message(&format!("first {n}"));
        daemon.line(lines::response(&n.to_string(), call.as_deref().unwrap(), &event.to_string()));
    }
    for (n, call) in calls.iter().enumerate().rev() {
        let (session, call) = (n.to_string(), call.as_deref().unwrap());
        daemon.line(lines::response(
            &session,
            call,
            &lines::chat_message(&format!("second {n}")).to_string(),
        ));
        daemon.line(lines::response(&session, call, r#"{"event":"message_end","task_id":"t-1","id":"m-1"}"#));
        daemon.line(lines::end(&session, call));
    }
    let mut texts = vec![Vec::new(); SESSIONS];
    let mut open = SESSIONS;
    while open > 0 {
        let message = daemon.next_message();
        let (n, data) = of_session(&message);
        match data["type"].as_str() {
            Some("stream") => texts[n].push(data["data"]["message"]["text"].as_str().unwrap().to_owned()),
            Some("end") => {
                assert_eq!(texts[n], [format!("first {n}"), format!("second {n}")]);
                // No message may follow it.
                texts[n].clear();
                open -= 1;
            }
            _ => panic!("{message}"),
        }
    }
    assert!(texts.iter().all(Vec::is_empty));
    let (after, most) = (daemon.memory_kib("VmRSS"), daemon.memory_kib("VmHWM"));
    daemon.exit().assert_quiet(0);
    eprintln!(
        "memory in MiB: idle {}, {SESSIONS} sessions waiting {}, at most {}, afterwards {}",
        idle / 1024,
        waiting / 1024,
        most / 1024,
        after / 1024
    );
    // Currently 3 KiB per session.
    assert!(waiting - idle < 10 * SESSIONS as u64, "{waiting} KiB while waiting, {idle} KiB before");
}

fn of_session(message: &Value) -> (usize, &Value) {
    assert_eq!(message["event"], "session", "{message}");
    (
        message["session_id"].as_str().and_then(|id| id.parse().ok()).expect("it is one of ours"),
        &message["data"],
    )
}
