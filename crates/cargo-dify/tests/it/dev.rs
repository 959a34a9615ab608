//! `cargo dify dev`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::pond::{CALLING, PYTHON, Pond, SCRIPT};

/// How long a test waits for a line.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `cargo dify dev`.
pub(crate) struct Dev {
    child: Child,
    /// The lines of its stderr.
    lines: Receiver<String>,
}

impl Drop for Dev {
    /// Stops the command if a test fails.
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

impl Dev {
    pub(crate) fn start(pond: &Pond) -> Self {
        Self::with(pond, &[])
    }

    fn with(pond: &Pond, args: &[&str]) -> Self {
        Self::of(pond.command("dev", &[&["--port", "0"], args].concat()))
    }

    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).unwrap() > 0 && sender.send(std::mem::take(&mut line)).is_ok() {
            }
        });
        Self { child, lines }
    }

    /// Waits for a line with `text`, and returns what follows it.
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut read = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no `{text}` in:\n{read}"));
            if let Some((_, after)) = line.split_once(text) {
                return after.trim().to_owned();
            }
            read.push_str(&line);
        }
    }

    /// Requests a page, after which the connection is closed.
    pub(crate) fn get(&mut self, address: &str, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: pond\r\nConnection: close\r\n\r\n").unwrap();
        stream
    }

    /// Sends what a terminal sends on Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits for the end, and returns the exit code and the unread lines.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let rest = self.lines.iter().collect();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn chunks_are_served_as_they_arrive_and_ctrl_c_stops_cleanly() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":200,"headers":{"Content-Type":"text/html"},"result":"6f6e6520"}'
        wait_for go
        say stream '{"result":"74776f"}'
        say end null"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    assert_eq!(dev.until("curl -N "), format!("http://{address}/duck/app-1"));
    assert!(dev.until("cargo dify call ").contains("tool pond/swim --param far=1 --python "));

    let mut page = BufReader::new(dev.get(&address, "/duck/a"));
    let mut line = String::new();
    while !line.ends_with("one \r\n") {
        assert_ne!(page.read_line(&mut line).unwrap(), 0, "{line}");
    }
    assert!(line.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"), "{line}");
    dev.until("200 OK to GET /duck/a");
    pond.let_go("go");
    let mut rest = String::new();
    page.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "3\r\ntwo\r\n0\r\n\r\n");
    assert!(dev.until("Closed").contains("done after"));

    dev.interrupt();
    let (code, rest) = dev.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("the plugin exited (exit status: 0)"), "{rest}");
}

/// A pond whose page is the answer of an app after `delay_ms`, and the script of that app.
fn asking_an_app(delay_ms: u64) -> (Pond, String) {
    let pond = Pond::answering(
        r#"
        case "$line" in
        *'"event":"request"'*)
            say stream '{"status":200,"headers":{},"result":"6f6e6520"}'
            say invoke '{"type":"app","backwards_request_id":"1","request":{"app_id":"a","inputs":{},"response_mode":"streaming"}}' ;;
        *'"event":"response"'*) say stream '{"result":"74776f"}'; say end null ;;
        esac"#,
    );
    let script = pond.path("script.yaml");
    std::fs::write(&script, format!("apps: {{a: {{events: [{{event: message, delay_ms: {delay_ms}}}]}}}}"))
        .unwrap();
    (pond, script.to_str().unwrap().to_owned())
}

#[test]
fn ctrl_c_lets_an_open_call_finish_its_reverse_invocation() {
    let (pond, script) = asking_an_app(700);
    let mut dev = Dev::with(&pond, &["--script", &script]);
    assert!(dev.until("warning: ").contains("script.yaml: the events of the app `a` end without"));
    let address = dev.until("Serving http://");
    let mut page = dev.get(&address, "/duck/a");
    dev.until("the plugin calls `app`");
    dev.interrupt();
    let mut text = String::new();
    page.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("3\r\ntwo\r\n0\r\n\r\n"), "{text}");
    let (code, rest) = dev.end();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("the plugin exited (exit status: 0)"), "{rest}");
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let (pond, script) = asking_an_app(60_000);
    let mut dev = Dev::with(&pond, &["--script", &script]);
    let address = dev.until("Serving http://");
    let _page = dev.get(&address, "/duck/a");
    dev.until("the plugin calls `app`");
    dev.interrupt();
    dev.until("Stopping");
    let before = Instant::now();
    dev.interrupt();
    let (code, rest) = dev.end();
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains("killed"), "{rest}");
}

#[test]
fn a_plugin_that_exits_at_once_is_reported_with_its_output_and_a_suggestion() {
    let pond = Pond::that_only_prints();
    let output = pond.command("dev", &["--port", "0"]).output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("exited before its first heartbeat: it exited by itself (exit status: 0)"),
        "{printed}"
    );
    assert!(
        printed.contains("\nhello\nhelp: a plugin runs until its stdin is closed; does it end in"),
        "{printed}"
    );
}

#[test]
fn a_folder_without_a_manifest_is_an_error_that_asks_for_the_folder() {
    let pond = Pond::answering("exit 9");
    std::fs::remove_file(pond.path("manifest.yaml")).unwrap();
    let output = pond.command("dev", &[]).output().unwrap();
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("name the folder that holds the plugin's manifest.yaml\n"), "{printed}");
}

#[test]
fn a_missing_script_is_suggested_from_the_plugins_folder() {
    let pond = Pond::answering("exit 9");
    let run = || {
        let output = pond.command("dev", &["--script", "in-the-pond.yaml"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, printed) = run();
    assert_eq!(code, Some(1));
    assert!(
        printed.starts_with("error: cannot read the script `in-the-pond.yaml`\n  caused by: "),
        "{printed}"
    );
    let here = "help: the path is relative to the current folder";
    assert!(printed.ends_with(&format!("{here}\n")), "{printed}");
    let script = pond.path("in-the-pond.yaml");
    std::fs::write(&script, "apps: {}").unwrap();
    let (_, printed) = run();
    assert!(printed.ends_with(&format!("{here}; there is --script {}\n", script.display())), "{printed}");
}

#[test]
fn a_404_is_shown_with_what_the_manifest_declares() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":404,"headers":{},"result":"6e6f"}'
        say end null"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    let _page = dev.get(&address, "/duk/app-1?a=b");
    dev.until("404 Not Found to GET /duk/app-1?a=b");
    assert_eq!(dev.until("the manifest declares: "), "GET /duck/<app_id>");
    let _page = dev.get(&address, "/duck/app-1");
    dev.until("404 Not Found to GET /duck/app-1");
    dev.until("the plugin's router has no such route");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn a_failed_body_ends_as_in_the_daemon_with_the_cause_but_without_stderr() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":200,"headers":{},"result":"6f6e6520"}'
        echo 'out of water' >&2
        kill -9 $$"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    let mut page = String::new();
    dev.get(&address, "/duck/a").read_to_string(&mut page).unwrap();
    assert!(page.contains("one ") && page.contains("the plugin exited while"), "{page}");
    assert!(page.ends_with("\r\n0\r\n\r\n") && !page.contains("out of water"), "{page}");
    let why = dev.until("the plugin ended and is restarted in 500 ms: ");
    assert!(
        why.starts_with("it was killed (signal: 9 (SIGKILL)) by another process or by the system"),
        "{why}"
    );
    dev.until("out of water");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn a_complete_body_is_not_a_disconnected_client() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":200,"headers":{"Content-Length":"2"},"result":"6f6b"}'
        wait_for go
        say end null"#,
    );
    let mut dev = Dev::start(&pond);
    let address = dev.until("Serving http://");
    let mut page = String::new();
    dev.get(&address, "/duck/a").read_to_string(&mut page).unwrap();
    assert!(page.ends_with("\r\n\r\nok"), "{page}");
    pond.let_go("go");
    assert!(dev.until("Closed").contains("done after"));
    dev.child.kill().unwrap();
    dev.end();
}

#[test]
fn a_response_without_a_body_is_complete_at_once() {
    for (method, status) in [("GET", 204), ("GET", 304), ("HEAD", 200)] {
        let pond = Pond::answering(&format!(
            r#"say stream '{{"status":{status},"headers":{{"Content-Length":"0"}},"result":""}}'; wait_for go; say end null"#
        ));
        let mut dev = Dev::start(&pond);
        let address = dev.until("Serving http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{method} /duck/a HTTP/1.1\r\nHost: pond\r\nConnection: close\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")) && page.ends_with("\r\n\r\n"), "{page}");
        pond.let_go("go");
        assert!(dev.until("Closed").contains("done after"), "{method} {status}");
        dev.interrupt();
        assert_eq!(dev.end().0, Some(0));
    }
}

#[test]
fn every_endpoint_and_tool_is_shown_with_a_command_to_call_it() {
    let pond = Pond::answering("");
    let group = "endpoints:\n- {path: /duck/<app_id>, method: GET}\n- {path: /feed, method: POST}\n";
    std::fs::write(pond.path("group.yaml"), group).unwrap();
    let provider = std::fs::read_to_string(pond.path("pond.yaml")).unwrap();
    let credentials =
        "credentials_schema: {key: {type: secret-input, required: true, label: {en_US: Key}}}\n";
    std::fs::write(pond.path("pond.yaml"), format!("{provider}{credentials}")).unwrap();
    let script = pond.path("a b.yaml");
    std::fs::write(&script, "apps: {}").unwrap();
    std::fs::write(pond.path("key"), "app-1").unwrap();
    let (script, key) = (script.display().to_string(), format!("b=@{}", pond.path("key").display()));
    let options = ["--dify", "http://localhost", "--app", "a=app-hunter2", "--app", &key, "--release"];
    let mut dev = Dev::with(&pond, &[&["--script", &script], &options[..]].concat());
    let address = dev.until("Serving http://");
    assert_eq!(dev.until("  curl -N "), format!("http://{address}/duck/app-1"));
    assert_eq!(dev.until("  curl -N --data '' "), format!("http://{address}/feed"));
    assert_eq!(dev.until("  (example values"), "replace the <…> in the declared paths)");
    let call = dev.until("  cargo dify call ");
    let expected = format!(
        "tool pond/swim --param far=1 --credential key=hello --script '{script}' --python {PYTHON} --dify http://localhost \
         --app 'a=…' --app {key} --release"
    );
    assert!(call.ends_with(&expected), "{call}");
    assert_eq!(dev.until("  Press "), "Ctrl-C to stop.");
    dev.interrupt();
    let (code, rest) = dev.end();
    assert!(code == Some(0) && !rest.contains("hunter2"), "{rest}");
}

#[test]
fn a_session_is_shown_from_its_opening_to_its_end() {
    let pond = Pond::answering(CALLING);
    let script = pond.path("script.yaml");
    std::fs::write(&script, SCRIPT).unwrap();
    let mut dev = Dev::with(&pond, &["--script", script.to_str().unwrap()]);
    let address = dev.until("Serving http://");
    let _page = dev.get(&address, "/duck/a");
    let opened = dev.until("Opened ");
    let (time, text) = opened.split_once(' ').unwrap();
    assert!(time.parse::<f64>().is_ok(), "{opened}");
    let (session, text) = text.split_once(' ').unwrap();
    assert_eq!((session.len(), text), (8, "endpoint/invoke_endpoint"));
    let mut next = |verb: &str| {
        let line = dev.until(&format!("{verb} "));
        line.split_once(&format!(" {session} ")).unwrap_or_else(|| panic!("{line}")).1.to_owned()
    };
    assert_eq!(next("Reverse"), "the plugin calls `app`; the daemon drops the fields `files`");
    let failed = next("Reverse");
    assert!(failed.starts_with("`app` failed after ") && failed.contains("\"message\":\"no\""), "{failed}");
    let failed = next("Failed");
    assert!(failed.starts_with("after ") && failed.ends_with(": ValueError: bad"), "{failed}");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}

#[test]
fn examples_can_be_pasted_into_a_shell() {
    let pond = Pond::answering("");
    let provider = std::fs::read_to_string(pond.path("pond.yaml")).unwrap();
    let (before, _) = provider.split_once("  - {name: far").unwrap();
    let parameters = "  - {name: a, type: string, required: true}\n  - {name: b, type: boolean, required: true}\n  \
                      - {name: c, type: array, required: true}\n  \
                      - {name: d, type: select, required: true, options: [{value: red}, {value: blue}]}\n  \
                      - {name: e, type: string, required: true, default: en}\n";
    std::fs::write(pond.path("pond.yaml"), format!("{before}{parameters}")).unwrap();
    let credentials = "credentials_schema: {key: {type: secret-input, required: true}}\n";
    let provider = std::fs::read_to_string(pond.path("pond.yaml")).unwrap();
    std::fs::write(pond.path("pond.yaml"), format!("{provider}{credentials}")).unwrap();
    let mut dev = Dev::with(&pond, &["--storage", "it's here"]);
    let call = dev.until("  cargo dify call ");
    let expected = "--param a=hello --param b=true --param 'c:=[1, 2]' --param d=red --credential key=hello \
                    --storage 'it'\\''s here'";
    assert!(call.contains(expected), "{call}");
    dev.interrupt();
    assert_eq!(dev.end().0, Some(0));
}
