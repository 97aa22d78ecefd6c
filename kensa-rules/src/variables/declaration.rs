//! What a variable may hold.

use std::fmt;

use kensa_core::Value;

/// The type of a variable: the one its declaration names, else the YAML type of its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VariableType {
    /// A decimal integer, written without quotes.
    Integer,
    /// `true` or `false`, written without quotes.
    Boolean,
    /// Any text; a quoted number is text.
    Text,
    /// A list of words; rules see them joined by commas.
    List,
}

impl VariableType {
    /// The type called `name` in a declaration.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "integer" | "int" => Self::Integer,
            "boolean" | "bool" => Self::Boolean,
            "string" | "text" | "str" => Self::Text,
            "list" => Self::List,
            _ => return None,
        })
    }

    /// The type of `value`; `None` for null and mappings.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Int(_) => Self::Integer,
            Value::Bool(_) => Self::Boolean,
            Value::Text(_) => Self::Text,
            Value::List(_) => Self::List,
            Value::Null | Value::Map(_) => return None,
        })
    }

    /// The name used in declarations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Text => "string",
            Self::List => "list",
        }
    }
}

impl fmt::Display for VariableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is declared about a variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration {
    /// What it may hold; `None` when anything goes.
    pub kind: Option<VariableType>,
    /// Smallest integer allowed.
    pub min: Option<i64>,
    /// Largest integer allowed.
    pub max: Option<i64>,
    /// Its value is never shown.
    pub sensitive: bool,
    /// A site has to give it a value.
    pub required: bool,
    /// What it is for.
    pub description: String,
}

impl Declaration {
    /// Whether `value`, from a file, fits. The message never holds the value of a sensitive variable.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let Some(given) = VariableType::of(value) else {
            return Err("a variable holds text, an integer, a boolean or a list".to_owned());
        };
        if let Some(kind) = self.kind.filter(|kind| *kind != given) {
            return Err(self.mismatch(kind, value));
        }
        match value {
            Value::Int(number) => self.check_range(*number),
            Value::List(members) => members.iter().try_for_each(check_member),
            Value::Text(text) if text.contains('\0') => Err("the value holds a NUL character".to_owned()),
            _ => Ok(()),
        }
    }

    /// Reads an override: text is parsed as the declared type, other values have to fit it.
    pub(crate) fn read_override(&self, given: &Value) -> Result<Value, String> {
        let value = match (given, self.kind) {
            (Value::Text(text), Some(VariableType::List)) => {
                let members = text.split(',').filter(|_| !text.is_empty());
                Value::List(members.map(Value::from).collect())
            }
            (Value::Text(text), Some(VariableType::Integer | VariableType::Boolean) | None) => plain(text),
            (Value::Int(_) | Value::Bool(_), Some(VariableType::Text)) => {
                Value::Text(given.to_scalar_text().unwrap_or_default())
            }
            _ => given.clone(),
        };
        self.check(&value)?;
        Ok(value)
    }

    fn mismatch(&self, kind: VariableType, value: &Value) -> String {
        let shown = match value.to_scalar_text() {
            Some(text) if !self.sensitive => format!("{text:?}"),
            Some(_) => "the value given".to_owned(),
            None => "a list".to_owned(),
        };
        let hint = match (kind, value) {
            (VariableType::Integer, Value::Text(text)) if text.parse::<i64>().is_ok() => {
                ": write it without quotes and leading zeros"
            }
            (VariableType::Boolean, _) => ": write true or false, without quotes",
            (VariableType::Text, Value::Int(_) | Value::Bool(_)) => ": quote it",
            _ => "",
        };
        format!("it is declared as {kind} and {shown} is not{hint}")
    }

    fn check_range(&self, number: i64) -> Result<(), String> {
        match (self.min, self.max) {
            (Some(min), _) if number < min => Err(format!("the smallest value allowed is {min}")),
            (_, Some(max)) if number > max => Err(format!("the largest value allowed is {max}")),
            _ => Ok(()),
        }
    }
}

/// Members are joined by commas, so they may hold neither commas nor blanks.
fn check_member(member: &Value) -> Result<(), String> {
    match member.to_scalar_text() {
        None => Err("a member of a list is one word".to_owned()),
        Some(text) if text.is_empty() => Err("a member of a list may not be empty".to_owned()),
        Some(text) if text.contains(|c: char| c == ',' || c == '\0' || c.is_whitespace()) => {
            Err("a member of a list may hold neither commas nor blanks".to_owned())
        }
        Some(_) => Ok(()),
    }
}

/// Text as a rule file would read it unquoted, for what is no declared text.
fn plain(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match integer(text) {
            Some(number) => Value::Int(number),
            None => Value::Text(text.to_owned()),
        },
    }
}

/// A plain decimal integer without a leading zero.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain = match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_plain_decimals() {
        assert_eq!(["0", "-1", "60"].map(integer), [Some(0), Some(-1), Some(60)]);
        let not = ["027", "-0", "+1", "", "-", "1.5", "1e3", "9223372036854775808"];
        assert_eq!(not.map(integer), [None; 8]);
    }

    #[test]
    fn overrides_are_read_as_the_declared_type() {
        let of = |kind| Declaration { kind: Some(kind), min: Some(1), ..Declaration::default() };
        let read = |kind, text: &str| of(kind).read_override(&Value::from(text)).ok();
        assert_eq!(read(VariableType::Integer, "60"), Some(Value::Int(60)));
        assert_eq!(read(VariableType::Integer, "0"), None);
        assert_eq!(read(VariableType::Integer, "many"), None);
        assert_eq!(read(VariableType::Text, "60"), Some(Value::from("60")));
        assert_eq!(read(VariableType::List, "a,b"), Some(Value::List(vec!["a".into(), "b".into()])));
        assert_eq!(read(VariableType::List, ""), Some(Value::List(Vec::new())));
        assert_eq!(read(VariableType::List, "a, b"), None);
        assert_eq!(read(VariableType::List, "a,,b"), None);
        assert_eq!(read(VariableType::Boolean, "yes"), None);
    }

    #[test]
    fn the_message_of_a_sensitive_variable_keeps_its_value() {
        let secret =
            Declaration { kind: Some(VariableType::Integer), sensitive: true, ..Declaration::default() };
        let message = secret.read_override(&Value::from("hunter2")).err().unwrap_or_default();
        assert!(message.contains("integer") && !message.contains("hunter2"), "{message}");
    }
}
