//! Splitting reads of 64 KiB into frames, compared with only searching for newlines.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dify_plugin_protocol::frame::{Frame, FrameDecoder};

/// The maximum length of a read.
const READ_BYTES: usize = 64 * 1024;

/// The lengths of a short reply, of a request with a page of text, and of a frame much longer than a read.
const LINE_BYTES: [usize; 3] = [350, 4 * 1024, 1024 * 1024];

fn framing(c: &mut Criterion) {
    let mut group = c.benchmark_group("framing");
    for line in LINE_BYTES {
        let input = lines(line);
        group.throughput(Throughput::Bytes(input.len() as u64));
        group.bench_function(BenchmarkId::new("FrameDecoder", line), |b| {
            b.iter(|| {
                let mut decoder = FrameDecoder::new(64 << 20);
                let mut bytes = 0;
                for chunk in input.chunks(READ_BYTES) {
                    let mut lines = decoder.feed(chunk);
                    while let Some(line) = lines.next() {
                        if let Frame::Whole(line) = black_box(line) {
                            bytes += line.len();
                        }
                    }
                }
                bytes
            });
        });
        group.bench_function(BenchmarkId::new("memchr", line), |b| {
            b.iter(|| {
                let mut newlines = 0;
                for chunk in input.chunks(READ_BYTES) {
                    newlines += memchr::memchr_iter(b'\n', chunk).map(black_box).count();
                }
                newlines
            });
        });
    }
    group.finish();
}

/// Returns up to 4 MiB in frames of `length` bytes, including the newline.
fn lines(length: usize) -> Vec<u8> {
    let mut line = vec![b'x'; length - 1];
    line.push(b'\n');
    line.repeat((4 << 20) / length)
}

criterion_group!(benches, framing);
criterion_main!(benches);
