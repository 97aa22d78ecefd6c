//! A set of rules, with the variables they use and everything that is wrong with them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kensa_core::{Rule, Value};

use super::diagnostic::{Diagnostic, Level, counted, nearest, sort};
use super::files::{self, File, Role};
use super::reader::Reader;
use super::rule::{Link, ReadRule};
use super::yaml::Source;
use crate::mappings;
use crate::variables::{Tier, VariableError, VariableTable, names_used_by, read_file};

/// How rules are loaded.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions<'o> {
    /// Any error fails the load, and most warnings are errors. Otherwise broken files are reported and the
    /// rest is loaded.
    pub strict: bool,
    /// The capabilities a gate may name; `None` when any name goes.
    pub known_capabilities: Option<&'o [&'o str]>,
    /// The framework of the scan, such as `cis-rhel9-v2.0.0`: selects the framework section of the variables.
    pub framework: Option<String>,
    /// The folder of framework mappings; `None` for the one called `mappings` beside the rules.
    pub mappings: Option<PathBuf>,
    /// The site's own values.
    pub site: Option<SiteValues>,
    /// Values for this scan; text is read as the variable's declared type.
    pub overrides: BTreeMap<String, Value>,
}

/// A site's configuration directory: `defaults.yml`, `conf.d/*.yml`, `groups/<group>.yml`, `hosts/<host>.yml`,
/// each with a key `variables`, later ones overriding earlier ones.
#[derive(Clone, Debug, Default)]
pub struct SiteValues {
    /// The directory.
    pub dir: PathBuf,
    /// The groups of the host, later ones overriding earlier ones.
    pub groups: Vec<String>,
    /// The host.
    pub host: Option<String>,
}

/// Loaded rules.
#[derive(Clone, Debug, Default)]
pub struct Corpus {
    /// The rules, in the order of their files' paths.
    pub rules: Vec<Arc<Rule>>,
    /// What is wrong, sorted by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The variables the rules use, with the values of [`LoadOptions`].
    pub variables: VariableTable,
}

/// Why nothing was loaded.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file or folder.
    #[error("no rules at {path}: no such file or folder")]
    NotFound {
        /// The path given.
        path: PathBuf,
    },
    /// A folder cannot be listed.
    #[error("cannot read {path}: {message}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
    /// The folder holds no rule file.
    #[error("no rules in {path}: it holds no file ending in .yml that could be a rule")]
    NoRules {
        /// The folder.
        path: PathBuf,
    },
    /// Files are wrong, and `strict` was asked for, or nothing is left, or they are the files of variables.
    #[error("{}", invalid(diagnostics))]
    Invalid {
        /// Everything found, errors and warnings.
        diagnostics: Vec<Diagnostic>,
    },
    /// Overrides do not fit their variables.
    #[error(transparent)]
    Variable(#[from] VariableError),
}

impl Corpus {
    /// Adds the controls that only mapping files name. What is wrong with those files costs no rule.
    fn join<B: AsRef<[u8]>>(&mut self, files: impl Iterator<Item = (PathBuf, Result<B, String>)>) {
        let found = mappings::collect(files);
        let mut by_rule = mappings::by_rule(&found.mappings);
        for rule in &mut self.rules {
            if let (Some(controls), Some(rule)) = (by_rule.remove(rule.id.as_str()), Arc::get_mut(rule)) {
                rule.mapped = controls;
            }
        }
        let as_warning = |one: Diagnostic| Diagnostic { severity: Level::Warning, ..one };
        self.diagnostics.extend(found.diagnostics.into_iter().map(as_warning));
    }
}

impl LoadError {
    /// The identifier used by the bindings.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::NotFound { .. } => "not_found",
            LoadError::Unreadable { .. } => "unreadable",
            LoadError::NoRules { .. } => "no_rules",
            LoadError::Invalid { .. } => "invalid",
            LoadError::Variable(_) => "invalid_override",
        }
    }
}

fn invalid(diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
    let Some(first) = errors.next() else { return "the rules are not valid".to_owned() };
    match errors.count() {
        0 => first.one_line(),
        more => format!("{} (and {} more)", first.one_line(), counted(more, "error")),
    }
}

/// Loads the rule file, or every rule below the folder, at `path`.
///
/// Variables come from `defaults.yml` and `rules.d/*.yml` of the rule set, controls of frameworks that no rule cites
/// from the mapping files beside it.
///
/// # Errors
/// See [`LoadError`]. A broken file of variables always fails the load: without a site's value a rule could
/// pass by the default.
pub fn load_rules(path: impl AsRef<Path>, options: &LoadOptions<'_>) -> Result<Corpus, LoadError> {
    let path = path.as_ref();
    let mut corpus = assemble(files::on_disk(path)?, options)?;
    corpus.join(files::mapping_files(path, options.mappings.as_deref()).into_iter().map(|file| {
        let content = files::read(&file);
        (file, content)
    }));
    Ok(corpus)
}

/// Loads rules that are compiled into the program: every file of the rule set with its path below the rules
/// folder.
///
/// # Errors
/// As [`load_rules`].
pub fn load_embedded<P: Into<PathBuf>, B: AsRef<[u8]>>(
    contents: impl IntoIterator<Item = (P, B)>,
    options: &LoadOptions<'_>,
) -> Result<Corpus, LoadError> {
    let mut files: Vec<File<B>> = Vec::new();
    let mut mappings: Vec<(PathBuf, Result<B, String>)> = Vec::new();
    for (path, bytes) in contents.into_iter().map(|(path, bytes)| (path.into(), bytes)) {
        match Role::of(&path) {
            Some(role) => files.push(File { role, path, content: Ok(bytes) }),
            None if path.starts_with("mappings") && files::is_joined(&path) => {
                mappings.push((path, Ok(bytes)))
            }
            None => {}
        }
    }
    if !files.iter().any(|file| file.role == Role::Rule) {
        return Err(LoadError::NoRules { path: PathBuf::from("the embedded rules") });
    }
    files.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    let mut corpus = assemble(files, options)?;
    corpus.join(mappings.into_iter());
    Ok(corpus)
}

/// The variables of the rule set at `path` without its rules; empty when there are none.
///
/// # Errors
/// A file of variables that is not valid, or values of `options` that do not fit.
pub fn load_variables(path: impl AsRef<Path>, options: &LoadOptions<'_>) -> Result<VariableTable, LoadError> {
    let path = path.as_ref();
    let files = files::variable_files(path, path.is_dir()).into_iter();
    let files: Vec<File<Vec<u8>>> =
        files.map(|(path, role)| File { content: files::read(&path), path, role }).collect();
    let mut diagnostics = Vec::new();
    variables(&files, options, &mut diagnostics)
}

fn assemble<B: AsRef<[u8]>>(files: Vec<File<B>>, options: &LoadOptions<'_>) -> Result<Corpus, LoadError> {
    let mut diagnostics = Vec::new();
    let variables = variables(&files, options, &mut diagnostics)?;
    let by_framework = |name: &str| (name.to_owned(), variables.with_framework(Some(name)));
    let frameworks: Vec<(String, VariableTable)> =
        variables.frameworks().into_iter().map(by_framework).collect();
    let mut set = RuleSet { read: Vec::new(), by_id: HashMap::new() };
    for file in &files {
        let (Role::Rule | Role::Misnamed, Ok(content)) = (file.role, &file.content) else {
            if let Err(message) = &file.content {
                let message = format!("the file cannot be read: {message}");
                diagnostics.push(Diagnostic::of_file(Level::Error, "unreadable", &file.path, message));
            }
            continue;
        };
        if file.role == Role::Misnamed {
            diagnostics.extend(misnamed(&file.path, content.as_ref()));
            continue;
        }
        let source = match Source::new(&file.path, content.as_ref()) {
            Ok(source) => source,
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                continue;
            }
        };
        let mut reader = Reader {
            source,
            strict: options.strict,
            known_capabilities: options.known_capabilities,
            variables: &variables,
            frameworks: &frameworks,
        };
        let read = reader.rule();
        if let Some(read) = read {
            set.add(read, &mut reader.source);
        }
        diagnostics.append(&mut reader.source.found);
    }
    let level = if options.strict { Level::Error } else { Level::Warning };
    let content_of = |path: &Path| {
        let file = files.iter().find(|file| file.path == path)?;
        file.content.as_ref().ok().map(AsRef::as_ref)
    };
    set.judge_links(level, content_of, &mut diagnostics);
    diagnostics.extend(set.unused_overrides(level, &variables, options));
    sort(&mut diagnostics);

    let broken = diagnostics.iter().any(Diagnostic::is_error);
    if broken && (options.strict || set.read.is_empty()) {
        return Err(LoadError::Invalid { diagnostics });
    }
    let rules = set.read.into_iter().map(|read| Arc::new(read.rule)).collect();
    Ok(Corpus { rules, diagnostics, variables })
}

/// A rule that would be read if its name ended in `.yml`.
fn misnamed(path: &Path, content: &[u8]) -> Option<Diagnostic> {
    let looks_like_a_rule = std::str::from_utf8(content).is_ok_and(|text| text.contains("implementations:"));
    looks_like_a_rule.then(|| {
        let message = "the file looks like a rule and is not read: rule files end in .yml";
        Diagnostic::of_file(Level::Warning, "misnamed", path, message)
    })
}

fn variables<B: AsRef<[u8]>>(
    files: &[File<B>],
    options: &LoadOptions<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<VariableTable, LoadError> {
    let mut table = VariableTable::default();
    let mut read = |path: &Path, content: Result<&[u8], &str>, tier| match content {
        Ok(bytes) => match Source::new(path, bytes) {
            Ok(mut source) => {
                read_file(&mut table, &mut source, tier);
                diagnostics.append(&mut source.found);
            }
            Err(diagnostic) => diagnostics.push(*diagnostic),
        },
        Err(message) => {
            let message = format!("the file cannot be read: {message}");
            diagnostics.push(Diagnostic::of_file(Level::Error, "unreadable", path, message));
        }
    };
    for (role, tier) in [(Role::Defaults, Tier::Defaults), (Role::RulesD, Tier::RulesD)] {
        for file in files.iter().filter(|file| file.role == role) {
            read(&file.path, file.content.as_ref().map(AsRef::as_ref).map_err(String::as_str), tier);
        }
    }
    for path in options.site.iter().map(SiteValues::files).collect::<Result<Vec<_>, _>>()?.concat() {
        let content = files::read(&path);
        read(&path, content.as_deref().map_err(String::as_str), Tier::Site);
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        sort(diagnostics);
        return Err(LoadError::Invalid { diagnostics: std::mem::take(diagnostics) });
    }
    let table = table.with_framework(options.framework.as_deref());
    Ok(table.with_overrides(&options.overrides)?)
}

impl SiteValues {
    /// The files that exist, lowest first.
    fn files(&self) -> Result<Vec<PathBuf>, LoadError> {
        let mut files = vec![self.dir.join("defaults.yml")];
        files.extend(files::yml_files(&self.dir.join("conf.d")));
        let named = self.groups.iter().map(|group| ("groups", group));
        for (folder, name) in named.chain(self.host.iter().map(|host| ("hosts", host))) {
            if name.contains(['/', '\\', '\0']) || name.starts_with('.') || name.is_empty() {
                let path = self.dir.join(folder);
                return Err(LoadError::Unreadable { path, message: format!("{name:?} cannot name a file") });
            }
            files.push(self.dir.join(folder).join(format!("{name}.yml")));
        }
        files.retain(|file| file.exists());
        Ok(files)
    }
}

/// Rules as they are read, in file order.
struct RuleSet {
    read: Vec<ReadRule>,
    by_id: HashMap<String, usize>,
}

impl RuleSet {
    /// Adds a rule, unless its id is taken.
    fn add(&mut self, read: ReadRule, source: &mut Source<'_>) {
        match self.by_id.get(&read.rule.id).and_then(|first| self.read.get(*first)) {
            Some(first) => {
                let place = first.rule.path.as_deref().unwrap_or(Path::new("")).display();
                let message = format!("rule id `{}` is taken by {place}", read.rule.id);
                source.report(Level::Error, "duplicate-id", read.id_span, message);
            }
            None => {
                self.by_id.insert(read.rule.id.clone(), self.read.len());
                self.read.push(read);
            }
        }
    }

    /// Reports mentions of rules that do not exist (with `strict`) and cycles of `depends_on`.
    fn judge_links<'f>(
        &self,
        level: Level,
        content_of: impl Fn(&Path) -> Option<&'f [u8]>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut report = |rule: &Rule, link: &Link, level, code, message, help| {
            let path = rule.path.as_deref().unwrap_or(Path::new(""));
            if let Some(Ok(mut source)) = content_of(path).map(|bytes| Source::new(path, bytes)) {
                source.report_with(level, code, link.span, message, help);
                diagnostics.append(&mut source.found);
            }
        };
        for read in &self.read {
            for link in read.links.iter().filter(|link| !self.by_id.contains_key(&link.id)) {
                // A part of a rule set may well name rules of the rest.
                if level == Level::Error {
                    let message = format!("`{}` names the rule {:?}, which is not there", link.key, link.id);
                    let near = nearest(&link.id, self.by_id.keys().map(String::as_str));
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    report(&read.rule, link, Level::Warning, "unknown-rule", message, help);
                }
            }
        }
        for (rule, link, cycle) in self.cycles() {
            let message = format!("the rules depend on each other in a circle: {}", cycle.join(" → "));
            report(rule, link, level, "dependency-cycle", message, None);
        }
    }

    /// One cycle for each rule whose dependency closes one: the rule, the mention, the ids on the circle.
    fn cycles(&self) -> Vec<(&Rule, &Link, Vec<&str>)> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Never,
            OnPath,
            Done,
        }
        let mut seen = vec![Seen::Never; self.read.len()];
        let mut found: Vec<(&Rule, &Link, Vec<&str>)> = Vec::new();
        let mut closed = vec![false; self.read.len()];
        for start in 0..self.read.len() {
            if seen[start] != Seen::Never {
                continue;
            }
            let mut path: Vec<(usize, usize)> = vec![(start, 0)];
            seen[start] = Seen::OnPath;
            while let Some((rule, next)) = path.last_mut() {
                let at = *rule;
                let link = self.read[at].links.iter().filter(|link| link.key == "depends_on").nth(*next);
                *next += 1;
                let Some(link) = link else {
                    seen[at] = Seen::Done;
                    path.pop();
                    continue;
                };
                let Some(&target) = self.by_id.get(&link.id) else { continue };
                match seen[target] {
                    Seen::Never => {
                        seen[target] = Seen::OnPath;
                        path.push((target, 0));
                    }
                    Seen::OnPath if !closed[at] => {
                        closed[at] = true;
                        let on_circle = path.iter().skip_while(|(index, _)| *index != target);
                        let mut ids: Vec<&str> =
                            on_circle.map(|(index, _)| self.read[*index].rule.id.as_str()).collect();
                        ids.push(&self.read[target].rule.id);
                        found.push((&self.read[at].rule, link, ids));
                    }
                    Seen::OnPath | Seen::Done => {}
                }
            }
        }
        found
    }

    /// Overrides that no rule uses and nothing declares: most likely misspelt.
    fn unused_overrides(
        &self,
        level: Level,
        variables: &VariableTable,
        options: &LoadOptions<'_>,
    ) -> Vec<Diagnostic> {
        if options.overrides.is_empty() {
            return Vec::new();
        }
        let used: Vec<&str> = self.read.iter().flat_map(|read| names_used_by(&read.rule)).collect();
        let declared: Vec<&str> = variables.declarations().map(|(name, _)| name).collect();
        let known = |name: &str| used.contains(&name) || declared.contains(&name);
        let unknown = options.overrides.keys().filter(|name| !known(name));
        let report = |name: &String| {
            let message = format!("no rule uses the variable `{name}`, so setting it has no effect");
            let mut diagnostic =
                Diagnostic::of_file(level, "unused-variable", Path::new("overrides"), message);
            diagnostic.help = nearest(name, used.iter().chain(&declared).copied())
                .map(|near| format!("did you mean `{near}`?"));
            diagnostic
        };
        unknown.map(report).collect()
    }
}

#[cfg(test)]
#[path = "corpus_tests.rs"]
mod tests;
