//! Endpoints as a kind of plugin: one request of the daemon becomes one HTTP request.

use std::borrow::Cow;
use std::time::Duration;

use dify_plugin_protocol::{AccessType, Action};
use http::{Method, Request};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::body::Sender;
use super::head::{Head, explained, forbids_body};
use super::request::{Body, parse};
use super::service::Endpoints;
use crate::error::Result;
use crate::kind::{Handler, Incoming, Kind, not_found};
use crate::session::Session;

/// Shortest time from the first chunk of a body in several chunks to the session's end, unless set otherwise.
///
/// The daemon drops everything after the first chunk if the end is already there when it passes that chunk on
/// (`internal/core/io_tunnel/endpoint_service.go`). Under 64 requests at once, 20 ms lost up to a tenth of the responses,
/// 50 ms none of 420, 100 ms none of 192.
const END_DELAY: Duration = Duration::from_millis(100);

/// The endpoint group, if there is one.
#[derive(Clone, Default)]
pub(crate) struct EndpointKind {
    pub(super) endpoints: Option<Endpoints>,
    /// The operator's setting, for a group that has none of its own.
    pub(crate) end_delay: Option<Duration>,
}

#[derive(Deserialize)]
struct EndpointRequest<'a> {
    #[serde(borrow)]
    raw_http_request: Cow<'a, str>,
    #[serde(borrow, default)]
    settings: Option<&'a RawValue>,
}

impl Kind for EndpointKind {
    fn access_type(&self) -> AccessType {
        AccessType::Endpoint
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::InvokeEndpoint]
    }

    fn find(&self, incoming: Incoming<'_>) -> Result<Handler> {
        let endpoints = self.endpoints.as_ref().ok_or_else(|| not_found("this plugin has no endpoints"))?;
        let call: EndpointRequest<'_> = incoming.read()?;
        let request = parse(&call.raw_http_request, call.settings)?;
        // Without the query, which may hold secrets.
        let name = format!("{} {}", request.method(), request.uri().path()).into();
        let end_delay = endpoints.own_end_delay().or(self.end_delay).unwrap_or(END_DELAY);
        Ok(Handler::new(name, serve(endpoints.clone(), request, incoming.session, end_delay)))
    }

    fn summary(&self) -> Option<String> {
        self.endpoints.as_ref().map(|_| "endpoints".to_owned())
    }

    fn describe(&self, description: &mut Map<String, Value>) {
        description.insert("endpoints".to_owned(), self.endpoints.is_some().into());
    }
}

/// Calls the service and sends its response.
async fn serve(
    endpoints: Endpoints,
    mut request: Request<Body>,
    session: Session,
    end_delay: Duration,
) -> Result<()> {
    let is_head = *request.method() == Method::HEAD;
    request.extensions_mut().insert(session.clone());
    let (parts, body) = explained(endpoints.call(request).await).into_parts();
    let body = (!is_head && !forbids_body(parts.status)).then_some(body);
    let head = Head::new(&parts, body.as_ref())?;
    Sender::new(&session, end_delay, head).send(body).await
}
