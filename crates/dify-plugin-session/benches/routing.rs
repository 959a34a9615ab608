//! Finding the receiver of a frame: replies to more and more open calls, and requests that come and go, in memory and on one
//! thread.
//!
//! What a reply costs must not depend on how many calls are open, but for the caches that 100,000 of them no longer fit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{Config, Connection, Request};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// Lines of one round.
const LINES: usize = 10_000;

/// As large as what one read of the connection takes.
const PIPE_BYTES: usize = 64 * 1024;

fn replies(c: &mut Criterion) {
    let mut group = c.benchmark_group("replies");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(20);
    for open in [16, 1_000, 100_000] {
        let runtime = runtime();
        let counter = Arc::new(Counter::default());
        let mut daemon = runtime.block_on(async { Daemon::connect(counter.clone(), count_replies) });
        let calls = runtime.block_on(daemon.open(open));
        // Every call has its turn, however many rounds that takes.
        let rounds: Vec<String> = (0..open.div_ceil(LINES))
            .map(|round| (0..LINES).map(|n| reply(&calls[(round * LINES + n) % open])).collect())
            .collect();
        let mut rounds = rounds.iter().cycle();
        group.bench_function(BenchmarkId::new("open calls", open), |b| {
            b.iter(|| {
                let lines = rounds.next().expect("it begins anew");
                runtime.block_on(daemon.say(lines, &counter));
            });
        });
    }
    group.finish();
}

fn requests(c: &mut Criterion) {
    let runtime = runtime();
    let counter = Arc::new(Counter::default());
    let mut daemon = runtime.block_on(async { Daemon::connect(counter.clone(), finish) });
    runtime.spawn(daemon.swallow());
    let lines: String = (0..LINES).map(request).collect();
    let mut group = c.benchmark_group("requests");
    group.throughput(Throughput::Elements(LINES as u64)).sample_size(20);
    group.bench_function("opened and finished", |b| {
        b.iter(|| runtime.block_on(daemon.say(&lines, &counter)));
    });
    group.finish();
}

fn count_replies(request: Request, counter: Arc<Counter>) {
    tokio::spawn(async move {
        let (payload, responder) = request.into_parts();
        let mut replies =
            responder.session().invoke(InvokeType::App, &*payload).await.expect("the call can be made");
        drop(payload);
        while replies.try_next().await.expect("the call does not fail").is_some() {
            counter.add();
        }
    });
}

fn finish(request: Request, counter: Arc<Counter>) {
    tokio::spawn(async move {
        let (_, responder) = request.into_parts();
        responder.finish().expect("the session is open");
        counter.add();
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime can be made")
}

/// The daemon's ends of the two pipes.
struct Daemon {
    input: DuplexStream,
    output: Option<BufReader<DuplexStream>>,
}

impl Daemon {
    /// A connection whose requests `handle` takes, driven by a task of the runtime that this is called in.
    fn connect(counter: Arc<Counter>, handle: fn(Request, Arc<Counter>)) -> Self {
        let (input, reader) = tokio::io::duplex(PIPE_BYTES);
        let (writer, output) = tokio::io::duplex(PIPE_BYTES);
        let mut config = Config::default();
        config.heartbeat_interval = None;
        config.handler_deadline = std::time::Duration::MAX;
        config.invocation_timeout = std::time::Duration::MAX;
        let mut connection = Connection::new(reader, writer, config);
        tokio::spawn(async move {
            while let Ok(Some(request)) = connection.accept().await {
                handle(request, counter.clone());
            }
        });
        Self { input, output: Some(BufReader::new(output)) }
    }

    /// Opens sessions and gives the ids of the calls that their handlers make.
    async fn open(&mut self, sessions: usize) -> Vec<String> {
        let mut output = self.output.take().expect("nobody else reads");
        let asking = async {
            for n in 0..sessions {
                self.input.write_all(request(n).as_bytes()).await.expect("the connection reads");
            }
        };
        let listening = async {
            let mut calls = Vec::with_capacity(sessions);
            let mut line = String::new();
            while calls.len() < sessions {
                line.clear();
                output.read_line(&mut line).await.expect("the connection writes");
                let (_, id) = line.split_once(r#""backwards_request_id":""#).expect("it is a call");
                calls.push(id[..32].to_owned());
            }
            calls
        };
        let ((), calls) = tokio::join!(asking, listening);
        self.output = Some(output);
        calls
    }

    /// Reads what the connection writes, and forgets it.
    fn swallow(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let mut output = self.output.take().expect("nobody else reads");
        async move {
            tokio::io::copy(&mut output, &mut tokio::io::sink()).await.expect("memory can be read");
        }
    }

    /// Writes one round and waits until all of it was seen.
    async fn say(&mut self, lines: &str, counter: &Counter) {
        self.input.write_all(lines.as_bytes()).await.expect("the connection reads");
        counter.round().await;
    }
}

/// Counts the lines of a round.
#[derive(Default)]
struct Counter {
    seen: AtomicUsize,
    all: Notify,
}

impl Counter {
    fn add(&self) {
        if self.seen.fetch_add(1, Ordering::Relaxed) + 1 == LINES {
            self.seen.store(0, Ordering::Relaxed);
            self.all.notify_one();
        }
    }

    async fn round(&self) {
        self.all.notified().await;
    }
}

fn request(n: usize) -> String {
    format!(
        r#"{{"session_id":"5f0f1d0e-3c1b-4c0a-9a57-{n:012}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{{"action":"invoke_tool","credential_type":"api-key","credentials":{{}},"provider":"p","tool":"t","tool_parameters":{{}},"type":"tool","user_id":"u"}}}}
"#
    )
}

fn reply(call: &str) -> String {
    format!(
        r#"{{"session_id":"5f0f1d0e-3c1b-4c0a-9a57-2f7c7a6f1b10","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"backwards_response","data":{{"backwards_request_id":"{call}","event":"response","message":"stream","data":{{"event":"message","message_id":"m-1","answer":" I"}}}}}}
"#
    )
}

criterion_group!(benches, replies, requests);
criterion_main!(benches);
