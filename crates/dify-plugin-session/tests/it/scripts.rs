//! Random scripts; see [`model`](crate::model) for what a script does and what must hold.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::model::play;

/// Generates steps with their choices, or any bytes.
fn script() -> impl Strategy<Value = Vec<u8>> {
    let steps = vec((0..24u8, any::<u8>(), any::<u8>()), 0..80);
    let steps = steps.prop_map(|steps| {
        let step = |(step, choice, kind)| match step {
            // What is over at once ends the script, so it is rarer than the rest.
            23 if kind >= 32 => vec![18, choice],
            3..6 => vec![step, choice, kind],
            6 => [vec![step, choice % 16], vec![kind; usize::from(choice % 16)]].concat(),
            22 => vec![step],
            _ => vec![step, choice],
        };
        steps.into_iter().flat_map(step).collect::<Vec<u8>>()
    });
    (any::<u8>(), prop_oneof![9 => steps, 1 => vec(any::<u8>(), 0..300)])
        .prop_map(|(config, steps)| [vec![config], steps].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn every_request_is_answered_once_and_nothing_is_left(script in script()) {
        play(&script);
    }
}

/// A request whose line is broken, no room to answer it, the end of input, and then all the time there is.
#[test]
fn a_daemon_that_closes_our_input_and_reads_nothing_is_not_waited_for() {
    play(&[0, 0, 0, 23, 8, 21, 1]);
}
