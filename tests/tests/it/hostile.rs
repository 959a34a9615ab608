//! Hostile input.

use scenarios::lines;

use super::{odd, still_answers};

#[test]
fn junk_of_any_kind_is_told_and_the_next_line_is_answered() {
    let (open, close) = ("[".repeat(200_000), "]".repeat(200_000));
    let values = [
        format!("{open}{close}"),
        open.clone(),
        "9".repeat(100_000),
        "1e400".to_owned(),
        "-0.".to_owned(),
        "\0".to_owned(),
        "\"\0\"".to_owned(),
        "\"\\ud800\"".to_owned(),
    ];
    let mut daemon = odd().start();
    for value in &values {
        // As a frame, and as a field beside a request without a session: the daemon never sends either.
        for line in [value.clone(), format!(r#"{{"session_id":null,"event":"request","data":{value}}}"#)] {
            daemon.line(line);
            assert!(daemon.error_event().len() < 300);
        }
        // As a parameter that should be text: whatever is wrong with it, only its own session fails.
        daemon.line(lines::tool("bad", "odd", "hold", &format!(r#"{{"fifo":{value}}}"#)));
        let mut failed = false;
        loop {
            let message = daemon.next_message();
            match (message["event"].as_str(), message["data"]["type"].as_str()) {
                (Some("error"), _) => {}
                (_, Some("error")) => failed = true,
                (_, Some("end")) => break,
                _ => panic!("{message:.300}"),
            }
        }
        assert!(failed, "{value:.100}");
        still_answers(&mut daemon);
    }
    daemon.exit().assert_quiet(0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_line_without_end_costs_little_more_than_the_limit_and_gives_it_back() {
    const LIMIT: u64 = 64 * 1024 * 1024;
    let mut daemon = odd().start();
    still_answers(&mut daemon);
    let idle = daemon.memory_kib("VmRSS");
    for _ in 0..4 * LIMIT / (1024 * 1024) {
        daemon.write(vec![b'x'; 1024 * 1024]);
    }
    let error = daemon.error_event();
    assert!(error.contains(&LIMIT.to_string()) && error.contains("`max_line_bytes`"), "{error}");
    daemon.write("\n");
    still_answers(&mut daemon);
    let (most, after) = (daemon.memory_kib("VmHWM"), daemon.memory_kib("VmRSS"));
    daemon.exit().assert_quiet(0);
    eprintln!("memory in KiB: idle {idle}, at most {most}, afterwards {after}");
    // Currently it takes as much as the limit; growth by doubling could take three times that.
    assert!(most - idle <= LIMIT / 1024 * 5 / 2, "{most} KiB at most, {idle} KiB when idle");
    assert!(after < idle + 4 * 1024, "{after} KiB afterwards, {idle} KiB when idle");
}
