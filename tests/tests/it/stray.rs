//! Output that a tool or its child prints never gets into the protocol.

use super::{ask, odd, text};

/// The daemon reads every frame as JSON, so a corrupted one fails the test.
fn answers_cleanly(tool: &str, on_stderr: &str) {
    let mut daemon = odd().start();
    for n in 0..50 {
        ask(&mut daemon, &format!("s-{n}"), tool);
    }
    for n in 0..50 {
        let messages = daemon.until_end(&format!("s-{n}"));
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(text(&messages[0]).starts_with("clean"), "{messages:?}");
    }
    let exit = daemon.exit();
    exit.assert_quiet(0);
    assert_eq!(exit.stderr.matches(on_stderr).count(), 50, "{}", exit.stderr);
}

#[test]
fn println_goes_to_stderr() {
    answers_cleanly("println", "stray println");
}

#[test]
fn printf_of_c_goes_to_stderr() {
    answers_cleanly("printf", "stray printf");
}

#[test]
fn echo_of_a_child_goes_to_stderr() {
    answers_cleanly("child", "stray echo");
}

#[test]
fn neither_a_child_nor_a_tool_can_read_the_daemon_s_lines() {
    let mut daemon = odd().start();
    for n in 0..20 {
        ask(&mut daemon, &format!("s-{n}"), "cat");
    }
    for n in 0..20 {
        let messages = daemon.until_end(&format!("s-{n}"));
        assert_eq!(text(&messages[0]), "the child read 0 bytes, the plugin 0");
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_child_that_lives_on_keeps_no_pipe_open() {
    let fifo = super::Fifo::new();
    let mut daemon = odd().start();
    daemon.line(scenarios::lines::tool("s", "odd", "orphan", &fifo.parameters()));
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["started"]);
    // Reads the output to its end, which a child that holds a copy of the pipe would delay.
    daemon.close_input();
    while daemon.message().is_some() {}
    fifo.release();
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_child_that_lives_on_keeps_no_pipe_open_when_the_plugin_is_killed() {
    let fifo = super::Fifo::new();
    let mut daemon = odd().start();
    daemon.line(scenarios::lines::tool("s", "odd", "orphan", &fifo.parameters()));
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["started"]);
    daemon.signal(rustix::process::Signal::KILL);
    // The end arrives although the child is still running.
    while daemon.message().is_some() {}
    fifo.release();
}
