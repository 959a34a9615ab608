//! `Connection::stdio` in a process of its own, which is this program started again with the argument `plugin`.
//!
//! Not part of `it`: the connection takes over the descriptors that a test harness writes to.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a scenario stops where it goes wrong")]
#![allow(
    clippy::print_stdout,
    reason = "stray output is what is tested, and the names of the scenarios are for people"
)]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use dify_plugin_session::{Config, Connection, ConnectionError};
use rustix::fs::{OFlags, fcntl_getfl};
use serde_json::Value;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "plugin") {
        return plugin();
    }
    let scenarios: [(&str, fn()); 8] = [
        ("a_request_is_answered_after_the_first_heartbeat", a_request_is_answered_after_the_first_heartbeat),
        ("stray_output_goes_to_stderr", stray_output_goes_to_stderr),
        (
            "heartbeats_go_on_while_the_only_worker_is_blocked",
            heartbeats_go_on_while_the_only_worker_is_blocked,
        ),
        (
            "a_closed_output_is_noticed_while_nothing_is_written",
            a_closed_output_is_noticed_while_nothing_is_written,
        ),
        ("a_full_pipe_is_waited_for", a_full_pipe_is_waited_for),
        ("files_and_sockets_work_too", files_and_sockets_work_too),
        ("the_flags_of_a_pipe_are_restored", the_flags_of_a_pipe_are_restored),
        ("only_one_connection_can_take_stdin_and_stdout", only_one_connection_can_take_stdin_and_stdout),
    ];
    for (name, scenario) in scenarios {
        println!("{name}");
        scenario();
    }
    ExitCode::SUCCESS
}

/// The plugin: what it does is the request's `tool`.
#[tokio::main(flavor = "current_thread")]
async fn plugin() -> ExitCode {
    let mut config = Config::from_env().unwrap();
    if std::env::var_os("NO_HEARTBEAT").is_some() {
        config.heartbeat_interval = None;
    }
    let mut connection = Connection::stdio(config).unwrap();
    let handle = connection.handle();
    loop {
        let request = match connection.accept().await {
            Ok(Some(request)) => request,
            Ok(None) => return ExitCode::SUCCESS,
            Err(ConnectionError::OutputClosed) => return ExitCode::from(3),
            Err(_) => return ExitCode::FAILURE,
        };
        let handle = handle.clone();
        tokio::spawn(async move {
            let (payload, responder) = request.into_parts();
            let payload: Value = serde_json::from_str(payload.get()).unwrap();
            match payload["tool"].as_str().unwrap() {
                "print" => {
                    println!("stray");
                    Command::new("echo").arg("from a child").status().unwrap();
                }
                // Blocks the only thread until the parent closes the connection.
                "block" => {
                    let path = std::env::var_os("RELEASE").unwrap();
                    UnixStream::connect(path).unwrap().read_to_end(&mut Vec::new()).unwrap();
                }
                "much" => {
                    for n in 0..300 {
                        responder.send(&(n, "x".repeat(1000))).await.unwrap();
                    }
                }
                "twice" => {
                    let error = Connection::stdio(Config::default()).unwrap_err();
                    responder
                        .send(&(error.to_string(), std::error::Error::source(&error).unwrap().to_string()))
                        .await
                        .unwrap();
                }
                "close" => {
                    handle.close();
                    std::process::exit(4);
                }
                _ => {}
            }
            responder.send("done").await.unwrap();
            responder.finish().unwrap();
        });
    }
}

fn start(variables: &[(&str, &str)], stdin: impl Into<Stdio>, stdout: impl Into<Stdio>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("plugin").envs(variables.iter().copied()).stdin(stdin).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap()
}

/// A folder of our own, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("dify-plugin-session-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn request(tool: &str) -> String {
    format!(
        "{{\"session_id\":\"s\",\"event\":\"request\",\"data\":{{\"type\":\"tool\",\"action\":\"invoke_tool\",\"user_id\":\"u\",\"tool\":\"{tool}\"}}}}\n"
    )
}

/// Sends one request, and gives what a plugin with pipes writes until it ends.
fn ask(tool: &str, variables: &[(&str, &str)]) -> (Vec<Value>, Option<i32>, String) {
    let mut child = start(variables, Stdio::piped(), Stdio::piped());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut written = String::new();
    if variables.is_empty() {
        // The first heartbeat comes from a thread of its own, and so in no order with what follows.
        stdout.read_line(&mut written).unwrap();
    }
    child.stdin.take().unwrap().write_all(request(tool).as_bytes()).unwrap();
    stdout.read_to_string(&mut written).unwrap();
    let output = child.wait_with_output().unwrap();
    let frames = frames(written.as_bytes());
    (frames, output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn frames(bytes: &[u8]) -> Vec<Value> {
    bytes.lines().map(|frame| serde_json::from_str(&frame.unwrap()).unwrap()).collect()
}

fn is_heartbeat(frame: &Value) -> bool {
    frame["event"] == "heartbeat"
}

/// What the messages of a session hold, without heartbeats; the last must be its end.
fn messages(frames: &[Value]) -> Vec<&Value> {
    let mut messages: Vec<_> =
        frames.iter().filter(|frame| !is_heartbeat(frame)).map(|f| &f["data"]).collect();
    assert_eq!(messages.pop().unwrap()["type"], "end");
    messages.iter().map(|message| &message["data"]).collect()
}

fn a_request_is_answered_after_the_first_heartbeat() {
    let (frames, code, stderr) = ask("nothing", &[]);
    assert!(is_heartbeat(&frames[0]), "{frames:?}");
    assert_eq!((messages(&frames), code, &*stderr), (vec![&"done".into()], Some(0), ""));
    let (frames, ..) = ask("nothing", &[("NO_HEARTBEAT", "1")]);
    assert!(!frames.iter().any(is_heartbeat), "{frames:?}");
}

fn stray_output_goes_to_stderr() {
    let (frames, code, stderr) = ask("print", &[]);
    assert_eq!((messages(&frames), code), (vec![&"done".into()], Some(0)));
    assert!(stderr.contains("stray") && stderr.contains("from a child"), "{stderr}");
}

fn heartbeats_go_on_while_the_only_worker_is_blocked() {
    let folder = Folder::new();
    let path = folder.0.join("release");
    let listener = UnixListener::bind(&path).unwrap();
    let variables = [("HEARTBEAT_INTERVAL", "0.01"), ("RELEASE", path.to_str().unwrap())];
    let mut child = start(&variables, Stdio::piped(), Stdio::piped());
    child.stdin.take().unwrap().write_all(request("block").as_bytes()).unwrap();
    let blocked = listener.accept().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..20 {
        let mut frame = String::new();
        output.read_line(&mut frame).unwrap();
        assert!(is_heartbeat(&serde_json::from_str(&frame).unwrap()), "{frame}");
    }
    drop(blocked);
    let mut rest = Vec::new();
    output.read_to_end(&mut rest).unwrap();
    assert_eq!(messages(&frames(&rest)), ["done"]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn a_closed_output_is_noticed_while_nothing_is_written() {
    for variables in [&[("NO_HEARTBEAT", "1")][..], &[("HEARTBEAT_INTERVAL", "100")]] {
        let mut child = start(variables, Stdio::piped(), Stdio::piped());
        let _input = child.stdin.take();
        let mut output = child.stdout.take().unwrap();
        if variables[0].0 == "HEARTBEAT_INTERVAL" {
            output.read_exact(&mut [0; 10]).unwrap();
        }
        drop(output);
        assert_eq!(child.wait().unwrap().code(), Some(3), "{variables:?}");
    }
}

/// The pipe fills up in the middle of a frame. What the driver and the heartbeat thread write then stays whole.
fn a_full_pipe_is_waited_for() {
    let mut child = start(&[("HEARTBEAT_INTERVAL", "0.001")], Stdio::piped(), Stdio::piped());
    child.stdin.take().unwrap().write_all(request("much").as_bytes()).unwrap();
    let (mut output, mut written) = (child.stdout.take().unwrap(), Vec::new());
    let mut chunk = [0; 1000];
    loop {
        let read = output.read(&mut chunk).unwrap();
        if read == 0 {
            break;
        }
        written.extend_from_slice(&chunk[..read]);
    }
    let frames = frames(&written);
    let messages = messages(&frames);
    assert_eq!(messages.len(), 301);
    for (n, message) in messages[..300].iter().enumerate() {
        assert_eq!(message[0], n);
    }
    let first_message = frames.iter().position(|frame| !is_heartbeat(frame)).unwrap();
    assert!(frames[first_message..].iter().any(is_heartbeat), "a heartbeat goes out while messages wait");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn files_and_sockets_work_too() {
    let folder = Folder::new();
    let (input, output) = (folder.0.join("input"), folder.0.join("output"));
    std::fs::write(&input, request("much")).unwrap();
    let mut child = start(&[], File::open(&input).unwrap(), File::create(&output).unwrap());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(messages(&frames(&std::fs::read(&output).unwrap())).len(), 301);

    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child = start(&[], OwnedFd::from(theirs.try_clone().unwrap()), OwnedFd::from(theirs));
    (&ours).write_all(request("much").as_bytes()).unwrap();
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let mut written = Vec::new();
    (&ours).read_to_end(&mut written).unwrap();
    assert_eq!(messages(&frames(&written)).len(), 301);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The parent holds the same ends as the plugin, as a launcher does that lives on. Orderly and by `Handle::close`.
fn the_flags_of_a_pipe_are_restored() {
    for (tool, code) in [("nothing", 0), ("close", 4)] {
        let (stdin, mut input) = io::pipe().unwrap();
        let (mut output, stdout) = io::pipe().unwrap();
        let ends = [OwnedFd::from(stdin), OwnedFd::from(stdout)];
        let nonblocking =
            || ends.each_ref().map(|end| fcntl_getfl(end.as_fd()).unwrap().contains(OFlags::NONBLOCK));
        let [stdin, stdout] = ends.each_ref().map(|end| end.try_clone().unwrap());
        let mut child = start(&[], stdin, stdout);
        // The first heartbeat.
        output.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(nonblocking(), [true, true]);
        input.write_all(request(tool).as_bytes()).unwrap();
        drop(input);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(nonblocking(), [false, false], "{tool}");
    }
}

fn only_one_connection_can_take_stdin_and_stdout() {
    let (frames, code, _) = ask("twice", &[]);
    let messages = messages(&frames);
    assert!(
        messages[0][0].as_str().unwrap().starts_with("taking over stdin and stdout failed"),
        "{messages:?}"
    );
    assert!(messages[0][1].as_str().unwrap().contains("another connection"), "{messages:?}");
    assert_eq!(code, Some(0));
}
