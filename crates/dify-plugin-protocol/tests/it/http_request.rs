//! HTTP/1.1 requests inside endpoint requests.

use dify_plugin_protocol::endpoint::http::{HttpRequest, HttpRequestError, MAX_HEADERS};

fn parse(message: &[u8]) -> Result<HttpRequest, HttpRequestError> {
    HttpRequest::parse(message.to_vec())
}

#[test]
fn chunks_are_joined_and_trailers_are_dropped() {
    let head = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for (body, expected) in [
        (&b"0\r\n\r\n"[..], &b""[..]),
        (b"5\r\nquack\r\n0\r\n\r\n", b"quack"),
        (b"3;x=1\r\nqua\r\n2\r\nck\r\n0\r\nX-T: 1\r\n\r\n", b"quack"),
    ] {
        assert_eq!(HttpRequest::parse([&head, body].concat()).unwrap().body, expected);
    }
    for body in
        [&b""[..], b"5\r\nqua", b"5\r\nquackXX", b"zz\r\n", b"ffffffffffffffff\r\nx", b"5\r\nquack\r\n"]
    {
        let error = HttpRequest::parse([&head, body].concat()).unwrap_err();
        assert!(matches!(error, HttpRequestError::Chunk { .. }), "{error}");
    }
}

#[test]
fn content_length_limits_the_body() {
    let body =
        |length: &str| parse(format!("PUT / HTTP/1.1\r\ncontent-length: {length}\r\n\r\nquack").as_bytes());
    assert_eq!(body("5").unwrap().body, b"quack");
    assert_eq!(body("2").unwrap().body, b"qu");
    assert_eq!(body("6").unwrap_err(), HttpRequestError::BodyTooShort { expected: 6, found: 5 });
    for bad in ["-1", "+5", "five", "99999999999999999999999"] {
        assert_eq!(body(bad).unwrap_err(), HttpRequestError::ContentLength, "{bad}");
    }
    assert_eq!(parse(b"POST / HTTP/1.1\r\n\r\nquack").unwrap().body, b"quack");
}

#[test]
fn header_values_keep_their_bytes_and_their_order() {
    let request = parse(b"GET /a?b HTTP/1.1\r\nX-A: 1\r\nUrl: /\xe4\xb8 \xff\r\nx-a: 2\r\n\r\n").unwrap();
    assert_eq!(request.path_and_query(), ("/a", Some("b")));
    assert_eq!(request.values("X-A").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(request.header("url").unwrap(), b"/\xe4\xb8 \xff");
}

#[test]
fn many_headers_are_accepted_and_too_many_are_refused() {
    let with = |count: usize| {
        let headers: String = (0..count).map(|i| format!("h{i}: v\r\n")).collect();
        parse(format!("GET / HTTP/1.1\r\n{headers}\r\n").as_bytes())
    };
    assert_eq!(with(1000).unwrap().headers.len(), 1000);
    assert!(matches!(with(MAX_HEADERS + 1), Err(HttpRequestError::Head(_))));
}

#[test]
fn anything_but_a_request_is_an_error() {
    assert_eq!(parse(b"GET / HTTP/1.1\r\nA: b\r\n").unwrap_err(), HttpRequestError::Incomplete);
    assert_eq!(parse(b"").unwrap_err(), HttpRequestError::Incomplete);
    for bad in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"\0\0\0\r\n\r\n", b"GET / HTTP/1.1\r\n: b\r\n\r\n"] {
        assert!(matches!(parse(bad), Err(HttpRequestError::Head(_))));
    }
}

#[test]
fn debug_shows_no_header_values_and_no_query() {
    let text =
        format!("{:?}", parse(b"GET /x?key=hunter2 HTTP/1.1\r\nAuthorization: hunter3\r\n\r\n").unwrap());
    assert!(!text.contains("hunter") && text.contains("Authorization"), "{text}");
}
