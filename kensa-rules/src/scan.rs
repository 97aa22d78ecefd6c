//! The main job: ask a host everything a plan needs, and judge each rule as soon as its answers are in.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use kensa_core::check::MAX_WAVES;
use kensa_core::{
    Answer, Ask, CheckResult, Completeness, Facts, Fault, Outputs, Probe, Reason, Summary, Transport,
};

use crate::evidence::Harmless;
use crate::judge::{self, Context, Judged};
use crate::meter::{Costs, Meter};
use crate::plan::{Decision, Plan, Prepared};

/// How a scan is run and how its results are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// When to give up; rules not answered by then are errors with reason `cancelled`.
    pub deadline: Option<Instant>,
    /// The framework whose control is shown as `framework_section`.
    pub framework: Option<String>,
    /// Limit of one evidence stream, in bytes.
    pub evidence_limit: usize,
    /// Measure what each rule costs.
    pub measure: bool,
    /// For that: how long a quick question was seen to take to this host and back before.
    pub round_trip: Option<Duration>,
    /// Give results as events only; of the outcome's results then only those cut short are left.
    pub stream_results: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: None,
            framework: None,
            evidence_limit: crate::evidence::DEFAULT_LIMIT,
            measure: false,
            round_trip: None,
            stream_results: false,
        }
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
    /// One result per entry of the plan, unless they were streamed.
    pub results: Vec<CheckResult>,
    /// Counts over all results.
    pub summary: Summary,
    /// How much of what was planned was answered.
    pub completeness: Completeness,
    /// What the questions cost, when that was measured.
    pub costs: Option<Costs>,
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
    let mut scan = Scan::new(plan, context, options, on_event);
    scan.settle_the_decided();
    let mut wave = Cow::Borrowed(plan.probes.as_slice());
    while !wave.is_empty() {
        scan.asking(&wave);
        let ask = Ask { probes: &wave, deadline: options.deadline };
        transport.ask(ask, &mut |probe, answer| scan.answered(probe, answer)).await;
        // A transport that leaves a probe out is broken; the rules behind it must not hang or pass.
        for probe in wave.iter() {
            if !scan.outputs.contains(probe) {
                scan.answered(
                    probe.clone(),
                    Err(Fault::new(Reason::Internal, format!("{probe} got no answer"))),
                );
            }
        }
        wave = Cow::Owned(scan.next_wave());
    }
    scan.finish()
}

struct Scan<'a, 'e> {
    plan: &'a Plan,
    context: Context<'a>,
    on_event: &'e mut (dyn FnMut(Event<'_>) + Send),
    outputs: Outputs,
    /// Rules waiting for each probe, beside those that asked for it in the first wave: the plan knows them.
    waiting: HashMap<Probe, Vec<usize>>,
    /// How many rules asked for each probe later.
    later: HashMap<Probe, usize>,
    /// Probes asked for and not answered.
    open: usize,
    states: Vec<State<'a>>,
    settled: Vec<bool>,
    results: Vec<Option<CheckResult>>,
    next: Vec<Probe>,
    faults: usize,
    meter: Option<Meter>,
    stream: bool,
    summary: Summary,
}

/// How far one rule has come. There is one for each rule of each host, so it owns as little as it can.
#[derive(Clone, Default)]
struct State<'a> {
    /// How many probes of the current wave are not answered yet.
    missing: usize,
    /// What each condition has asked so far, once the first answers are in.
    asked: Vec<Cow<'a, [Probe]>>,
    waves: usize,
}

impl<'a, 'e> Scan<'a, 'e> {
    fn new(
        plan: &'a Plan,
        context: Context<'a>,
        options: &Options,
        on_event: &'e mut (dyn FnMut(Event<'_>) + Send),
    ) -> Self {
        let mut states = vec![State::default(); plan.entries.len()];
        plan.demand.values().flatten().for_each(|index| states[*index].missing += 1);
        Self {
            context,
            on_event,
            outputs: Outputs::new(),
            states,
            settled: vec![false; plan.entries.len()],
            results: if options.stream_results {
                Vec::new()
            } else {
                plan.entries.iter().map(|_| None).collect()
            },
            waiting: HashMap::new(),
            later: HashMap::new(),
            open: plan.probes.len(),
            next: Vec::new(),
            faults: 0,
            meter: options.measure.then(|| Meter::new(options.round_trip)),
            stream: options.stream_results,
            summary: Summary::default(),
            plan,
        }
    }

    /// Gives a result to every rule that selection decided, and to those that have nothing to ask.
    fn settle_the_decided(&mut self) {
        let began = Instant::now();
        for index in 0..self.plan.entries.len() {
            let entry = &self.plan.entries[index];
            match &entry.decision {
                Decision::Settled { reason, detail } => {
                    let result = judge::settled(entry, &self.context, *reason, detail);
                    self.settle(index, result);
                }
                Decision::Run(prepared) if self.states[index].missing == 0 => self.advance(index, prepared),
                Decision::Run(_) => {}
            }
        }
        if let Some(meter) = &mut self.meter {
            meter.judged(began.elapsed());
            meter.wave_ends();
        }
    }

    fn asking(&mut self, wave: &[Probe]) {
        if let Some(meter) = &mut self.meter {
            meter.wave_begins();
        }
        let answered = self.outputs.len();
        (self.on_event)(Event::Asking { answered, planned: answered + wave.len() });
    }

    fn answered(&mut self, probe: Probe, answer: Answer) {
        if self.outputs.contains(&probe) {
            return;
        }
        self.faults += usize::from(answer.is_err());
        let first: &'a [usize] = self.plan.demand.get(&probe).map_or(&[], Vec::as_slice);
        let more = self.waiting.remove(&probe).unwrap_or_default();
        self.open -= usize::from(!first.is_empty() || !more.is_empty());
        if let Some(meter) = &mut self.meter {
            meter.answered(&probe, &answer);
        }
        let began = Instant::now();
        self.outputs.insert(probe, answer);
        (self.on_event)(Event::Answered {
            answered: self.outputs.len(),
            planned: self.outputs.len() + self.open,
        });
        for index in first.iter().copied().chain(more) {
            let state = &mut self.states[index];
            state.missing -= 1;
            if state.missing == 0
                && let Decision::Run(prepared) = &self.plan.entries[index].decision
            {
                self.advance(index, prepared);
            }
        }
        if let Some(meter) = &mut self.meter {
            meter.judged(began.elapsed());
        }
    }

    /// All of a rule's answers are in: it asks once more, or it is judged.
    fn advance(&mut self, index: usize, prepared: &'a Prepared) {
        let state = &mut self.states[index];
        if state.waves == 0 {
            state.asked =
                prepared.conditions.iter().map(|one| Cow::Borrowed(one.probes.as_slice())).collect();
        }
        while self.states[index].waves < MAX_WAVES {
            self.states[index].waves += 1;
            if !self.ask_more(index, prepared) {
                break;
            }
            if self.states[index].missing > 0 {
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
        let share = |probe: &Probe| {
            let first = self.plan.demand.get(probe).map_or(0, Vec::len);
            (first + self.later.get(probe).copied().unwrap_or(0)).max(1)
        };
        let result = judge::combined(
            entry,
            &prepared.implementation,
            &self.context,
            &conditions,
            &self.outputs,
            &share,
        );
        self.settle(index, result);
        if self.meter.is_some() {
            self.states[index].asked = asked;
        }
    }

    /// Collects what a rule's conditions still want to know; `false` when that is nothing.
    fn ask_more(&mut self, index: usize, prepared: &'a Prepared) -> bool {
        let state = &mut self.states[index];
        let mut more = false;
        for (asked, condition) in state.asked.iter_mut().zip(&prepared.conditions) {
            for probe in condition.check.follow_up(self.context.facts, &self.outputs) {
                if asked.contains(&probe) {
                    continue;
                }
                more = true;
                asked.to_mut().push(probe.clone());
                *self.later.entry(probe.clone()).or_default() += 1;
                if self.outputs.contains(&probe) {
                    continue;
                }
                let rules = self.waiting.entry(probe.clone()).or_default();
                if rules.contains(&index) {
                    continue;
                }
                // What is on its way, for the first wave or another rule, is not asked twice.
                if rules.is_empty() && !self.plan.demand.contains_key(&probe) {
                    self.open += 1;
                    self.next.push(probe);
                }
                rules.push(index);
                state.missing += 1;
            }
        }
        more
    }

    fn settle(&mut self, index: usize, result: CheckResult) {
        self.settled[index] = true;
        (self.on_event)(Event::Settled(&result));
        self.summary.count(&result);
        if !self.stream {
            self.results[index] = Some(result);
        } else if result.is_cut_short() {
            self.results.push(Some(result));
        }
    }

    fn next_wave(&mut self) -> Vec<Probe> {
        if let Some(meter) = &mut self.meter {
            meter.wave_ends();
        }
        std::mem::take(&mut self.next)
    }

    /// No rule is left out, whatever went wrong.
    fn settle_the_forgotten(&mut self) {
        for index in 0..self.plan.entries.len() {
            if !std::mem::replace(&mut self.settled[index], true) {
                let detail = "the scan ended before the rule was judged";
                let result =
                    judge::settled(&self.plan.entries[index], &self.context, Reason::Internal, detail);
                self.settle(index, result);
            }
        }
    }

    fn finish(mut self) -> Outcome {
        self.settle_the_forgotten();
        let planned = self.outputs.len();
        let completeness = Completeness { planned, answered: planned - self.faults, unanswered: self.faults };
        let costs = self.meter.map(|meter| {
            let rules = self.plan.entries.iter().zip(&self.states);
            meter.costs(&self.outputs, rules.map(|(entry, state)| (entry.rule.id.as_str(), &state.asked[..])))
        });
        let results = self.results.into_iter().flatten().collect();
        Outcome { results, summary: self.summary, completeness, costs }
    }
}
