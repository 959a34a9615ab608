//! Log records on the wire.

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;

open_enum! {
    /// The level of a log record. The daemon ignores case and reads any other name as `INFO`
    /// (`internal/core/control_panel/logger.go`).
    pub enum LogLevel {
        /// For debugging.
        Debug => "DEBUG",
        /// For information.
        Info => "INFO",
        /// A possible problem.
        Warning => "WARNING",
        /// A failure.
        Error => "ERROR",
    }
}

/// The `data` of a frame of type `log` (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LogData {
    /// The level.
    pub level: LogLevel,
    /// The message.
    pub message: String,
    /// The time, as a Unix timestamp in seconds with a fraction.
    pub timestamp: f64,
}

crate::redacted_debug!(LogData { level, message, timestamp });
