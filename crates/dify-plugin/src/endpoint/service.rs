//! Any tower service, without its type.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use super::request::Body;

/// An error of a body.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a response, without its type.
pub(super) type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// An endpoint group: the service that answers its requests, and how it is served.
///
/// Any service becomes one with [`From`], so [`Plugin::endpoints`](crate::Plugin::endpoints) takes a plain axum `Router`.
#[derive(Clone)]
pub struct Endpoints {
    service: Arc<dyn Call>,
    end_delay: Option<Duration>,
}

impl Endpoints {
    /// Creates an endpoint group from any tower service of HTTP requests, such as an axum `Router`.
    pub fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { service: Arc::new(Shared(Mutex::new(service))), end_delay: None }
    }

    /// Sets how long the end of a response waits after the first chunk of a body in several chunks; see
    /// [`endpoint`](crate::endpoint). Overrides DIFY_PLUGIN_ENDPOINT_END_DELAY. Default: 100 ms.
    #[must_use]
    pub fn end_delay(mut self, delay: Duration) -> Self {
        self.end_delay = Some(delay);
        self
    }

    pub(super) fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<ResponseBody>> {
        self.service.call(request)
    }

    pub(super) fn own_end_delay(&self) -> Option<Duration> {
        self.end_delay
    }
}

impl<S, B> From<S> for Endpoints
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn from(service: S) -> Self {
        Self::new(service)
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoints").field("end_delay", &self.end_delay).finish_non_exhaustive()
    }
}

trait Call: Send + Sync {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<ResponseBody>>;
}

/// A service that is cloned for each request. The lock is there because services need not be `Sync`.
struct Shared<S>(Mutex<S>);

impl<S, B> Call for Shared<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<ResponseBody>> {
        let mut service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let Ok(()) = poll_fn(|cx| service.poll_ready(cx)).await;
            let Ok(response) = service.call(request).await;
            response.map(|body| body.map_err(Into::into).boxed_unsync())
        })
    }
}
