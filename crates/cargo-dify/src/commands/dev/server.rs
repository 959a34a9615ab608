//! The HTTP server before a plugin's endpoints.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use dify_plugin_protocol::limits::ENDPOINT_REQUEST_BODY_BYTES;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use crate::commands::dev::body::Pieces;
use crate::commands::dev::generation::{Current, Generation};
use crate::console::Tone;
use crate::hook;
use crate::narrator::{Note, short};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Where the daemon tells an endpoint its own public address.
const HOOK_URL: HeaderName = HeaderName::from_static("dify-hook-url");

/// What concerns one connection and is not the plugin's to say.
const HOP_BY_HOP: [HeaderName; 2] = [header::CONNECTION, header::TRANSFER_ENCODING];

/// The pause after a failure to take a connection, as when there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves a plugin's endpoints on a local address. Every path is the plugin's, as at the daemon below `/e/<hook id>`.
pub(crate) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    gate: Arc<Gate>,
}

impl Server {
    /// Serves whichever process is the `current` one. Errors if the address of `listener` can't be told.
    pub(crate) fn new(listener: TcpListener, current: Current) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, gate: Arc::new(Gate { current, address }) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections for as long as it is polled; each is served on its own.
    pub(crate) async fn run(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(serve(Arc::clone(&self.gate), stream))),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}

async fn serve(gate: Arc<Gate>, stream: TcpStream) {
    // Pieces of a body are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(gate.answer(request).await) }
    });
    // A caller that hangs up or talks nonsense is no concern of the plugin's author.
    let _ =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// Hands requests to the plugin.
struct Gate {
    current: Current,
    address: SocketAddr,
}

impl Gate {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let request = match self.read(request).await {
            Ok(request) => request,
            Err(error) => return refusal(&error),
        };
        let Ok(lease) = self.current.lease().await else {
            let text = "the plugin is not running, it could not be started; cargo dify dev says why\n";
            return plain(StatusCode::SERVICE_UNAVAILABLE, text.to_owned());
        };
        let generation = &*lease.generation;
        let Some(settings) = generation.settings.clone() else {
            return plain(StatusCode::NOT_FOUND, "the manifest declares no endpoints\n".to_owned());
        };
        match generation.host.invoke_endpoint(request, hook::ID, settings).await {
            Ok(mut response) => {
                let (status, session) = (response.status(), short(response.body().session_id()));
                let tone =
                    if status.is_client_error() || status.is_server_error() { Tone::Bad } else { Tone::Good };
                let help = generation.routes.help(status, &method, uri.path());
                let help = help.map_or_else(String::new, |help| format!("\n{help}"));
                note(generation, tone, format!("{session} {status} to {method} {uri}{help}"));
                for name in HOP_BY_HOP {
                    response.headers_mut().remove(name);
                }
                Pieces::of(&method, response, lease).map(BodyExt::boxed_unsync)
            }
            // Why is told with the session's end.
            Err(error) => {
                let response = error.response();
                note(generation, Tone::Bad, format!("{} to {method} {uri}", response.status()));
                response.map(|text| Full::new(text).boxed_unsync())
            }
        }
    }

    /// Takes in the whole request, as far as the daemon passes it on.
    async fn read(&self, request: Request<Incoming>) -> Result<Request<Bytes>, hyper::Error> {
        let (mut head, mut body) = request.into_parts();
        let mut whole = BytesMut::new();
        while whole.len() < ENDPOINT_REQUEST_BODY_BYTES
            && let Some(frame) = body.frame().await
        {
            if let Ok(data) = frame?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        whole.truncate(ENDPOINT_REQUEST_BODY_BYTES);
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.map_or_else(|| self.address.to_string(), str::to_owned);
        if let Ok(url) = HeaderValue::try_from(format!("http://{host}{}", head.uri.path())) {
            head.headers.entry(HOOK_URL).or_insert(url);
        }
        Ok(Request::from_parts(head, whole.freeze()))
    }
}

fn note(generation: &Generation, tone: Tone, text: String) {
    // Nobody to tell is left when we are about to end.
    let _ = generation.notes.send(Note { tone, verb: "Answered", text });
}

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Full::from(text).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn refusal(error: &hyper::Error) -> Response<Body> {
    plain(StatusCode::BAD_REQUEST, format!("the request broke off: {error}\n"))
}
