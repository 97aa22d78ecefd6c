//! From the answers of one rule to its result.

use kensa_core::check::Source;
use kensa_core::{
    Answer, CheckResult, Evidence, Facts, JudgeError, Outputs, Probe, Reason, Status, Timestamp,
};

use crate::evidence::{self, Finding, Harmless};
use crate::frameworks;
use crate::plan::Entry;
use crate::variables::SecretValues;

/// One condition, what it asked and what came of it.
pub(crate) struct Judged<'a> {
    pub(crate) method: &'a str,
    pub(crate) asked: &'a [Probe],
    pub(crate) outcome: Result<kensa_core::Verdict, JudgeError>,
}

/// What surrounds a judgement: the host and how results are to be written.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a str,
    pub(crate) facts: &'a Facts,
    pub(crate) framework: Option<&'a str>,
    pub(crate) evidence_limit: usize,
    /// What no result may hold.
    pub(crate) secrets: &'a SecretValues,
    pub(crate) harmless: Harmless,
}

impl Context<'_> {
    fn shown(&self, text: &str) -> String {
        evidence::shown(text, self.secrets)
    }
}

/// A result for a rule that was not evaluated.
pub(crate) fn settled(entry: &Entry, context: &Context<'_>, reason: Reason, detail: &str) -> CheckResult {
    let mut result = blank(entry, context);
    result.status = if reason.is_skip() { Status::Skipped } else { Status::Error };
    result.reason = Some(reason);
    result.detail = context.shown(detail);
    result
}

/// The result of a rule whose conditions were all judged.
///
/// Conditions are combined by *and*, as far as it can be told: one that fails makes the rule fail whatever
/// the others say; else one that could not be told makes it an error; else one with nothing to assess makes
/// it skipped; else it passes.
pub(crate) fn combined(
    entry: &Entry,
    implementation: &str,
    context: &Context<'_>,
    conditions: &[Judged<'_>],
    outputs: &Outputs,
    share: &dyn Fn(&Probe) -> usize,
) -> CheckResult {
    let mut result = blank(entry, context);
    result.implementation_used = Some(implementation.to_owned());
    let deciding = conditions.iter().min_by_key(|one| rank(&one.outcome));
    let Some(deciding) = deciding else {
        return settled(entry, context, Reason::Internal, "the rule had no condition to judge");
    };
    let worst = rank(&deciding.outcome);
    result.status = worst.status();
    result.check_method = Some(deciding.method.to_owned());
    match &deciding.outcome {
        Ok(verdict) => {
            result.expected_value = Some(context.shown(&verdict.expected));
            result.actual_value = Some(context.shown(&verdict.actual));
            result.source.clone_from(&verdict.source);
        }
        Err(JudgeError::CouldNotTell(error)) => result.reason = Some(error.reason),
        Err(JudgeError::NotAssessable(_)) => result.reason = Some(Reason::NotAssessable),
        Err(JudgeError::UndeclaredValue(_)) => result.reason = Some(Reason::UndeclaredValue),
    }
    let details: Vec<String> =
        conditions.iter().filter(|one| rank(&one.outcome) == worst).map(|one| detail(&one.outcome)).collect();
    result.detail = context.shown(&details.join("; "));
    for condition in conditions {
        result.evidence.extend(evidence_of(condition, outputs, context));
    }
    let asked = || conditions.iter().flat_map(|condition| condition.asked);
    let answered = || asked().filter_map(|probe| outputs.get(probe)).filter_map(output_of);
    result.started_at = answered().map(|output| output.started).min();
    result.completed_at = answered()
        .map(|output| Timestamp::from_millis(output.started.as_millis() + millis(output.elapsed)))
        .max();
    let mut counted: Vec<&Probe> = asked().collect();
    counted.sort_unstable();
    counted.dedup();
    let micros: u128 = counted
        .into_iter()
        .filter_map(|probe| outputs.get(probe).and_then(output_of).map(|output| (probe, output)))
        .map(|(probe, output)| output.elapsed.as_micros() / share(probe).max(1) as u128)
        .sum();
    result.duration_ms = result.started_at.and_then(|_| u64::try_from(micros.div_ceil(1000)).ok());
    result
}

fn output_of(answer: &Answer) -> Option<&kensa_core::Output> {
    match answer {
        Ok(output) => Some(output),
        Err(fault) => fault.partial.as_deref(),
    }
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// Outcomes in the order in which they decide.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Failed,
    Unknown,
    NotAssessable,
    Passed,
}

impl Rank {
    fn status(self) -> Status {
        match self {
            Rank::Failed => Status::Fail,
            Rank::Unknown => Status::Error,
            Rank::NotAssessable => Status::Skipped,
            Rank::Passed => Status::Pass,
        }
    }
}

fn rank(outcome: &Result<kensa_core::Verdict, JudgeError>) -> Rank {
    match outcome {
        Ok(verdict) if verdict.passed => Rank::Passed,
        Ok(_) => Rank::Failed,
        Err(JudgeError::CouldNotTell(_)) => Rank::Unknown,
        Err(JudgeError::NotAssessable(_) | JudgeError::UndeclaredValue(_)) => Rank::NotAssessable,
    }
}

fn detail(outcome: &Result<kensa_core::Verdict, JudgeError>) -> String {
    match outcome {
        Ok(verdict) => match &verdict.source {
            Some(source @ Source { .. }) => format!("{} ({source})", verdict.detail),
            None => verdict.detail.clone(),
        },
        Err(error) => error.to_string(),
    }
}

fn evidence_of(condition: &Judged<'_>, outputs: &Outputs, context: &Context<'_>) -> Vec<Evidence> {
    let (cites, expected, actual) = match &condition.outcome {
        Ok(verdict) if !verdict.cites.is_empty() => {
            (verdict.cites.as_slice(), verdict.expected.as_str(), verdict.actual.as_str())
        }
        Ok(verdict) => (condition.asked, verdict.expected.as_str(), verdict.actual.as_str()),
        Err(_) => (condition.asked, "", ""),
    };
    let (limit, secrets, harmless) = (context.evidence_limit, context.secrets, &context.harmless);
    let finding = Finding { method: condition.method, expected, actual, secrets, harmless };
    cites.iter().map(|probe| evidence::of(probe, outputs.get(probe), &finding, limit)).collect()
}

fn blank(entry: &Entry, context: &Context<'_>) -> CheckResult {
    let rule = &entry.rule;
    let framework_refs = frameworks::of_result(rule, context.facts.platform.as_ref());
    CheckResult {
        rule_id: rule.id.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        category: rule.category.clone(),
        status: Status::Error,
        reason: None,
        detail: String::new(),
        expected_value: None,
        actual_value: None,
        source: None,
        check_method: None,
        implementation_used: None,
        evidence: Vec::new(),
        framework_section: frameworks::section(&framework_refs, context.framework),
        framework_refs,
        host: context.host.to_owned(),
        variables: entry.variables.clone(),
        started_at: None,
        completed_at: None,
        duration_ms: None,
    }
}
