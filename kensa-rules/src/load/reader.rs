//! Reading typed fields from nodes, reporting what does not fit and going on.

use super::diagnostic::{Level, suggestion};
use super::yaml::{Entry, Node, Source, Span, Yaml};
use crate::variables::VariableTable;

/// One file being read.
pub(super) struct Reader<'r, 't> {
    pub(super) source: Source<'t>,
    pub(super) strict: bool,
    pub(super) known_capabilities: Option<&'r [&'r str]>,
    pub(super) variables: &'r VariableTable,
    /// The same variables as a scan for each framework with values of its own sees them.
    pub(super) frameworks: &'r [(String, VariableTable)],
}

impl Reader<'_, '_> {
    pub(super) fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.source.report(Level::Error, code, span, message);
    }

    pub(super) fn error_with(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.source.report_with(Level::Error, code, span, message, help);
    }

    /// A warning; with `strict` an error.
    pub(super) fn lint(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let level = if self.strict { Level::Error } else { Level::Warning };
        self.source.report_with(level, code, span, message, help);
    }

    pub(super) fn wrong_type(&mut self, what: &str, wanted: &str, node: &Node<'_>) {
        self.error("wrong-type", node.span, format!("{what} is {wanted}, not {}", node.kind()));
    }

    pub(super) fn unknown_key(&mut self, of: &str, entry: &Entry<'_>, known: &[&str]) {
        let help = suggestion(&entry.key, known.iter().copied());
        self.error_with("unknown-key", entry.span, format!("{of} has no key `{}`", entry.key), help);
    }

    /// Any scalar as the text it was written as; `None`, reported, for everything else and for nothing.
    pub(super) fn text(&mut self, what: &str, node: &Node<'_>) -> Option<String> {
        match &node.yaml {
            _ if node.is_null() => {
                self.error("empty-value", node.span, format!("{what} has no value"));
                None
            }
            Yaml::Scalar { text, .. } if text.trim().is_empty() => {
                self.error("empty-value", node.span, format!("{what} is empty"));
                None
            }
            Yaml::Scalar { text, .. } => Some(text.to_string()),
            _ => {
                self.wrong_type(what, "text", node);
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, what: &str, node: &Node<'_>) -> Vec<String> {
        self.placed_texts(what, node).into_iter().map(|(text, _)| text).collect()
    }

    /// A list of texts, each with its place.
    pub(super) fn placed_texts(&mut self, what: &str, node: &Node<'_>) -> Vec<(String, Span)> {
        let Some(items) = self.list(what, node) else { return Vec::new() };
        let member = format!("a member of {what}");
        items.iter().filter_map(|item| Some((self.text(&member, item)?, item.span))).collect()
    }

    /// A list; nothing counts as an empty one.
    pub(super) fn list<'n, 't>(&mut self, what: &str, node: &'n Node<'t>) -> Option<&'n [Node<'t>]> {
        match &node.yaml {
            Yaml::List(items) => Some(items),
            _ if node.is_null() => Some(&[]),
            _ => {
                self.wrong_type(what, "a list", node);
                None
            }
        }
    }

    /// A mapping.
    pub(super) fn map<'n, 't>(&mut self, what: &str, node: &'n Node<'t>) -> Option<&'n [Entry<'t>]> {
        match &node.yaml {
            Yaml::Map(entries) => Some(entries),
            _ => {
                self.wrong_type(what, "a mapping", node);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, what: &str, node: &Node<'_>) -> Option<bool> {
        match node.to_value() {
            kensa_core::Value::Bool(flag) => Some(flag),
            _ => {
                self.error("wrong-type", node.span, format!("{what} is true or false"));
                None
            }
        }
    }

    /// A version number. Zero means no bound.
    pub(super) fn version(&mut self, what: &str, node: &Node<'_>) -> Option<u32> {
        let version = match node.to_value() {
            kensa_core::Value::Int(number) => u32::try_from(number).ok(),
            _ => None,
        };
        if version.is_none() {
            self.error("wrong-type", node.span, format!("{what} is a whole major version number, such as 9"));
        }
        version.filter(|version| *version > 0)
    }
}
