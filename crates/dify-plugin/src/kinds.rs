//! The kinds of plugin that this crate knows.

use dify_plugin_protocol::AccessType;

use crate::kind::Kind;

macro_rules! kinds {
    ($($name:ident: $kind:ty,)+) => {
        /// Everything that is registered, with a field for each kind.
        #[derive(Clone, Default)]
        pub(crate) struct Kinds {
            $(pub(crate) $name: $kind,)+
        }

        impl Kinds {
            pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn Kind> {
                [$(&self.$name as &dyn Kind),+].into_iter()
            }
        }
    };
}

kinds! {
    tools: crate::tool::ToolKind,
    endpoints: crate::endpoint::EndpointKind,
}

impl Kinds {
    /// Returns the kind that answers requests of this type.
    pub(crate) fn of(&self, access_type: &AccessType) -> Option<&dyn Kind> {
        self.iter().find(|kind| kind.access_type() == *access_type)
    }
}
