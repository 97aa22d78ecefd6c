//! `manual`: tells a person what to do and changes nothing.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<Manual>("manual", "Tells a person what to do and changes nothing").not_capturable();

/// What a person has to do. Nothing is changed; the result says that action is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Manual {
    /// What to do.
    note: Option<Text>,
    /// What to do, in the words of older rule sets.
    description: Option<Text>,
    /// What to do, in the words of older rule sets.
    action: Option<Text>,
    /// What to do, in the words of older rule sets.
    instructions: Option<Text>,
}

impl MechanismParameters for Manual {
    fn validate(&self) -> Result<(), ParamError> {
        [
            ("note", &self.note),
            ("description", &self.description),
            ("action", &self.action),
            ("instructions", &self.instructions),
        ]
        .into_iter()
        .try_for_each(|(key, text)| syntax::optional(key, text.as_ref(), syntax::content))
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("manual", r#"{}"#);
        assert_takes("manual", r#"{"note": "Review the list.\nThen decide."}"#);
        assert_takes("manual", r#"{"description": "x", "instructions": "y"}"#);
        assert_refuses("manual", "note", r#"{"note": "a\u001bb"}"#);
        assert_refuses("manual", "text", r#"{"text": "x"}"#);
    }
}
