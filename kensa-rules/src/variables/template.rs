//! Finding `{{ name }}` in text.

use std::collections::BTreeSet;
use std::ops::Range;

use kensa_core::Rule;
use kensa_core::value::{Params, Value};

/// One `{{ name }}` and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template<'t> {
    pub(crate) name: &'t str,
    /// Byte range from the first to the last brace.
    pub(crate) range: Range<usize>,
}

/// The templates of `text` in order. Anything else in braces is plain text.
pub(crate) fn templates(text: &str) -> impl Iterator<Item = Template<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            // Most texts hold no brace, and a single character is found far faster than two.
            let open = from + text.get(from..)?.find('{')?;
            if !text[open..].starts_with("{{") {
                from = open + 1;
                continue;
            }
            let inner = text.get(open + 2..)?;
            match name_in(inner) {
                Some((name, length)) => {
                    from = open + 2 + length;
                    return Some(Template { name, range: open..from });
                }
                None => from = open + 1,
            }
        }
    })
}

/// The name at the start of `inner` and the bytes up to and including the closing braces.
fn name_in(inner: &str) -> Option<(&str, usize)> {
    let blank = |c: char| c == ' ' || c == '\t';
    let start = inner.len() - inner.trim_start_matches(blank).len();
    let rest = &inner[start..];
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let name = &rest[..length];
    let tail = rest[length..].trim_start_matches(blank);
    (is_name(name) && tail.starts_with("}}")).then(|| (name, inner.len() - tail.len() + 2))
}

/// Whether `name` can name a variable: a letter, then letters, digits and underscores.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name, where `text` is one template and nothing else.
pub(crate) fn whole(text: &str) -> Option<&str> {
    let template = templates(text).next()?;
    (template.range == (0..text.len())).then_some(template.name)
}

/// Text in double braces that looks like a variable and is none: `{{ a-b }}`, `{{ name | filter }}`.
pub(crate) fn lookalike(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let inner = &rest[open + 2..];
        let named = inner.trim_start().starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if let Some(close) = inner.find("}}").filter(|_| named && name_in(inner).is_none()) {
            return Some(&rest[open..open + close + 4]);
        }
        rest = inner;
    }
    None
}

/// The variables `params` use.
pub fn names_in(params: &Params) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    params.values().for_each(|value| collect(value, &mut names));
    names
}

/// The variables `rule` uses in its checks and remediations.
pub fn names_used_by(rule: &Rule) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for implementation in &rule.implementations {
        for condition in &implementation.checks {
            condition.params.values().for_each(|value| collect(value, &mut names));
        }
        for step in implementation.remediation.iter().flat_map(|remediation| &remediation.steps) {
            step.params.values().for_each(|value| collect(value, &mut names));
            names.extend(step.unless.iter().flat_map(|text| templates(text)).map(|template| template.name));
        }
    }
    names
}

fn collect<'v>(value: &'v Value, names: &mut BTreeSet<&'v str>) {
    value.visit_texts(&mut |text| names.extend(templates(text).map(|template| template.name)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        templates(text).map(|template| template.name).collect()
    }

    #[test]
    fn finds_templates_and_leaves_other_braces_alone() {
        assert_eq!(names("{{a}} {{ b_2 }}{{\tc }}"), ["a", "b_2", "c"]);
        assert_eq!(names("{{{ a }}}"), ["a"]);
        assert!(names("{ a } {{ .Name }} {{ 1a }} {{ a-b }} {{ a } } {{ a\n}} {{").is_empty());
        assert_eq!(names("é{{ a }}é{{"), ["a"]);
    }

    #[test]
    fn knows_a_whole_template_and_a_lookalike() {
        assert_eq!(whole("{{ a }}"), Some("a"));
        assert_eq!(whole("{{ a }} "), None);
        assert_eq!(lookalike("x {{ a | default(1) }}"), Some("{{ a | default(1) }}"));
        assert_eq!(lookalike("{{ a }} {{ .Name }}"), None);
    }
}
