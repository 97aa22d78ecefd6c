//! Many hosts in one operation.

use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use pyo3::prelude::*;

use crate::content::Corpus;
use crate::session::{Scan, Target};
use crate::task::{Item, Outcome, Task};

/// Starts to scan every target, at most `workers` at a time; each host is given as it settles.
#[pyfunction]
pub(crate) fn start_fleet(
    targets: Vec<PyRef<'_, Target>>,
    corpus: &Corpus,
    how: Scan,
    workers: usize,
) -> PyResult<Task> {
    let targets: Vec<kensa::Target> = targets.iter().map(|target| target.of_fleet()).collect();
    let corpus = Arc::clone(&corpus.loaded);
    Task::start(move |shared| async move {
        let mut hosts = pin!(kensa::scan_many(targets, corpus, how.options, workers));
        while let Some(host) = hosts.next().await {
            shared.push(Item::Host(Box::new(host)));
        }
        Ok(Outcome::Nothing)
    })
}
