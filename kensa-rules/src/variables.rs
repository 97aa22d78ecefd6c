//! Site values: `{{ name }}` in a rule's parameters, and where the value comes from.
//!
//! Values are put into parsed parameters, never into YAML text, so a value cannot change a rule's
//! structure; where it would stand in shell text it may only hold characters that are no shell syntax.
//!
//! Tiers, each overriding the one before: the rules' `defaults.yml` · its sections for the framework of
//! the scan, the one with the longest name last · `rules.d/*.yml` · the site's configuration directory · explicit
//! overrides.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kensa_core::value::Params;
use kensa_core::{Reason, Rule, Value};

mod declaration;
mod file;
mod secrets;
mod template;

pub(crate) use declaration::integer;
pub use declaration::{Declaration, VariableType};
pub(crate) use file::read_file;
pub use secrets::SecretValues;
pub(crate) use template::{is_name, lookalike, templates, whole};
pub use template::{names_in, names_used_by};

use crate::frameworks::normal_key;
use crate::redact::MARK;

/// Where a value comes from; later ones override earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// `defaults.yml` of the rules.
    Defaults,
    /// The section of `defaults.yml` for the framework of the scan.
    Framework,
    /// `rules.d/*.yml` of the rules, in name order.
    RulesD,
    /// The site's configuration directory.
    Site,
    /// Given for this scan.
    Override,
}

/// Every variable known to a rule set, and the values of one scan.
#[derive(Clone, Debug, Default)]
pub struct VariableTable {
    /// Lowest first.
    layers: Vec<Layer>,
    declared: BTreeMap<String, Declaration>,
    framework: Option<String>,
    effective: BTreeMap<String, Setting>,
}

/// The values one place gives.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) tier: Tier,
    /// The framework the values are for; `None` for every scan.
    pub(crate) framework: Option<String>,
    /// The file, or what else to call the place.
    pub(crate) origin: String,
    pub(crate) values: BTreeMap<String, Value>,
}

impl fmt::Debug for Layer {
    /// Without values: some are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.values.keys().collect();
        f.debug_struct("Layer")
            .field("tier", &self.tier)
            .field("origin", &self.origin)
            .field("names", &names)
            .finish()
    }
}

/// The value a variable has in a scan.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    value: Value,
    sensitive: bool,
    /// The tier that gave the value.
    pub tier: Tier,
    /// The file that gave the value, or what else to call the place.
    pub origin: String,
}

impl Setting {
    /// The value. It may be secret: see [`Setting::shown`].
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value as rules see it: lists joined by commas. It may be secret: see [`Setting::shown`].
    pub fn text(&self) -> String {
        text_of(&self.value)
    }

    /// The value for people; a secret one is masked.
    pub fn shown(&self) -> String {
        if self.sensitive { MARK.to_owned() } else { self.text() }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} from {}", self.shown(), self.origin)
    }
}

/// An override that does not fit its variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("variable `{name}`: {message}")]
pub struct OverrideError {
    /// The variable.
    pub name: String,
    /// What is wrong; never holds the value of a sensitive variable.
    pub message: String,
}

/// Why variables could not be set or filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VariableError {
    /// Nothing defines these variables.
    #[error("undefined {}", list("variable", .0))]
    Undefined(Vec<String>),
    /// These variables are declared and the site has not given them a value.
    #[error("the site has not set {}", list("variable", .0))]
    Undeclared(Vec<String>),
    /// The value could become shell syntax.
    #[error("variable `{name}` may not stand in the shell text `{parameter}`: {message}")]
    Unsafe {
        /// The variable.
        name: String,
        /// The parameter.
        parameter: String,
        /// Why.
        message: String,
    },
    /// Overrides that do not fit their variables.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Overrides(Vec<OverrideError>),
}

impl VariableError {
    /// The reason a rule ends with.
    pub fn reason(&self) -> Reason {
        match self {
            VariableError::Undefined(_) => Reason::UndefinedVariable,
            VariableError::Undeclared(_) => Reason::UndeclaredValue,
            VariableError::Unsafe { .. } | VariableError::Overrides(_) => Reason::InvalidRule,
        }
    }
}

/// Whether `section` is `framework` or a leading part of it.
fn leads(section: &str, framework: &str) -> bool {
    framework.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

fn list(noun: &str, names: &[String]) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("{noun}{plural} `{}`", names.join("`, `"))
}

/// Parameters that are handed to a shell as text.
const SHELL_TEXT: [&str; 5] = ["run", "cmd", "observed_command", "unless", "command"];

/// What a value may hold besides ASCII letters and digits to stand in shell text.
const SAFE_IN_SHELL: &str = " \t.,:_@%+/=-";

impl VariableTable {
    /// The variables for one scan: with the values for `framework`, where one is given, and with `overrides`,
    /// read as each variable's declared type.
    ///
    /// # Errors
    /// As [`VariableTable::with_overrides`].
    pub fn for_scan(
        &self,
        framework: Option<&str>,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Self, VariableError> {
        let overrides =
            overrides.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect();
        self.with_framework(framework.or(self.framework.as_deref())).with_overrides(&overrides)
    }

    /// The same variables with the values for `framework`: `cis-rhel8-v4.0.0` takes those of the section `cis`, then
    /// those of `cis-rhel8`.
    pub fn with_framework(&self, framework: Option<&str>) -> Self {
        let mut table = self.clone();
        table.framework = framework.map(str::to_owned);
        table.settle();
        table
    }

    /// The same variables with values for one scan. Text is read as the declared type.
    ///
    /// # Errors
    /// Every override whose name is no variable name or whose value does not fit the declaration.
    pub fn with_overrides(&self, overrides: &BTreeMap<String, Value>) -> Result<Self, VariableError> {
        let mut values = BTreeMap::new();
        let mut wrong = Vec::new();
        for (name, given) in overrides {
            let read = if is_name(name) {
                self.declaration(name).read_override(given)
            } else {
                Err("a name is a letter, then letters, digits and underscores".to_owned())
            };
            match read {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(message) => wrong.push(OverrideError { name: name.clone(), message }),
            }
        }
        if !wrong.is_empty() {
            return Err(VariableError::Overrides(wrong));
        }
        let mut table = self.clone();
        table.push(Layer { tier: Tier::Override, framework: None, origin: "override".to_owned(), values });
        Ok(table)
    }

    /// The value of `name` in this scan.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.effective.get(name)
    }

    /// Every variable that has a value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.effective.iter().map(|(name, setting)| (name.as_str(), setting))
    }

    /// What is declared about `name`; the empty declaration when nothing is.
    pub fn declaration(&self, name: &str) -> Cow<'_, Declaration> {
        self.declared.get(name).map_or_else(|| Cow::Owned(Declaration::default()), Cow::Borrowed)
    }

    /// Every declared variable, by name.
    pub fn declarations(&self) -> impl Iterator<Item = (&str, &Declaration)> {
        self.declared.iter().map(|(name, declaration)| (name.as_str(), declaration))
    }

    /// Frameworks that have values of their own.
    pub fn frameworks(&self) -> BTreeSet<&str> {
        self.layers.iter().filter_map(|layer| layer.framework.as_deref()).collect()
    }

    /// The values `framework` sets itself, as they are written.
    pub fn of_framework(&self, framework: &str) -> BTreeMap<&str, &Value> {
        let own = self.layers.iter().filter(|layer| layer.framework.as_deref() == Some(framework));
        own.flat_map(|layer| &layer.values).map(|(name, value)| (name.as_str(), value)).collect()
    }

    /// Whether anything declares or sets `name`.
    pub fn knows(&self, name: &str) -> bool {
        self.declared.contains_key(name) || self.effective.contains_key(name)
    }

    /// Every name anything declares or sets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let undeclared = self.effective.keys().filter(|name| !self.declared.contains_key(*name));
        self.declared.keys().chain(undeclared).map(String::as_str)
    }

    /// The variables `rule` uses and their values, secret ones masked; those without a value are left out.
    pub fn shown_for(&self, rule: &Rule) -> BTreeMap<String, String> {
        let names = names_used_by(rule).into_iter();
        names.filter_map(|name| Some((name.to_owned(), self.get(name)?.shown()))).collect()
    }

    /// `text` with the values of sensitive variables masked, also where they stand quoted as in `{:?}`.
    pub fn mask(&self, text: &str) -> String {
        self.secrets().mask(text).into_owned()
    }

    /// The values of the sensitive variables.
    pub fn secrets(&self) -> SecretValues {
        SecretValues::of(self.effective.values().filter(|set| set.sensitive).map(Setting::value))
    }

    /// The variables `params` use whose value is empty or missing although they are declared.
    pub fn empty_in(&self, params: &Params) -> Vec<String> {
        let names = names_in(params).into_iter().filter(|name| self.knows(name));
        names
            .filter(|name| self.get(name).is_none_or(|set| set.text().is_empty()))
            .map(str::to_owned)
            .collect()
    }

    /// `params` with every variable replaced by its value. A parameter that is one template and nothing
    /// else gets the variable's own type.
    ///
    /// # Errors
    /// A variable without a value, or a value that may not stand in shell text.
    pub fn resolve_params(&self, params: &Params) -> Result<Params, VariableError> {
        let without: BTreeSet<&str> =
            names_in(params).into_iter().filter(|name| self.get(name).is_none()).collect();
        self.refuse_missing(&without)?;
        let resolve = |(key, value): (&String, &Value)| {
            let shell = SHELL_TEXT.contains(&key.as_str()).then_some(key.as_str());
            Ok((key.clone(), self.resolve_value(value, shell)?))
        };
        params.iter().map(resolve).collect()
    }

    /// The shell text `text` of the parameter `parameter` with every variable replaced by its value.
    ///
    /// # Errors
    /// As [`VariableTable::resolve_params`].
    pub fn resolve_shell_text(&self, parameter: &str, text: &str) -> Result<String, VariableError> {
        let names = templates(text).map(|template| template.name);
        self.refuse_missing(&names.filter(|name| self.get(name).is_none()).collect())?;
        self.fill(text, Some(parameter))
    }

    /// Adds a layer and settles the values again.
    pub(crate) fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
        // Stable, so that files of one tier keep their order.
        self.layers.sort_by_key(|layer| layer.tier);
        self.settle();
    }

    /// Declares `name`, unless it is declared already.
    pub(crate) fn declare(&mut self, name: &str, declaration: Declaration) {
        self.declared.entry(name.to_owned()).or_insert(declaration);
    }

    fn settle(&mut self) {
        let wanted = self.framework.as_deref().map(normal_key);
        // How much of the wanted name a section's leads; `None` when it is for another framework.
        let specific = |layer: &Layer| match (&layer.framework, &wanted) {
            (None, _) => Some(0),
            (Some(section), Some(wanted)) => leads(&normal_key(section), wanted).then_some(section.len()),
            (Some(_), None) => None,
        };
        let mut layers: Vec<(Tier, usize, &Layer)> = self
            .layers
            .iter()
            .filter_map(|layer| {
                // Elsewhere the order of the files is the site's own.
                let length = specific(layer)?;
                Some((layer.tier, if layer.tier == Tier::Framework { length } else { 0 }, layer))
            })
            .collect();
        layers.sort_by_key(|(tier, length, _)| (*tier, *length));
        self.effective.clear();
        for (_, _, layer) in layers {
            for (name, value) in &layer.values {
                let sensitive = self.declared.get(name).is_some_and(|declaration| declaration.sensitive);
                let setting = Setting {
                    value: value.clone(),
                    sensitive,
                    tier: layer.tier,
                    origin: layer.origin.clone(),
                };
                self.effective.insert(name.clone(), setting);
            }
        }
    }

    fn refuse_missing(&self, without: &BTreeSet<&str>) -> Result<(), VariableError> {
        let (declared, undefined): (Vec<&str>, Vec<&str>) = without.iter().partition(|name| self.knows(name));
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        match (undefined.is_empty(), declared.is_empty()) {
            (false, _) => Err(VariableError::Undefined(owned(undefined))),
            (true, false) => Err(VariableError::Undeclared(owned(declared))),
            (true, true) => Ok(()),
        }
    }

    fn resolve_value(&self, value: &Value, shell: Option<&str>) -> Result<Value, VariableError> {
        Ok(match value {
            Value::Text(text) if shell.is_none() => match whole(text).and_then(|name| self.get(name)) {
                Some(Setting { value: value @ (Value::Int(_) | Value::Bool(_)), .. }) => value.clone(),
                _ => Value::Text(self.fill(text, shell)?),
            },
            Value::Text(text) => Value::Text(self.fill(text, shell)?),
            Value::List(items) => Value::List(
                items.iter().map(|item| self.resolve_value(item, shell)).collect::<Result<_, _>>()?,
            ),
            Value::Map(map) => {
                let resolve =
                    |(key, item): (&String, &Value)| Ok((key.clone(), self.resolve_value(item, shell)?));
                Value::Map(map.iter().map(resolve).collect::<Result<_, _>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Int(_) => value.clone(),
        })
    }

    fn fill(&self, text: &str, shell: Option<&str>) -> Result<String, VariableError> {
        let mut filled = String::with_capacity(text.len());
        let mut from = 0;
        for template in templates(text) {
            let Some(setting) = self.get(template.name) else {
                return Err(VariableError::Undefined(vec![template.name.to_owned()]));
            };
            let value = setting.text();
            if let Some(parameter) = shell {
                self.refuse_shell_syntax(template.name, parameter, setting, &value)?;
            }
            filled.push_str(&text[from..template.range.start]);
            filled.push_str(&value);
            from = template.range.end;
        }
        filled.push_str(&text[from..]);
        Ok(filled)
    }

    fn refuse_shell_syntax(
        &self,
        name: &str,
        parameter: &str,
        setting: &Setting,
        value: &str,
    ) -> Result<(), VariableError> {
        let message = if setting.sensitive {
            "it is sensitive, and commands are shown in evidence".to_owned()
        } else {
            let odd = value.chars().find(|c| !c.is_ascii_alphanumeric() && !SAFE_IN_SHELL.contains(*c));
            let Some(odd) = odd else { return Ok(()) };
            format!("its value holds {odd:?}; allowed are letters, digits, blanks and . , : _ @ % + / = -")
        };
        Err(VariableError::Unsafe { name: name.to_owned(), parameter: parameter.to_owned(), message })
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::List(members) => {
            members.iter().filter_map(Value::to_scalar_text).collect::<Vec<_>>().join(",")
        }
        scalar => scalar.to_scalar_text().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
