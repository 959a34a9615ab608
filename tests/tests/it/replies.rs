//! Replies that no call waits for, replies that no handler reads, and replies that don't arrive.

use scenarios::lines;

use super::{Fifo, ask, odd, still_answers, text};

#[test]
#[cfg(target_os = "linux")]
fn replies_to_nobody_are_dropped_without_a_trace() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    daemon.line(lines::response("s", &call, "1"));
    daemon.line(lines::end("s", &call));
    assert_eq!(daemon.until_end("s").len(), 1);
    let stray = |n: usize| {
        let unknown = format!("7f9c24e8-3b12-4b1f-9d0a-{n:012x}");
        [
            // An id that was never used, then the id of a closed call: late replies, and repeated ends.
            lines::response(
                "s",
                &unknown,
                r#"{"text":"of some length, so that it would be seen if it were kept"}"#,
            ),
            lines::end("s", &unknown),
            lines::response("s", &call, "2"),
            lines::end("s", &call),
        ]
        .map(|line| line + "\n")
        .concat()
    };
    daemon.write((0..1000).map(stray).collect::<String>());
    still_answers(&mut daemon);
    let before = daemon.memory_kib("VmRSS");
    daemon.write((0..100_000).map(stray).collect::<String>());
    still_answers(&mut daemon);
    let after = daemon.memory_kib("VmRSS");
    daemon.exit().assert_quiet(0);
    assert!(after < before + 2 * 1024, "{after} KiB after, {before} KiB before");
}

#[test]
fn who_does_not_read_its_replies_fails_alone_and_the_setting_is_named() {
    let fifo = Fifo::new();
    let mut daemon = odd().env("DIFY_PLUGIN_REPLY_QUEUE_BYTES", "100000").start();
    daemon.line(lines::tool("deaf", "odd", "deaf", &fifo.parameters()));
    let call = daemon.call("deaf");
    ask(&mut daemon, "other", "wait");
    let other = daemon.call("other");
    for _ in 0..1000 {
        daemon.line(lines::response("deaf", &call, &format!("\"{}\"", "x".repeat(1000))));
    }
    daemon.line(lines::response("other", &other, "1"));
    assert_eq!(daemon.until_end("other")[0]["data"]["message"]["json_object"]["reply"], 1);
    fifo.release();
    let failure = daemon.failure("deaf");
    assert_eq!(failure["error_type"], "InvokeError", "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("100000") && message.contains("`reply_queue_bytes` (DIFY_PLUGIN_REPLY_QUEUE_BYTES)"),
        "{failure}"
    );
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn one_worker_keeps_five_hundred_calls_open_at_once() {
    const SESSIONS: usize = 500;
    let mut daemon = odd().env("DIFY_PLUGIN_WORKERS", "1").start();
    let sessions: Vec<String> = (0..SESSIONS).map(|n| format!("s-{n}")).collect();
    for session in &sessions {
        ask(&mut daemon, session, "wait");
    }
    let calls: Vec<String> = sessions.iter().map(|session| daemon.call(session)).collect();
    // The last call is answered first.
    for (n, (session, call)) in sessions.iter().zip(&calls).enumerate().rev() {
        daemon.line(lines::response(session, call, &n.to_string()));
        daemon.line(lines::end(session, call));
    }
    for (n, session) in sessions.iter().enumerate() {
        let messages = daemon.until_end(session);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["data"]["message"]["json_object"]["reply"], n);
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_call_that_is_never_answered_fails_and_names_itself_and_the_setting() {
    let mut daemon = odd().env("MAX_INVOCATION_TIMEOUT", "0.2").start();
    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    let failure = daemon.failure("s");
    assert_eq!(failure["error_type"], "InvokeError", "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("`app`") && message.contains("`invocation_timeout` (MAX_INVOCATION_TIMEOUT)"),
        "{failure}"
    );
    // A reply that is too late is dropped.
    daemon.line(lines::response("s", &call, "1"));
    ask(&mut daemon, "next", "println");
    assert_eq!(daemon.until_end("next").iter().map(text).collect::<Vec<_>>(), ["clean"]);
    daemon.exit().assert_quiet(0);
}
