//! Reading the text of a chat event: by scanning it like a relay, by decoding it, and by parsing it into a `Value`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dify_plugin_app::Event;
use serde_json::Value;
use serde_json::value::RawValue;

/// An event as Dify sends it.
const PLAIN: &str = r#"{"event":"message","task_id":"0f4c1c4e-6a4e-4a1e-8f0e-3a6f0d2f7d11","message_id":"5ad4cb98-f0c7-4085-b384-88c403be6290","conversation_id":"45701982-8118-4bc5-8e9b-64562b4555f2","id":"5ad4cb98-f0c7-4085-b384-88c403be6290","created_at":1679586595,"answer":" a piece of the answer,","from_variable_selector":null}"#;

fn events(c: &mut Criterion) {
    let escaped = PLAIN.replace(" a piece", r#" \u003cb\u003ea\u003c/b\u003e\n\"piece\""#);
    for (name, json) in [("message", PLAIN), ("message with escapes", &escaped)] {
        let raw: &RawValue = serde_json::from_str(json).expect("it is JSON");
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(json.len() as u64));
        // Each includes the copy that the queue of replies makes.
        group.bench_function("Event::answer", |b| {
            b.iter(|| {
                let event = Event::new(black_box(raw).to_owned()).expect("it is an event");
                black_box(event.answer().expect("it has an answer")).len()
            });
        });
        group.bench_function("Event::decode", |b| {
            b.iter(|| {
                let event = Event::new(black_box(raw).to_owned()).expect("it is an event");
                event.decode().expect("it is a known event")
            });
        });
        group.bench_function("Value", |b| {
            b.iter(|| {
                let raw = black_box(raw).to_owned();
                let event: Value = serde_json::from_str(raw.get()).expect("it is JSON");
                black_box(event["answer"].as_str().expect("it has an answer")).len()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, events);
criterion_main!(benches);
