//! Messages of tools and endpoints, checked as the daemon checks them.

use bytes::Bytes;
use dify_plugin_host::{EndpointError, SessionFailure};
use dify_plugin_protocol::tool::blob::{self, BlobChunk, BlobChunks};
use dify_plugin_protocol::tool::message::{BlobMessage, ToolMessage, ToolMessageBody};
use serde_json::{Map, Value, json};

use crate::pipe;

/// What a caller receives of a tool that sends these messages.
async fn tool(messages: &[Value]) -> Vec<Result<ToolMessage, SessionFailure>> {
    let (host, mut plugin) = pipe::host().await;
    let mut received = host.invoke_tool("p", "t", Map::new(), Map::new()).await.unwrap().join_blobs();
    plugin.respond(messages).await;
    let mut all = Vec::new();
    while let Some(message) = received.next().await {
        all.push(message);
    }
    all
}

/// How the session of an endpoint that sends this message fails before its response begins.
async fn endpoint(message: &Value) -> Option<SessionFailure> {
    let (host, mut plugin) = pipe::host().await;
    let request = http::Request::get("/").body(Bytes::new()).unwrap();
    let messages = [message.clone()];
    let (response, ()) =
        tokio::join!(host.invoke_endpoint(request, "h", Map::new()), plugin.respond(&messages));
    match response {
        Ok(_) => None,
        Err(EndpointError::Failed(failure)) => Some(failure),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn messages_are_accepted_and_refused_as_the_daemon_was_seen_to() {
    let mut tried = 0;
    for line in include_str!("../fixtures/daemon-accepts.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let message = &row["answer"];
        let failure = match row["for"][0].as_str().unwrap() {
            "invoke_tool" => tool(std::slice::from_ref(message)).await.into_iter().find_map(Result::err),
            "invoke_endpoint" => endpoint(message).await,
            _ => continue,
        };
        let refused =
            matches!(&failure, Some(SessionFailure::Refused(error)) if error.error_type == "unmarshal_error");
        assert_eq!(!refused, row["accepted"], "{line} {failure:?}");
        tried += 1;
    }
    assert_eq!(tried, 20);
}

#[tokio::test]
async fn interleaved_files_are_joined_by_their_ids() {
    let (one, two) = (vec![1; 20_000], vec![2; 9_000]);
    let meta = Map::from_iter([("mime_type".to_owned(), "a/b".into())]);
    let mut chunks: Vec<_> = BlobChunks::new("1", &one, Some(&meta)).map(|chunk| json!(chunk)).collect();
    for (index, chunk) in BlobChunks::new("2", &two, None).enumerate() {
        chunks.insert(index * 2, json!(chunk));
    }
    let bytes = |message: &ToolMessage| match &message.body {
        ToolMessageBody::Blob(BlobMessage { blob: Some(blob), .. }) => blob::decode(blob).unwrap(),
        other => panic!("{other:?}"),
    };
    let joined = tool(&chunks).await.into_iter().map(Result::unwrap);
    let joined: Vec<_> = joined.map(|message| (bytes(&message), message.meta)).collect();
    assert!(joined.contains(&(one, Some(meta))) && joined.contains(&(two, None)) && joined.len() == 2);
}

#[tokio::test]
async fn a_chunk_that_dify_refuses_and_a_file_without_its_last_chunk_are_faults() {
    let chunk = |bytes: usize, end: Option<bool>| {
        let chunk = BlobChunk {
            id: Some("x".to_owned()),
            blob: Some(blob::encode(&vec![0; bytes])),
            end,
            ..BlobChunk::default()
        };
        json!(ToolMessage::new(ToolMessageBody::BlobChunk(chunk)))
    };
    for (message, problem) in
        [(chunk(8193, Some(true)), "8193 bytes"), (chunk(10, None), "before the last chunk")]
    {
        let received = tool(&[message]).await;
        let [Err(SessionFailure::BadMessage(text))] = &received[..] else { panic!("{received:?}") };
        assert!(text.contains(problem), "{text}");
    }
}
