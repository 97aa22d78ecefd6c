//! The main job: ask a host everything a plan needs, and judge each rule as soon as its answers are in.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use kensa_core::check::MAX_WAVES;
use kensa_core::{Answer, Ask, CheckResult, Completeness, Facts, Fault, Outputs, Probe, Reason, Transport};

use crate::evidence::Harmless;
use crate::judge::{self, Context, Judged};
use crate::plan::{self, Decision, Plan, Prepared};

/// How a scan is run and how its results are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// When to give up; rules not answered by then are errors with reason `cancelled`.
    pub deadline: Option<Instant>,
    /// The framework whose control is shown as `framework_section`.
    pub framework: Option<String>,
    /// Limit of one evidence stream, in bytes.
    pub evidence_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: None, framework: None, evidence_limit: crate::evidence::DEFAULT_LIMIT }
    }
}

/// What happens while a scan runs.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A wave of probes is about to be asked.
    Asking {
        /// Probes answered so far.
        answered: usize,
        /// Distinct probes known to be needed.
        planned: usize,
    },
    /// One more probe was answered.
    Answered {
        /// Probes answered so far.
        answered: usize,
        /// Distinct probes known to be needed.
        planned: usize,
    },
    /// A rule is settled.
    Settled(&'a CheckResult),
}

/// All results of a scan, in the order of the plan, and how complete it was.
#[derive(Debug)]
pub struct Outcome {
    /// One result per entry of the plan.
    pub results: Vec<CheckResult>,
    /// How much of what was planned was answered.
    pub completeness: Completeness,
}

/// Runs `plan` over `transport`. Every entry gets exactly one result, whatever happens to the host.
///
/// Dropping the future stops the scan and what runs on the host.
pub async fn scan(
    transport: &dyn Transport,
    facts: &Facts,
    plan: &Plan,
    options: &Options,
    on_event: &mut (dyn FnMut(Event<'_>) + Send),
) -> Outcome {
    let context = Context {
        host: transport.host(),
        facts,
        framework: options.framework.as_deref(),
        evidence_limit: options.evidence_limit,
        secrets: plan.secrets(),
        harmless: Harmless::default(),
    };
    let mut scan = Scan::new(plan, context, on_event);
    scan.settle_the_decided();
    let mut wave = plan.probes.clone();
    while !wave.is_empty() {
        scan.asking(&wave);
        let ask = Ask { probes: &wave, deadline: options.deadline };
        transport.ask(ask, &mut |probe, answer| scan.answered(probe, answer)).await;
        // A transport that leaves a probe out is broken; the rules behind it must not hang or pass.
        for probe in &wave {
            if !scan.outputs.contains(probe) {
                scan.answered(
                    probe.clone(),
                    Err(Fault::new(Reason::Internal, format!("{probe} got no answer"))),
                );
            }
        }
        wave = scan.next_wave();
    }
    scan.finish()
}

struct Scan<'a, 'e> {
    plan: &'a Plan,
    context: Context<'a>,
    on_event: &'e mut (dyn FnMut(Event<'_>) + Send),
    outputs: Outputs,
    /// Rules waiting for each probe.
    waiting: HashMap<Probe, Vec<usize>>,
    /// Rules that asked for each probe, in all waves.
    demand: HashMap<Probe, usize>,
    states: Vec<State>,
    results: Vec<Option<CheckResult>>,
    next: Vec<Probe>,
    faults: usize,
}

/// How far one rule has come.
#[derive(Default)]
struct State {
    /// Probes of the current wave not answered yet.
    missing: HashSet<Probe>,
    /// What each condition has asked so far.
    asked: Vec<Vec<Probe>>,
    waves: usize,
}

impl<'a, 'e> Scan<'a, 'e> {
    fn new(plan: &'a Plan, context: Context<'a>, on_event: &'e mut (dyn FnMut(Event<'_>) + Send)) -> Self {
        let demand = plan::demand(plan);
        let states = plan.entries.iter().map(|entry| match &entry.decision {
            Decision::Run(prepared) => State {
                missing: entry.probes().cloned().collect(),
                asked: prepared.conditions.iter().map(|condition| condition.probes.clone()).collect(),
                waves: 0,
            },
            Decision::Settled { .. } => State::default(),
        });
        Self {
            context,
            on_event,
            outputs: Outputs::new(),
            states: states.collect(),
            results: plan.entries.iter().map(|_| None).collect(),
            demand: demand.iter().map(|(probe, rules)| ((*probe).clone(), rules.len())).collect(),
            waiting: demand.into_iter().map(|(probe, rules)| (probe.clone(), rules)).collect(),
            next: Vec::new(),
            faults: 0,
            plan,
        }
    }

    /// Gives a result to every rule that selection decided, and to those that have nothing to ask.
    fn settle_the_decided(&mut self) {
        for index in 0..self.plan.entries.len() {
            let entry = &self.plan.entries[index];
            match &entry.decision {
                Decision::Settled { reason, detail } => {
                    let result = judge::settled(entry, &self.context, *reason, detail);
                    self.settle(index, result);
                }
                Decision::Run(prepared) if self.states[index].missing.is_empty() => {
                    self.advance(index, prepared)
                }
                Decision::Run(_) => {}
            }
        }
    }

    fn asking(&mut self, wave: &[Probe]) {
        let answered = self.outputs.len();
        (self.on_event)(Event::Asking { answered, planned: answered + wave.len() });
    }

    fn answered(&mut self, probe: Probe, answer: Answer) {
        if self.outputs.contains(&probe) {
            return;
        }
        self.faults += usize::from(answer.is_err());
        let rules = self.waiting.remove(&probe).unwrap_or_default();
        self.outputs.insert(probe.clone(), answer);
        (self.on_event)(Event::Answered {
            answered: self.outputs.len(),
            planned: self.outputs.len() + self.waiting.len(),
        });
        for index in rules {
            let state = &mut self.states[index];
            state.missing.remove(&probe);
            if state.missing.is_empty()
                && let Decision::Run(prepared) = &self.plan.entries[index].decision
            {
                self.advance(index, prepared);
            }
        }
    }

    /// All of a rule's answers are in: it asks once more, or it is judged.
    fn advance(&mut self, index: usize, prepared: &Prepared) {
        while self.states[index].waves < MAX_WAVES {
            self.states[index].waves += 1;
            if !self.ask_more(index, prepared) {
                break;
            }
            if !self.states[index].missing.is_empty() {
                return;
            }
        }
        let asked = std::mem::take(&mut self.states[index].asked);
        let conditions: Vec<Judged<'_>> = prepared
            .conditions
            .iter()
            .zip(&asked)
            .map(|(condition, asked)| Judged {
                method: condition.method,
                asked,
                outcome: condition.check.judge(self.context.facts, &self.outputs),
            })
            .collect();
        let entry = &self.plan.entries[index];
        let share = |probe: &Probe| self.demand.get(probe).copied().unwrap_or(1);
        let result = judge::combined(
            entry,
            &prepared.implementation,
            &self.context,
            &conditions,
            &self.outputs,
            &share,
        );
        self.settle(index, result);
    }

    /// Collects what a rule's conditions still want to know; `false` when that is nothing.
    fn ask_more(&mut self, index: usize, prepared: &Prepared) -> bool {
        let state = &mut self.states[index];
        let mut more = false;
        for (asked, condition) in state.asked.iter_mut().zip(&prepared.conditions) {
            for probe in condition.check.follow_up(self.context.facts, &self.outputs) {
                if asked.contains(&probe) {
                    continue;
                }
                more = true;
                asked.push(probe.clone());
                *self.demand.entry(probe.clone()).or_default() += 1;
                if !self.outputs.contains(&probe) && state.missing.insert(probe.clone()) {
                    let rules = self.waiting.entry(probe.clone()).or_default();
                    if rules.is_empty() {
                        self.next.push(probe);
                    }
                    rules.push(index);
                }
            }
        }
        more
    }

    fn settle(&mut self, index: usize, result: CheckResult) {
        (self.on_event)(Event::Settled(&result));
        self.results[index] = Some(result);
    }

    fn next_wave(&mut self) -> Vec<Probe> {
        std::mem::take(&mut self.next)
    }

    fn finish(self) -> Outcome {
        let planned = self.outputs.len();
        let completeness = Completeness { planned, answered: planned - self.faults, unanswered: self.faults };
        let results = self.results.into_iter().zip(&self.plan.entries).map(|(result, entry)| {
            result.unwrap_or_else(|| {
                judge::settled(
                    entry,
                    &self.context,
                    Reason::Internal,
                    "the scan ended before the rule was judged",
                )
            })
        });
        Outcome { results: results.collect(), completeness }
    }
}
