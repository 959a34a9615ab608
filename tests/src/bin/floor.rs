//! The floor of the benchmark: what the wire itself costs.
//!
//! One thread, blocking reads and writes, one parse of each frame, and no table: the call's id is the session's. It lacks
//! what a plugin needs (limits, deadlines, errors, waiting sessions) and exists only for comparison.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    session_id: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data<'a> {
    #[serde(borrow)]
    tool: Option<&'a str>,
    #[serde(borrow)]
    tool_parameters: Option<Parameters<'a>>,
    #[serde(borrow)]
    event: Option<&'a str>,
    #[serde(borrow)]
    data: Option<Event<'a>>,
}

#[derive(Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    answer: Option<Cow<'a, str>>,
}

fn main() -> io::Result<()> {
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n");
    let mut buffer = vec![0; 64 * 1024];
    let mut partial = Vec::new();
    loop {
        stdout.write_all(&out)?;
        stdout.flush()?;
        out.clear();
        let read = stdin.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..read];
        while let Some(end) = memchr::memchr(b'\n', rest) {
            if partial.is_empty() {
                answer(&rest[..end], &mut out)?;
            } else {
                partial.extend_from_slice(&rest[..end]);
                answer(&partial, &mut out)?;
                partial.clear();
            }
            rest = &rest[end + 1..];
        }
        partial.extend_from_slice(rest);
    }
}

fn answer(line: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let line: Line<'_> = serde_json::from_slice(line)?;
    let id = &*line.session_id;
    match (line.data.tool, line.data.event) {
        (Some("relay"), _) => {
            write!(
                out,
                r#"{{"event":"session","session_id":"{id}","data":{{"type":"invoke","data":{{"type":"app","backwards_request_id":"{id}","request":{{"app_id":"app-1","inputs":{{}},"query":"#
            )?;
            serde_json::to_writer(&mut *out, &line.data.tool_parameters.map(|p| p.text).unwrap_or_default())?;
            out.extend_from_slice(b",\"response_mode\":\"streaming\"}}}}\n");
        }
        (Some("blob"), _) => {
            blob(id, out)?;
            end(id, out)?;
        }
        (Some(_), _) => {
            text(id, &line.data.tool_parameters.map(|p| p.text).unwrap_or_default(), out)?;
            end(id, out)?;
        }
        // The last event of an answer has no text.
        (None, Some("response")) => {
            if let Some(answer) = line.data.data.and_then(|event| event.answer) {
                text(id, &answer, out)?;
            }
        }
        (None, _) => end(id, out)?,
    }
    Ok(())
}

fn text(id: &str, text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    write!(
        out,
        r#"{{"event":"session","session_id":"{id}","data":{{"type":"stream","data":{{"type":"text","message":{{"text":"#
    )?;
    serde_json::to_writer(&mut *out, text)?;
    out.extend_from_slice(b"},\"meta\":null}}}\n");
    Ok(())
}

/// A file of one MiB, as it is cut on the wire.
fn blob(id: &str, out: &mut Vec<u8>) -> io::Result<()> {
    const FILE: [u8; PIECE] = [b'x'; PIECE];
    const PIECE: usize = 8192;
    const PIECES: usize = (1 << 20) / PIECE;
    for sequence in 0..=PIECES {
        let (bytes, last) = if sequence < PIECES { (&FILE[..], false) } else { (&[][..], true) };
        write!(
            out,
            r#"{{"event":"session","session_id":"{id}","data":{{"type":"stream","data":{{"type":"blob_chunk","message":{{"id":"{id}","sequence":{sequence},"total_length":1048576,"blob":""#
        )?;
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        STANDARD.encode_slice(bytes, &mut out[start..]).map_err(io::Error::other)?;
        writeln!(
            out,
            r#"","end":{last}}},"meta":{{"mime_type":"application/octet-stream","filename":"big.bin"}}}}}}}}"#
        )?;
    }
    Ok(())
}

fn end(id: &str, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, r#"{{"event":"session","session_id":"{id}","data":{{"type":"end","data":{{}}}}}}"#)
}
