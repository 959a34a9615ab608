//! From the first heartbeat to the exit.

use std::io::{BufRead, Read, Write};
use std::process::Stdio;

use rustix::process::Signal;
use scenarios::lines;

use super::{Fifo, ask, bench, odd, still_answers, text};

#[test]
fn the_first_line_is_a_heartbeat() {
    for launch in [odd(), bench()] {
        let mut daemon = launch.start();
        let first = daemon.message().expect("the plugin lives");
        assert_eq!(first["event"], "heartbeat", "{first}");
        daemon.exit().assert_quiet(0);
    }
}

#[test]
fn heartbeats_go_on_while_every_worker_spins() {
    for workers in ["1", "2"] {
        let fifos = [Fifo::new(), Fifo::new()];
        let spinning = &fifos[..workers.parse().unwrap()];
        let mut daemon = odd().env("DIFY_PLUGIN_WORKERS", workers).env("HEARTBEAT_INTERVAL", "0.05").start();
        for (n, fifo) in spinning.iter().enumerate() {
            daemon.line(lines::tool(&format!("s-{n}"), "odd", "spin", &fifo.parameters()));
        }
        // Earlier output is written along with a heartbeat if no worker is free to write it.
        for n in 0..spinning.len() {
            assert_eq!(text(&daemon.session_message(&format!("s-{n}"))), "spinning");
        }
        daemon.await_heartbeats(5);
        for fifo in spinning {
            fifo.release();
        }
        for n in 0..spinning.len() {
            let rest = daemon.until_end(&format!("s-{n}"));
            assert_eq!(rest.iter().map(text).collect::<Vec<_>>(), ["released"]);
        }
        daemon.exit().assert_quiet(0);
    }
}

#[test]
fn a_handler_that_holds_its_worker_is_named() {
    let fifo = Fifo::new();
    let mut daemon = odd().start();
    daemon.line(lines::tool("s", "odd", "spin", &fifo.parameters()));
    daemon.await_stderr("odd/spin");
    still_answers(&mut daemon);
    fifo.release();
    daemon.until_end("s");
    daemon.exit().assert_quiet(0);
}

#[test]
fn input_that_ends_right_after_the_request_is_answered_then_the_plugin_exits() {
    // As `slim` does: it writes before any heartbeat and closes the input at once.
    for _ in 0..20 {
        let mut daemon = odd().start();
        ask(&mut daemon, "s", "println");
        daemon.close_input();
        assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["clean"]);
        daemon.exit().assert_quiet(0);
    }
}

#[test]
fn a_reverse_call_that_nobody_can_answer_any_more_fails_and_is_told() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "wait");
    daemon.close_input();
    let messages = daemon.until_end("s");
    let error = messages.last().expect("there is an error");
    assert_eq!(
        (&error["type"], &error["data"]["error_type"]),
        (&"error".into(), &"Closed".into()),
        "{messages:?}"
    );
    daemon.exit().assert_quiet(0);
}

#[test]
#[cfg(target_os = "linux")]
fn after_the_end_of_the_input_a_session_runs_on_and_nothing_spins() {
    let fifo = Fifo::new();
    let mut daemon = odd().env("HEARTBEAT_INTERVAL", "0.05").start();
    daemon.line(lines::tool("s", "odd", "hold", &fifo.parameters()));
    assert_eq!(text(&daemon.session_message("s")), "holding");
    daemon.close_input();
    daemon.await_heartbeats(1);
    let before = daemon.cpu();
    // At least 2 s by the plugin's own clock, of which a spinning thread would use most.
    daemon.await_heartbeats(40);
    let used = daemon.cpu() - before;
    assert!(used.as_millis() < 500, "{used:?} of CPU in 2 s of waiting");
    fifo.release();
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["released"]);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_plugin_that_nobody_reads_exits_though_idle() {
    let mut daemon = odd().start();
    daemon.message().expect("the plugin lives");
    daemon.close_output();
    // Its input stays open, so only the output can make it end.
    let exit = daemon.exit_by_itself();
    exit.assert_quiet(1);
    assert!(exit.stderr.contains("no longer reads"), "{}", exit.stderr);
}

#[test]
fn a_plugin_that_nobody_reads_exits_though_its_workers_are_held() {
    // With one worker, the thread that watches the connection is held too.
    for workers in ["1", "2"] {
        let fifos = [Fifo::new(), Fifo::new()];
        let spinning = &fifos[..workers.parse().unwrap()];
        let mut daemon = odd().env("DIFY_PLUGIN_WORKERS", workers).env("HEARTBEAT_INTERVAL", "0.05").start();
        for (n, fifo) in spinning.iter().enumerate() {
            daemon.line(lines::tool(&format!("s-{n}"), "odd", "spin", &fifo.parameters()));
        }
        for n in 0..spinning.len() {
            assert_eq!(text(&daemon.session_message(&format!("s-{n}"))), "spinning");
        }
        daemon.close_output();
        daemon.exit_by_itself().assert_quiet(1);
    }
}

#[test]
fn sigterm_lets_open_sessions_finish_and_takes_no_more() {
    let fifo = Fifo::new();
    let mut daemon = odd().env("DIFY_PLUGIN_SHUTDOWN_GRACE", "200").start();
    daemon.line(lines::tool("s", "odd", "hold", &fifo.parameters()));
    assert_eq!(text(&daemon.session_message("s")), "holding");
    daemon.signal(Signal::TERM);
    // The signal and a frame race, so requests are sent until one is refused.
    let mut n = 0;
    loop {
        let session = format!("late-{n}");
        ask(&mut daemon, &session, "println");
        let messages = daemon.until_end(&session);
        if messages[0]["type"] == "error" {
            assert_eq!(messages[0]["data"]["error_type"], "Closed", "{messages:?}");
            break;
        }
        n += 1;
    }
    fifo.release();
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["released"]);
    let exit = daemon.exit_by_itself();
    exit.assert_quiet(0);
}

#[test]
fn sigterm_ends_sessions_that_do_not_finish_in_time() {
    let mut daemon = odd().env("DIFY_PLUGIN_SHUTDOWN_GRACE", "0.2").start();
    ask(&mut daemon, "s", "forever");
    assert_eq!(text(&daemon.session_message("s")), "before");
    daemon.signal(Signal::TERM);
    let messages = daemon.until_end("s");
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["type"], "error", "{messages:?}");
    let exit = daemon.exit_by_itself();
    assert!(exit.stderr.contains("1 sessions took longer than `shutdown_grace`"), "{}", exit.stderr);
    exit.assert_quiet(1);
}

#[test]
fn an_idle_plugin_ends_at_sigint() {
    let mut daemon = odd().start();
    still_answers(&mut daemon);
    daemon.signal(Signal::INT);
    daemon.exit_by_itself().assert_quiet(0);
}

#[test]
fn started_by_hand_in_a_terminal_it_says_what_it_is() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = std::fs::File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let output = odd().command().stdin(theirs.try_clone().unwrap()).stdout(theirs).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("a Dify plugin") && stderr.contains("cargo dify dev"), "{stderr}");
}

#[test]
fn without_any_input_it_ends_at_once() {
    let output = odd().command().stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", output.stderr.escape_ascii());
}

#[test]
fn the_flags_of_the_pipes_are_as_they_were_once_it_is_over() {
    flags_are_put_back(|plugin, input, _| {
        writeln!(input.as_ref().unwrap(), "{}", lines::tool("s", "odd", "println", "{}")).unwrap();
        *input = None;
        assert!(plugin.wait().unwrap().success());
    });
}

#[test]
fn the_flags_of_the_pipes_are_as_they_were_also_if_a_second_signal_ends_it() {
    flags_are_put_back(|plugin, input, output| {
        writeln!(input.as_ref().unwrap(), "{}", lines::tool("s", "odd", "forever", "{}")).unwrap();
        // Once it has sent something it is open, and stays open.
        let mut lines = std::io::BufReader::new(output).lines();
        while !lines.next().unwrap().unwrap().contains(r#""type":"stream""#) {}
        let pid = rustix::process::Pid::from_raw(plugin.id().cast_signed()).unwrap();
        while plugin.try_wait().unwrap().is_none() {
            rustix::process::kill_process(pid, Signal::TERM).unwrap();
            std::thread::yield_now();
        }
        assert_eq!(plugin.wait().unwrap().code(), Some(1));
    });
}

/// Starts a plugin, ends it with `end`, and checks that the flags of its pipes are unchanged.
#[allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]
fn flags_are_put_back(
    end: impl FnOnce(&mut std::process::Child, &mut Option<std::io::PipeWriter>, std::io::PipeReader),
) {
    use rustix::fs::{OFlags, fcntl_getfl};

    // Flags belong to the open pipe, so ours show what the plugin did to its own.
    let (its_input, input) = std::io::pipe().unwrap();
    let (mut output, its_output) = std::io::pipe().unwrap();
    let before = (fcntl_getfl(&its_input).unwrap(), fcntl_getfl(&its_output).unwrap());
    let mut command = odd().command();
    command
        .stdin(its_input.try_clone().unwrap())
        .stdout(its_output.try_clone().unwrap())
        .stderr(Stdio::null());
    let mut plugin = command.spawn().unwrap();
    drop(command);
    let mut heartbeat = [0; 16];
    output.read_exact(&mut heartbeat).unwrap();
    assert!(fcntl_getfl(&its_input).unwrap().contains(OFlags::NONBLOCK), "it is driven by readiness");
    end(&mut plugin, &mut Some(input), output);
    assert_eq!((fcntl_getfl(&its_input).unwrap(), fcntl_getfl(&its_output).unwrap()), before);
}

#[test]
fn a_daemon_that_reads_again_gets_a_heartbeat_before_all_that_waited() {
    const SESSIONS: usize = 2000;
    /// The capacity of a pipe.
    const PIPE: usize = 64 * 1024;
    let mut daemon = odd().env("HEARTBEAT_INTERVAL", "0.2").start();
    assert_eq!(daemon.message().expect("the plugin lives")["event"], "heartbeat");
    for n in 0..SESSIONS {
        ask(&mut daemon, &format!("s-{n}"), "println");
    }
    // Long enough for the pipe to be full, in the middle of a frame, and for heartbeats to be due.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let (mut before, mut longest, mut ends) = (0, 0, 0);
    loop {
        let line = daemon.raw_line().expect("the plugin lives");
        if line.contains(r#""event":"heartbeat""#) {
            break;
        }
        before += line.len() + 1;
        longest = longest.max(line.len() + 1);
        ends += usize::from(line.contains(r#""type":"end""#));
    }
    assert!(before <= PIPE + longest, "{before} bytes came first, more than the pipe held");
    assert!(ends < SESSIONS / 2, "the pipe was never full");
    while ends < SESSIONS {
        ends += usize::from(daemon.raw_line().expect("the plugin lives").contains(r#""type":"end""#));
    }
    daemon.exit().assert_quiet(0);
}
