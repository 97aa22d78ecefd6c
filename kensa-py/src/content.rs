//! Rule files, YAML text and reports.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kensa::{LoadError, LoadOptions, ScanReport};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::guard::guarded;

/// A loaded set of rules.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Corpus {
    pub(crate) loaded: Arc<kensa::Corpus>,
}

type Loaded = Result<Corpus, (String, String)>;

fn loaded(result: Result<kensa::Corpus, LoadError>) -> Loaded {
    match result {
        Ok(corpus) => Ok(Corpus { loaded: Arc::new(corpus) }),
        Err(error) => Err((error.code().to_owned(), error.to_string())),
    }
}

fn outcome(py: Python<'_>, loaded: Loaded) -> PyResult<Bound<'_, PyTuple>> {
    match loaded {
        Ok(corpus) => (py.None(), "", Bound::new(py, corpus)?).into_pyobject(py),
        Err((code, message)) => (code, message, py.None()).into_pyobject(py),
    }
}

/// Loads the rules at `path`: a code and a text where that fails, else the rules.
#[pyfunction]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: PathBuf,
    strict: bool,
    mappings: Option<PathBuf>,
) -> PyResult<Bound<'py, PyTuple>> {
    let found = guarded(|| {
        py.detach(|| {
            let options = LoadOptions { strict, mappings, ..LoadOptions::default() };
            loaded(kensa::load_rules(&path, &options))
        })
    })?;
    outcome(py, found)
}

/// A number that changes when a file at or below `path` does: by name, size, inode and time of change.
#[pyfunction]
pub(crate) fn fingerprint(py: Python<'_>, path: PathBuf) -> PyResult<u64> {
    guarded(|| {
        py.detach(|| {
            let mut hasher = DefaultHasher::new();
            mark(&path, &mut hasher, 0);
            hasher.finish()
        })
    })
}

/// Rule sets are not nested deeper; a cycle of links ends here.
const DEEPEST: usize = 16;

fn mark(path: &Path, hasher: &mut DefaultHasher, depth: usize) {
    path.hash(hasher);
    let Ok(found) = std::fs::metadata(path) else { return };
    (found.ino(), found.size(), found.mtime(), found.mtime_nsec()).hash(hasher);
    if !found.is_dir() || depth == DEEPEST {
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.iter().for_each(|path| mark(path, hasher, depth + 1));
}

/// Whether the variables of the rules at `path` load: a code and a text where they do not.
#[pyfunction]
pub(crate) fn load_variables(py: Python<'_>, path: PathBuf) -> PyResult<(Option<&'static str>, String)> {
    guarded(|| {
        py.detach(|| match kensa::load::load_variables(&path, &LoadOptions::default()) {
            Ok(_) => (None, String::new()),
            Err(error) => (Some(error.code()), error.to_string()),
        })
    })
}

/// Loads one rule from its text, with everything that is wrong with it.
#[pyfunction]
pub(crate) fn load_text<'py>(py: Python<'py>, text: String) -> PyResult<Bound<'py, PyTuple>> {
    let (corpus, problems) = guarded(|| {
        py.detach(|| {
            let options = LoadOptions::default();
            match kensa::load::load_embedded([("rule.yml", text)], &options) {
                Ok(corpus) => {
                    let problems = problems(&corpus.diagnostics);
                    (Some(Corpus { loaded: Arc::new(corpus) }), problems)
                }
                Err(LoadError::Invalid { diagnostics }) => (None, problems(&diagnostics)),
                Err(error) => (None, vec![error.to_string()]),
            }
        })
    })?;
    let corpus = corpus.map(|corpus| Bound::new(py, corpus)).transpose()?;
    (corpus, problems).into_pyobject(py)
}

/// The errors, without their places: the text was made by the program, and nobody has read it.
fn problems(diagnostics: &[kensa::Diagnostic]) -> Vec<String> {
    let describe = |one: &kensa::Diagnostic| match &one.help {
        Some(help) => format!("{} ({help})", one.message),
        None => one.message.clone(),
    };
    diagnostics.iter().filter(|one| one.is_error()).map(describe).collect()
}

/// Id, path, severity, category and tags of a rule.
type RuleLine = (String, Option<String>, &'static str, String, Vec<String>);

/// A variable: its name, value as JSON, type, limits, whether it is secret, whether a site must set it, what it is
/// for, and the rules that use it.
#[derive(IntoPyObject)]
pub(crate) struct VariableLine {
    name: String,
    value: Option<String>,
    kind: Option<&'static str>,
    min: Option<i64>,
    max: Option<i64>,
    sensitive: bool,
    required: bool,
    description: String,
    rules: Vec<String>,
}

#[pymethods]
impl Corpus {
    /// Id, path, severity, category and tags of every rule, in load order.
    fn rules(&self) -> Vec<RuleLine> {
        let describe = |rule: &Arc<kensa::Rule>| {
            let path = rule.path.as_ref().map(|path| path.to_string_lossy().into_owned());
            (rule.id.clone(), path, rule.severity.name(), rule.category.clone(), rule.tags.clone())
        };
        self.loaded.rules.iter().map(describe).collect()
    }

    /// Whether it is an error, the path and one line, of everything that is wrong.
    fn diagnostics(&self) -> Vec<(bool, String, String)> {
        let describe = |one: &kensa::Diagnostic| {
            (one.is_error(), one.path.to_string_lossy().into_owned(), one.one_line())
        };
        self.loaded.diagnostics.iter().map(describe).collect()
    }

    /// The rules that pass the filters, `None` letting everything through, and the ids no rule has. All words
    /// are in lower case.
    fn select(
        &self,
        severity: Option<HashSet<String>>,
        category: Option<HashSet<String>>,
        tags: Option<HashSet<String>>,
        ids: Option<HashSet<String>>,
    ) -> (Self, Vec<String>) {
        let has = |words: &Option<HashSet<String>>, word: &str| {
            words.as_ref().is_none_or(|words| words.contains(&word.to_lowercase()))
        };
        let mut corpus = (*self.loaded).clone();
        let known: HashSet<String> = corpus.rules.iter().map(|rule| rule.id.to_lowercase()).collect();
        corpus.rules.retain(|rule| {
            has(&severity, rule.severity.name())
                && has(&category, &rule.category)
                && has(&ids, &rule.id)
                && (tags.is_none() || rule.tags.iter().any(|tag| has(&tags, tag)))
        });
        let mut unknown: Vec<String> =
            ids.unwrap_or_default().into_iter().filter(|id| !known.contains(id)).collect();
        unknown.sort_unstable();
        (Self { loaded: Arc::new(corpus) }, unknown)
    }

    /// Every variable that is declared, set or used.
    fn variables(&self) -> Vec<VariableLine> {
        let table = &self.loaded.variables;
        let mut users: BTreeMap<&str, Vec<String>> = table.names().map(|name| (name, Vec::new())).collect();
        for rule in &self.loaded.rules {
            for name in kensa::variables::names_used_by(rule) {
                users.entry(name).or_default().push(rule.id.clone());
            }
        }
        let describe = |(name, rules): (&str, Vec<String>)| {
            let declared = table.declaration(name);
            let value = table.get(name).filter(|_| !declared.sensitive).map(|set| set.value());
            VariableLine {
                name: name.to_owned(),
                value: value.and_then(|value| serde_json::to_string(value).ok()),
                kind: declared.kind.map(|kind| kind.name()),
                min: declared.min,
                max: declared.max,
                sensitive: declared.sensitive,
                required: declared.required,
                description: declared.description.clone(),
                rules,
            }
        };
        users.into_iter().map(describe).collect()
    }

    /// How many rules there are.
    fn __len__(&self) -> usize {
        self.loaded.rules.len()
    }
}

/// A YAML file as JSON text; `Err` as a list of lines.
#[pyfunction]
pub(crate) fn yaml_to_json(
    py: Python<'_>,
    path: &str,
    bytes: &[u8],
) -> PyResult<(Option<String>, Vec<String>)> {
    guarded(|| {
        py.detach(|| match kensa::load::yaml_to_json(Path::new(path), bytes) {
            Ok(json) => (Some(json.to_string()), Vec::new()),
            Err(found) => (None, vec![found.one_line()]),
        })
    })
}

/// A report in one of the engine's formats, from its JSON; `Err` as text.
#[pyfunction]
pub(crate) fn render(
    py: Python<'_>,
    json: &str,
    format: &str,
    verbose: bool,
    corpus: Option<&Corpus>,
) -> PyResult<(Option<String>, String)> {
    let rules = corpus.map(|corpus| Arc::clone(&corpus.loaded));
    guarded(|| {
        py.detach(|| {
            let written = write(json, format, verbose, rules.as_deref());
            written.map_or_else(|message| (None, message), |text| (Some(text), String::new()))
        })
    })
}

fn write(json: &str, format: &str, verbose: bool, corpus: Option<&kensa::Corpus>) -> Result<String, String> {
    let format = kensa::report::Format::find(format).map_err(|error| error.to_string())?;
    let report: ScanReport = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let rules = corpus.map_or(&[][..], |corpus| &corpus.rules);
    let options = kensa::report::RenderOptions { verbose, rules, ..Default::default() };
    (format.render)(&report, &options).map_err(|error| error.to_string())
}

/// Name, summary, media type and file extension of every report format.
#[pyfunction]
pub(crate) fn formats() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    kensa::report::FORMATS.iter().map(|one| (one.name, one.summary, one.media_type, one.extension)).collect()
}

/// The report of `json` as the engine itself writes it, on one line; for comparison.
#[pyfunction]
pub(crate) fn canonical(json: &str) -> PyResult<Option<String>> {
    guarded(|| {
        serde_json::from_str::<ScanReport>(json).and_then(|report| serde_json::to_string(&report)).ok()
    })
}

/// Panics, for the test that a panic is an exception.
#[pyfunction]
#[allow(clippy::panic)]
pub(crate) fn panic() -> PyResult<()> {
    guarded(|| panic!("asked for"))
}

/// Runs the command line with `arguments`, the program's name first; gives its exit code.
#[pyfunction]
pub(crate) fn cli(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> PyResult<u8> {
    guarded(|| py.detach(|| kensa_cli::run(arguments)))
}

/// Name and meaning of every capability that is detected.
#[pyfunction]
pub(crate) fn capabilities() -> Vec<(&'static str, &'static str)> {
    kensa::detect::CAPABILITIES.iter().map(|one| (one.name, one.summary)).collect()
}
