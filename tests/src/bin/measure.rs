//! The benchmark: one plugin process at a time, driven over its pipes as the daemon does, beside the official SDK's and
//! the floor's.
//!
//! ```text
//! cargo build --release -p bench -p scenarios
//! target/release/measure [--runs 7] [--python PYTHON] [--twin DIR]
//! ```
//!
//! Runs alternate between the subjects; the table gives medians, the range, and the ratio to the floor. `PYTHON` is one
//! with the official SDK installed; `DIR` is its plugin, by default `tests/peer/bench-python`.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ECHOES: usize = 2000;
const RELAYS: usize = 16;
/// Events of one relay, for a subject that is fast and for the official SDK.
const EVENTS: (usize, usize) = (25_000, 600);

struct Subject {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(&'static str, &'static str)>,
    events: usize,
}

/// One run's figures, in the table's order.
struct Figures([f64; ROWS.len()]);

const ROWS: [(&str, &str); 7] = [
    ("start to first heartbeat", "ms"),
    ("idle memory (RSS)", "MiB"),
    ("echo, one in flight, p50", "µs"),
    ("echo, 64 in flight", "1/s"),
    ("relay", "msg/s"),
    ("relay, CPU a message", "µs"),
    ("memory after relay (RSS)", "MiB"),
];

fn main() -> Result<()> {
    let (mut runs, mut python, mut twin) = (7, None, PathBuf::from("tests/peer/bench-python"));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--runs" => runs = value.parse()?,
            "--python" => python = Some(PathBuf::from(value)),
            "--twin" => twin = PathBuf::from(value),
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    let here = std::env::current_exe()?;
    let built = here.parent().ok_or("the program has no folder")?;
    let rust = |name, program: &str, environment| Subject {
        name,
        program: built.join(program),
        arguments: Vec::new(),
        folder: PathBuf::from("."),
        environment,
        events: EVENTS.0,
    };
    let mut subjects = vec![
        rust("floor", "floor", Vec::new()),
        rust("one worker", "bench", vec![("DIFY_PLUGIN_WORKERS", "1")]),
        rust("default workers", "bench", Vec::new()),
    ];
    if let Some(python) = python {
        subjects.push(Subject {
            name: "official SDK",
            program: python,
            arguments: vec!["-m".to_owned(), "main".to_owned()],
            folder: twin,
            environment: Vec::new(),
            events: EVENTS.1,
        });
    }
    let mut figures: Vec<Vec<Figures>> = subjects.iter().map(|_| Vec::new()).collect();
    for run in 1..=runs {
        for (subject, figures) in subjects.iter().zip(&mut figures) {
            writeln!(std::io::stderr(), "run {run} of {runs}: {}", subject.name)?;
            figures.push(measure(subject).map_err(|error| format!("{}: {error}", subject.name))?);
        }
    }
    print(&subjects, &figures)
}

fn print(subjects: &[Subject], figures: &[Vec<Figures>]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "| |")?;
    for subject in subjects {
        write!(out, " {} |", subject.name)?;
    }
    writeln!(out, "\n|---{}|", "|---".repeat(subjects.len()))?;
    for (row, (name, unit)) in ROWS.iter().enumerate() {
        write!(out, "| {name}, {unit} |")?;
        let floor = median(&figures[0], row);
        for runs in figures {
            let all = runs.iter().map(|run| run.0[row]);
            let (least, most) = (all.clone().fold(f64::MAX, f64::min), all.fold(0.0, f64::max));
            let middle = median(runs, row);
            write!(out, " {} ({}–{}), {:.2}× |", round(middle), round(least), round(most), middle / floor)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn median(runs: &[Figures], row: usize) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(|run| run.0[row]).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn round(figure: f64) -> String {
    if figure >= 1000.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}

/// A running plugin and its pipes.
struct Plugin {
    child: Child,
    stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Plugin {
    fn start(subject: &Subject) -> Result<Self> {
        let mut child = Command::new(&subject.program)
            .args(&subject.arguments)
            .current_dir(&subject.folder)
            .envs(subject.environment.iter().copied())
            .env("INSTALL_METHOD", "local")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}; build it with --release", subject.program.display()))?;
        let stdin = child.stdin.take().ok_or("no stdin")?;
        let lines = BufReader::with_capacity(1 << 16, child.stdout.take().ok_or("no stdout")?);
        let mut plugin = Self { child, stdin, lines };
        while !plugin.line()?.contains("heartbeat") {}
        Ok(plugin)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.lines.read_line(&mut line)? == 0 {
            return Err("the plugin closed its output".into());
        }
        Ok(line)
    }

    /// The next line of a session.
    fn session_line(&mut self) -> Result<String> {
        loop {
            let line = self.line()?;
            if line.starts_with(r#"{"event":"session""#) {
                return Ok(line);
            }
        }
    }

    fn rss_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(kib.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
    }

    /// CPU time so far, in seconds: the scheduler's own count, over all threads.
    fn cpu(&self) -> Result<f64> {
        let mut nanoseconds = 0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(nanoseconds as f64 / 1e9)
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure(subject: &Subject) -> Result<Figures> {
    let started = Instant::now();
    let mut plugin = Plugin::start(subject)?;
    let start = started.elapsed().as_secs_f64() * 1e3;
    std::thread::sleep(Duration::from_millis(300));
    let idle = plugin.rss_mib()?;

    let mut latencies = Vec::new();
    for n in 0..ECHOES {
        let asked = Instant::now();
        plugin.stdin.write_all(request(&format!("one-{n}"), "echo").as_bytes())?;
        while !plugin.session_line()?.contains(r#""type":"end""#) {}
        latencies.push(asked.elapsed().as_secs_f64() * 1e6);
    }
    latencies.sort_by(f64::total_cmp);

    let asked = Instant::now();
    let (mut sent, mut ended) = (0, 0);
    while ended < ECHOES {
        let mut batch = String::new();
        while sent < ECHOES && sent - ended < 64 {
            batch.push_str(&request(&format!("many-{sent}"), "echo"));
            sent += 1;
        }
        plugin.stdin.write_all(batch.as_bytes())?;
        while !plugin.session_line()?.contains(r#""type":"end""#) {}
        ended += 1;
    }
    let echo_rate = ECHOES as f64 / asked.elapsed().as_secs_f64();

    let (seconds, cpu) = relay(&mut plugin, subject.events)?;
    let messages = (subject.events * RELAYS) as f64;
    let after = plugin.rss_mib()?;
    Ok(Figures([
        start,
        idle,
        latencies[ECHOES / 2],
        echo_rate,
        messages / seconds,
        cpu / messages * 1e6,
        after,
    ]))
}

/// Seconds and CPU seconds that `RELAYS` relays of `events` events take, all at once.
fn relay(plugin: &mut Plugin, events: usize) -> Result<(f64, f64)> {
    let mut calls = Vec::new();
    for n in 0..RELAYS {
        plugin.stdin.write_all(request(&format!("relay-{n}"), "relay").as_bytes())?;
    }
    while calls.len() < RELAYS {
        let line = plugin.session_line()?;
        let session = field(&line, "session_id")?;
        calls.push((session, field(&line, "backwards_request_id")?));
    }
    // A burst of each call in turn, as a daemon with many sessions writes.
    const BURST: usize = 25;
    let mut round = String::new();
    for (session, call) in &calls {
        for _ in 0..BURST {
            round.push_str(&answer(
                session,
                call,
                "response",
                r#"{"answer":"token ","conversation_id":"c-1","created_at":1,"event":"message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#,
            ));
        }
    }
    let ends: String = calls.iter().map(|(session, call)| answer(session, call, "end", "null")).collect();
    let cpu = plugin.cpu()?;
    let began = Instant::now();
    let stdin = &mut plugin.stdin;
    let lines = &mut plugin.lines;
    let counted = std::thread::scope(|scope| -> Result<usize> {
        let writer = scope.spawn(move || -> std::io::Result<()> {
            for _ in 0..events / BURST {
                stdin.write_all(round.as_bytes())?;
            }
            stdin.write_all(ends.as_bytes())
        });
        let (mut streams, mut ended) = (0, 0);
        let mut line = Vec::new();
        while ended < RELAYS {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                return Err("the plugin closed its output".into());
            }
            // What kind a line is stands at a fixed place: the harness must cost less than what it measures.
            if line.starts_with(br#"{"event":"session""#) {
                let head = &line[..line.len().min(100)];
                if memchr::memmem::find(head, br#""type":"stream""#).is_some() {
                    streams += 1;
                } else {
                    ended += usize::from(memchr::memmem::find(head, br#""type":"end""#).is_some());
                }
            }
        }
        writer.join().map_err(|_| "the writer panicked")??;
        Ok(streams)
    })?;
    let seconds = began.elapsed().as_secs_f64();
    if counted != events / BURST * BURST * RELAYS {
        return Err(format!("{counted} messages came back of {}", events * RELAYS).into());
    }
    Ok((seconds, plugin.cpu()? - cpu))
}

fn field(line: &str, name: &str) -> Result<String> {
    let start =
        line.find(&format!("\"{name}\":\"")).ok_or_else(|| format!("no {name} in {line}"))? + name.len() + 4;
    let end = line[start..].find('"').ok_or("an unfinished string")?;
    Ok(line[start..start + end].to_owned())
}

fn request(session: &str, tool: &str) -> String {
    format!(
        "{{\"session_id\":\"{session}\",\"conversation_id\":null,\"message_id\":null,\"app_id\":null,\"endpoint_id\":null,\"context\":null,\"event\":\"request\",\"data\":{{\"action\":\"invoke_tool\",\"credential_type\":\"api-key\",\"credentials\":{{}},\"provider\":\"bench\",\"tool\":\"{tool}\",\"tool_parameters\":{{\"text\":\"hello\"}},\"type\":\"tool\",\"user_id\":\"u\"}}}}\n"
    )
}

fn answer(session: &str, call: &str, event: &str, data: &str) -> String {
    format!(
        "{{\"session_id\":\"{session}\",\"conversation_id\":null,\"message_id\":null,\"app_id\":null,\"endpoint_id\":null,\"context\":null,\"event\":\"backwards_response\",\"data\":{{\"backwards_request_id\":\"{call}\",\"event\":\"{event}\",\"message\":\"stream\",\"data\":{data}}}}}\n"
    )
}
