//! Any tower service, without its type.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tower_service::Service;

use super::request::Body;

/// An error of any kind, as bodies have them.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a response, whatever it was.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;

/// An endpoint group.
pub(crate) struct Endpoints(Box<dyn Call>);

impl Endpoints {
    pub(crate) fn new<S, B>(service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self(Box::new(Shared(Mutex::new(service))))
    }

    pub(super) fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<ResponseBody>> {
        self.0.call(request)
    }
}

impl fmt::Debug for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoints")
    }
}

trait Call: Send + Sync {
    fn call(&self, request: Request<Body>) -> BoxFuture<'static, Response<ResponseBody>>;
}

/// A service that is cloned for each request. Services need not be `Sync`, hence the lock.
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
