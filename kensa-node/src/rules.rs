//! Rules, plans and reports: calls that need no host.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kensa::load::{LoadOptions, load_rules, yaml_to_json};
use kensa::report::{Format, RenderOptions};
use kensa::{Facts, PlanReport, Rule, ScanReport};
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi_derive::napi;
use serde_json::json;

use crate::corpora;
use crate::failure::Failure;
use crate::options::{self, NativeScanOptions};
use crate::parts::{NativeParts, Parts};

/// Version of the engine.
#[napi]
pub fn engine_version() -> String {
    kensa::ENGINE_VERSION.to_owned()
}

/// The JSON Schema of results.
#[napi]
pub fn result_schema() -> String {
    kensa::schema::result_schema().to_string()
}

/// The report formats there are.
#[napi]
pub fn report_formats() -> Vec<String> {
    kensa::report::FORMATS.iter().map(|format| format.name.to_owned()).collect()
}

/// Loads rules: JSON of `diagnostics`, and as parts the rules (`path` and `content`, the file as data). `options` is
/// JSON: the path and the filters of a scan.
#[napi(ts_return_type = "Promise<NativeParts>")]
pub fn load<'env>(
    env: &'env Env,
    options: String,
    strict: bool,
) -> napi::Result<PromiseRaw<'env, NativeParts>> {
    in_background(env, move || {
        let options = NativeScanOptions::read(&options)?;
        let selection = options.selection()?;
        let corpus = match &options.rules_path {
            Some(path) => Arc::new(load_rules(path, &LoadOptions { strict, ..LoadOptions::default() })?),
            None => corpora::bundled()?,
        };
        let texts: BTreeMap<_, _> = match options.rules_path {
            Some(_) => BTreeMap::new(),
            None => kensa::bundled_rules_files().collect(),
        };
        let content = |rule: &Arc<Rule>| {
            let path = rule.path.as_deref()?;
            let text = match texts.get(path.to_str()?) {
                Some(text) => text.as_bytes().to_vec(),
                None => std::fs::read(path).ok()?,
            };
            Some(json!({ "path": path, "content": yaml_to_json(path, &text).ok()? }).to_string())
        };
        let rules = corpus.rules.iter().filter(|rule| selection.matches(rule));
        let items = rules.filter_map(content).collect();
        Ok(Parts { head: json!({ "diagnostics": corpus.diagnostics }).to_string(), items }.into())
    })
}

/// What is wrong with the rules at `path`, as a JSON list.
#[napi(ts_return_type = "Promise<string>")]
pub fn validate(env: &Env, path: String, strict: bool) -> napi::Result<PromiseRaw<'_, String>> {
    in_background(env, move || Ok(serde_json::to_string(&kensa::validate_rules(path, strict)?)?))
}

/// YAML files as data: one part each with `path` and `content` or `error`, in the order given.
#[napi(ts_return_type = "Promise<NativeParts>")]
pub fn read_yaml(env: &Env, paths: Vec<String>) -> napi::Result<PromiseRaw<'_, NativeParts>> {
    in_background(env, move || {
        let read = |path: &String| {
            let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"));
            let content = bytes.and_then(|bytes| {
                yaml_to_json(Path::new(path), &bytes).map_err(|diagnostic| diagnostic.one_line())
            });
            let part = match content {
                Ok(content) => json!({ "path": path, "content": content }),
                Err(error) => json!({ "path": path, "error": error }),
            };
            part.to_string()
        };
        Ok(Parts { items: paths.iter().map(read).collect(), ..Parts::default() }.into())
    })
}

/// What a scan with `options` (JSON) would do on a host with `facts` (JSON), as JSON.
#[napi(ts_return_type = "Promise<string>")]
pub fn plan(env: &Env, options: String, facts: String) -> napi::Result<PromiseRaw<'_, String>> {
    env.spawn_future(async move {
        let options = NativeScanOptions::read(&options)?;
        let facts: Facts = serde_json::from_str(&facts).map_err(Failure::from)?;
        let engine = options.for_engine()?;
        let corpus = corpora::corpus(options.rules_path).await?;
        let planning = move || {
            let plan = kensa::plan(&corpus, &facts, &engine)?;
            Ok(serde_json::to_string(&PlanReport::of(&plan, &facts))?)
        };
        Ok(corpora::in_turn(planning).await?)
    })
}

/// Writes `report` (JSON) in the format called `format`.
#[napi(ts_return_type = "Promise<string>")]
pub fn render<'env>(
    env: &'env Env,
    report: String,
    format: String,
    width: Option<u32>,
    color: bool,
    verbose: bool,
) -> napi::Result<PromiseRaw<'env, String>> {
    in_background(env, move || {
        let format = Format::find(&format).map_err(|error| Failure::argument(error.to_string()))?;
        let report: ScanReport = serde_json::from_str(&report)?;
        let width = width.map(|columns| columns as usize);
        let options = RenderOptions { width, color, verbose, ..RenderOptions::default() };
        (format.render)(&report, &options)
            .map_err(|error| Failure::new("internal", "internal", error.to_string(), json!({})))
    })
}

/// Whether a host answers: JSON of `reached`, `latency` (milliseconds), `banner`, `code` and `message`.
#[napi(ts_return_type = "Promise<string>")]
pub fn reachable(env: &Env, host: String, port: u16, timeout: f64) -> napi::Result<PromiseRaw<'_, String>> {
    env.spawn_future(async move {
        let limit = options::milliseconds(timeout)?;
        let found = kensa::reachable(&host, port, limit).await;
        Ok(json!({
            "reached": found.reached,
            "latency": found.latency.map(|latency| latency.as_secs_f64() * 1000.0),
            "banner": found.banner,
            "code": found.error.as_ref().map(|error| error.reason.code()),
            "message": found.error.as_ref().map(ToString::to_string),
        })
        .to_string())
    })
}

/// `work` off Node's thread, when it is its turn.
fn in_background<T: ToNapiValue + Send + 'static>(
    env: &Env,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> napi::Result<PromiseRaw<'_, T>> {
    env.spawn_future(async move { Ok(corpora::in_turn(work).await?) })
}
