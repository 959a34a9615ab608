//! Input that is meant to hurt.

use super::{odd, still_answers};

#[test]
fn a_line_without_end_costs_little_more_than_the_limit_and_gives_it_back() {
    const LIMIT: u64 = 64 * 1024 * 1024;
    let mut daemon = odd().start();
    still_answers(&mut daemon);
    let idle = daemon.memory_kib("VmRSS");
    for _ in 0..4 * LIMIT / (1024 * 1024) {
        daemon.write(vec![b'x'; 1024 * 1024]);
    }
    let error = daemon.error_event();
    assert!(error.contains(&LIMIT.to_string()) && error.contains("DIFY_PLUGIN_MAX_LINE_BYTES"), "{error}");
    daemon.write("\n");
    still_answers(&mut daemon);
    let (most, after) = (daemon.memory_kib("VmHWM"), daemon.memory_kib("VmRSS"));
    daemon.exit().assert_quiet(0);
    eprintln!("memory in KiB: idle {idle}, at most {most}, afterwards {after}");
    // Today 1 time the limit; growing by doubling could cost 3.
    assert!(most - idle <= LIMIT / 1024 * 5 / 2, "{most} KiB at most, {idle} KiB when idle");
    assert!(after < idle + 4 * 1024, "{after} KiB afterwards, {idle} KiB when idle");
}
