//! Credentials and settings, which are written as a list or as a mapping by name.

use serde_json::{Value as Json, json};

use super::Reader;
use crate::report::Place;
use crate::schema::Configs;
use crate::yaml::{Mapping, Raw, Value};

impl Reader {
    /// Reads the schema at a key of `mapping`, or the one at the key to fall back to.
    pub(super) fn configs(
        &mut self,
        mapping: Option<&Mapping<'_>>,
        written: Option<&Value<'_>>,
        configs: &Configs,
    ) -> Json {
        let holds_something = |schema: &&Value<'_>| schema.content().is_ok_and(|content| !content.is_empty());
        let (Some(mapping), Some(key)) = (mapping, configs.fallback) else {
            return self.config_list(written, configs);
        };
        if written.filter(holds_something).is_some() {
            return self.config_list(written, configs);
        }
        let fallback = self.get(mapping, key);
        self.config_list(fallback.as_ref(), configs)
    }

    /// Reads a schema in either form. In the mapping form each entry counts as it is written, so a repeated key is two
    /// entries and an alias is not a mapping.
    fn config_list(&mut self, schema: Option<&Value<'_>>, configs: &Configs) -> Json {
        let Some(schema) = schema else { return json!([]) };
        let Raw::Mapping = schema.raw() else {
            return match self.objects(Some(schema), configs.object) {
                Json::Null => json!([]),
                list => list,
            };
        };
        let Some(content) = self.report.caught(schema.content()) else { return json!([]) };
        let mut list = Vec::new();
        let mut name = "";
        for (index, item) in content.into_iter().enumerate() {
            let is_key = index % 2 == 0;
            match item.raw() {
                Raw::Scalar(text) if is_key => name = text,
                Raw::Mapping if !is_key || !configs.strict => {
                    let item = item.named(name);
                    let mut config = self.object(&Place::of(&item), Some(&item), configs.object);
                    config.insert("name".to_owned(), Json::from(name));
                    list.push(Json::Object(config));
                }
                _ if configs.strict => {
                    let error = item.named(name).wrong_type("a mapping (lines of `key: value`)");
                    self.report.unreadable(error);
                }
                _ => self.report.dropped(
                    &item.named(name),
                    "this is not a mapping, and the daemon silently drops it",
                    "write `type:`, `label:` and so on below the name",
                ),
            }
        }
        Json::Array(list)
    }
}
