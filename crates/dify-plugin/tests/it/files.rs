//! Downloads of file parameters.

use std::process::Command;

use dify_plugin::file::{DEFAULT_LIMIT, FileError};
use dify_plugin::{Error, File};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn file(url: &str) -> File {
    serde_json::from_value(json!({"dify_model_identity": "__dify__file__", "url": url})).unwrap()
}

/// Starts a server that gives each client the same response, and returns its address.
async fn server(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let read = stream.read(&mut head).await.unwrap();
            assert!(head[..read].starts_with(b"GET /files/a?sign=1 "));
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_file_is_downloaded_up_to_the_limit() {
    for response in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nquack",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nquack",
    ] {
        let file = file(&format!("{}/files/a?sign=1", server(response).await));
        assert_eq!(file.bytes().await.unwrap(), "quack");
        assert_eq!(file.bytes_up_to(5).await.unwrap(), "quack");
        let error = file.bytes_up_to(4).await.unwrap_err();
        assert!(matches!(error, FileError::TooLarge { limit: 4 }), "{error}");
    }
    assert_eq!(DEFAULT_LIMIT, 100 << 20);
}

#[tokio::test]
async fn failures_are_named_without_the_url() {
    let base = server("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let error = file(&format!("{base}/files/a?sign=1")).bytes().await.unwrap_err();
    assert!(matches!(error, FileError::Refused { status: 403 }), "{error}");
    let error = Error::from(file("http://127.0.0.1:1/files/a?sign=1").bytes().await.unwrap_err());
    assert!(!error.message().contains("sign"), "{error}");
}

#[tokio::test]
async fn a_relative_url_needs_files_url() {
    // The setting is read once for a process, so each case has its own.
    if let Ok(expected) = std::env::var("EXPECTED") {
        let result = file("/files/a?sign=1").bytes().await;
        assert_eq!(result.map_or_else(|error| error.to_string(), |_| "downloaded".to_owned()), expected);
        return;
    }
    let base = server("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nquack").await + "/";
    let relative = FileError::RelativeUrl.to_string();
    for (base, expected) in [(Some(&base), "downloaded"), (None, &relative)] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["files::a_relative_url_needs_files_url", "--exact"]).env("EXPECTED", expected);
        command.env_remove("FILES_URL").envs(base.map(|base| ("FILES_URL", base)));
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
