//! What answers reverse invocations: a real Dify, replaced by a small server here, and the folder for the storage.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};

use crate::pond::Pond;

/// A Dify with one chat app, whose key is `app-hunter2`. Returns its address and the heads of the requests.
fn dify() -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, heads) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
            }
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).unwrap();
            let (kind, body) = if head.starts_with("GET /v1/info ") {
                ("application/json", r#"{"mode":"chat"}"#)
            } else {
                (
                    "text/event-stream",
                    "event: ping\n\ndata: {\"event\":\"message\",\"answer\":\"from Dify\"}\n\n",
                )
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            sender.send(head).unwrap();
        }
    });
    (address, heads)
}

/// A pond that calls an app and prints its reply, and the variable with the keys.
fn asking(app: &str) -> Pond {
    Pond::answering(&format!(
        r#"
        case "$line" in
        *'"event":"request"'*) say invoke '{{"type":"app","backwards_request_id":"1","request":{{"app_id":"{app}","query":"q","inputs":{{}},"response_mode":"streaming"}}}}' ;;
        *'"event":"response"'*) say stream '{{"type":"text","message":{{"text":"'"$(printf '%s' "$line" | sed 's/.*"answer":"\([^"]*\)".*/\1/') keys:$DIFY_APP_KEYS"'"}}}}' ;;
        *'"event":"error"'*) say error '{{"error_type":"Told","message":"'"$(printf '%s' "$line" | sed 's/.*"message":"\([^"]*\)".*/\1/')"'"}}'; say end null ;;
        *'"event":"end"'*) say end null ;;
        esac"#
    ))
}

/// Calls the tool, and returns exit code, stdout and stderr.
fn run(pond: &Pond, args: &[&str], keys: Option<&str>) -> (Option<i32>, String, String) {
    let mut command = pond.command("call", &[args, &["tool", "pond/swim", "--param", "far=3"]].concat());
    match keys {
        Some(keys) => command.env("DIFY_APP_KEYS", keys),
        None => command.env_remove("DIFY_APP_KEYS"),
    };
    let output = command.env("NO_PROXY", "127.0.0.1").output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn an_app_of_a_real_dify_answers_with_a_key_from_each_place() {
    let (address, heads) = dify();
    let url = format!("http://{address}");
    let (given, in_env, in_dotenv, in_file) = (asking("a"), asking("a"), asking("a"), asking("a"));
    std::fs::write(in_dotenv.path(".env"), "DIFY_APP_KEYS=a=app-hunter2\n").unwrap();
    let file = in_file.path("key");
    std::fs::write(&file, "app-hunter2\n").unwrap();
    let file = format!("a=@{}", file.display());
    for (pond, args, keys) in [
        (&given, &["--dify", &url, "--app", "a=app-hunter2"][..], Some("a=app-wrong")),
        (&in_env, &["--dify", &url], Some("b=app-x, a=app-hunter2")),
        (&in_dotenv, &["--dify", &url], None),
        (&in_file, &["--dify", &url, "--app", &file], None),
    ] {
        let (code, stdout, stderr) = run(pond, args, keys);
        // The plugin doesn't get the keys.
        assert_eq!((code, &*stdout), (Some(0), "from Dify keys:\n"), "{stderr}");
        assert!(
            stderr.contains(&format!("; apps answer at {url}/v1/")) && !stderr.contains("hunter2"),
            "{stderr}"
        );
        for path in ["GET /v1/info ", "POST /v1/chat-messages "] {
            let head = heads.recv().unwrap();
            assert!(
                head.starts_with(path) && head.contains("authorization: Bearer app-hunter2\r\n"),
                "{head}"
            );
        }
    }
}

#[test]
fn an_app_without_a_key_is_answered_by_the_script_or_fails_with_what_to_do() {
    let pond = asking("b");
    let args = ["--dify", "http://127.0.0.1:9", "--app", "a=app-hunter2"];
    let (code, _, stderr) = run(&pond, &args, None);
    assert_eq!(code, Some(1));
    let printed =
        "Told: invoke app failed: there is no key for the app `b`: start cargo dify with --app b=KEY";
    assert!(stderr.contains(printed), "{stderr}");

    let script = pond.path("script.yaml");
    std::fs::write(
        &script,
        "apps: {b: {events: [{event: message, answer: scripted}, {event: message_end}]}}",
    )
    .unwrap();
    let args = [&args[..], &["--script", script.to_str().unwrap()]].concat();
    let (code, stdout, stderr) = run(&pond, &args, None);
    assert!(code == Some(0) && stdout.starts_with("scripted keys:"), "{stdout} {stderr}");
    assert!(stderr.contains("; the others answer as in "), "{stderr}");
}

#[test]
fn wrong_options_are_reported_without_the_key() {
    let pond = asking("a");
    for (args, keys, expected) in [
        (
            &["--app", "a=app-hunter2"][..],
            None,
            "error: --app needs --dify, which says where the apps are\nhelp: add --dify URL",
        ),
        (
            &["--dify", "dify.example", "--app", "a=app-hunter2"],
            None,
            "error: not a valid address of a Dify Service API: ",
        ),
        (
            &["--dify", "http://a"],
            Some("hunter2"),
            "error: DIFY_APP_KEYS is malformed\nhelp: set DIFY_APP_KEYS=",
        ),
        (
            &["--dify", "http://a", "--app", "a=hunter2 hunter2"],
            None,
            "error: the API key of the app `a` is empty or",
        ),
        (
            &["--dify", "http://a", "--app", "a=@no/such/file"],
            None,
            "error: cannot read the key of the app `a` from",
        ),
    ] {
        let (code, _, stderr) = run(&pond, args, keys);
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.starts_with(expected) && !stderr.contains("hunter2"), "{stderr}");
    }
}

#[test]
fn stored_values_are_kept_for_the_next_call() {
    let pond = Pond::answering(
        r#"
        case "$line" in
        *'"event":"request"'*)
            if [ -e stored ]; then opt='"opt":"get"'; else opt='"opt":"set","value":"7175"'; : > stored; fi
            say invoke '{"type":"storage","backwards_request_id":"1","request":{'"$opt"',"key":"a/b"}}' ;;
        *'"event":"response"'*) say stream '{"type":"text","message":{"text":"'$(printf '%s' "$line" | sed 's/.*"data":"\([^"]*\)".*/\1/')'"}}'; say end null ;;
        esac"#,
    );
    let (code, stdout, stderr) = run(&pond, &[], None);
    assert_eq!((code, &*stdout), (Some(0), "ok\n"), "{stderr}");
    assert_eq!(run(&pond, &[], None).1, "7175\n");
    assert_eq!(std::fs::read(pond.path(".dify/storage/a/b")).unwrap(), b"qu");
    assert_eq!(std::fs::read_to_string(pond.path(".dify/.gitignore")).unwrap(), "*\n");
    // Another folder is empty.
    std::fs::remove_file(pond.path("stored")).unwrap();
    let elsewhere = pond.path("elsewhere");
    assert_eq!(run(&pond, &["--storage", elsewhere.to_str().unwrap()], None).1, "ok\n");
    assert_eq!(std::fs::read(elsewhere.join("a/b")).unwrap(), b"qu");
}
