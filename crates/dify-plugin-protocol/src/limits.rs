//! The limits that a plugin meets on the wire, each with the daemon's file that sets it.

/// Longest line the daemon takes from a plugin over stdin/stdout, in bytes, without its newline. One byte more and
/// the daemon kills the process (`internal/core/local_runtime/instance.go`; `PLUGIN_RUNTIME_MAX_BUFFER_SIZE`, less 1).
pub const DAEMON_LINE_BYTES: usize = 5_242_879;

/// Longest line we take from a daemon by default, in bytes. The daemon itself has no limit; legal lines exceed 20 MiB
/// (an endpoint body of 10 MiB travels as hex) and a reverse answer may reach 30 MiB (`internal/types/app/config.go`,
/// `RESPONSE_MAX_BUFFER_SIZE`).
pub const PLUGIN_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Largest piece of a blob in one `blob_chunk` message, in bytes before base64. Dify and the daemon's agent relay
/// refuse more (`internal/core/io_tunnel/agent_service.go`).
pub const BLOB_CHUNK_BYTES: usize = 8192;

/// Largest blob a tool can hand to Dify, in bytes: Dify's own limit for joined chunks.
pub const TOOL_BLOB_BYTES: usize = 30 * 1024 * 1024;

/// Most entries in the `args` of an error. With one more the daemon drops the whole error without a word, and the
/// `end` after it reads as success (`pkg/entities/plugin_entities/event.go`).
pub const ERROR_ARGS: usize = 10;

/// Body pieces of an endpoint answer that the daemon keeps for a reader; further ones are lost
/// (`internal/core/io_tunnel/endpoint_service.go`).
pub const ENDPOINT_QUEUE_PIECES: usize = 128;

/// Largest request body that the daemon passes on to an endpoint, in bytes; the rest is cut off
/// (`internal/service/endpoint.go`).
pub const ENDPOINT_REQUEST_BODY_BYTES: usize = 10 * 1024 * 1024;
