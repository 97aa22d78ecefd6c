//! Whether parameters fit their method or mechanism, with the site's values filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use kensa_core::Value;
use kensa_core::value::Params;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value as Json;

use super::diagnostic::suggestion;
use super::reader::Reader;
use super::yaml::{Entry, Span};
use crate::mechanisms::{MECHANISMS, Mechanism};
use crate::methods::{METHODS, Method};
use crate::params::ParamError;
use crate::variables::{VariableError, lookalike, names_in};

/// What parameters are checked against.
pub(super) struct Kind {
    name: &'static str,
    /// The parameters the schema knows, and those it requires.
    contract: &'static Contract,
    try_build: fn(&Params, &str) -> Result<(), ParamError>,
}

#[derive(Debug, Default)]
struct Contract {
    names: BTreeSet<String>,
    required: BTreeSet<String>,
}

static METHOD_CONTRACTS: LazyLock<BTreeMap<&str, Contract>> =
    LazyLock::new(|| METHODS.iter().map(|method| (method.name, contract(method.schema))).collect());

static MECHANISM_CONTRACTS: LazyLock<BTreeMap<&str, Contract>> = LazyLock::new(|| {
    MECHANISMS.iter().map(|mechanism| (mechanism.name, contract(mechanism.schema))).collect()
});

/// See [`crate::prepare`].
pub(crate) fn prepare() {
    LazyLock::force(&METHOD_CONTRACTS);
    LazyLock::force(&MECHANISM_CONTRACTS);
}

impl Kind {
    pub(super) fn method(name: &str) -> Option<Kind> {
        let method = Method::find(name)?;
        let try_build = |params: &Params, name: &str| match Method::find(name) {
            Some(method) => (method.build)(params).map(drop),
            None => Ok(()),
        };
        Some(Kind { name: method.name, contract: METHOD_CONTRACTS.get(method.name)?, try_build })
    }

    pub(super) fn mechanism(name: &str) -> Option<Kind> {
        let mechanism = Mechanism::find(name)?;
        let try_build = |params: &Params, name: &str| match Mechanism::find(name) {
            Some(mechanism) => (mechanism.validate)(params),
            None => Ok(()),
        };
        Some(Kind { name: mechanism.name, contract: MECHANISM_CONTRACTS.get(mechanism.name)?, try_build })
    }

    pub(super) fn method_names() -> Vec<&'static str> {
        METHODS.iter().map(|method| method.name).collect()
    }

    pub(super) fn mechanism_names() -> Vec<&'static str> {
        MECHANISMS.iter().map(|mechanism| mechanism.name).collect()
    }

    fn build(&self, params: &Params) -> Result<(), ParamError> {
        (self.try_build)(params, self.name)
    }

    /// Whether the parameter struct itself refuses `key`.
    fn refuses(&self, key: &str) -> bool {
        let only = Params::from([(key.to_owned(), Value::Null)]);
        self.build(&only).is_err_and(|error| is_unknown_field(&error, key))
    }

    /// Whether `key` means nothing here. The schema does not list aliases; a struct that refuses unknown
    /// parameters but takes this one knows it as an alias.
    fn ignores(&self, key: &str) -> bool {
        !self.contract.names.contains(key) && (self.refuses(key) || !self.refuses("no such parameter"))
    }
}

fn is_unknown_field(error: &ParamError, key: &str) -> bool {
    error.message.strip_prefix("unknown field `").is_some_and(|rest| rest.starts_with(&format!("{key}`")))
}

impl Reader<'_, '_> {
    /// Reports what is wrong with the parameters `given` to the method or mechanism named at `named`.
    pub(super) fn parameters(&mut self, kind: &Kind, named: Span, given: &[&Entry<'_>], params: &Params) {
        let mut kept = params.clone();
        let mut aliased = false;
        for entry in given.iter().filter(|entry| !kind.contract.names.contains(&*entry.key)) {
            if kind.ignores(&entry.key) {
                let help = suggestion(&entry.key, kind.contract.names.iter().map(String::as_str));
                let message = format!("{} has no parameter `{}`", kind.name, entry.key);
                self.error_with("unknown-parameter", entry.span, message, help);
                kept.remove(&*entry.key);
            } else {
                aliased = true;
            }
        }
        // A parameter without a value would silently be no condition.
        let mut complete = true;
        for entry in given.iter().filter(|entry| entry.value.is_null() && kept.contains_key(&*entry.key)) {
            self.error("empty-value", entry.value.span, format!("`{}` has no value", entry.key));
            complete = false;
        }
        for key in kind.contract.required.iter().filter(|key| !aliased && !params.contains_key(*key)) {
            self.error("missing-parameter", named, format!("{} needs `{key}`", kind.name));
            complete = false;
        }
        let Some(resolved) = self.resolve(given, &kept).filter(|_| complete) else { return };
        if self.build(kind, named, given, resolved) {
            self.build_for_frameworks(kind, named, &kept);
        }
    }

    /// The parameters with variables filled in; `None` when that is not possible here.
    fn resolve(&mut self, given: &[&Entry<'_>], params: &Params) -> Option<Params> {
        let mut resolved = Params::new();
        let mut complete = true;
        for entry in given {
            let Some((key, value)) = params.get_key_value(&*entry.key) else { continue };
            self.templates(key, value, entry.value.span);
            match self.variables.resolve_params(&Params::from([(key.clone(), value.clone())])) {
                Ok(one) => resolved.extend(one),
                Err(error) => {
                    self.unresolved(error, &entry.value.span);
                    complete = false;
                }
            }
        }
        complete.then_some(resolved)
    }

    /// What fits with the values of this load may not fit with those of a framework.
    fn build_for_frameworks(&mut self, kind: &Kind, named: Span, params: &Params) {
        let names = names_in(params);
        for (framework, variables) in self.frameworks {
            if !self.variables.of_framework(framework).keys().any(|name| names.contains(name)) {
                continue;
            }
            let built = match variables.resolve_params(params) {
                Ok(resolved) => kind.build(&resolved).map_err(|error| error.message),
                Err(error) => Err(error.to_string()),
            };
            if let Err(message) = built
                .or_else(|message| if variables.empty_in(params).is_empty() { Err(message) } else { Ok(()) })
            {
                let message = variables.mask(&message);
                let message = format!("{} with the values for {framework}: {message}", kind.name);
                self.lint("invalid-for-framework", named, message, None);
            }
        }
    }

    /// Shell text that is no parameter.
    pub(super) fn shell_text(&mut self, key: &str, text: &str, span: Span) {
        self.templates(key, &Value::from(text), span);
        if let Err(error) = self.variables.resolve_shell_text(key, text) {
            self.unresolved(error, &span);
        }
    }

    fn unresolved(&mut self, error: VariableError, span: &Span) {
        match error {
            VariableError::Undefined(names) => {
                for name in names {
                    let help = suggestion(&name, self.variables.names())
                        .filter(|help| help.starts_with("did"))
                        .unwrap_or_else(|| {
                            format!("declare it under `variables` in defaults.yml: `{name}: …`")
                        });
                    let message = format!("variable `{name}` is not defined");
                    self.lint("undefined-variable", *span, message, Some(help));
                }
            }
            // The site has yet to give the value; the rule is skipped until then.
            VariableError::Undeclared(_) => {}
            VariableError::Unsafe { .. } | VariableError::Overrides(_) => {
                self.error("unsafe-variable", *span, error.to_string())
            }
        }
    }

    fn templates(&mut self, key: &str, value: &Value, span: Span) {
        let mut odd = None;
        let mut nul = false;
        value.visit_texts(&mut |text| {
            nul |= text.contains('\0');
            if text.contains("{{") {
                odd = odd.or_else(|| lookalike(text));
            }
        });
        if let Some(odd) = odd {
            let message = format!("{odd:?} is no variable and stays as it is");
            let help = "a variable is a letter, then letters, digits and underscores: {{ name }}".to_owned();
            self.source.report_with(super::Level::Warning, "not-a-variable", span, message, Some(help));
        }
        if nul {
            self.error("control-character", span, format!("`{key}` holds a NUL character"));
        }
    }

    /// Builds the check or remedy, again without what was refused, until there is nothing new to say.
    /// Returns whether it could be built as given.
    fn build(&mut self, kind: &Kind, named: Span, given: &[&Entry<'_>], mut params: Params) -> bool {
        let mut refused = BTreeSet::new();
        while let Err(error) = kind.build(&params) {
            let entry = error.key.as_deref().and_then(|key| given.iter().find(|entry| *entry.key == *key));
            let Some(entry) = entry.filter(|entry| params.contains_key(&*entry.key)) else {
                if refused.is_empty() && !self.waits_for_site(given) {
                    self.error(
                        "invalid-parameters",
                        named,
                        format!("{}: {}", kind.name, self.variables.mask(&error.message)),
                    );
                }
                return false;
            };
            params.remove(&*entry.key);
            refused.insert(entry.key.to_string());
            if self.waits_for_site(&[*entry]) {
                return false;
            }
            let mut message = format!("`{}`: {}", entry.key, in_words(&self.variables.mask(&error.message)));
            if uses_variables(entry) {
                message.push_str(" (with the values of its variables)");
            }
            self.error("invalid-parameter", entry.value.span, message);
        }
        refused.is_empty()
    }

    /// Whether one of these parameters uses a variable the site has not given a value: the rule is
    /// skipped until it has.
    fn waits_for_site(&self, given: &[&Entry<'_>]) -> bool {
        let empty = |entry: &&Entry<'_>| {
            !self
                .variables
                .empty_in(&Params::from([(entry.key.to_string(), entry.value.to_value())]))
                .is_empty()
        };
        given.iter().any(empty)
    }
}

/// The names serde has for numbers, in words.
fn in_words(message: &str) -> String {
    let words =
        [("u8", "a whole number from 0 to 255"), ("u32", "a whole number"), ("i64", "a whole number")];
    let named = words
        .iter()
        .find_map(|(name, words)| Some((message.strip_suffix(&format!("expected {name}"))?, words)));
    named.map_or_else(|| message.to_owned(), |(start, words)| format!("{start}expected {words}"))
}

fn uses_variables(entry: &Entry<'_>) -> bool {
    !names_in(&Params::from([(entry.key.to_string(), entry.value.to_value())])).is_empty()
}

/// The parameter names of a schema, wherever it lists them.
fn contract(schema: fn(&mut SchemaGenerator) -> Schema) -> Contract {
    let mut generator = SchemaGenerator::default();
    let schema = schema(&mut generator);
    let definitions = Json::Object(generator.take_definitions(true));
    let mut contract = Contract::default();
    collect(schema.as_value(), &definitions, true, &mut contract, 0);
    contract
}

fn collect(schema: &Json, definitions: &Json, required: bool, contract: &mut Contract, depth: usize) {
    if depth > 8 {
        return;
    }
    if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
        contract.names.extend(properties.keys().cloned());
    }
    if let Some(names) = schema.get("required").and_then(Json::as_array).filter(|_| required) {
        contract.required.extend(names.iter().filter_map(Json::as_str).map(str::to_owned));
    }
    for (key, required) in [("allOf", required), ("anyOf", false), ("oneOf", false)] {
        for part in schema.get(key).and_then(Json::as_array).into_iter().flatten() {
            collect(part, definitions, required, contract, depth + 1);
        }
    }
    let reference = schema.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next());
    if let Some(target) = reference.and_then(|name| definitions.get(name)) {
        collect(target, definitions, required, contract, depth + 1);
    }
}
