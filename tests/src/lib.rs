//! What the scenarios share: building and starting the example plugins.
