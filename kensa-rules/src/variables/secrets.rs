//! The values of sensitive variables, to be kept out of everything people read.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use kensa_core::Value;

use crate::redact::MARK;

/// The values of a scan's sensitive variables. Shown with `{:?}` it gives their number.
#[derive(Clone, Default)]
pub struct SecretValues(Vec<String>);

impl SecretValues {
    pub(crate) fn of<'v>(values: impl Iterator<Item = &'v Value>) -> Self {
        let mut forms = BTreeSet::new();
        for value in values {
            forms.extend(texts(value));
        }
        forms.remove("");
        let mut forms: Vec<String> = forms.into_iter().collect();
        // One that holds another goes first, or its rest would stay.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self(forms)
    }

    /// `text` with the values masked, also where they stand quoted as in `{:?}`.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for form in &self.0 {
            if masked.contains(form) {
                masked = Cow::Owned(masked.replace(form, MARK));
            }
        }
        masked
    }
}

/// The value as rules see it, its members, and each as `{:?}` writes it.
fn texts(value: &Value) -> Vec<String> {
    let mut texts = vec![super::text_of(value)];
    if let Value::List(items) = value {
        texts.extend(items.iter().map(super::text_of));
    }
    let quoted = texts.iter().map(|text| format!("{text:?}").trim_matches('"').to_owned());
    let quoted: Vec<String> = quoted.collect();
    texts.extend(quoted);
    texts
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValues({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_value_is_masked_and_none_is_shown() {
        let list = Value::List(vec![Value::from("swordfish"), Value::from("a\"b")]);
        let secrets = SecretValues::of([&list, &Value::from("sword"), &Value::from("")].into_iter());
        assert_eq!(secrets.mask("swordfish,a\"b"), MARK);
        assert_eq!(secrets.mask("sword and swordfish"), format!("{MARK} and {MARK}"));
        assert_eq!(secrets.mask(r#"wanted "a\"b""#), format!("wanted \"{MARK}\""));
        assert!(matches!(secrets.mask("nothing of it"), Cow::Borrowed(_)));
        assert!(!format!("{secrets:?}").contains("sword"));
    }
}
