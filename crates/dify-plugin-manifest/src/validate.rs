//! What the daemon refuses in a manifest that reads well.

use crate::manifest::{Kinds, Manifest};

/// Why the daemon refuses a plugin at upload, in its own words (`ManifestValidate` in
/// `pkg/entities/plugin_entities/plugin_declaration.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IllegalManifest {
    /// The author is empty, too long, or has an upper-case or other character.
    #[error("author must be alphanumeric and less than 64 characters: ^[a-z0-9_-]{{1,64}}$")]
    Author,
    /// The name is empty, too long, or has an upper-case or other character.
    #[error("plugin name must be alphanumeric and less than 128 characters: ^[a-z0-9_-]{{1,128}}$")]
    Name,
    /// The plugin provides nothing.
    #[error("at least one of endpoint, model, tool, agent_strategy, trigger, or datasource must be provided")]
    NoKind,
    /// Models don't go with anything else.
    #[error(
        "model and datasource, tool, endpoint, trigger, or agent_strategy cannot be provided at the same time"
    )]
    ModelWithOthers,
    /// Agent strategies don't go with anything else.
    #[error(
        "agent_strategy and tool, model, endpoint, trigger, or datasource cannot be provided at the same time"
    )]
    AgentStrategyWithOthers,
    /// Data sources don't go with anything else.
    #[error(
        "datasource and tool, model, endpoint, trigger, or agent_strategy cannot be provided at the same time"
    )]
    DatasourceWithOthers,
    /// Triggers don't go with anything else.
    #[error("trigger and tool, model, endpoint, or agent_strategy cannot be provided at the same time")]
    TriggerWithOthers,
}

impl Manifest {
    /// Checks what the daemon checks when a package is uploaded, in the same order. Of the kinds, only tools
    /// and endpoints go together.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), IllegalManifest> {
        self.validate_author()?;
        self.validate_name()?;
        self.validate_kinds()
    }

    pub(crate) fn validate_author(&self) -> Result<(), IllegalManifest> {
        if is_name(&self.author, 64) { Ok(()) } else { Err(IllegalManifest::Author) }
    }

    pub(crate) fn validate_name(&self) -> Result<(), IllegalManifest> {
        if is_name(&self.name, 128) { Ok(()) } else { Err(IllegalManifest::Name) }
    }

    pub(crate) fn validate_kinds(&self) -> Result<(), IllegalManifest> {
        let Kinds { tool, endpoint, model, agent_strategy, datasource, trigger } = self.kinds;
        let kinds = [tool, endpoint, model, agent_strategy, datasource, trigger];
        let count = kinds.into_iter().filter(|given| *given).count();
        match count {
            0 => Err(IllegalManifest::NoKind),
            1 => Ok(()),
            _ if model => Err(IllegalManifest::ModelWithOthers),
            _ if agent_strategy => Err(IllegalManifest::AgentStrategyWithOthers),
            _ if datasource => Err(IllegalManifest::DatasourceWithOthers),
            _ if trigger => Err(IllegalManifest::TriggerWithOthers),
            _ => Ok(()),
        }
    }
}

fn is_name(text: &str, longest: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=longest).contains(&text.len()) && text.bytes().all(allowed)
}
