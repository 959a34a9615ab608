//! The requests that both plugins get.

use scenarios::lines;

/// One session.
pub(crate) struct Case {
    /// Its name, and the session's id.
    pub(crate) name: &'static str,
    pub(crate) request: Request,
    /// The replies of the app if it is called.
    pub(crate) app: &'static [Answer],
    /// A text that the response must contain, so that two plugins that both fail don't count as equal.
    pub(crate) shows: &'static str,
}

pub(crate) enum Request {
    /// The name of a tool and its parameters.
    Tool(&'static str, &'static str),
    /// Method and path.
    Endpoint(&'static str, &'static str),
    /// A validation of credentials, with none given.
    Credentials,
}

/// One reply to a reverse call, before its end.
pub(crate) enum Answer {
    /// An event as Dify streams it, in the daemon's bytes: keys sorted, `<` `>` `&` escaped.
    Event(&'static str),
    /// The daemon's text.
    Refusal(&'static str),
}

use Answer::{Event, Refusal};
use Request::{Credentials, Endpoint, Tool};

/// A chat with several kinds of events, one of which neither plugin knows.
const CHAT: &[Answer] = &[
    Event(r#"{"conversation_id":"c-1","created_at":1700000000,"event":"ping"}"#),
    Event(
        r#"{"answer":"quack ","conversation_id":"c-1","created_at":1700000000,"event":"message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#,
    ),
    Event(
        r#"{"answer":"é 鴨 🦆","conversation_id":"c-1","created_at":1700000000,"event":"agent_message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#,
    ),
    Event(r#"{"event":"from_a_later_dify","nested":{"list":[1,2.5,null,true]},"task_id":"t-1"}"#),
    Event(
        r#"{"answer":"","conversation_id":"c-1","created_at":1700000000,"event":"message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#,
    ),
    Event(
        r#"{"conversation_id":"c-1","event":"message_end","id":"m-1","message_id":"m-1","metadata":{"usage":{"latency":1.25,"total_price":"0.0001","total_tokens":7}},"task_id":"t-1"}"#,
    ),
];

/// The same, with characters that Go escapes.
const ESCAPED: &[Answer] = &[
    Event(
        r#"{"answer":"\u003cb\u003equack\u003c/b\u003e \u0026 \"more\"\n","conversation_id":"c-1","event":"message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#,
    ),
    Event(
        r#"{"conversation_id":"c-1","event":"message_end","id":"m-1","message_id":"m-1","metadata":{},"task_id":"t-1"}"#,
    ),
];

const REFUSED: &[Answer] = &[Refusal(
    "failed to invoke app: request failed with status code: 404 and respond with: {\"code\":\"not_found\",\"message\":\"App not found\",\"status\":404}\n",
)];

const DENIED: &[Answer] = &[Refusal("permission denied, you need to enable app access in plugin manifest")];

const NO_PARAMETERS: &str = "{}";

pub(crate) const CASES: [Case; 24] = [
    Case { name: "echo", request: Tool("echo", r#"{"text":"hello"}"#), app: &[], shows: "hello" },
    Case {
        name: "echo-unusual-text",
        request: Tool("echo", r#"{"text":"\u003cb\u003e \u0026 \"quotes\" \\ \n\t\u0000\u2028 é 鴨 🦆"}"#),
        app: &[],
        shows: "鴨 🦆",
    },
    Case {
        name: "echo-empty-text",
        request: Tool("echo", r#"{"text":""}"#),
        app: &[],
        shows: r#""text":"""#,
    },
    Case {
        name: "echo-unknown-parameter",
        request: Tool("echo", r#"{"later":{"x":1},"text":"hello"}"#),
        app: &[],
        shows: "hello",
    },
    Case { name: "relay", request: Tool("relay", r#"{"text":"who?"}"#), app: CHAT, shows: "quack " },
    Case {
        name: "relay-escaped",
        request: Tool("relay", r#"{"text":"who?"}"#),
        app: ESCAPED,
        shows: "<b>quack",
    },
    Case {
        name: "relay-refused",
        request: Tool("relay", r#"{"text":"who?"}"#),
        app: REFUSED,
        shows: "App not found",
    },
    Case {
        name: "relay-denied",
        request: Tool("relay", r#"{"text":"who?"}"#),
        app: DENIED,
        shows: "you need to enable app access",
    },
    Case { name: "fail", request: Tool("fail", NO_PARAMETERS), app: &[], shows: "upstream said no" },
    Case { name: "unknown-tool", request: Tool("nope", NO_PARAMETERS), app: &[], shows: "nope" },
    Case { name: "kinds", request: Tool("kinds", NO_PARAMETERS), app: &[], shows: "retriever_resources" },
    Case { name: "blob", request: Tool("blob", NO_PARAMETERS), app: &[], shows: "big.bin" },
    Case { name: "credentials", request: Credentials, app: &[], shows: r#""result":true"# },
    Case { name: "fixed", request: Endpoint("GET", "/fixed"), app: &[], shows: "fixed body" },
    Case {
        name: "fixed-with-query",
        request: Endpoint("GET", "/fixed?a=1&b=%20"),
        app: &[],
        shows: "fixed body",
    },
    Case { name: "fixed-head", request: Endpoint("HEAD", "/fixed"), app: &[], shows: "201" },
    Case { name: "fixed-post", request: Endpoint("POST", "/fixed"), app: &[], shows: "40" },
    Case { name: "fixed-with-slash", request: Endpoint("GET", "/fixed/"), app: &[], shows: "404" },
    Case { name: "pieces", request: Endpoint("GET", "/pieces"), app: &[], shows: "one two three" },
    Case { name: "duck", request: Endpoint("GET", "/duck/app-2"), app: CHAT, shows: "from_a_later_dify" },
    Case { name: "duck-escaped", request: Endpoint("GET", "/duck/app-3"), app: ESCAPED, shows: "quack" },
    Case {
        name: "duck-refused",
        request: Endpoint("GET", "/duck/app-4"),
        app: REFUSED,
        shows: "App not found",
    },
    Case { name: "broken", request: Endpoint("GET", "/broken"), app: &[], shows: "500" },
    Case { name: "nowhere", request: Endpoint("GET", "/nowhere"), app: &[], shows: "404" },
];

impl Case {
    /// Returns the frame of the request.
    pub(crate) fn line(&self) -> String {
        match &self.request {
            Tool(tool, parameters) => lines::tool(self.name, "bench", tool, parameters),
            Endpoint(method, path) => lines::endpoint(self.name, method, path),
            Credentials => lines::request(
                self.name,
                r#"{"action":"validate_tool_credentials","credentials":{},"provider":"bench","type":"tool","user_id":"u-1"}"#,
            ),
        }
    }
}
