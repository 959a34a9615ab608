//! `cargo dify call`.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Output;

use serde_json::{Value, json};

use crate::packaging;
use crate::pond::{CALLING, PYTHON, Pond, SCRIPT};

/// Returns exit code, stdout and stderr.
fn run(pond: &Pond, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = pond.command("call", args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn only_the_result_is_on_stdout_and_parameters_have_their_types() {
    let pond = Pond::answering(
        r#"
        echo 'a plain line'
        echo 'a word on stderr' >&2
        far=$(printf '%s' "$line" | sed 's/.*"tool_parameters":{"far":\([^}]*\)}.*/\1/')
        say stream '{"type":"text","message":{"text":"swam "}}'
        say stream '{"type":"json","message":{"json_object":{"far":'"$far"'}}}'
        say end null"#,
    );
    let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert_eq!((code, &*stdout), (Some(0), "swam \n{\"far\":3}\n"), "{stderr}");
    assert!(stderr.contains("Junk") && stderr.contains("a plain line"), "{stderr}");
    assert!(stderr.contains("Stderr a word on stderr"), "{stderr}");

    let (code, stdout, _) = run(&pond, &["tool", "pond/swim", "--param", "far:=\"3\"", "--json"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        stdout.lines().nth(1).unwrap(),
        r#"{"type":"json","message":{"json_object":{"far":"3"}},"meta":null}"#
    );
}

#[test]
fn the_result_is_written_as_it_arrives() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":200,"headers":{},"result":"6f6e6520"}'
        wait_for go
        say stream '{"result":"74776f"}'
        say end null"#,
    );
    let mut child = pond.command("call", &["endpoint", "GET", "/duck/a"]).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 4];
    stdout.read_exact(&mut first).unwrap();
    pond.let_go("go");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!((&first, &*rest), (b"one ", "two"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn messages_start_on_a_new_line_if_stdout_and_stderr_are_the_same() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":200,"headers":{},"result":"6f6e6520"}'
        say stream '{"result":"74776f"}'
        say end null"#,
    );
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = pond.command("call", &["endpoint", "GET", "/duck/a"]);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // The command holds the other end of the pipe.
    drop(command);
    let mut printed = String::new();
    reader.read_to_string(&mut printed).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(printed.contains("one two\n        Done "), "{printed}");
}

#[test]
fn each_write_to_stderr_has_whole_lines() {
    let pond = Pond::answering("echo 'a word on stderr' >&2; echo junk; say end null");
    // A datagram is one write.
    let (reader, writer) = UnixDatagram::pair().unwrap();
    let mut command = pond.command("call", &["tool", "pond/swim", "--param", "far=3"]);
    command.stderr(OwnedFd::from(writer.try_clone().unwrap()));
    let mut child = command.spawn().unwrap();
    let waiting = std::thread::spawn(move || {
        let status = child.wait().unwrap();
        writer.send(b"over").unwrap();
        status
    });
    let mut written = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let bytes = reader.recv(&mut buffer).unwrap();
        match std::str::from_utf8(&buffer[..bytes]).unwrap() {
            "over" => break,
            text => written.push(text.to_owned()),
        }
    }
    assert!(waiting.join().unwrap().success());
    assert!(written.iter().any(|text| text == "      Stderr a word on stderr\n"), "{written:?}");
    assert!(written.iter().all(|text| text.ends_with('\n')), "{written:?}");
}

#[test]
fn an_error_is_shown_and_the_exit_code_is_one() {
    let pond = Pond::answering(
        r#"
        say stream '{"type":"text","message":{"text":"so far"}}'
        say error '{"error_type":"Drowned","message":"too deep","args":{"depth":7}}'
        say end null"#,
    );
    let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert_eq!((code, &*stdout), (Some(1), "so far\n"));
    assert!(
        stderr.ends_with("error: the plugin returned an error: Drowned: too deep\n  depth: 7\n"),
        "{stderr}"
    );
}

#[test]
fn the_exit_code_is_one_for_a_status_of_400_and_above() {
    let pond = Pond::answering(
        r#"
        say stream '{"status":404,"headers":{"X-A":"b"},"result":"6e6f"}'
        say end null"#,
    );
    let (code, stdout, stderr) = run(&pond, &["endpoint", "GET", "/nowhere"]);
    assert_eq!((code, &*stdout), (Some(1), "no"));
    assert!(stderr.contains("Response 404 Not Found"), "{stderr}");
    assert!(stderr.ends_with("\nhelp: the manifest declares: GET /duck/<app_id>\n"), "{stderr}");
    let (_, stdout, _) = run(&pond, &["endpoint", "GET", "/nowhere", "--json"]);
    assert_eq!(stdout, "{\"headers\":{\"x-a\":\"b\"},\"status\":404}\n{\"result\":\"6e6f\"}\n");
}

#[test]
fn a_plugin_that_exits_is_reported_with_its_exit_code_and_stderr() {
    let pond = Pond::answering("echo 'out of water' >&2; exit 7");
    let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("exit status: 7") && stderr.ends_with("its stderr:\nout of water\n"), "{stderr}");
}

#[test]
fn a_killed_plugin_is_reported_with_the_signal() {
    let pond = Pond::answering("echo 'out of water' >&2; kill -9 $$");
    let (code, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert_eq!(code, Some(1));
    let how = "it was killed (signal: 9 (SIGKILL)) by another process or by the system, for example for lack of memory; the end of its stderr:\n\
               out of water\n";
    assert!(stderr.ends_with(how), "{stderr}");
    let pond = Pond::answering("exit 101");
    let (_, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert!(stderr.ends_with("(exit status: 101, as a Rust program does after a panic)\n"), "{stderr}");
}

#[test]
fn an_unknown_tool_is_an_error_that_lists_the_declared_ones() {
    let pond = Pond::answering("exit 9");
    let (code, _, stderr) = run(&pond, &["tool", "pond/fly"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        "error: the plugin declares no tool `pond/fly`\nhelp: the plugin declares: pond/swim\n"
    );
    let (code, ..) = run(&pond, &["tool", "pond/swim", "--param", "far"]);
    assert_eq!(code, Some(2));
}

#[test]
fn a_call_of_an_app_without_a_script_fails_with_what_to_do() {
    let pond = Pond::answering(
        r#"
        case "$line" in
        *'"event":"request"'*) say invoke '{"type":"app","backwards_request_id":"1","request":{"app_id":"a"}}' ;;
        *'--script FILE'*) say stream '{"type":"text","message":{"text":"read it"}}'; say end null ;;
        esac"#,
    );
    let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert_eq!((code, &*stdout), (Some(0), "read it\n"), "{stderr}");
}

/// Responds with the frame that the plugin received: in hex from the tool, unchanged from the endpoint.
const ECHO: &str = r#"
    hex=$(printf '%s' "$line" | od -An -v -tx1 | tr -d ' \n')
    case "$line" in
    *raw_http_request*) say stream '{"status":200,"headers":{},"result":"'$hex'"}' ;;
    *) say stream '{"type":"text","message":{"text":"'$hex'"}}' ;;
    esac
    say end null"#;

fn received(stdout: &str) -> Value {
    let line = const_hex::decode(stdout.trim()).unwrap_or_else(|_| stdout.into());
    serde_json::from_slice::<Value>(&line).unwrap()["data"].take()
}

#[test]
fn the_first_equals_sign_ends_the_name_of_a_parameter() {
    let pond = Pond::answering(ECHO);
    let args = ["far=3", "a=", "url=http://x/?a:=b", "list:=[1,\"=\"]", "none:=null"];
    let args: Vec<_> = args.iter().flat_map(|arg| ["--param", arg]).collect();
    let (code, stdout, stderr) = run(&pond, &[&["tool", "pond/swim"], &*args].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        received(&stdout)["tool_parameters"],
        json!({"far": 3, "a": "", "url": "http://x/?a:=b", "list": [1, "="], "none": null})
    );
}

#[test]
fn a_request_has_the_given_method_path_headers_and_body() {
    let pond = Pond::answering(ECHO);
    let file = pond.path("body.bin");
    std::fs::write(&file, [0, 255]).unwrap();
    let file = format!("@{}", file.display());
    for (data, body) in [("a@b", &b"a@b"[..]), (&file, &[0, 255])] {
        let args = ["endpoint", "post", "/duck/a?b=c", "--header", "X-Url: http://a", "--data", data];
        let (code, stdout, stderr) = run(&pond, &args);
        assert_eq!(code, Some(0), "{stderr}");
        let request = const_hex::decode(received(&stdout)["raw_http_request"].as_str().unwrap()).unwrap();
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        assert!(text.starts_with("post /duck/a?b=c http/1.1\r\n"), "{text}");
        assert!(text.contains("\r\nx-url: http://a\r\n") && request.ends_with(body), "{text}");
    }
    let (code, _, stderr) = run(&pond, &["endpoint", "POST", "/duck/a", "--data", "@no/such/file"]);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: cannot read the body from `no/such/file`\n"), "{stderr}");
}

#[test]
fn each_type_of_message_is_rendered_in_its_own_way() {
    let pond = Pond::answering(
        r#"
        for message in \
            '{"type":"text","message":{"text":"a\nb"}}' \
            '{"type":"json","message":{"json_object":{"a":[1]}}}' \
            '{"type":"link","message":{"text":"http://a"}}' \
            '{"type":"image","message":{"text":"http://b"}}' \
            '{"type":"variable","message":{"variable_name":"n","variable_value":{"a":1},"stream":false}}' \
            '{"type":"variable","message":{"variable_name":"n","variable_value":"x","stream":true}}' \
            '{"type":"log","message":{"id":"1","label":"outer","status":"error","error":"no","data":{}}}' \
            '{"type":"file","message":{},"meta":{"file":{"url":"u"}}}' \
            '{"type":"blob","message":{"blob":"cXVhY2s="},"meta":{"mime_type":"text/plain","filename":"duck.txt"}}'
        do say stream "$message"; done
        say end null"#,
    );
    let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    let lines = [
        "a\nb",
        r#"{"a":[1]}"#,
        "link: http://a",
        "image: http://b",
        r#"n = {"a":1}"#,
        r#"n += "x""#,
        r#"file in Dify: {"url":"u"}"#,
        "file: 5 bytes, text/plain, duck.txt",
        "",
    ];
    assert_eq!((code, stdout), (Some(0), lines.join("\n")), "{stderr}");
    assert!(stderr.contains("Step outer: error: no\n"), "{stderr}");
}

#[test]
fn a_file_is_saved_in_the_folder_whatever_its_name() {
    for (name, saved) in [
        (r#""duck.txt""#, "duck.txt"),
        (r#""../../etc/passwd""#, "passwd"),
        (r#""c:\\windows\\duck""#, "duck"),
        (r#""/""#, "file-1.bin"),
        (r#""..""#, "file-1.bin"),
        (r#""a\u0000b""#, "ab"),
        ("null", "file-1.bin"),
    ] {
        let pond = Pond::answering(&format!(
            r#"say stream '{{"type":"blob","message":{{"blob":"cXVhY2s="}},"meta":{{"filename":{name}}}}}'; say end null"#
        ));
        let dir = pond.path("saved");
        let args = ["tool", "pond/swim", "--param", "far=3", "--output-dir", dir.to_str().unwrap()];
        let (code, stdout, stderr) = run(&pond, &args);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stdout.ends_with(&format!("saved as {}\n", dir.join(saved).display())), "{stdout}");
        assert_eq!(std::fs::read(dir.join(saved)).unwrap(), b"quack");
    }
}

#[test]
fn control_characters_are_escaped_and_lines_indented() {
    let pond = Pond::answering(r#"printf 'a\033[31m\302\211\tb\n' >&2; say end null"#);
    let (_, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert!(stderr.contains("      Stderr a\\u{1b}[31m\\u{89}\tb\n"), "{stderr}");
    let pond = Pond::answering("echo not a message; say end null");
    let (_, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3"]);
    assert!(stderr.contains("\n             not a message\n"), "{stderr}");
}

#[test]
fn a_404_is_explained_by_what_is_declared() {
    let pond = Pond::answering(r#"say stream '{"status":404,"headers":{},"result":""}'; say end null"#);
    let group = "endpoints: [{path: /duck/<app_id>, method: GET}, {path: /feed, method: POST}]\n";
    std::fs::write(pond.path("group.yaml"), group).unwrap();
    let help = |path: &str| run(&pond, &["endpoint", "GET", path]).2.lines().last().unwrap().to_owned();
    let listed = "help: the manifest declares: GET /duck/<app_id>, POST /feed";
    assert_eq!(help("/duk/app-1"), listed);
    assert_eq!(help("/feed"), listed);
    let own = help("/duck/app-1");
    assert!(own.contains("declares GET /duck/<app_id>, but the plugin's router"), "{own}");
    let pond = Pond::answering(r#"say stream '{"status":400,"headers":{},"result":""}'; say end null"#);
    assert!(!run(&pond, &["endpoint", "GET", "/duk"]).2.contains("help:"));
}

/// A pond whose tool has these parameters, in YAML.
fn with_parameters(parameters: &str) -> Pond {
    let pond = Pond::answering(ECHO);
    let provider = std::fs::read_to_string(pond.path("pond.yaml")).unwrap();
    let (before, _) = provider.split_once("  - {name: far").unwrap();
    std::fs::write(pond.path("pond.yaml"), format!("{before}{parameters}")).unwrap();
    pond
}

#[test]
fn a_text_becomes_the_declared_type() {
    let pond = with_parameters(
        "  - {name: t, type: string}\n  - {name: n, type: number}\n  - {name: b, type: boolean}\n  - {name: x, type: string}\n",
    );
    let args = ["t=1", "n=1", "b=false", "x:=[1]", "other=2"].map(|arg| ["--param", arg]).concat();
    let (code, stdout, stderr) = run(&pond, &[&["tool", "pond/swim"], &*args].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let expected = json!({"t": "1", "n": 1, "b": false, "x": [1], "other": "2"});
    assert_eq!(received(&stdout)["tool_parameters"], expected);
    let warning = "warning: --param other is not declared, but sent nevertheless; declared: t, n, b, x\n";
    assert!(stderr.contains(warning), "{stderr}");
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let pond = Pond::answering(ECHO);
    for (text, expected) in [
        ("7", Some(json!(7))),
        ("-7", Some(json!(-7))),
        ("9007199254740991", Some(json!(9007199254740991_u64))),
        ("0.5", Some(json!(0.5))),
        (".5", Some(json!(0.5))),
        ("1e3", Some(json!(1000))),
        ("07", Some(json!(7))),
        ("nan", None),
        ("", None),
        ("1 2", None),
    ] {
        let (code, stdout, stderr) = run(&pond, &["tool", "pond/swim", "--param", &format!("far={text}")]);
        match expected {
            Some(number) => assert_eq!(received(&stdout)["tool_parameters"]["far"], number, "{text}"),
            None => {
                assert_eq!(code, Some(1), "{text}");
                let error =
                    "error: the value of `far` is not a valid number\nhelp: write it as in --param far=1\n";
                assert_eq!(stderr, error, "{text}");
            }
        }
    }
    let pond = with_parameters("  - {name: list, type: array}\n");
    let (_, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "list=1,2"]);
    assert!(stderr.ends_with("help: write it as in --param 'list:=[1, 2]'\n"), "{stderr}");
}

#[test]
fn a_missing_value_takes_its_default_or_is_warned_about() {
    let pond = with_parameters(
        "  - {name: language, type: string, required: true, default: en}\n  - {name: count, type: number, required: true}\n",
    );
    let call = |args: &[&str]| {
        let (code, stdout, stderr) = run(&pond, &[&["tool", "pond/swim"], args].concat());
        assert_eq!(code, Some(0), "{stderr}");
        (received(&stdout)["tool_parameters"].take(), stderr)
    };
    let (parameters, stderr) = call(&[]);
    assert_eq!(parameters, json!({"language": "en"}));
    let warning = "warning: `count` is required but not given; add --param count=1\n";
    assert!(stderr.contains(warning), "{stderr}");
    // Null is a value.
    let (parameters, stderr) = call(&["--param", "count:=null", "--param", "language=de"]);
    assert_eq!(parameters, json!({"language": "de", "count": null}));
    assert!(!stderr.contains("is required"), "{stderr}");
}

#[test]
fn of_a_single_call_only_what_the_plugin_writes_and_calls_is_shown() {
    let pond = Pond::answering(CALLING);
    let script = pond.path("script.yaml");
    std::fs::write(&script, SCRIPT).unwrap();
    let script = script.to_str().unwrap();
    let (_, _, stderr) = run(&pond, &["tool", "pond/swim", "--param", "far=3", "--script", script]);
    let lines: Vec<_> = stderr.lines().filter_map(|line| line.trim().split_once(' ')).collect();
    let shown: Vec<_> =
        lines.iter().filter(|(verb, _)| ["Opened", "Reverse", "Stderr", "Failed"].contains(verb)).collect();
    assert_eq!(
        shown[0],
        &("Reverse", "the plugin calls `app`; the daemon drops the fields `files`"),
        "{stderr}"
    );
    assert!(shown[1].1.starts_with("`app` failed after "), "{stderr}");
    assert_eq!((shown[2], shown.len()), (&("Stderr", "quack"), 3), "{stderr}");
}

#[test]
fn a_line_printed_before_run_is_shown_with_what_to_use_instead() {
    let pond = Pond::answering("echo again; say end null");
    std::fs::write(pond.path("start.sh"), "echo hello").unwrap();
    std::fs::write(pond.path("Cargo.toml"), "").unwrap();
    std::fs::write(pond.path("binary-"), format!("#!/bin/sh\nexec {PYTHON}\n")).unwrap();
    std::fs::set_permissions(pond.path("binary-"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = packaging::run(pond.dir(), &["call", ".", "tool", "pond/swim", "--param", "far=3"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let what = "        Junk a line on stdout that the daemon ignores: ";
    let junk: Vec<_> = stderr.split(what).skip(1).collect();
    assert_eq!(junk.len(), 2, "{stderr}");
    let advice = "use eprintln! or tracing instead of println! before run()\n             hello\n";
    assert!(junk[0].contains(advice), "{stderr}");
    assert!(!junk[1].contains("eprintln") && junk[1].contains("\n             again\n"), "{stderr}");
}
