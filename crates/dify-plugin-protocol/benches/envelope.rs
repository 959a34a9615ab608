//! Reading and writing one frame, compared with parsing it into a `Value` and with validating it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dify_plugin_protocol::daemon_frame::DaemonFrame;
use dify_plugin_protocol::message::write_session_frame;
use dify_plugin_protocol::tool::message::ToolMessage;
use dify_plugin_protocol::{Incoming, MessageType, RequestHeader, ReverseResponse};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

const REQUESTS: &str = include_str!("../../../proto-fixtures/recorded/daemon-requests.jsonl");
const REPLIES: &str = include_str!("../../../proto-fixtures/recorded/reverse-sdk-0.7.4-chat-streaming.jsonl");

fn request(c: &mut Criterion) {
    let line = recorded(REQUESTS, &[r#""action":"invoke_tool""#, r#""credentials":{"k""#]);
    reading(c, "request", &line, |line| {
        let incoming = Incoming::parse(line).expect("it is a line of the daemon's");
        black_box(RequestHeader::parse(incoming.data).expect("it is a request"));
    });
}

fn backwards_response(c: &mut Criterion) {
    let line = recorded(REPLIES, &[r#""event":"response""#, r#""event":"message""#]);
    reading(c, "backwards_response", &line, |line| {
        let incoming = Incoming::parse(line).expect("it is a line of the daemon's");
        black_box(ReverseResponse::parse(incoming.data).expect("it is a reply"));
    });
}

fn reading(c: &mut Criterion, name: &str, line: &str, envelope: fn(&str)) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("DaemonFrame", |b| {
        b.iter(|| black_box(DaemonFrame::read(black_box(line)).expect("it is in the daemon's form")));
    });
    group.bench_function("envelope", |b| b.iter(|| envelope(black_box(line))));
    group.bench_function("Value", |b| {
        b.iter(|| serde_json::from_str::<Value>(black_box(line)).expect("it is JSON"));
    });
    group.bench_function("IgnoredAny", |b| {
        b.iter(|| serde_json::from_str::<IgnoredAny>(black_box(line)).expect("it is JSON"));
    });
    group.finish();
}

fn stream_line(c: &mut Criterion) {
    let session = "5f0f1d0e-3c1b-4c0a-9a57-2f7c7a6f1b10";
    let message = ToolMessage::text("I am a piece of the answer, ");
    let mut out = Vec::new();
    let mut group = c.benchmark_group("stream line");
    group.throughput(Throughput::Elements(1));
    group.bench_function("write_session_frame", |b| {
        b.iter(|| {
            out.clear();
            write_session_frame(&mut out, session, &MessageType::Stream, black_box(&message))
                .expect("it can be serialised");
            black_box(out.len())
        });
    });
    group.bench_function("Value", |b| {
        b.iter(|| {
            out.clear();
            let data = serde_json::json!({"type": "stream", "data": black_box(&message)});
            let line = serde_json::json!({"event": "session", "session_id": session, "data": data});
            serde_json::to_writer(&mut out, &line).expect("it can be serialised");
            out.push(b'\n');
            black_box(out.len())
        });
    });
    group.finish();
}

/// Returns the first recorded frame from the daemon that contains all of `marks`.
fn recorded(file: &str, marks: &[&str]) -> String {
    #[derive(Deserialize)]
    struct Row {
        r#in: Box<RawValue>,
    }
    let row = file.lines().find(|row| marks.iter().all(|mark| row.contains(mark))).expect("it was recorded");
    serde_json::from_str::<Row>(row).expect("the daemon wrote it").r#in.get().to_owned()
}

criterion_group!(benches, request, backwards_response, stream_line);
criterion_main!(benches);
