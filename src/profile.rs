//! The times of a scan that are no rule's.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kensa_core::timings::micros;
use kensa_core::{Answer, Ask, Opening, Overhead, Probe, Timestamp, Timings, Transport};
use kensa_rules::meter::Costs;

/// When a scan began, and what its first steps took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) began: Instant,
    pub(crate) started: Timestamp,
    pub(crate) detect: Duration,
    /// How long the first answer of detection took.
    pub(crate) round_trip: Option<Duration>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), started: Timestamp::now(), detect: Duration::ZERO, round_trip: None }
    }

    /// Where the time until now went. `planned` is when asking began.
    pub(crate) fn timings(self, transport: &dyn Transport, planned: Duration, costs: Costs) -> Timings {
        let opening = transport.opening();
        let scan = self.began.elapsed();
        let mut timings = Timings {
            wall_us: micros(scan + opening.connect + opening.login + opening.shell),
            overhead: Overhead {
                load_us: 0,
                connect_us: micros(opening.connect),
                login_us: micros(opening.login),
                shell_us: micros(opening.shell),
                detect_us: micros(self.detect),
                plan_us: micros(planned.saturating_sub(self.detect)),
                network_us: micros(costs.network),
                judge_us: micros(costs.judge),
                other_us: 0,
            },
            rules: costs.rules,
        };
        timings.overhead.other_us = timings.wall_us.saturating_sub(timings.sum_us());
        timings
    }
}

/// A transport whose first answer is timed.
pub(crate) struct Watched<'a> {
    inner: &'a dyn Transport,
    first: OnceLock<Duration>,
}

impl<'a> Watched<'a> {
    pub(crate) fn new(inner: &'a dyn Transport) -> Self {
        Self { inner, first: OnceLock::new() }
    }

    /// How long the first answer took, when there was one.
    pub(crate) fn first(&self) -> Option<Duration> {
        self.first.get().copied()
    }
}

#[async_trait]
impl Transport for Watched<'_> {
    fn host(&self) -> &str {
        self.inner.host()
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        let began = Instant::now();
        let note = |probe, answer| {
            self.first.get_or_init(|| began.elapsed());
            each(probe, answer);
        };
        self.inner.ask(ask, &mut { note }).await;
    }

    fn remarks(&self) -> Vec<String> {
        self.inner.remarks()
    }

    fn opening(&self) -> Opening {
        self.inner.opening()
    }
}
