//! A serde adapter for configurations: it reads a map whose keys are node ids. Some formats, for
//! example TOML, allow only texts as keys. So the adapter accepts a number, or the text of a
//! number, as a key.

use alloc::collections::BTreeMap;
use core::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::NodeId;

/// Reads a map from node ids to values.
///
/// # Errors
/// If a key is not a node id, or if a value cannot be read.
pub fn deserialize<'de, D, V>(from: D) -> Result<BTreeMap<NodeId, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    let keyed = BTreeMap::<Key, V>::deserialize(from)?;
    let entries = keyed.into_iter().map(|(Key(id), value)| (id, value));
    Ok(entries.collect())
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(NodeId);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Id;

        impl de::Visitor<'_> for Id {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node id: a number")
            }

            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Key, E> {
                Ok(Key(NodeId(id)))
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<Key, E> {
                let wrong = |_| E::invalid_value(de::Unexpected::Str(id), &self);
                id.parse().map(|id| Key(NodeId(id))).map_err(wrong)
            }
        }

        from.deserialize_any(Id)
    }
}
