use std::fmt;

use elector_core::trace::Record;
use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::Value;

/// A message, timer or durable state of an algorithm, without its type. An `Erased` has the same
/// `Debug` text and the same JSON form as the original value.
#[derive(Clone, PartialEq, Eq)]
pub struct Erased {
    text: String,
    /// The JSON, or the reason why the value has no JSON.
    json: Result<Value, String>,
}

/// A record of the trace of a run, without the types of the algorithm: see
/// [`Contestant::run`](crate::Contestant::run).
pub type ErasedRecord = Record<Erased, Erased, Erased>;

/// Replaces the messages, timers and states of a record of a trace by values without their types.
pub(crate) fn record<M, T, D>(record: &Record<M, T, D>) -> ErasedRecord
where
    M: fmt::Debug + Serialize,
    T: fmt::Debug + Serialize,
    D: fmt::Debug + Serialize,
{
    record.map(Erased::of, Erased::of, Erased::of)
}

impl Erased {
    /// Erases the type of a value.
    #[must_use]
    pub fn of<V: fmt::Debug + Serialize>(value: &V) -> Self {
        Self {
            text: format!("{value:?}"),
            json: serde_json::to_value(value).map_err(|error| error.to_string()),
        }
    }

    /// Returns the value in JSON. Returns `None` if the value has no JSON form, for example because
    /// it is a map with keys that are not texts or numbers.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        self.json.as_ref().ok()
    }
}

impl fmt::Debug for Erased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Erased {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.json {
            Ok(value) => value.serialize(to),
            Err(error) => Err(S::Error::custom(format_args!(
                "`{}` has no JSON form: {error}; change how the algorithm serialises it",
                self.text
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    // Timelines print the text of an erased value, and trace files contain its JSON. Both must be
    // the same as those of the original value.
    #[test]
    fn an_erased_value_keeps_its_text_and_its_json() {
        let value = Some((1, "a"));
        let erased = Erased::of(&value);
        assert_eq!(format!("{erased:?}"), r#"Some((1, "a"))"#);
        assert_eq!(serde_json::to_string(&erased).unwrap(), r#"[1,"a"]"#);
    }

    // If a value has no JSON form, an attempt to write it must be an error. A trace file must not
    // contain something else in its place.
    #[test]
    fn a_value_without_a_json_form_is_an_error() {
        let erased = Erased::of(&BTreeMap::from([((1, 2), 3)]));
        assert_eq!(erased.json(), None);
        let error = serde_json::to_string(&erased).unwrap_err().to_string();
        assert!(
            error.starts_with("`{(1, 2): 3}` has no JSON form: "),
            "{error}"
        );
    }
}
