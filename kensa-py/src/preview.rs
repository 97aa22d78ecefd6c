//! What can be said before a host is checked: what a scan would do, and what is wrong with rules.

use std::path::PathBuf;
use std::sync::Arc;

use kensa::PlanReport;
use pyo3::prelude::*;

use crate::content::Corpus;
use crate::guard::guarded;
use crate::session::{Scan, Session};
use crate::task::{Outcome, Task};

/// Starts to plan a scan: the host is asked what it is and has, unless that is known, and nothing else. Gives the
/// plan as JSON.
#[pyfunction]
pub(crate) fn start_plan(session: &Session, corpus: &Corpus, how: Scan) -> PyResult<Task> {
    let way = session.way()?.for_questions();
    let corpus = Arc::clone(&corpus.loaded);
    Task::start(move |shared| async move {
        let session = way.session(&shared);
        let facts = match how.facts(&session).await {
            Some(facts) => facts,
            None => kensa::detect::detect(&*session, &how.options.capabilities).await,
        };
        let plan = kensa::plan(&corpus, &facts, &how.options)?;
        // Texts, lists and maps by text always have a form in JSON.
        let json = serde_json::to_string(&PlanReport::of(&plan, &facts)).unwrap_or_default();
        Ok(Outcome::Plan(json))
    })
}

/// What is wrong with the rules at `path`, as JSON; a code and a text where there is nothing to look at.
#[pyfunction]
pub(crate) fn validate(
    py: Python<'_>,
    path: PathBuf,
    strict: bool,
) -> PyResult<(Option<&'static str>, String)> {
    guarded(|| {
        py.detach(|| match kensa::validate_rules(&path, strict) {
            Ok(found) => (None, serde_json::to_string(&found).unwrap_or_default()),
            Err(error) => (Some(error.code()), error.to_string()),
        })
    })
}
