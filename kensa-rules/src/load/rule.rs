//! A rule file's tree to a [`Rule`].

use std::path::Path;

use kensa_core::rule::PlatformConstraint;
use kensa_core::{Rule, Severity};

use super::reader::Reader;
use super::yaml::{Entry, Node, Span, Yaml};

/// The keys of a rule.
const RULE_KEYS: [&str; 14] = [
    "id",
    "title",
    "description",
    "rationale",
    "severity",
    "category",
    "tags",
    "transactional",
    "references",
    "platforms",
    "implementations",
    "depends_on",
    "conflicts_with",
    "supersedes",
];

/// The keys without which a file is no rule.
pub(crate) const REQUIRED_RULE_KEYS: [&str; 4] = ["id", "title", "severity", "implementations"];

/// Longest id, in characters.
const MAX_ID: usize = 255;
/// Longest title, in characters; host applications store it in a column of this width.
const MAX_TITLE: usize = 500;

/// A rule and what only the whole set can judge.
pub(super) struct ReadRule {
    pub(super) rule: Rule,
    pub(super) id_span: Span,
    pub(super) links: Vec<Link>,
}

/// A mention of another rule.
pub(super) struct Link {
    pub(super) key: &'static str,
    pub(super) id: String,
    pub(super) span: Span,
}

impl Reader<'_, '_> {
    /// Reads the file as a rule. `None` when something is wrong with it that a rule cannot have.
    pub(super) fn rule(&mut self) -> Option<ReadRule> {
        let root = self.source.parse()?;
        let entries = self.map("a rule", &root)?;
        let mut rule = Rule {
            id: String::new(),
            title: String::new(),
            description: String::new(),
            rationale: String::new(),
            severity: Severity::Medium,
            category: String::new(),
            tags: Vec::new(),
            references: Default::default(),
            mapped: Default::default(),
            platforms: Vec::new(),
            implementations: Vec::new(),
            depends_on: Vec::new(),
            conflicts_with: Vec::new(),
            supersedes: Vec::new(),
            transactional: true,
            path: Some(self.source.path.to_owned()),
        };
        // Implementations need to know whether the rule is transactional.
        if let Some(node) = root.get("transactional") {
            rule.transactional = self.flag("`transactional`", node).unwrap_or(true);
        }
        let mut links = Vec::new();
        let mut id_span = Span::default();
        for entry in entries {
            if &*entry.key == "id" {
                id_span = entry.value.span;
            }
            self.field(&mut rule, entry, &mut links);
        }
        self.demand_fields(&root, entries);
        self.compare_with_path(&rule, &root);
        self.drop_consequences();
        (!self.source.found.iter().any(|diagnostic| diagnostic.is_error())).then_some(ReadRule {
            rule,
            id_span,
            links,
        })
    }

    /// Where YAML itself is wrong, what else is wrong with that line follows from it.
    fn drop_consequences(&mut self) {
        let causes = |code: &str| matches!(code, "unquoted-template" | "alias");
        let lines: Vec<u32> =
            self.source.found.iter().filter(|found| causes(found.code)).map(|found| found.line).collect();
        self.source.found.retain(|found| causes(found.code) || !lines.contains(&found.line));
    }

    fn field(&mut self, rule: &mut Rule, entry: &Entry<'_>, links: &mut Vec<Link>) {
        let node = &entry.value;
        match &*entry.key {
            "id" => rule.id = self.id(node).unwrap_or_default(),
            "title" => rule.title = self.title(node).unwrap_or_default(),
            "description" => rule.description = self.prose("`description`", node),
            "rationale" => rule.rationale = self.prose("`rationale`", node),
            "severity" => rule.severity = self.severity(node).unwrap_or(Severity::Medium),
            "category" => rule.category = self.prose("`category`", node),
            "tags" => rule.tags = self.texts("`tags`", node),
            "transactional" => {}
            "references" => rule.references = self.references(node),
            "platforms" => rule.platforms = self.platforms(node),
            "implementations" => rule.implementations = self.implementations(node, rule.transactional),
            "depends_on" => rule.depends_on = self.links("depends_on", node, links),
            "conflicts_with" => rule.conflicts_with = self.links("conflicts_with", node, links),
            "supersedes" => rule.supersedes = self.links("supersedes", node, links),
            key if key.starts_with("x-") => {}
            _ => self.unknown_key("a rule", entry, &RULE_KEYS),
        }
    }

    fn id(&mut self, node: &Node<'_>) -> Option<String> {
        let id = self.text("`id`", node)?;
        if !is_kebab_case(&id) {
            let message = format!(
                "id {id:?} is not kebab-case: lower-case letters, digits and underscores, joined by single hyphens"
            );
            self.error("invalid-id", node.span, message);
            return None;
        }
        if id.len() > MAX_ID {
            self.error("invalid-id", node.span, format!("an id has at most {MAX_ID} characters"));
            return None;
        }
        Some(id)
    }

    fn title(&mut self, node: &Node<'_>) -> Option<String> {
        let title = self.text("`title`", node)?;
        if title.trim().contains('\n') || title.chars().count() > MAX_TITLE {
            let message = format!("a title is one line of at most {MAX_TITLE} characters");
            self.lint("long-title", node.span, message, None);
        }
        Some(title)
    }

    /// Text that may be empty, although it should not.
    fn prose(&mut self, what: &str, node: &Node<'_>) -> String {
        if matches!(&node.yaml, Yaml::Scalar { text, .. } if node.is_null() || text.trim().is_empty()) {
            self.lint("empty-value", node.span, format!("{what} has no value"), None);
            return String::new();
        }
        self.text(what, node).unwrap_or_default()
    }

    fn severity(&mut self, node: &Node<'_>) -> Option<Severity> {
        let name = self.text("`severity`", node)?;
        let severity = Severity::from_name(&name);
        if severity.is_none() {
            let help = super::diagnostic::suggestion(&name, Severity::ALL.map(Severity::name));
            self.error_with("unknown-severity", node.span, format!("no severity is called {name:?}"), help);
        }
        severity
    }

    fn platforms(&mut self, node: &Node<'_>) -> Vec<PlatformConstraint> {
        let items = self.list("`platforms`", node).unwrap_or_default();
        items.iter().filter_map(|item| self.platform(item)).collect()
    }

    fn platform(&mut self, node: &Node<'_>) -> Option<PlatformConstraint> {
        let entries = self.map("a platform", node)?;
        let mut platform = PlatformConstraint {
            family: String::new(),
            min_version: None,
            max_version: None,
            derivatives: true,
        };
        for entry in entries {
            match &*entry.key {
                "family" => platform.family = self.text("`family`", &entry.value).unwrap_or_default(),
                "min_version" => platform.min_version = self.version("`min_version`", &entry.value),
                "max_version" => platform.max_version = self.version("`max_version`", &entry.value),
                "derivatives" => {
                    platform.derivatives = self.flag("`derivatives`", &entry.value).unwrap_or(true)
                }
                _ => {
                    self.unknown_key(
                        "a platform",
                        entry,
                        &["family", "min_version", "max_version", "derivatives"],
                    );
                }
            }
        }
        if node.get("family").is_none() {
            self.error("missing-key", node.span, "a platform needs `family`");
        }
        if let (Some(min), Some(max)) = (platform.min_version, platform.max_version)
            && min > max
        {
            let message = format!("no version is at least {min} and at most {max}");
            self.error("empty-range", node.get("max_version").map_or(node.span, |node| node.span), message);
        }
        Some(platform)
    }

    fn links(&mut self, key: &'static str, node: &Node<'_>, links: &mut Vec<Link>) -> Vec<String> {
        let found = self.placed_texts(&format!("`{key}`"), node);
        links.extend(found.iter().map(|(id, span)| Link { key, id: id.clone(), span: *span }));
        found.into_iter().map(|(id, _)| id).collect()
    }

    fn demand_fields(&mut self, root: &Node<'_>, entries: &[Entry<'_>]) {
        let start =
            entries.first().map_or(root.span, |entry| Span { length: entry.span.length, ..entry.span });
        for key in REQUIRED_RULE_KEYS {
            if root.get(key).is_none() {
                self.error("missing-key", start, format!("a rule needs `{key}`"));
            }
        }
        for key in ["description", "rationale", "category"] {
            if root.get(key).is_none() {
                self.lint("missing-key", start, format!("a rule needs `{key}`"), None);
            }
        }
    }

    /// The file is named after the rule and lies in the folder of its category.
    fn compare_with_path(&mut self, rule: &Rule, root: &Node<'_>) {
        let path = self.source.path;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if let Some(node) = root.get("id").filter(|_| !rule.id.is_empty() && stem != rule.id) {
            let help = Some(format!("name the file {}.yml", rule.id));
            self.lint(
                "id-is-not-file-name",
                node.span,
                format!("the id is not the file's name, {stem:?}"),
                help,
            );
        }
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        if let Some(node) = root.get("category").filter(|_| !rule.category.is_empty())
            && let Some(folder) = folder.filter(|folder| *folder != rule.category)
        {
            let message = format!("the category is not the file's folder, {folder:?}");
            self.lint("category-is-not-folder", node.span, message, None);
        }
    }
}

/// Underscores are allowed because names of programs have them: `audit-priv-unix_update`.
fn is_kebab_case(id: &str) -> bool {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    id.split('-').all(|word| !word.is_empty() && word.bytes().all(known))
}
