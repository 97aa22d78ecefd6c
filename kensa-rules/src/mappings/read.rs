//! Mapping files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kensa_core::rule::PlatformConstraint;

use super::{FrameworkMapping, MappingEntry, OPEN, UnimplementedEntry, natural};
use crate::load::yaml::{Entry, Node, Source, Span, Yaml};
use crate::load::{Diagnostic, Level};

/// Longest title; host applications store it in a column of this width.
const MAX_TITLE: usize = 500;

/// Why there is no mapping.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The file cannot be read.
    #[error("cannot read the mapping {path}: {message}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
    /// The file is no mapping.
    #[error("{}", .diagnostics.first().map_or_else(|| "the mapping is not valid".to_owned(), Diagnostic::one_line))]
    Invalid {
        /// What is wrong with it, at least one error.
        diagnostics: Vec<Diagnostic>,
    },
}

/// The mappings of a folder.
#[derive(Clone, Debug, Default)]
pub struct Mappings {
    /// By id.
    pub mappings: BTreeMap<String, FrameworkMapping>,
    /// What is wrong with files that are left out.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the mapping file at `path`.
///
/// # Errors
/// See [`MappingError`].
pub fn load_mapping(path: impl AsRef<Path>) -> Result<FrameworkMapping, MappingError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path)
        .map_err(|error| MappingError::Unreadable { path: path.to_owned(), message: error.to_string() })?;
    read_mapping(path, &bytes)
}

/// Reads every `.yaml` and `.yml` file of a folder. A missing folder holds none; a broken file is left out
/// and reported.
///
/// # Errors
/// When the folder is there and cannot be listed.
pub fn load_all_mappings(folder: impl AsRef<Path>) -> Result<Mappings, MappingError> {
    let folder = folder.as_ref();
    let unreadable = |error: std::io::Error| MappingError::Unreadable {
        path: folder.to_owned(),
        message: error.to_string(),
    };
    let mut files = Vec::new();
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Mappings::default()),
        listed => {
            for entry in listed.map_err(unreadable)? {
                files.push(entry.map_err(unreadable)?.path());
            }
        }
    }
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml") && path.is_file());
    files.sort();
    let contents = files.into_iter().map(|path| {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string());
        (path, bytes)
    });
    Ok(collect(contents))
}

/// Reads mappings that are compiled into the program: paths and texts.
pub fn read_mappings<P: Into<PathBuf>, B: AsRef<[u8]>>(files: impl IntoIterator<Item = (P, B)>) -> Mappings {
    collect(files.into_iter().map(|(path, text)| (path.into(), Ok(text))))
}

pub(crate) fn collect<B: AsRef<[u8]>>(files: impl Iterator<Item = (PathBuf, Result<B, String>)>) -> Mappings {
    let mut all = Mappings::default();
    for (path, content) in files {
        let read = content.map_err(|message| MappingError::Unreadable { path: path.clone(), message });
        match read.and_then(|content| read_mapping(&path, content.as_ref())) {
            Ok(mapping) if all.mappings.contains_key(&mapping.id) => {
                let message = format!("the id `{}` is taken by another mapping", mapping.id);
                all.diagnostics.push(Diagnostic::of_file(Level::Error, "duplicate-id", &path, message));
            }
            Ok(mapping) => drop(all.mappings.insert(mapping.id.clone(), mapping)),
            Err(MappingError::Invalid { diagnostics }) => all.diagnostics.extend(diagnostics),
            Err(error) => {
                let found = Diagnostic::of_file(Level::Error, "unreadable", &path, error.to_string());
                all.diagnostics.push(found);
            }
        }
    }
    all
}

/// Reads the text of a mapping file; `path` is for messages.
///
/// # Errors
/// [`MappingError::Invalid`].
pub fn read_mapping(path: &Path, text: &[u8]) -> Result<FrameworkMapping, MappingError> {
    let invalid = |diagnostics| MappingError::Invalid { diagnostics };
    let mut source = Source::new(path, text).map_err(|found| invalid(vec![*found]))?;
    let mapping = source.parse().map(|root| mapping(&mut source, &root)).unwrap_or_default();
    match source.found.iter().any(Diagnostic::is_error) {
        true => Err(invalid(source.found)),
        false => Ok(mapping),
    }
}

fn mapping(source: &mut Source<'_>, root: &Node<'_>) -> FrameworkMapping {
    let mut mapping = FrameworkMapping::default();
    for (key, value) in [("id", &mut mapping.id), ("framework", &mut mapping.framework)] {
        match text_of(root, key) {
            Some(text) => *value = text,
            None => wrong(source, root.span, format!("a mapping needs `{key}`")),
        }
    }
    mapping.title = title_of(root);
    mapping.published = text_of(root, "published");
    mapping.platform = root.get("platform").and_then(platform);
    for entry in root.get("unimplemented").map(entries).unwrap_or_default() {
        mapping.unimplemented.push(UnimplementedEntry {
            control: entry.key.to_string(),
            title: title_of(&entry.value),
            reason: text_of(&entry.value, "reason").unwrap_or_default(),
            kind: text_of(&entry.value, "type").unwrap_or_else(|| "manual".to_owned()),
        });
    }
    let bodies = ["sections", "controls", "findings"];
    let body = bodies.iter().filter_map(|key| root.get(key)).find(|node| matches!(node.yaml, Yaml::Map(_)));
    for entry in body.map(entries).unwrap_or_default() {
        section(source, &mut mapping, entry);
    }
    let listed = root.get("control_ids").or_else(|| root.get("controls"));
    mapping.controls = listed.map(texts).unwrap_or_default();
    if mapping.controls.is_empty() {
        let answered = mapping.sections.iter().map(|entry| &entry.control);
        let every = answered.chain(mapping.unimplemented.iter().map(|entry| &entry.control));
        mapping.controls = every.cloned().collect();
        mapping.controls.sort_by_key(|control| natural(control));
        mapping.controls.dedup();
    }
    mapping.sections.sort_by_key(|entry| natural(&entry.control));
    mapping.unimplemented.sort_by_key(|entry| natural(&entry.control));
    mapping
}

fn section(source: &mut Source<'_>, mapping: &mut FrameworkMapping, entry: &Entry<'_>) {
    let node = &entry.value;
    let control = entry.key.to_string();
    if control.contains(',') {
        wrong(source, entry.span, format!("`{control}` names several controls; write an entry for each"));
        return;
    }
    let rules = match (node.get("rules").or_else(|| node.get("rule")), &node.yaml) {
        (Some(rules), _) => texts(rules),
        (None, Yaml::Map(_)) => Vec::new(),
        (None, _) => texts(node),
    };
    if rules.is_empty() {
        if !matches!(node.yaml, Yaml::Map(_)) {
            wrong(source, entry.span, format!("control {control} names no rule"));
            return;
        }
        let reason = text_of(node, "reason").unwrap_or_else(|| "no rule yet".to_owned());
        let kind = text_of(node, "type").unwrap_or_else(|| OPEN.to_owned());
        mapping.unimplemented.push(UnimplementedEntry { control, title: title_of(node), reason, kind });
        return;
    }
    mapping.sections.push(MappingEntry {
        control,
        title: title_of(node),
        rules,
        level: text_of(node, "level"),
        kind: text_of(node, "type"),
        severity: text_of(node, "severity"),
        stig_id: text_of(node, "stig_id"),
        cci: node.get("cci").map(texts).unwrap_or_default(),
        partial: text_of(node, "partial"),
    });
}

fn wrong(source: &mut Source<'_>, span: Span, message: String) {
    source.report(Level::Error, "invalid-mapping", span, message);
}

fn entries<'n, 't>(node: &'n Node<'t>) -> &'n [Entry<'t>] {
    match &node.yaml {
        Yaml::Map(entries) => entries,
        _ => &[],
    }
}

fn scalar<'n>(node: &'n Node<'_>) -> Option<&'n Cow<'n, str>> {
    match &node.yaml {
        Yaml::Scalar { text, .. } if !node.is_null() && !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The members of a list, or one value as a list.
fn texts(node: &Node<'_>) -> Vec<String> {
    match &node.yaml {
        Yaml::List(items) => items.iter().filter_map(scalar).map(|text| text.to_string()).collect(),
        _ => scalar(node).map(|text| text.to_string()).into_iter().collect(),
    }
}

fn text_of(node: &Node<'_>, key: &str) -> Option<String> {
    node.get(key).and_then(scalar).map(|text| text.to_string())
}

fn title_of(node: &Node<'_>) -> String {
    text_of(node, "title").unwrap_or_default().chars().take(MAX_TITLE).collect()
}

fn platform(node: &Node<'_>) -> Option<PlatformConstraint> {
    let version = |key: &str| text_of(node, key)?.split('.').next()?.parse().ok();
    Some(PlatformConstraint {
        family: text_of(node, "family")?,
        min_version: version("min_version").or_else(|| version("version")),
        max_version: version("max_version").or_else(|| version("version")),
        derivatives: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FrameworkMapping, MappingError> {
        read_mapping(Path::new("m.yaml"), text.as_bytes())
    }

    #[test]
    fn one_rule_or_several_under_any_of_the_three_names() {
        for body in ["sections", "controls", "findings"] {
            let text = format!(
                "id: m\nframework: cis\n{body}:\n  \"1.10\": {{title: T, rule: a}}\n  \"1.2\": {{rules: [a, b]}}\n"
            );
            let mapping = read(&text).unwrap();
            assert_eq!(mapping.controls, ["1.2", "1.10"]);
            assert_eq!(mapping.section("1.2").map(|entry| entry.rules.len()), Some(2));
            assert_eq!(mapping.section("1.10").map(|entry| entry.rules.clone()), Some(vec!["a".to_owned()]));
        }
    }

    #[test]
    fn controls_may_be_the_list_of_ids() {
        let mapping =
            read("id: m\nframework: cis\ncontrols: [\"1\", \"2\"]\nsections: {\"1\": a}\n").unwrap();
        assert_eq!(mapping.controls, ["1", "2"]);
        assert_eq!(mapping.unaccounted_controls(), ["2"]);
    }

    #[test]
    fn a_control_without_a_rule_is_not_answered() {
        let mapping = read("id: m\nframework: cis\nsections: {\"1\": {title: T}}\n").unwrap();
        assert!(mapping.sections.is_empty());
        assert_eq!(mapping.unimplemented[0].kind, OPEN);
    }

    #[test]
    fn what_is_no_mapping_is_refused_with_its_place() {
        let error = read("framework: cis\nsections: {}\n").unwrap_err();
        assert_eq!(error.to_string(), "m.yaml:1:1: a mapping needs `id`");
    }

    #[test]
    fn a_control_is_one() {
        let error = read("id: m\nframework: cis\nsections:\n  1.1, 1.2: {rules: [a]}\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "m.yaml:4:3: `1.1, 1.2` names several controls; write an entry for each"
        );
    }

    #[test]
    fn a_missing_folder_holds_no_mapping() {
        assert!(load_all_mappings("/nowhere").unwrap().mappings.is_empty());
    }

    #[test]
    fn a_broken_file_costs_no_other() {
        let all = read_mappings([("a.yaml", "id: ["), ("b.yaml", "id: b\nframework: cis\n")]);
        assert_eq!(all.mappings.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(all.diagnostics.len(), 1);
    }
}
