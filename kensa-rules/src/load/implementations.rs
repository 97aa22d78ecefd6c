//! `implementations`: gates, checks and remediations.

use kensa_core::rule::{Condition, Gate, Implementation, Remediation, Step};
use kensa_core::value::Params;

use super::diagnostic::{nearest, suggestion};
use super::parameters::Kind;
use super::reader::Reader;
use super::yaml::{Entry, Node, Span, Yaml};

/// Mechanisms that cannot be undone.
const IRREVERSIBLE: [&str; 5] =
    ["command_exec", "manual", "grub_parameter_set", "grub_parameter_remove", "crypto_policy_subpolicy"];

/// Keys beside the steps of a remediation.
const AFTER_STEPS: [&str; 3] = ["reload", "restart", "notify"];

impl Reader<'_, '_> {
    pub(super) fn implementations(&mut self, node: &Node<'_>, transactional: bool) -> Vec<Implementation> {
        let Some(items) = self.list("`implementations`", node) else { return Vec::new() };
        if items.is_empty() {
            self.error("no-implementation", node.span, "a rule needs at least one implementation");
        }
        let mut default: Option<Span> = None;
        let mut read = Vec::new();
        for item in items {
            let Some(implementation) = self.implementation(item, transactional) else { continue };
            if implementation.gate == Gate::Default {
                let span = key_span(item, "default").unwrap_or(item.span);
                match default {
                    None => default = Some(span),
                    Some(first) => {
                        let message =
                            format!("a second default; the first is at {}:{}", first.line, first.column);
                        self.error("second-default", span, message);
                    }
                }
            }
            read.push(implementation);
        }
        read
    }

    fn implementation(&mut self, node: &Node<'_>, transactional: bool) -> Option<Implementation> {
        let entries = self.map("an implementation", node)?;
        let mut checks = Vec::new();
        let mut remediation = None;
        for entry in entries {
            match &*entry.key {
                "when" | "default" => {}
                "check" => checks = self.check(&entry.value),
                "remediation" => remediation = self.remediation(&entry.value, transactional),
                key if key.starts_with("x-") => {}
                _ => {
                    self.unknown_key("an implementation", entry, &["when", "default", "check", "remediation"])
                }
            }
        }
        if node.get("check").is_none() {
            self.error("missing-key", node.span, "an implementation needs `check`");
        }
        Some(Implementation { gate: self.gate(node), checks, remediation })
    }

    fn gate(&mut self, node: &Node<'_>) -> Gate {
        let default = node.get("default").is_some_and(|flag| self.flag("`default`", flag) == Some(true));
        let Some(when) = node.get("when") else {
            if !default {
                let message = "neither `when` nor `default: true`: always used when reached";
                self.lint("no-gate", node.span, message, Some("add `default: true`".to_owned()));
            }
            return if default { Gate::Default } else { Gate::Always };
        };
        let gate = self.when(when);
        if default {
            let span = key_span(node, "when").unwrap_or(when.span);
            self.lint("gated-default", span, "`when` has no effect on the default", None);
            return Gate::Default;
        }
        gate.unwrap_or(Gate::Always)
    }

    fn when(&mut self, node: &Node<'_>) -> Option<Gate> {
        match &node.yaml {
            Yaml::Scalar { .. } => {
                let name = self.text("`when`", node)?;
                self.capability(&name, node.span);
                Some(Gate::Capability(name))
            }
            Yaml::Map(entries) if entries.len() == 1 => {
                let entry = &entries[0];
                match &*entry.key {
                    "all" => Some(Gate::All(self.capabilities(entry)?)),
                    "any" => Some(Gate::Any(self.capabilities(entry)?)),
                    "not" => {
                        let name = self.text("`not`", &entry.value)?;
                        self.capability(&name, entry.value.span);
                        Some(Gate::Not(name))
                    }
                    _ => {
                        self.unknown_key("`when`", entry, &["all", "any", "not"]);
                        None
                    }
                }
            }
            _ => {
                let message = "`when` is a capability, or one of `all`, `any`, `not` with its capabilities";
                self.error("malformed-gate", node.span, message);
                None
            }
        }
    }

    fn capabilities(&mut self, entry: &Entry<'_>) -> Option<Vec<String>> {
        let what = format!("`{}`", entry.key);
        let names = self.placed_texts(&what, &entry.value);
        if names.is_empty() {
            self.error("malformed-gate", entry.value.span, format!("{what} names no capability"));
            return None;
        }
        names.iter().for_each(|(name, span)| self.capability(name, *span));
        Some(names.into_iter().map(|(name, _)| name).collect())
    }

    fn capability(&mut self, name: &str, span: Span) {
        let Some(known) = self.known_capabilities.filter(|known| !known.contains(&name)) else { return };
        let help = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("no capability is called {name:?}, so the gate is never met");
        self.lint("unknown-capability", span, message, help);
    }

    /// One condition, or all of `checks`. Nested ones are flattened: they are joined by *and*.
    fn check(&mut self, node: &Node<'_>) -> Vec<Condition> {
        if node.is_null() {
            self.error("empty-check", node.span, "a check needs a `method`, or `checks`");
            return Vec::new();
        }
        let Some(entries) = self.map("a check", node) else { return Vec::new() };
        if let Some(children) = node.get("checks") {
            self.alone("checks", entries, &[]);
            let Some(children) = self.list("`checks`", children) else { return Vec::new() };
            if children.is_empty() {
                self.error("empty-check", node.span, "`checks` holds no check");
            }
            return children.iter().flat_map(|child| self.check(child)).collect();
        }
        let Some(method) = node.get("method") else {
            self.error("empty-check", node.span, "a check needs a `method`, or `checks`");
            return Vec::new();
        };
        let Some(name) = self.text("`method`", method) else { return Vec::new() };
        let given: Vec<&Entry<'_>> = entries.iter().filter(|entry| entry.key != "method").collect();
        let params = params(&given);
        match Kind::method(&name) {
            Some(kind) => self.parameters(&kind, method.span, &given, &params),
            None => {
                self.unknown_name("check method", "unknown-method", &name, method.span, &Kind::method_names())
            }
        }
        vec![Condition { method: name, params }]
    }

    fn remediation(&mut self, node: &Node<'_>, transactional: bool) -> Option<Remediation> {
        let entries = self.map("a remediation", node)?;
        let mut remediation = Remediation::default();
        for entry in entries {
            match &*entry.key {
                "reload" => remediation.reload = self.text("`reload`", &entry.value),
                "restart" => remediation.restart = self.text("`restart`", &entry.value),
                "notify" => self.lint("no-effect", entry.span, "`notify` has no effect", None),
                _ => {}
            }
        }
        if let Some(steps) = node.get("steps") {
            self.alone("steps", entries, &AFTER_STEPS);
            let steps = self.list("`steps`", steps)?;
            if steps.is_empty() {
                self.error("empty-remediation", node.span, "`steps` holds no step");
            }
            remediation.steps = steps.iter().filter_map(|step| self.step(step, &[], transactional)).collect();
        } else {
            remediation.steps.extend(self.step(node, &AFTER_STEPS, transactional));
        }
        Some(remediation)
    }

    /// A step; `beside` are keys that do not belong to it.
    fn step(&mut self, node: &Node<'_>, beside: &[&str], transactional: bool) -> Option<Step> {
        let entries = self.map("a step", node)?;
        let Some(mechanism) = node.get("mechanism") else {
            self.error("missing-key", node.span, "a remediation needs `mechanism`, or `steps`");
            return None;
        };
        let name = self.text("`mechanism`", mechanism)?;
        let own = |entry: &&Entry<'_>| {
            !matches!(&*entry.key, "mechanism" | "unless") && !beside.contains(&&*entry.key)
        };
        let given: Vec<&Entry<'_>> = entries.iter().filter(own).collect();
        let params = params(&given);
        match Kind::mechanism(&name) {
            Some(kind) => self.parameters(&kind, mechanism.span, &given, &params),
            // An engine without mechanisms only scans.
            None if Kind::mechanism_names().is_empty() => {}
            None => {
                let known = Kind::mechanism_names();
                self.unknown_name("mechanism", "unknown-mechanism", &name, mechanism.span, &known);
            }
        }
        if transactional && IRREVERSIBLE.contains(&&*name) {
            let message = format!("`{name}` cannot be undone, so the rule is not transactional");
            let help = Some("add `transactional: false` to the rule".to_owned());
            self.lint("irreversible", mechanism.span, message, help);
        }
        let unless = node.get("unless").and_then(|unless| {
            let text = self.text("`unless`", unless)?;
            self.shell_text("unless", &text, unless.span);
            Some(text)
        });
        Some(Step { mechanism: name, params, unless })
    }

    /// Keys beside `checks` or `steps` would be ignored.
    fn alone(&mut self, key: &str, entries: &[Entry<'_>], allowed: &[&str]) {
        for entry in entries.iter().filter(|entry| entry.key != key && !allowed.contains(&&*entry.key)) {
            self.error("stray-key", entry.span, format!("`{}` has no effect beside `{key}`", entry.key));
        }
    }

    fn unknown_name(&mut self, what: &str, code: &'static str, name: &str, span: Span, known: &[&str]) {
        let help = suggestion(name, known.iter().copied());
        self.error_with(code, span, format!("no {what} is called {name:?}"), help);
    }
}

fn params(given: &[&Entry<'_>]) -> Params {
    given.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect()
}

fn key_span(node: &Node<'_>, key: &str) -> Option<Span> {
    match &node.yaml {
        Yaml::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| entry.span),
        _ => None,
    }
}
