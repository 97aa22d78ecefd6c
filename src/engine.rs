//! The engine's calls: load, detect, plan, scan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kensa_core::{CheckResult, Facts, Rule, ScanReport, Severity, Transport};
use kensa_rules::load::{Corpus, Diagnostic, LoadError, LoadOptions};
use kensa_rules::plan::Plan;
use kensa_rules::scan;
use kensa_rules::select::Selection;
use kensa_rules::variables::{VariableError, VariableTable, names_used_by};

use crate::profile::{Clock, Watched};

/// Version of the engine, as reports carry it.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What to scan and how.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Which rules.
    pub selection: Selection,
    /// Values of variables, overriding every other tier.
    pub variables: BTreeMap<String, String>,
    /// The framework whose variable values apply and whose control is shown; it drops no rule.
    pub framework: Option<String>,
    /// Capabilities set by hand, overriding what is detected.
    pub capabilities: BTreeMap<String, bool>,
    /// Time for the whole scan; what is unanswered then is an error with reason `cancelled`.
    pub scan_timeout: Option<Duration>,
    /// Limit of one evidence stream, in bytes; 0 means the default of 64 KiB.
    pub evidence_limit: usize,
    /// Measure where the time goes, rule by rule, for [`ScanReport::timings`].
    pub profile: bool,
    /// Give results as [`ScanEvent::Result`] only, so that a scan takes little memory: the report then has its counts
    /// and, of the results, those that were cut short (`connection_lost`, `cancelled`), for they decide what it comes
    /// to.
    pub stream_results: bool,
}

/// What happens while a scan runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScanEvent<'a> {
    /// The host is known.
    Detected(&'a Facts),
    /// Every rule is decided on and every first question is known.
    Planned(&'a Plan),
    /// One more probe was answered.
    Answered {
        /// Probes answered so far.
        answered: usize,
        /// Distinct probes known to be needed.
        planned: usize,
    },
    /// A rule is settled.
    Result(&'a CheckResult),
}

/// Why there are no results.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rules could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A variable override is not valid.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A value was given to a variable that no rule uses and nothing declares: most likely a slip of the pen,
    /// and the rule meant would be judged by its default.
    #[error("no rule uses a variable {name:?}{}", nearest.as_ref().map_or_else(String::new, |known| format!("; did you mean {known}?")))]
    UnknownVariable {
        /// The name given.
        name: String,
        /// The known name nearest to it.
        nearest: Option<String>,
    },
    /// Rules were asked for by an id no rule has.
    #[error("no rule has the id {}", .0.join(", "))]
    UnknownRule(Vec<String>),
}

/// Loads the rules at `rules_path` (a file or a folder), checks those that pass the filters on the host
/// behind `transport`, and returns exactly one result per rule, in load order.
///
/// `severity` and `category` are filters; `None` lets everything through. Files that do not load are left
/// out; [`load_rules`](crate::load::load_rules) reports them. Nothing on the host is changed.
///
/// # Errors
///
/// When the path does not exist, cannot be read or holds no rule. A host that stops answering is not an
/// error here: its rules end in `error` results with the reason.
pub async fn check_rules_from_path(
    transport: &dyn Transport,
    rules_path: impl AsRef<Path>,
    severity: Option<&[Severity]>,
    category: Option<&str>,
) -> Result<Vec<CheckResult>, Error> {
    let corpus = load_rules(rules_path, &LoadOptions::default())?;
    let selection = Selection {
        severity: severity.unwrap_or_default().to_vec(),
        category: category.map(str::to_owned).into_iter().collect(),
        ..Selection::default()
    };
    let options = ScanOptions { selection, ..ScanOptions::default() };
    Ok(scan(transport, &corpus, &options, &mut |_| {}).await?.results)
}

/// Loads the rule file, or every rule below the folder, at `path`. Gates may name the capabilities this engine
/// detects, unless `options` lists others.
///
/// # Errors
///
/// See [`LoadError`].
pub fn load_rules(path: impl AsRef<Path>, options: &LoadOptions<'_>) -> Result<Corpus, LoadError> {
    let known = known_capabilities();
    let names: Vec<&str> = options.known_capabilities.map_or(known, <[&str]>::to_vec);
    kensa_rules::load::load_rules(path, &LoadOptions { known_capabilities: Some(&names), ..options.clone() })
}

/// What is wrong with the rules at `path`, sorted by file and place; empty when nothing is. With `strict` most
/// warnings count as errors.
///
/// # Errors
///
/// When there is nothing to look at: no such path, or no rule in it. Rules that do not load are no error here.
pub fn validate_rules(path: impl AsRef<Path>, strict: bool) -> Result<Vec<Diagnostic>, LoadError> {
    match load_rules(path, &LoadOptions { strict, ..LoadOptions::default() }) {
        Ok(corpus) => Ok(corpus.diagnostics),
        Err(LoadError::Invalid { diagnostics }) => Ok(diagnostics),
        Err(error) => Err(error),
    }
}

/// The names of the capabilities this engine detects.
pub(crate) fn known_capabilities() -> Vec<&'static str> {
    kensa_ssh::detect::CAPABILITIES.iter().map(|capability| capability.name).collect()
}

/// Scans one host: detects what it is, asks everything the selected rules need, judges.
///
/// `on_event` is called from within the scan, in order. Dropping the future stops the scan and what runs on
/// the host.
///
/// # Errors
///
/// When a variable override or a rule id in `options` is not valid; the host is not asked anything then.
pub async fn scan(
    transport: &dyn Transport,
    corpus: &Corpus,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> Result<ScanReport, Error> {
    let clock = Clock::start();
    let prepared = Prepared::of(corpus, options)?;
    Ok(detect_and_run(transport, &prepared, clock, options, on_event).await)
}

/// [`scan`] with what is common to many hosts done before.
pub(crate) async fn scan_prepared(
    transport: &dyn Transport,
    prepared: &Prepared,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> ScanReport {
    detect_and_run(transport, prepared, Clock::start(), options, on_event).await
}

async fn detect_and_run(
    transport: &dyn Transport,
    prepared: &Prepared,
    clock: Clock,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> ScanReport {
    let before = clock.began.elapsed();
    let watched = Watched::new(transport);
    let facts = kensa_ssh::detect::detect(&watched, &options.capabilities).await;
    let clock = Clock { detect: clock.began.elapsed() - before, round_trip: watched.first(), ..clock };
    run(transport, &facts, prepared, clock, options, on_event).await
}

/// [`scan`] of a host that was detected before: `facts` are taken as they are, but for `options.capabilities`.
///
/// # Errors
///
/// As [`scan`].
pub async fn scan_with_facts(
    transport: &dyn Transport,
    facts: &Facts,
    corpus: &Corpus,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> Result<ScanReport, Error> {
    let clock = Clock::start();
    let prepared = Prepared::of(corpus, options)?;
    let mut facts = facts.clone();
    facts.undetermined.retain(|name, _| !options.capabilities.contains_key(name));
    facts.capabilities.extend(options.capabilities.clone());
    Ok(run(transport, &facts, &prepared, clock, options, on_event).await)
}

/// What is scanned: the same for every host.
pub(crate) struct Prepared {
    rules: Vec<Arc<Rule>>,
    variables: VariableTable,
    /// Plans made so far: hosts that are alike share one.
    plans: Mutex<Vec<(Facts, Arc<Plan>)>>,
}

/// Plans kept for hosts still to come: a fleet has a few kinds of hosts.
const PLANS: usize = 16;

impl Prepared {
    pub(crate) fn of(corpus: &Corpus, options: &ScanOptions) -> Result<Self, Error> {
        let (rules, variables) = prepare(corpus, options)?;
        Ok(Self { rules, variables, plans: Mutex::default() })
    }

    fn plan(&self, facts: &Facts) -> Arc<Plan> {
        let lock = || self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, plan)) = lock().iter().find(|(known, _)| known == facts) {
            return Arc::clone(plan);
        }
        let plan = Arc::new(Plan::of(&self.rules, facts, &self.variables));
        let mut plans = lock();
        if plans.len() < PLANS {
            plans.push((facts.clone(), Arc::clone(&plan)));
        }
        plan
    }
}

async fn run(
    transport: &dyn Transport,
    facts: &Facts,
    prepared: &Prepared,
    clock: Clock,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> ScanReport {
    let deadline = options.scan_timeout.and_then(|limit| clock.began.checked_add(limit));
    on_event(ScanEvent::Detected(facts));
    let plan = prepared.plan(facts);
    let planned = clock.began.elapsed();
    on_event(ScanEvent::Planned(&plan));
    let defaults = scan::Options::default();
    let scan_options = scan::Options {
        deadline,
        framework: options.framework.clone(),
        evidence_limit: if options.evidence_limit == 0 {
            defaults.evidence_limit
        } else {
            options.evidence_limit
        },
        measure: options.profile,
        round_trip: clock.round_trip,
        stream_results: options.stream_results,
    };
    let outcome = scan::scan(transport, facts, &plan, &scan_options, &mut |event| match event {
        scan::Event::Asking { answered, planned } | scan::Event::Answered { answered, planned } => {
            on_event(ScanEvent::Answered { answered, planned });
        }
        scan::Event::Settled(result) => on_event(ScanEvent::Result(result)),
        _ => {}
    })
    .await;
    let mut report = ScanReport::new(
        ENGINE_VERSION,
        transport.host(),
        facts,
        clock.started,
        outcome.completeness,
        outcome.results,
    );
    report.remarks = transport.remarks();
    report.summary = outcome.summary;
    report.timings = outcome.costs.map(|costs| clock.timings(transport, planned, costs));
    report
}

/// What a scan with these options would do on a host with these facts. Asks nothing.
///
/// # Errors
///
/// As [`scan`].
pub fn plan(corpus: &Corpus, facts: &Facts, options: &ScanOptions) -> Result<Plan, Error> {
    let (rules, variables) = prepare(corpus, options)?;
    let mut facts = facts.clone();
    facts.capabilities.extend(options.capabilities.clone());
    Ok(Plan::of(&rules, &facts, &variables))
}

/// Facts as they would be detected on `platform`, for planning without a host: every capability named in
/// `capabilities` as given, all others absent.
pub fn facts_for(platform: kensa_core::Platform, capabilities: &BTreeMap<String, bool>) -> Facts {
    Facts { platform: Some(platform), capabilities: capabilities.clone(), ..Facts::default() }
}

fn prepare(corpus: &Corpus, options: &ScanOptions) -> Result<(Vec<Arc<Rule>>, VariableTable), Error> {
    let unknown = options.selection.unknown_ids(&corpus.rules);
    if !unknown.is_empty() {
        return Err(Error::UnknownRule(unknown.into_iter().map(str::to_owned).collect()));
    }
    for name in options.variables.keys() {
        demand_variable(corpus, name)?;
    }
    let variables = corpus.variables.for_scan(options.framework.as_deref(), &options.variables)?;
    let rules = corpus.rules.iter().filter(|rule| options.selection.matches(rule)).cloned().collect();
    Ok((rules, variables))
}

fn demand_variable(corpus: &Corpus, name: &str) -> Result<(), Error> {
    let used = corpus.rules.iter().flat_map(|rule| names_used_by(rule));
    let known: BTreeSet<&str> = corpus.variables.names().chain(used).collect();
    if known.contains(name) {
        return Ok(());
    }
    let nearest = kensa_rules::load::nearest(name, known).map(str::to_owned);
    Err(Error::UnknownVariable { name: name.to_owned(), nearest })
}
