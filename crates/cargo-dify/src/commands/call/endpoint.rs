//! A request to a plugin's endpoints.

use std::ffi::OsStr;
use std::path::PathBuf;

use bytes::Bytes;
use dify_plugin_host::Host;
use dify_plugin_manifest::Plugin;
use http::header::CONTENT_TYPE;
use http::{Request, response};
use serde_json::{Map, Value, json};

use crate::args::EndpointCall;
use crate::commands::call::count;
use crate::commands::call::render;
use crate::console::{Console, Tone};
use crate::error::Error;
use crate::hook;
use crate::output::Output;
use crate::route::Routes;

/// A request, and the settings of the endpoints.
pub(crate) struct EndpointQuestion {
    request: Request<Bytes>,
    settings: Map<String, Value>,
    routes: Routes,
}

impl EndpointQuestion {
    /// Puts the request together.
    pub(crate) fn new(call: &EndpointCall, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        let settings = hook::settings(plugin, &call.settings, console)?.ok_or(Error::NoEndpoints)?;
        let body = call.data.as_deref().map(body).transpose()?;
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.path.clone();
        for (name, value) in &call.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(Self { request, settings, routes: Routes::of(plugin) })
    }

    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri())
    }

    pub(crate) async fn ask(
        &self,
        host: &Host,
        json: bool,
        output: &mut Output<'_>,
        console: &Console,
    ) -> Result<String, Error> {
        let response = host.invoke_endpoint(self.request.clone(), hook::ID, self.settings.clone()).await?;
        let (head, mut body) = response.into_parts();
        let failed = head.status.is_client_error() || head.status.is_server_error();
        let tone = if failed { Tone::Bad } else { Tone::Good };
        console.entry(tone, "Answered", &describe(&head));
        if json {
            output.line(&render::raw(&head_message(&head)))?;
        }
        let (mut pieces, mut bytes) = (0, 0);
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(Error::from_session)?;
            pieces += 1;
            bytes += piece.len();
            if json {
                output.line(&render::raw(&json!({"result": const_hex::encode(&piece)})))?;
            } else {
                output.write(&piece)?;
            }
        }
        if failed {
            let (method, path) = (self.request.method(), self.request.uri().path());
            let help = self.routes.help(head.status, method, path);
            return Err(Error::Status { status: head.status, help });
        }
        Ok(format!("{}, {}", count(pieces, "piece"), count(bytes, "byte")))
    }
}

/// Text, or `@` and the file that holds the body.
fn body(data: &OsStr) -> Result<Bytes, Error> {
    let data = data.as_encoded_bytes();
    let Some(file) = data.strip_prefix(b"@") else { return Ok(Bytes::copy_from_slice(data)) };
    let file = PathBuf::from(String::from_utf8_lossy(file).into_owned());
    match std::fs::read(&file) {
        Ok(body) => Ok(body.into()),
        Err(source) => Err(Error::Data { file, source }),
    }
}

fn describe(head: &response::Parts) -> String {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.map_or_else(|| head.status.to_string(), |kind| format!("{}, {kind}", head.status))
}

/// Status and headers as a message of their own, in the manner of the wire.
fn head_message(head: &response::Parts) -> Value {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Map<_, _> =
        head.headers.iter().map(|(name, value)| (name.to_string(), Value::from(text(value)))).collect();
    json!({"status": head.status.as_u16(), "headers": headers})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_or_in_a_file() {
        assert_eq!(body(OsStr::new("a@b")).unwrap(), "a@b");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("body.bin");
        std::fs::write(&file, [0, 255]).unwrap();
        assert_eq!(body(OsStr::new(&format!("@{}", file.display()))).unwrap(), &[0, 255][..]);
        let error = body(OsStr::new("@no/such/file")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the body from `no/such/file`");
    }

    #[test]
    fn the_head_is_written_as_on_the_wire() {
        let response = http::Response::builder().status(201).header("X-One", "1").body(()).unwrap();
        let (head, ()) = response.into_parts();
        assert_eq!(head_message(&head), json!({"status": 201, "headers": {"x-one": "1"}}));
    }
}
