//! An operator's settings: the environment, `.env`, and the effect of mistakes.

use scenarios::lines;

use super::{ask, odd, still_answers, text};

#[test]
fn a_wrong_setting_stops_the_start_and_is_named() {
    for (name, value) in [
        ("MAX_WORKER", "many"),
        ("MAX_WORKER", "0"),
        ("MAX_REQUEST_TIMEOUT", "-1"),
        ("MAX_INVOCATION_TIMEOUT", "soon"),
        ("HEARTBEAT_INTERVAL", "0"),
        ("INSTALL_METHOD", "pigeon"),
        ("INSTALL_METHOD", "remote"),
        ("DIFY_PLUGIN_WORKERS", "0"),
        ("DIFY_PLUGIN_LOG", "a=b=c"),
        ("DIFY_PLUGIN_LOG", "warning"),
        ("DIFY_PLUGIN_HANDLER_DEADLINE", "NaN"),
        ("DIFY_PLUGIN_MAX_LINE_BYTES", "64MiB"),
        ("DIFY_PLUGIN_MAX_FRAME_BYTES", "16383"),
        // As in the official SDK, case does not matter.
        ("max_worker", "none"),
    ] {
        let exit = odd().env(name, value).start().exit();
        exit.assert_quiet(2);
        let line = exit.stderr.lines().last().expect("it says why");
        assert!(line.contains(&name.to_uppercase()) && line.contains(value), "{line}");
    }
}

#[test]
fn env_file_is_read_and_the_environment_wins() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "# ours\nMAX_WORKER=none\n\nDIFY_PLUGIN_WORKERS=1\n").unwrap();
    let exit = odd().current_dir(folder.path()).start().exit();
    exit.assert_quiet(2);
    assert!(exit.stderr.contains("MAX_WORKER"), "{}", exit.stderr);

    let mut daemon = odd().current_dir(folder.path()).env("MAX_WORKER", "5").start();
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_broken_line_of_the_env_file_is_named_and_passed_over_and_stays_secret() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "KEY=1\n\nhunter2 and a secret\nmax_worker=1\n").unwrap();
    let mut daemon = odd().current_dir(folder.path()).start();
    ask(&mut daemon, "first", "wait");
    daemon.call("first");
    ask(&mut daemon, "second", "wait");
    assert_eq!(daemon.failure("second")["error_type"], "SessionLimitExceeded");
    let exit = daemon.exit();
    assert!(exit.stderr.contains(".env:3: skipped") && !exit.stderr.contains("hunter2"), "{}", exit.stderr);
}

#[test]
fn a_request_past_max_worker_is_refused_by_name_and_the_next_is_taken() {
    let mut daemon = odd().env("MAX_WORKER", "2").start();
    let calls = ["one", "two"].map(|session| {
        ask(&mut daemon, session, "wait");
        daemon.call(session)
    });
    for _ in 0..3 {
        ask(&mut daemon, "three", "println");
        let failure = daemon.failure("three");
        assert_eq!(failure["error_type"], "SessionLimitExceeded", "{failure}");
        assert!(failure["message"].as_str().unwrap().contains("`max_sessions`"), "{failure}");
    }
    daemon.line(lines::response("one", &calls[0], "1"));
    daemon.until_end("one");
    still_answers(&mut daemon);
    daemon.line(lines::response("two", &calls[1], "2"));
    daemon.until_end("two");
    daemon.exit().assert_quiet(0);
}

#[test]
fn one_worker_is_enough() {
    let mut daemon = odd().env("DIFY_PLUGIN_WORKERS", "1").start();
    let sessions: Vec<String> = (0..100).map(|n| format!("s-{n}")).collect();
    for session in &sessions {
        ask(&mut daemon, session, "wait");
    }
    for session in &sessions {
        let call = daemon.call(session);
        daemon.line(lines::response(session, &call, "1"));
        daemon.line(lines::end(session, &call));
    }
    for session in &sessions {
        assert_eq!(daemon.until_end(session)[0]["data"]["message"]["json_object"]["reply"], 1);
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_message_over_the_limit_fails_its_sender_alone() {
    let mut daemon = odd().env("DIFY_PLUGIN_MAX_FRAME_BYTES", "20000").start();
    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    daemon.line(lines::response("s", &call, &format!("\"{}\"", "x".repeat(50_000))));
    let failure = daemon.failure("s");
    assert_eq!(failure["error_type"], "FrameTooLarge", "{failure}");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn header_values_that_the_daemon_cannot_carry_are_warned_of_once() {
    let mut daemon = odd().start();
    for session in ["one", "two"] {
        daemon.line(lines::endpoint(session, "GET", "/cookies"));
        let headers = daemon.until_end(session)[0]["data"]["headers"].take();
        assert_eq!(headers["Set-Cookie"], "c=3", "{headers}");
    }
    let exit = daemon.exit();
    assert_eq!(exit.stderr.matches("only the last is sent").count(), 1, "{}", exit.stderr);
    assert!(exit.stderr.contains("header=set-cookie"), "{}", exit.stderr);
}

#[test]
fn what_a_tool_logs_becomes_log_lines() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "log");
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["logged"]);
    let logs = daemon.logs();
    assert_eq!(logs.len(), 2, "{logs:?}");
    assert_eq!((&logs[0]["level"], &logs[0]["message"]), (&"INFO".into(), &"a word n=7".into()));
    assert_eq!(logs[1]["level"], "ERROR");
    assert!(logs.iter().all(|log| log["timestamp"].as_f64().is_some_and(|seconds| seconds > 1e9)));
    daemon.exit().assert_quiet(0);
}

/// Works with any other settings, and without a daemon.
#[test]
fn a_plugin_that_is_asked_for_it_describes_itself_and_exits() {
    let described = std::process::Command::new(env!("CARGO_BIN_EXE_odd"))
        .current_dir(std::env::temp_dir())
        .env("dify_plugin_describe", "1")
        .env("MAX_WORKER", "none")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(described.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&described.stderr), "");
    let line = described.stdout.strip_suffix(b"\n").expect("one line");
    let said: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert_eq!(said["dify_plugin_description"], 2);
    assert_eq!(said["endpoints"], true);
    let tools = said["tool_providers"][0]["tools"].as_array().unwrap();
    assert!(tools.iter().any(|tool| tool["name"] == "wait"), "{said}");

    let exit = odd().env("DIFY_PLUGIN_DESCRIBE", "please").start().exit();
    exit.assert_quiet(2);
    assert!(exit.stderr.contains("DIFY_PLUGIN_DESCRIBE is `please`; it must be 1 or 0"), "{}", exit.stderr);
}
