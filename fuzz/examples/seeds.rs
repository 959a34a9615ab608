//! Writes the first corpus of every target into `corpus/`, from `proto-fixtures/`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::value::RawValue;

#[path = "../../crates/dify-plugin-protocol/tests/it/equal.rs"]
mod equal;
#[expect(dead_code, reason = "only the names of the types are wanted here")]
#[path = "../../crates/dify-plugin-protocol/tests/it/round_trip.rs"]
mod round_trip;

/// Longer frames are long only because of their texts.
const SEED_BYTES: usize = 2048;

type Row = BTreeMap<String, Box<RawValue>>;

fn rows(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let rows = text.lines().filter(|line| !line.is_empty()).map(serde_json::from_str);
    Ok(rows.collect::<Result<_, _>>()?)
}

fn seed(target: &str, number: usize, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(format!("seed-{number:04}")), bytes)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto-fixtures");
    let (mut lines, mut input) = (Vec::new(), Vec::new());
    let mut files: Vec<_> = fs::read_dir(fixtures.join("recorded"))?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::path);
    for file in
        files.iter().filter(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"))
    {
        for row in rows(&file.path())? {
            for key in ["in", "out"] {
                let Some(line) = row.get(key).filter(|line| line.get().len() <= SEED_BYTES) else { continue };
                lines.push(line.get().to_owned());
                if key == "in" {
                    input.push(line.get().to_owned());
                }
            }
        }
    }
    for (number, line) in lines.iter().enumerate() {
        seed("envelope", number, line.as_bytes())?;
    }
    for (number, some) in lines.chunks(8).enumerate() {
        // A limit that only some frames exceed, and chunks of 7 and 13 bytes.
        seed("frame", number, &[&[200, 0x7d], some.join("\r\n\n").as_bytes()].concat())?;
    }
    payloads(&fixtures)?;
    scripts(&input)
}

fn payloads(fixtures: &Path) -> Result<(), Box<dyn Error>> {
    let mut number = 0;
    for row in rows(&fixtures.join("every-field.jsonl"))? {
        let name: String = serde_json::from_str(row["type"].get())?;
        let Some(selector) = round_trip::TYPES.iter().position(|(own, _)| *own == name) else { continue };
        // An event is also read by the app crate.
        let look = (name == "AppEvent").then_some(255);
        for selector in [Some(u8::try_from(selector)?), look].into_iter().flatten() {
            seed("payloads", number, &[&[selector], row["json"].get().as_bytes()].concat())?;
            number += 1;
        }
    }
    let texts = round_trip::TYPES.len() - 1;
    for row in rows(&fixtures.join("recorded/real-dify-errors-single.jsonl"))? {
        let Some(line) = row.get("in").filter(|line| line.get().contains(r#""event":"error""#)) else {
            continue;
        };
        let line: serde_json::Value = serde_json::from_str(line.get())?;
        let message = line["data"]["message"].as_str().unwrap_or_default();
        seed("payloads", number, &[&[u8::try_from(texts)?], message.as_bytes()].concat())?;
        number += 1;
    }
    Ok(())
}

/// Complete sessions as `crates/dify-plugin-session/tests/it/model` reads them, and frames of the daemon as raw bytes of the
/// script.
fn scripts(input: &[String]) -> Result<(), Box<dyn Error>> {
    const OPEN: [u8; 2] = [0, 24];
    const ROOM: [u8; 2] = [18, 255];
    let answers = [7, 0, 7, 64, 7, 128, 16, 24];
    let call = [11, 0, 18, 255, 3, 1, 6, 13, 0, 3, 1, 7, 3, 1, 0, 13, 0, 13, 0, 16, 0];
    let mut number = 0;
    for config in [0, 0x55, 0xaa, 0xff] {
        for body in [&answers[..], &call, &[22, 0, 25, 0, 26, 22], &[21, 3], &[23, 0, 21, 1], &[23, 8, 16, 8]]
        {
            seed("core", number, &[&[config], &OPEN[..], &ROOM, body].concat())?;
            number += 1;
        }
    }
    for line in input.iter().step_by(20) {
        let line = &line.as_bytes()[..line.len().min(255)];
        let length = u8::try_from(line.len())?;
        seed("core", number, &[&[0], &ROOM[..], &[6, length], line, &[7, 0]].concat())?;
        number += 1;
    }
    Ok(())
}
