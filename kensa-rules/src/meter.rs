//! Who pays for the time of a scan: pure arithmetic over what was measured.
//!
//! The time of a wave of questions is the time of its commands, one after the other, each from the end of the one
//! before it to its own. So the commands' times tile the wave, and each is split over the questions it answered, and
//! each question over the rules that asked it. Where commands ran side by side their times are scaled to the wave.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kensa_core::timings::{RuleCost, micros};
use kensa_core::{Answer, Output, Outputs, Probe};

/// What a scan's questions cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Each rule's share.
    pub rules: Vec<RuleCost>,
    /// Waiting for the network.
    pub network: Duration,
    /// Judging while the host had nothing to do.
    pub judge: Duration,
}

/// Takes down when waves begin and end, who answers first, and how long judging takes.
#[derive(Debug)]
pub(crate) struct Meter {
    /// What a question takes to the host and back, where that is known.
    round_trip: Option<Duration>,
    waves: Vec<Wave>,
}

#[derive(Debug)]
struct Wave {
    began: Instant,
    took: Duration,
    judging: Duration,
    answered: Vec<Probe>,
    /// How long the first answer took, and the command that gave it when that was a folded one.
    first: Option<(Duration, Option<Arc<str>>)>,
}

impl Meter {
    pub(crate) fn new(round_trip: Option<Duration>) -> Self {
        Self { round_trip, waves: vec![Wave::begin()] }
    }

    /// Questions are asked from now on.
    pub(crate) fn wave_begins(&mut self) {
        self.waves.push(Wave::begin());
    }

    /// Everything asked is answered and judged.
    pub(crate) fn wave_ends(&mut self) {
        if let Some(wave) = self.waves.last_mut() {
            wave.took = wave.began.elapsed();
        }
    }

    pub(crate) fn answered(&mut self, probe: &Probe, answer: &Answer) {
        let Some(wave) = self.waves.last_mut() else { return };
        wave.answered.push(probe.clone());
        if wave.first.is_none() {
            let via = output_of(answer).and_then(|output| output.via.clone());
            wave.first = Some((wave.began.elapsed(), via));
        }
    }

    pub(crate) fn judged(&mut self, took: Duration) {
        if let Some(wave) = self.waves.last_mut() {
            wave.judging += took;
        }
    }

    /// Splits the time between the rules, given by id and with everything they asked.
    pub(crate) fn costs<'a>(
        self,
        outputs: &Outputs,
        rules: impl Iterator<Item = (&'a str, &'a [Cow<'a, [Probe]>])> + Clone,
    ) -> Costs {
        let mut costs = Costs::default();
        let firsts = self.waves.iter().filter_map(|wave| wave.first.as_ref().map(|(after, _)| *after));
        // The quickest first answer of several took little more than its way; one alone does not tell.
        let waited: Vec<Duration> = self.round_trip.into_iter().chain(firsts).collect();
        let round_trip = if waited.len() < 2 { None } else { waited.iter().min().copied() };
        let round_trip = round_trip.unwrap_or_default();
        let mut prices: HashMap<&Probe, f64> = HashMap::new();
        for wave in &self.waves {
            wave.price(round_trip, outputs, &mut prices, &mut costs);
        }
        let asked = |asked: &'a [Cow<'a, [Probe]>]| {
            asked.iter().flat_map(|one| one.iter()).collect::<HashSet<&Probe>>()
        };
        let mut demand: HashMap<&Probe, u32> = HashMap::new();
        for (_, probes) in rules.clone() {
            asked(probes).into_iter().for_each(|probe| *demand.entry(probe).or_default() += 1);
        }
        for (id, probes) in rules {
            let probes = asked(probes);
            if probes.is_empty() {
                continue;
            }
            let (mut time, mut bytes) = (0.0, 0.0);
            for probe in probes {
                let share = f64::from(demand.get(probe).copied().unwrap_or(1));
                time += prices.get(probe).copied().unwrap_or(0.0) / share;
                bytes += outputs.get(probe).and_then(output_of).map_or(0.0, size) / share;
            }
            let time_us = micros(Duration::try_from_secs_f64(time).unwrap_or_default());
            costs.rules.push(RuleCost { rule_id: id.to_owned(), time_us, bytes: bytes.round() as u64 });
        }
        costs
    }
}

impl Wave {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            took: Duration::ZERO,
            judging: Duration::ZERO,
            answered: Vec::new(),
            first: None,
        }
    }

    /// Gives every question of the wave its price in seconds, and what is left to the network and to judging.
    fn price<'p>(
        &'p self,
        round_trip: Duration,
        outputs: &Outputs,
        prices: &mut HashMap<&'p Probe, f64>,
        costs: &mut Costs,
    ) {
        let own = |probe: &Probe| {
            outputs.get(probe).and_then(output_of).map_or(0.0, |one| one.elapsed.as_secs_f64())
        };
        // The first command was waited for from the moment it was sent: the way there and back is not its own time.
        let first: HashSet<&Probe> = match &self.first {
            Some((_, Some(via))) => {
                let same = |probe: &&Probe| {
                    let output = outputs.get(probe).and_then(output_of);
                    output.and_then(|output| output.via.as_ref()).is_some_and(|own| Arc::ptr_eq(own, via))
                };
                self.answered.iter().filter(same).collect()
            }
            _ => self.answered.first().into_iter().collect(),
        };
        let of_first: f64 = first.iter().map(|probe| own(probe)).sum();
        let network = round_trip.as_secs_f64().min(of_first);
        let kept = if of_first > 0.0 { 1.0 - network / of_first } else { 0.0 };
        let price = |probe: &Probe| if first.contains(probe) { own(probe) * kept } else { own(probe) };
        let all: f64 = self.answered.iter().map(price).sum();
        let room = (self.took.as_secs_f64() - network).max(0.0);
        let scale = if all > room { room / all } else { 1.0 };
        prices.extend(self.answered.iter().map(|probe| (probe, price(probe) * scale)));
        let rest = Duration::try_from_secs_f64(room - all * scale).unwrap_or_default();
        costs.network += Duration::try_from_secs_f64(network).unwrap_or_default();
        costs.judge += rest.min(self.judging);
    }
}

fn output_of(answer: &Answer) -> Option<&Output> {
    match answer {
        Ok(output) => Some(output),
        Err(fault) => fault.partial.as_deref(),
    }
}

fn size(output: &Output) -> f64 {
    (output.stdout_total + output.stderr_total) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn answer(name: &str, elapsed: u32, via: Option<&Arc<str>>) -> (Probe, Answer) {
        let mut output = Output::new("x", 0, &[b'x'; 100], b"");
        (output.elapsed, output.via) = (elapsed * MS, via.cloned());
        (Probe::read(name), Ok(Arc::new(output)))
    }

    /// A wave with these answers, the first after `first` milliseconds.
    fn wave(answers: &[(Probe, Answer)], first: u32, took: u32, judging: u32) -> Wave {
        let via = output_of(&answers[0].1).and_then(|output| output.via.clone());
        Wave {
            began: Instant::now(),
            took: took * MS,
            judging: judging * MS,
            answered: answers.iter().map(|(probe, _)| probe.clone()).collect(),
            first: Some((first * MS, via)),
        }
    }

    fn costs(
        waves: Vec<Wave>,
        answers: &[(Probe, Answer)],
        trip: Option<u32>,
        rules: &[(&str, &[&str])],
    ) -> Costs {
        let outputs: Outputs = answers.iter().cloned().collect();
        let rules: Vec<(&str, Vec<Cow<'_, [Probe]>>)> = rules
            .iter()
            .map(|(id, names)| (*id, vec![names.iter().map(|name| Probe::read(*name)).collect()]))
            .collect();
        let rules = rules.iter().map(|(id, asked)| (*id, asked.as_slice()));
        Meter { round_trip: trip.map(|trip| trip * MS), waves }.costs(&outputs, rules)
    }

    fn by_rule(costs: &Costs) -> Vec<(&str, u64, u64)> {
        costs.rules.iter().map(|rule| (rule.rule_id.as_str(), rule.time_us, rule.bytes)).collect()
    }

    #[test]
    fn a_shared_question_is_split_between_its_rules_and_everything_adds_up() {
        let via: Arc<str> = "stat a b".into();
        let answers = [
            answer("/a", 60, Some(&via)),
            answer("/b", 60, Some(&via)),
            answer("/c", 30, None),
            answer("/d", 50, None),
        ];
        let costs = costs(
            vec![wave(&answers, 120, 210, 40)],
            &answers,
            Some(100),
            &[("one", &["/a", "/c"]), ("two", &["/a", "/d", "/d"]), ("three", &["/b"]), ("none", &[])],
        );
        // 100 of the 120 ms of the folded command were the way there and back.
        assert_eq!(costs.network, 100 * MS);
        assert_eq!(by_rule(&costs), [("one", 35_000, 150), ("two", 55_000, 150), ("three", 10_000, 100)]);
        // Of 40 ms of judging 30 were done while the host was at work.
        assert_eq!(costs.judge, 10 * MS);
    }

    #[test]
    fn commands_side_by_side_share_the_time_there_was() {
        let answers = [answer("/a", 100, None), answer("/b", 300, None), answer("/c", 200, None)];
        let costs = costs(
            vec![wave(&answers, 100, 300, 5)],
            &answers,
            None,
            &[("one", &["/a", "/b"]), ("two", &["/c"])],
        );
        assert_eq!(by_rule(&costs), [("one", 200_000, 200), ("two", 100_000, 100)]);
        assert_eq!((costs.network, costs.judge), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn the_quickest_answer_says_what_a_round_trip_takes() {
        let answers = [answer("/a", 52, None), answer("/b", 400, None)];
        let waves = vec![wave(&answers[..1], 52, 52, 0), wave(&answers[1..], 400, 400, 0)];
        let costs = costs(waves, &answers, Some(70), &[("one", &["/a"]), ("two", &["/b"])]);
        assert_eq!(costs.network, 104 * MS);
        assert_eq!(by_rule(&costs), [("one", 0, 100), ("two", 348_000, 100)]);
    }

    #[test]
    fn what_was_lost_is_no_rules() {
        let lost = |name: &str| {
            (Probe::read(name), Err(kensa_core::Fault::new(kensa_core::Reason::ConnectionLost, "gone")))
        };
        let answers = [answer("/a", 50, None), lost("/b"), lost("/c")];
        let costs =
            costs(vec![wave(&answers, 50, 5000, 1)], &answers, None, &[("one", &["/a"]), ("two", &["/b"])]);
        assert_eq!(by_rule(&costs), [("one", 50_000, 100), ("two", 0, 0)]);
    }
}
