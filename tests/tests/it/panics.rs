//! Handlers that panic again and again.

use super::ledger::Ledger;
use super::{ask, odd, still_answers};

#[test]
fn two_thousand_panics_each_end_their_session_and_leave_nothing_behind() {
    const BATCH: usize = 100;
    let mut daemon = odd().start();
    let mut ledger = Ledger::default();
    let mut settled = 0;
    for batch in 1..=20 {
        for n in 0..BATCH {
            ask(&mut daemon, &format!("{batch}-{n}"), "panic");
        }
        while ledger.ended() < batch * BATCH {
            ledger.note(&daemon.next_message());
        }
        if batch == 5 {
            settled = daemon.memory_kib("VmRSS");
        }
    }
    let after = daemon.memory_kib("VmRSS");
    assert_eq!(ledger.errors().filter(|error| error["error_type"] == "HandlerPanicked").count(), 20 * BATCH);
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
    eprintln!("memory in KiB: after 500 panics {settled}, after 2000 {after}");
    // Less than 1 KiB per panic.
    assert!(after < settled + 1400, "{after} KiB in the end, {settled} KiB after 500");
}
