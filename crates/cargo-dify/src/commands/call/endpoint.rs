//! A request to a plugin's endpoints.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use dify_plugin_host::Host;
use dify_plugin_manifest::Plugin;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Uri, response};
use serde_json::{Map, Value, json};

use super::render;
use crate::assignment::Assignment;
use crate::console::{Console, Tone};
use crate::endpoints::{self, HOOK_ID, Routes};
use crate::error::{Context, Error};
use crate::humanize::count;
use crate::output::Output;

/// Send an HTTP request to the endpoints
#[derive(Debug, Args)]
pub(super) struct EndpointArgs {
    /// HTTP method
    #[arg(value_parser = method)]
    method: Method,

    /// Path below the endpoint's address, with the query if there is one
    #[arg(value_parser = path)]
    path: Uri,

    /// Body of the request, or @FILE to read it from a file
    #[arg(long, value_name = "TEXT")]
    data: Option<OsString>,

    /// Header, as "name: value"; repeat it for several
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,

    /// Setting of the endpoints, as name=value or name:=json; repeat it for several
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    settings: Vec<Assignment>,
}

fn method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| "not an HTTP method".to_owned())
}

fn path(text: &str) -> Result<Uri, String> {
    if !text.starts_with('/') {
        return Err("a path starts with `/`, such as /duck/app-1".to_owned());
    }
    text.parse()
        .map_err(|_| "not valid in an HTTP request; percent-encode it, such as %20 for a space".to_owned())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("expected `name: value`")?;
    let name = name.trim().parse().map_err(|_| "not a valid header name")?;
    let value = value.trim().parse().map_err(|_| "not a valid header value")?;
    Ok((name, value))
}

/// A request, and the settings of the endpoints.
pub(super) struct EndpointCall {
    request: Request<Bytes>,
    settings: Map<String, Value>,
    routes: Routes,
}

impl EndpointCall {
    pub(super) fn new(args: &EndpointArgs, plugin: &Plugin, console: &Console) -> Result<Self, Error> {
        let settings = endpoints::settings(plugin, &args.settings, console)?.ok_or_else(|| {
            Error::new("the plugin declares no endpoints")
                .with_help("name an endpoint group in the manifest, under `plugins.endpoints`")
        })?;
        let body = args.data.as_deref().map(body).transpose()?;
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = args.method.clone();
        *request.uri_mut() = args.path.clone();
        for (name, value) in &args.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(Self { request, settings, routes: Routes::of(plugin) })
    }

    pub(super) fn title(&self) -> String {
        format!("{} {}", self.request.method(), self.request.uri())
    }

    /// Sends the request and writes the response to `output`.
    pub(super) async fn send(
        &self,
        host: &Host,
        json: bool,
        output: &mut Output<'_>,
        console: &Console,
    ) -> Result<String, Error> {
        let response = host.invoke_endpoint(self.request.clone(), HOOK_ID, self.settings.clone()).await?;
        let (head, mut body) = response.into_parts();
        let failed = head.status.is_client_error() || head.status.is_server_error();
        let tone = if failed { Tone::Bad } else { Tone::Good };
        console.entry(tone, "Response", &describe(&head));
        if json {
            output.line(&render::raw(&head_message(&head)))?;
        }
        let (mut chunks, mut bytes) = (0, 0);
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            chunks += 1;
            bytes += chunk.len();
            if json {
                output.line(&render::raw(&json!({"result": const_hex::encode(&chunk)})))?;
            } else {
                output.write(&chunk)?;
            }
        }
        if failed {
            let help = self.routes.help(head.status, self.request.method(), self.request.uri().path());
            return Err(
                Error::new(format!("the endpoint responded with {}", head.status)).with_help_if_any(help)
            );
        }
        Ok(format!("{}, {}", count(chunks, "chunk"), count(bytes, "byte")))
    }
}

/// Returns the text, or for `@FILE` what the file holds.
fn body(data: &OsStr) -> Result<Bytes, Error> {
    let data = data.as_encoded_bytes();
    let Some(file) = data.strip_prefix(b"@") else { return Ok(Bytes::copy_from_slice(data)) };
    let file = PathBuf::from(String::from_utf8_lossy(file).into_owned());
    let body = std::fs::read(&file).context(format!("cannot read the body from `{}`", file.display()))?;
    Ok(body.into())
}

fn describe(head: &response::Parts) -> String {
    let kind = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.map_or_else(|| head.status.to_string(), |kind| format!("{}, {kind}", head.status))
}

/// Returns status and headers as one message, as on the wire.
fn head_message(head: &response::Parts) -> Value {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Map<_, _> =
        head.headers.iter().map(|(name, value)| (name.to_string(), Value::from(text(value)))).collect();
    json!({"status": head.status.as_u16(), "headers": headers})
}
