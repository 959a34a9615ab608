//! Log records on the wire.

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;

open_enum! {
    /// How grave a log record is. The daemon lower-cases what it gets and takes every other name for `INFO`
    /// (`internal/core/control_panel/logger.go`).
    pub enum LogLevel {
        /// For whoever debugs.
        Debug => "DEBUG",
        /// Worth knowing.
        Info => "INFO",
        /// Something to look at.
        Warning => "WARNING",
        /// Something failed.
        Error => "ERROR",
    }
}

/// The `data` of a line of event `log` (`pkg/entities/plugin_entities/event.go`).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LogData {
    /// How grave it is.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Seconds since the Unix epoch, with a fraction.
    pub timestamp: f64,
}

crate::redacted_debug!(LogData { level, message, timestamp });
