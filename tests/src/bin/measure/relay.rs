//! Sessions that call an app and relay its answer, message by message.

use std::io::Write;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::Result;
use crate::plugin::Plugin;
use crate::proc;
use crate::report::{Column, Row};
use crate::subject::Amounts;
use crate::wire::{Call, Kind, kind, request};

/// The number of concurrent relays.
pub(crate) const RELAYS: usize = 16;

/// The number of consecutive events for one call, because a daemon writes in bursts.
const BURST: usize = 25;

/// Events built beforehand and written at once: about as many at least, unless fewer are wanted, and at most.
const ROUND: (usize, usize) = (2_500, 100_000);

/// Events under way, for each call. A plugin keeps at most 4 MiB for a call and fails it beyond that, and while a handler is
/// delayed, all events under way may be for its call.
const UNDER_WAY: usize = 1_000;

const RATE: Row = Row::new("relay, 16 sessions", "msg/s");
const CPU: Row = Row::new("relay, CPU a message", "µs");
const DRIVER: Row = Row::new("relay, this program's CPU a message", "µs").against(&[]);
const BUSY: Row = Row::new("relay, this program's busier thread", "% busy").against(&[]);

pub(crate) const ROWS: [Row; 4] = [RATE, CPU, DRIVER, BUSY];

pub(crate) fn measure(plugin: &mut Plugin, amounts: &Amounts, column: &mut Column<'_>) -> Result<()> {
    let calls = open(plugin, RELAYS)?;
    let streamed = stream(plugin, &calls, amounts.messages, After::End)?;
    column.add(&RATE, streamed.rate());
    column.add(&CPU, streamed.cpu_a_message());
    column.add(&DRIVER, (streamed.writer_cpu + streamed.reader_cpu) / streamed.messages as f64 * 1e6);
    column.add(&BUSY, streamed.writer_cpu.max(streamed.reader_cpu) / streamed.seconds * 100.0);
    Ok(())
}

/// Opens sessions, and waits until each of them has made its call.
pub(crate) fn open(plugin: &mut Plugin, sessions: usize) -> Result<Vec<Call>> {
    let (input, output) = (&mut plugin.input, &mut plugin.output);
    thread::scope(|scope| {
        let writer = scope.spawn(move || -> Result<()> {
            let requests: String =
                (0..sessions).map(|n| request(&format!("s-{n:06}"), "relay", "q")).collect();
            Ok(input.write_all(requests.as_bytes())?)
        });
        let mut calls = Vec::with_capacity(sessions);
        while calls.len() < sessions {
            let line = output.line()?;
            match kind(line)? {
                Kind::Invoke => calls.push(Call::read(line)?),
                Kind::Stream | Kind::End => return Err("it answered instead of asking".into()),
                Kind::Other => {}
            }
        }
        writer.join().map_err(|_| "the writer panicked")??;
        Ok(calls)
    })
}

/// What happens to the calls once all messages are sent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum After {
    End,
    StayOpen,
}

/// What it took to relay some messages.
pub(crate) struct Streamed {
    messages: usize,
    seconds: f64,
    cpu: f64,
    writer_cpu: f64,
    reader_cpu: f64,
    /// The peak of the memory meanwhile, in MiB.
    pub(crate) resident: f64,
}

impl Streamed {
    pub(crate) fn rate(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// In microseconds.
    pub(crate) fn cpu_a_message(&self) -> f64 {
        self.cpu / self.messages as f64 * 1e6
    }
}

/// Answers the calls with about `messages` events, in turn, and waits until all have been relayed.
pub(crate) fn stream(plugin: &mut Plugin, calls: &[Call], messages: usize, after: After) -> Result<Streamed> {
    let burst = BURST.min(ROUND.1 / calls.len()).min(messages / calls.len()).max(1);
    let turns = (ROUND.0.min(messages) / calls.len() / burst).max(1);
    let a_round = turns * burst * calls.len();
    let rounds = (messages / a_round).max(1);
    let messages = rounds * a_round;
    let rounds_under_way = (UNDER_WAY * calls.len() / a_round).max(1);
    let mut turn = String::new();
    for call in calls {
        (0..burst).for_each(|_| call.write_event(&mut turn));
    }
    let round = turn.repeat(turns);
    let mut ends = String::new();
    if after == After::End {
        calls.iter().for_each(|call| call.write_end(&mut ends));
    }
    let ends_wanted = if after == After::End { calls.len() } else { 0 };

    let pid = plugin.pid();
    let (input, output) = (&mut plugin.input, &mut plugin.output);
    let (cpu, reader_cpu) = (proc::cpu(pid)?, proc::own_cpu()?);
    let began = Instant::now();
    thread::scope(|scope| {
        // Created here, so that the waiting writer notices if the reader fails.
        let (seen_a_round, was_seen) = mpsc::channel();
        let writer = scope.spawn(move || -> Result<f64> {
            for n in 0..rounds {
                if n >= rounds_under_way {
                    was_seen.recv()?;
                }
                input.write_all(round.as_bytes())?;
            }
            input.write_all(ends.as_bytes())?;
            proc::own_cpu()
        });
        let (mut seen, mut ended, mut resident) = (0, 0, 0.0_f64);
        while seen < messages || ended < ends_wanted {
            output.fill()?;
            let before = seen;
            while let Some(line) = output.read_line() {
                match kind(line)? {
                    Kind::Stream => seen += 1,
                    Kind::End => ended += 1,
                    Kind::Invoke => return Err("it called back twice".into()),
                    Kind::Other => {}
                }
            }
            for _ in before / a_round..seen / a_round {
                // Towards the end the writer no longer waits for it.
                let _ = seen_a_round.send(());
            }
            // About 32 samples in total; each takes a few microseconds.
            let look = (messages / 32).max(1);
            if before / look != seen / look {
                resident = resident.max(proc::resident_now_mib(pid)?);
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        if (seen, ended) != (messages, ends_wanted) {
            return Err(
                format!("{seen} messages of {messages} came, and {ended} ends of {ends_wanted}").into()
            );
        }
        let writer_cpu = writer.join().map_err(|_| "the writer panicked")??;
        let (cpu, reader_cpu) = (proc::cpu(pid)? - cpu, proc::own_cpu()? - reader_cpu);
        Ok(Streamed { messages, seconds, cpu, writer_cpu, reader_cpu, resident })
    })
}
