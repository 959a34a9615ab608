//! Limits of the daemon and of Dify, each with the file that sets it.

/// The longest frame that the daemon accepts from a plugin over stdin and stdout, in bytes without the newline. It kills
/// the process at a longer one (`internal/core/local_runtime/instance.go`; `PLUGIN_RUNTIME_MAX_BUFFER_SIZE` minus 1).
pub const DAEMON_FRAME_BYTES: usize = 5_242_879;

/// The longest frame that a plugin accepts from the daemon by default, in bytes. The daemon has no limit: an endpoint
/// request with a body of 10 MiB exceeds 20 MiB in hex, and a reply may have 30 MiB (`internal/types/app/config.go`,
/// `RESPONSE_MAX_BUFFER_SIZE`).
pub const PLUGIN_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// The largest chunk of a blob in one `blob_chunk` message, in bytes before base64. Dify and the daemon's agent relay
/// refuse larger ones (`internal/core/io_tunnel/agent_service.go`).
pub const BLOB_CHUNK_BYTES: usize = 8192;

/// The largest blob that a tool can send to Dify, in bytes. A limit of Dify for the joined chunks.
pub const TOOL_BLOB_BYTES: usize = 30 * 1024 * 1024;

/// The maximum number of entries in the `args` of an error. The daemon silently drops an error with more, and the `end`
/// after it then looks like success (`pkg/entities/plugin_entities/event.go`).
pub const ERROR_ARGS: usize = 10;

/// The largest request body that the daemon passes on to an endpoint, in bytes. It cuts off the rest
/// (`internal/service/endpoint.go`).
pub const ENDPOINT_REQUEST_BODY_BYTES: usize = 10 * 1024 * 1024;
