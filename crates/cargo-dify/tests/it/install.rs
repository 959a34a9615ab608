//! `cargo dify install` with fixed responses, taken from the daemon.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

const OLD: &str = "tests/pond:0.0.1@94e1ce7598d1531fbc4db0529be3b5c384ad4f1b34c32a1bf4856361cea4a86b";
const NEW: &str = "tests/pond:0.0.2@e0601a79b9dccb0bf08573401d7b05101115fc05ddf28e283ab43d3a6b7d8139";
const KEY: &str = "marked-secret";
const MANAGEMENT: &str = "/plugin/tenant-1/management";

/// A request: its first line, its headers and its body.
struct Request {
    line: String,
    headers: String,
    body: Vec<u8>,
}

/// Sends the bodies in order with status 200, one for each request, and then returns the requests.
fn daemon(bodies: Vec<String>) -> (String, JoinHandle<Vec<Request>>) {
    server(200, bodies)
}

fn server(status: u16, bodies: Vec<String>) -> (String, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let take = |body: String| {
            let (stream, _) = listener.accept().unwrap();
            let request = read(&stream);
            let length = body.len();
            write!(
                &stream,
                "HTTP/1.1 {status} Status\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
            request
        };
        bodies.into_iter().map(take).collect()
    });
    (url, serving)
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), String::new());
    reader.read_line(&mut line).unwrap();
    while !headers.ends_with("\r\n\r\n") {
        reader.read_line(&mut headers).unwrap();
    }
    let length = headers.lines().find_map(|header| header.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    Request { line: line.trim_end().trim_end_matches(" HTTP/1.1").to_owned(), headers, body }
}

fn install(url: &str, args: &[&str], key: Option<&str>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pond.difypkg"), b"a package's bytes").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    command.args(["dify", "install", url, "--tenant", "tenant-1"]).args(args).current_dir(folder.path());
    command.env_remove("PLUGIN_DAEMON_KEY").stdin(Stdio::null());
    if let Some(key) = key {
        command.env("PLUGIN_DAEMON_KEY", key);
    }
    command.output().unwrap()
}

fn done(data: &str) -> String {
    format!(r#"{{"code":0,"message":"success","data":{data}}}"#)
}

fn uploaded(identifier: &str) -> String {
    done(&format!(
        r#"{{"manifest":{{"version":"0.0.2"}},"unique_identifier":"{identifier}","verification":null}}"#
    ))
}

fn task(status: &str, message: &str) -> String {
    done(&format!(
        r#"{{"id":"task-1","status":"{status}","total_plugins":1,"completed_plugins":0,"plugins":[{{"plugin_unique_identifier":"{NEW}","labels":{{"en_US":"Pond"}},"plugin_id":"tests/pond","status":"{status}","message":"{message}","source":"package"}}]}}"#
    ))
}

const NOT_INSTALLED: &str = "[]";
const BEGUN: &str = r#"{"all_installed":false,"task_id":"task-1"}"#;

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_package_is_uploaded_and_installed_and_the_progress_is_shown() {
    let (url, serving) = daemon(vec![
        uploaded(NEW),
        done(NOT_INSTALLED),
        done(BEGUN),
        task("pending", ""),
        task("running", "starting"),
        task("success", "installed"),
    ]);
    // Without a file, the only package in the folder is installed.
    let output = install(&url, &["--json"], Some(KEY));
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{stderr}");
    let result: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&result["unique_identifier"], &result["outcome"]), (&NEW.into(), &"installed".into()));
    assert!(
        stderr.contains("Daemon starting\n") && stderr.contains("Installed tests/pond:0.0.2@"),
        "{stderr}"
    );

    let requests = serving.join().unwrap();
    let lines: Vec<_> = requests.iter().map(|request| request.line.replace(MANAGEMENT, "")).collect();
    assert_eq!(
        lines,
        [
            "POST /install/upload/package",
            "POST /installation/fetch/batch",
            "POST /install/identifiers",
            "GET /install/tasks/task-1",
            "GET /install/tasks/task-1",
            "GET /install/tasks/task-1",
        ]
    );
    assert!(requests.iter().all(|request| request.headers.contains("x-api-key: marked-secret\r\n")));
    let upload = String::from_utf8_lossy(&requests[0].body);
    assert!(upload.contains(r#"name="dify_pkg"; filename="plugin.difypkg""#), "{upload}");
    assert!(upload.contains("\r\n\r\na package's bytes\r\n--"), "{upload}");
    let body = |at: usize| serde_json::from_slice::<serde_json::Value>(&requests[at].body).unwrap();
    assert_eq!(body(1), serde_json::json!({"plugin_ids": ["tests/pond"]}));
    assert_eq!(
        body(2),
        serde_json::json!({"plugin_unique_identifiers": [NEW], "source": "package", "metas": [{}]})
    );
}

#[test]
fn another_version_is_upgraded() {
    let installed =
        done(&format!(r#"[{{"id":"i-1","plugin_id":"tests/pond","plugin_unique_identifier":"{OLD}"}}]"#));
    let at_once = done(r#"{"all_installed":true,"task_id":""}"#);
    let (url, serving) = daemon(vec![uploaded(NEW), installed, at_once]);
    let output = install(&url, &["pond.difypkg"], Some(KEY));
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success() && stdout.is_empty(), "{stderr}");
    assert!(stderr.contains(&format!("Upgrading {OLD}")), "{stderr}");
    let upgrade = &serving.join().unwrap()[2];
    assert_eq!(upgrade.line, format!("POST {MANAGEMENT}/install/upgrade"));
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&upgrade.body).unwrap(),
        serde_json::json!({
            "original_plugin_unique_identifier": OLD, "new_plugin_unique_identifier": NEW, "source": "package", "meta": {},
        })
    );
}

#[test]
fn an_installed_package_is_left_alone() {
    let installed = done(&format!(r#"[{{"plugin_unique_identifier":"{NEW}"}}]"#));
    let (url, serving) = daemon(vec![uploaded(NEW), installed]);
    let output = install(&url, &[], Some(KEY));
    assert!(output.status.success() && texts(&output).1.contains("is already installed"));
    assert_eq!(serving.join().unwrap().len(), 2);
}

#[test]
fn a_failed_installation_shows_the_daemons_error() {
    let message =
        r"init environment failed: failed to start plugin\nexit status 1: no plugin binary for riscv64";
    let (url, serving) =
        daemon(vec![uploaded(NEW), done(NOT_INSTALLED), done(BEGUN), task("failed", message)]);
    let output = install(&url, &[], Some(KEY));
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("the installation failed") && stderr.contains("no plugin binary for riscv64"),
        "{stderr}"
    );
    serving.join().unwrap();

    let refusal = r#"{"code":-400,"message":"{\"message\":\"plugin verification has been enabled, and the plugin you want to install has a bad signature\",\"error_type\":\"PluginDaemonBadRequestError\",\"args\":null}","data":null}"#;
    let (url, serving) = daemon(vec![refusal.to_owned()]);
    let (_, stderr) = texts(&install(&url, &[], Some(KEY)));
    assert!(
        stderr.contains("has a bad signature") && stderr.contains("FORCE_VERIFYING_SIGNATURE"),
        "{stderr}"
    );
    serving.join().unwrap();
}

#[test]
fn the_key_comes_only_from_the_environment_and_is_never_shown() {
    let output = install("http://127.0.0.1:1", &[], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(texts(&output).1.contains("set PLUGIN_DAEMON_KEY to the daemon's SERVER_KEY"));

    // Nothing listens there.
    let output = install("http://127.0.0.1:1", &[], Some(KEY));
    let (_, stderr) = texts(&output);
    assert!(stderr.contains("cannot reach the daemon") && !stderr.contains(KEY), "{stderr}");

    let output = install("http://127.0.0.1:1", &["other.difypkg"], Some(KEY));
    assert!(texts(&output).1.contains("cannot read the package `other.difypkg`"));
}

#[test]
fn a_refusal_is_shown_in_the_daemons_words() {
    for (body, words) in [
        (
            r#"{"code":-400,"message":"{\"message\":\"difypkg: not a valid difypkg file\",\"error_type\":\"PluginDaemonBadRequestError\",\"args\":null}","data":null}"#,
            "error: the daemon refused: difypkg: not a valid difypkg file\n",
        ),
        // The texts of its validator are not JSON.
        (
            r#"{"code":-400,"message":"Key: 'TenantID' Error:Field validation","data":null}"#,
            "error: the daemon refused: Key: 'TenantID' Error:Field validation\n",
        ),
        (
            r#"{"code":-401,"message":"{\"message\":\"unauthorized\",\"error_type\":\"PluginDaemonUnauthorizedError\"}","data":null}"#,
            "error: the daemon refused: unauthorized\nhelp: set PLUGIN_DAEMON_KEY to the daemon's SERVER_KEY\n",
        ),
    ] {
        let (url, serving) = daemon(vec![body.to_owned()]);
        let (_, stderr) = texts(&install(&url, &[], Some(KEY)));
        assert!(stderr.ends_with(words), "{stderr}");
        serving.join().unwrap();
    }
}

#[test]
fn a_response_that_is_not_the_daemons_is_shown() {
    for (status, body, shown) in [
        (404, r#"{"code":"not_found","message":"route not found"}"#, "route not found"),
        (200, "<html>Welcome</html>", "Welcome"),
        (502, "", "it is empty"),
        (200, r#"{"code":0,"message":"success","data":{"other":1}}"#, "other"),
    ] {
        let (url, serving) = server(status, vec![body.to_owned()]);
        let (_, stderr) = texts(&install(&url, &[], Some(KEY)));
        let message = format!("the response (status {status}) is not from a plugin daemon: ");
        assert!(stderr.contains(&message) && stderr.contains(shown), "{stderr}");
        assert!(
            stderr.ends_with("help: use the URL of the plugin daemon (usually port 5002), not of Dify\n"),
            "{stderr}"
        );
        serving.join().unwrap();
    }
}

#[test]
fn a_key_that_no_header_can_hold_is_not_shown() {
    let (_, stderr) = texts(&install("http://127.0.0.1:1", &[], Some("marked\nsecret")));
    assert!(stderr.contains("PLUGIN_DAEMON_KEY is not valid in an HTTP header"), "{stderr}");
    assert!(!stderr.contains("marked"), "{stderr}");
}
