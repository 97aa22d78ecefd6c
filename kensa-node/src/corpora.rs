//! Loading rules for scans: off Node's thread, few at a time, and once for all scans that wait for the same.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use kensa::load::{Corpus, LoadOptions, load_embedded, load_rules};
use napi::bindgen_prelude::{spawn, spawn_blocking};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::failure::Failure;

type Loaded = Result<Arc<Corpus>, Failure>;

/// One at a time: loading is nothing but computing, and Node's thread needs a processor as well.
static TURN: Semaphore = Semaphore::const_new(1);

/// Loads that wait for their turn, by path. One that has begun is not joined: its caller may have changed the files
/// since.
static WAITING: LazyLock<Mutex<HashMap<String, watch::Receiver<Option<Loaded>>>>> =
    LazyLock::new(Mutex::default);

/// The rules at `path`, or the bundled ones.
pub(crate) async fn corpus(path: Option<String>) -> Loaded {
    let Some(path) = path else {
        return in_turn(bundled).await;
    };
    let known = waiting().get(&path).cloned();
    let mut loaded = match known {
        Some(loaded) => loaded,
        None => queue(path),
    };
    match loaded.wait_for(Option::is_some).await.map(|loaded| loaded.clone()) {
        Ok(Some(loaded)) => loaded,
        _ => Err(Failure::cancelled()),
    }
}

/// One rule that is no file, as JSON.
pub(crate) async fn single(rule: String) -> Loaded {
    in_turn(move || {
        let read: Value = serde_json::from_str(&rule)?;
        let text = |key: &str| read.get(key).and_then(Value::as_str).unwrap_or("rule").to_owned();
        let file = format!("{}/{}.yml", text("category"), text("id"));
        // JSON is YAML as well.
        Ok(Arc::new(load_embedded([(file, read.to_string())], &LoadOptions::default())?))
    })
    .await
}

/// The bundled rules, loaded once: they cannot change.
pub(crate) fn bundled() -> Loaded {
    static BUNDLED: OnceLock<Arc<Corpus>> = OnceLock::new();
    if let Some(corpus) = BUNDLED.get() {
        return Ok(Arc::clone(corpus));
    }
    let corpus = Arc::new(kensa::bundled_rules()?);
    Ok(Arc::clone(BUNDLED.get_or_init(|| corpus)))
}

/// `work` on a thread where it may take its time, when it is its turn.
pub(crate) async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let turn = TURN.acquire().await;
    let done = spawn_blocking(work).await;
    drop(turn);
    done?
}

fn queue(path: String) -> watch::Receiver<Option<Loaded>> {
    let (done, loaded) = watch::channel(None);
    waiting().insert(path.clone(), loaded.clone());
    spawn(async move {
        let begun = path.clone();
        let load = move || {
            waiting().remove(&begun);
            Ok(Arc::new(load_rules(&begun, &LoadOptions::default())?))
        };
        let result = in_turn(load).await;
        done.send_replace(Some(result));
    });
    loaded
}

fn waiting() -> MutexGuard<'static, HashMap<String, watch::Receiver<Option<Loaded>>>> {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner)
}
