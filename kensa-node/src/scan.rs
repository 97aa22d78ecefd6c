//! Scans.

use std::sync::Arc;

use kensa::load::Corpus;
use kensa::{ScanEvent, Session};
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, spawn};
use napi_derive::napi;
use serde_json::json;

use crate::cancellation::Cancellation;
use crate::corpora;
use crate::failure::Failure;
use crate::feed::Feed;
use crate::options::NativeScanOptions;
use crate::parts::{NativeParts, Parts};

/// A scan that runs. Dropping it stops it.
#[napi]
#[derive(Debug)]
pub struct NativeScan {
    feed: Arc<Feed>,
    cancellation: Cancellation,
}

#[napi]
impl NativeScan {
    /// Whether there is a result to take, as soon as there is; `false` when there are no more.
    #[napi(ts_return_type = "Promise<boolean>")]
    pub fn ready<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, bool>> {
        let feed = Arc::clone(&self.feed);
        env.spawn_future(async move { Ok(feed.ready().await?) })
    }

    /// The next result as JSON, where one waits.
    #[napi]
    pub fn take(&self) -> Option<String> {
        self.feed.take()
    }

    /// The report without its results, and these as parts, once the scan has ended. The scan then no longer waits for
    /// results to be taken.
    #[napi(ts_return_type = "Promise<NativeParts>")]
    pub fn report<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, NativeParts>> {
        let feed = Arc::clone(&self.feed);
        env.spawn_future(async move { Ok(feed.report().await?.into()) })
    }

    /// Results nobody has taken: now, and at most so far.
    #[napi]
    pub fn waiting(&self) -> Vec<u32> {
        let (now, most) = self.feed.waiting();
        [now, most].map(|count| u32::try_from(count).unwrap_or(u32::MAX)).to_vec()
    }

    /// Stops the scan and what it runs on the host.
    #[napi]
    pub fn cancel(&self) {
        self.cancellation.cancel();
    }
}

impl NativeScan {
    /// Starts scanning. What is wrong with the options is said by the first call for results.
    pub(crate) fn start(session: Arc<Session>, options: &str, rule: Option<String>) -> Result<Self, Failure> {
        let options = NativeScanOptions::read(options)?;
        let feed = Arc::<Feed>::default();
        let cancellation = Cancellation::new();
        let cancelled = cancellation.watch();
        let filling = Filling(Arc::clone(&feed));
        spawn(async move {
            let scanning = async {
                let engine = options.for_engine()?;
                let corpus = match rule {
                    Some(rule) => corpora::single(rule).await?,
                    None => corpora::corpus(options.rules_path).await?,
                };
                scan(&session, &corpus, &engine, &filling.0).await
            };
            let end = cancelled.unless(scanning).await;
            filling.0.end(end);
        });
        Ok(Self { feed, cancellation })
    }
}

impl Drop for NativeScan {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

/// Ends the feed when the scan has ended, in whatever way: nobody waits for ever.
struct Filling(Arc<Feed>);

impl Drop for Filling {
    fn drop(&mut self) {
        let message = "a defect of the engine ended the scan; please report it";
        self.0.end(Err(Failure::new("internal", "internal", message, json!({}))));
    }
}

async fn scan(
    session: &Session,
    corpus: &Corpus,
    options: &kensa::ScanOptions,
    feed: &Feed,
) -> Result<Parts, Failure> {
    let mut on_event = |event: ScanEvent<'_>| {
        if let ScanEvent::Result(result) = event {
            // Results hold texts, numbers and maps by text, which JSON always has a form for.
            feed.push(serde_json::to_string(result).unwrap_or_default());
        }
    };
    let mut report = feed.brake(kensa::scan(session, corpus, options, &mut on_event)).await?;
    let results = std::mem::take(&mut report.results);
    let items = results.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(Parts { head: serde_json::to_string(&report)?, items })
}
