//! `cargo dify dev` when the plugin is changed, and when it ends.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::dev::Dev;
use crate::pond::Pond;

/// A pond that responds with what the file `version` held when it was started, and appends its process id to `pids`.
fn versioned(answer: &str) -> Pond {
    let pond = Pond::answering(answer);
    write(&pond, "version", "31");
    write(
        &pond,
        "start.sh",
        "version=$(cat version); echo $$ >> pids; [ $version != dead ] || { echo 'out of water' >&2; exit 3; }",
    );
    pond
}

const VERSION: &str = r#"say stream '{"status":200,"headers":{},"result":"'$version'"}'; say end null"#;

fn write(pond: &Pond, name: &str, text: &str) {
    fs::write(pond.path(name), text).unwrap();
}

/// Saves a source like an editor that writes a copy and renames it.
fn save(pond: &Pond, name: &str, text: &str) {
    write(pond, &format!("{name}~"), text);
    fs::rename(pond.path(&format!("{name}~")), pond.path(name)).unwrap();
}

/// Returns a whole response.
fn page(dev: &mut Dev, address: &str) -> String {
    let mut page = String::new();
    dev.get(address, "/duck/a").read_to_string(&mut page).unwrap();
    page
}

/// Returns the body of a response with one chunk.
fn body(dev: &mut Dev, address: &str) -> String {
    let page = page(dev, address);
    assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
    page.rsplit("\r\n").nth(3).unwrap().to_owned()
}

fn begun(stream: TcpStream, text: &str) -> BufReader<TcpStream> {
    let mut page = BufReader::new(stream);
    let mut line = String::new();
    while !line.ends_with(text) {
        assert_ne!(page.read_line(&mut line).unwrap(), 0, "{line}");
    }
    page
}

fn pids(pond: &Pond) -> Vec<u32> {
    fs::read_to_string(pond.path("pids")).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// Waits until a process has ended.
fn gone(pid: u32) {
    let before = Instant::now();
    while Command::new("kill").args(["-0", &pid.to_string()]).output().unwrap().status.success() {
        assert!(before.elapsed() < Duration::from_secs(20), "{pid} runs on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_saved_source_restarts_the_plugin_and_open_calls_finish_on_the_old_process() {
    let pond = versioned(
        r#"
        say stream '{"status":200,"headers":{},"result":"'$version'0d0a"}'
        if [ $version = 31 ]; then
            wait_for go
            say invoke '{"type":"storage","backwards_request_id":"1","request":{"opt":"exist","key":"a"}}'
            read -r answer && read -r end || exit 9
        fi
        say stream '{"result":"'$version'"}'
        say end null"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    let mut open = begun(dev.get(&address, "/duck/a"), "1\r\n");
    write(&pond, "version", "32");
    // Nothing happens for files that are not sources, or sources that are only read.
    write(&pond, "notes.txt", "quack");
    fs::create_dir(pond.path("target")).unwrap();
    write(&pond, "target/made.rs", "");
    fs::read(pond.path("main.py")).unwrap();
    save(&pond, "main.py", "# saved");
    assert_eq!(dev.until("Changed "), "main.py");
    assert_eq!(dev.until("Finishing "), "1 open call on the previous process");
    dev.until("Restarted");
    assert!(page(&mut dev, &address).ends_with("\r\n2\r\n\r\n1\r\n2\r\n0\r\n\r\n"));
    assert_eq!(pids(&pond).len(), 2);
    // Longer than calls have in a plugin that is shut down, whose reverse invocations then fail.
    std::thread::sleep(Duration::from_millis(3500));
    pond.let_go("go");
    let mut rest = String::new();
    open.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "\r\n1\r\n1\r\n0\r\n\r\n");
    gone(pids(&pond)[0]);
    assert!(page(&mut dev, &address).contains('2'));
    dev.interrupt();
    let (code, rest) = dev.end();
    assert!(code == Some(0) && !rest.contains("Changed"), "{rest}");
    gone(pids(&pond)[1]);
}

#[test]
fn ctrl_c_also_stops_old_processes() {
    let pond = versioned(r#"say stream '{"status":200,"headers":{},"result":"610d0a"}'"#);
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    let _open = begun(dev.get(&address, "/duck/a"), "a\r\n");
    save(&pond, "main.py", "# saved");
    dev.until("Restarted");
    dev.interrupt();
    dev.until("Stopping");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
    assert_eq!(pids(&pond).len(), 2);
    pids(&pond).into_iter().for_each(gone);
}

#[test]
fn a_new_process_that_fails_to_start_is_reported_and_the_old_one_continues() {
    let pond = versioned(VERSION);
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    write(&pond, "version", "dead");
    save(&pond, "main.py", "# dies");
    dev.until("error: the plugin could not be started");
    assert!(
        dev.until("caused by: ")
            .contains("it exited before its first heartbeat: it exited by itself (exit status: 3)")
    );
    dev.until("out of water");
    dev.until("the previous build continues; the next change triggers a new build");
    assert_eq!(body(&mut dev, &address), "1");
    write(&pond, "version", "33");
    save(&pond, "main.py", "# lives");
    dev.until("Restarted");
    assert_eq!(body(&mut dev, &address), "3");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn declarations_are_read_again_and_broken_ones_change_nothing() {
    let pond = versioned(r#"say stream '{"status":404,"headers":{},"result":"6e6f"}'; say end null"#);
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    save(&pond, "group.yaml", "settings: []\nendpoints: [{path: /pond, method: GET}]\n");
    assert_eq!(dev.until("Changed "), "group.yaml");
    assert_eq!(dev.until("curl -N "), format!("http://{address}/pond"));
    dev.until("Restarted");
    page(&mut dev, &address);
    assert_eq!(dev.until("the manifest declares: "), "GET /pond");
    save(&pond, "manifest.yaml", "name: [");
    dev.until("error: cannot read the plugin in");
    dev.until("the previous build continues");
    page(&mut dev, &address);
    assert_eq!(dev.until("the manifest declares: "), "GET /pond");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn a_plugin_that_ends_is_reported_and_restarted_for_waiting_calls() {
    let pond = versioned(
        r#"
        [ $version = 32 ] || { echo 'out of water' >&2; printf 32 > version; exit 7; }
        say stream '{"status":200,"headers":{},"result":"'$version'"}'
        say end null"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    // The open call gets the reason, without the plugin's stderr.
    let failed = page(&mut dev, &address);
    assert!(failed.starts_with("HTTP/1.1 500 "), "{failed}");
    assert!(failed.contains("exit status: 7") && !failed.contains("out of water"), "{failed}");
    // The next call waits.
    assert_eq!(body(&mut dev, &address), "2");
    dev.until("Stderr");
    let why = dev.until("the plugin ended and is restarted in 500 ms: ");
    assert_eq!(why, "it exited by itself (exit status: 7); the end of its stderr:");
    assert_eq!(dev.until("out of "), "water");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn restarts_that_fail_become_rarer_and_calls_are_refused() {
    let pond = versioned("printf dead > version; exit 7");
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    page(&mut dev, &address);
    dev.until("restarted in 500 ms");
    assert_eq!(dev.until("Waiting "), "1.00 s, or for a change of the sources");
    let refused = page(&mut dev, &address);
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("see the output of cargo dify dev"),
        "{refused}"
    );
    assert_eq!(dev.until("Waiting "), "2.00 s, or for a change of the sources");
    write(&pond, "version", "34");
    write(&pond, "answer.sh", VERSION);
    save(&pond, "main.py", "# lives");
    dev.until("Restarted");
    assert_eq!(body(&mut dev, &address), "4");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

/// A whole plugin without dependencies, whose endpoints respond with `body`.
fn source(body: &str) -> String {
    let program = r##"
use std::io::{BufRead, Write};

fn main() {
    println!(r#"{{"event":"heartbeat"}}"#);
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (_, id) = line.split_once(r#""session_id":""#).unwrap();
        let id = id.split('"').next().unwrap();
        let body: String = BODY.bytes().map(|byte| format!("{byte:02x}")).collect();
        for data in [
            format!(r#"{{"type":"stream","data":{{"status":200,"headers":{{}},"result":"{body}"}}}}"#),
            r#"{"type":"end","data":null}"#.to_owned(),
        ] {
            println!(r#"{{"event":"session","session_id":"{id}","data":{data}}}"#);
        }
        std::io::stdout().flush().unwrap();
    }
}
"##;
    program.replace("BODY", body)
}

#[test]
fn a_cargo_package_is_rebuilt_and_a_failed_build_changes_nothing() {
    let pond = Pond::answering("");
    fs::create_dir(pond.path("src")).unwrap();
    write(
        &pond,
        "Cargo.toml",
        "[package]\nname = \"pond\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    write(&pond, "page.html", "one");
    write(&pond, "src/main.rs", &source("include_str!(\"../page.html\")"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command.args(["dify", "dev", "--port", "0"]).arg(pond.dir());
    command.env("CARGO_TARGET_DIR", pond.path("target")).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut dev = Dev::of(command);
    let address = dev.until("Serving http://");
    assert_eq!(body(&mut dev, &address), "one");

    save(&pond, "src/main.rs", &source("two"));
    assert_eq!(dev.until("Changed "), PathBuf::from("src/main.rs").display().to_string());
    dev.until("error[E0425]: cannot find value `two`");
    dev.until("error: cargo could not build the plugin");
    dev.until("the previous build continues");
    assert_eq!(body(&mut dev, &address), "one");

    save(&pond, "src/main.rs", &source("include_str!(\"../page.html\")"));
    dev.until("Restarted");
    // Its name is not a source's, but cargo says that the binary was built from it.
    save(&pond, "page.html", "three");
    assert_eq!(dev.until("Changed "), "page.html");
    dev.until("Restarted");
    assert_eq!(body(&mut dev, &address), "three");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}
