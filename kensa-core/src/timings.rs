//! Where the time of a scan went.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a scan cost: each rule's share, and what is no rule's. Times are in microseconds.
///
/// The parts tile the time of the scan: what ran side by side shares it, so that they add up to `wall_us`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// All the time there was: opening the session, then the scan from its first step to its last result.
    pub wall_us: u64,
    /// What is no rule's.
    pub overhead: Overhead,
    /// Each rule's cost, in load order; rules that asked nothing are left out.
    pub rules: Vec<RuleCost>,
}

/// Time that is no rule's, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overhead {
    /// Loading the rules; 0 where the program loaded them itself.
    pub load_us: u64,
    /// Reaching the host: TCP, jump hosts, key exchange, the host's key.
    pub connect_us: u64,
    /// Logging in.
    pub login_us: u64,
    /// Starting the shell and becoming root in it.
    pub shell_us: u64,
    /// Finding out what the host is and has.
    pub detect_us: u64,
    /// Selecting rules and planning their questions.
    pub plan_us: u64,
    /// Questions on their way, while the host had nothing to do: one round trip for each wave of questions.
    pub network_us: u64,
    /// Judging and writing evidence, as far as it was not done while the host was at work.
    pub judge_us: u64,
    /// The rest: lost connections replaced, answers that were lost.
    pub other_us: u64,
}

/// What one rule cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleCost {
    /// The rule.
    pub rule_id: String,
    /// Its share of the time the host took for the questions it asked. A command that answered several questions
    /// is split between them, a question between the rules that asked it.
    pub time_us: u64,
    /// Bytes the host sent in answer, split alike.
    pub bytes: u64,
}

impl Timings {
    /// The sum of all parts, in microseconds; it differs from `wall_us` by rounding only.
    pub fn sum_us(&self) -> u64 {
        self.overhead.parts().iter().map(|(_, time)| time).sum::<u64>() + self.rules_us()
    }

    /// What all rules together cost, in microseconds.
    pub fn rules_us(&self) -> u64 {
        self.rules.iter().map(|rule| rule.time_us).sum()
    }

    /// The rules, dearest first.
    pub fn dearest(&self) -> Vec<&RuleCost> {
        let mut rules: Vec<&RuleCost> = self.rules.iter().collect();
        rules.sort_by_key(|rule| std::cmp::Reverse((rule.time_us, rule.bytes)));
        rules
    }

    /// Adds the time the program took to load the rules, before the scan.
    pub fn add_load(&mut self, time: Duration) {
        self.overhead.load_us += micros(time);
        self.wall_us += micros(time);
    }
}

impl Overhead {
    /// Every part under its name for people, in the order in which they happen.
    pub fn parts(&self) -> [(&'static str, u64); 9] {
        [
            ("load rules", self.load_us),
            ("connect", self.connect_us),
            ("log in", self.login_us),
            ("shell and root rights", self.shell_us),
            ("detect", self.detect_us),
            ("plan", self.plan_us),
            ("wait for the network", self.network_us),
            ("judge", self.judge_us),
            ("other", self.other_us),
        ]
    }
}

/// Whole microseconds.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts_once() {
        let overhead = Overhead {
            load_us: 1,
            connect_us: 2,
            login_us: 4,
            shell_us: 8,
            detect_us: 16,
            plan_us: 32,
            network_us: 64,
            judge_us: 128,
            other_us: 256,
        };
        let rule = |id: &str, time_us| RuleCost { rule_id: id.to_owned(), time_us, bytes: 0 };
        let rules = vec![rule("a", 1000), rule("b", 3000), rule("c", 2000)];
        let mut timings = Timings { wall_us: 6511, overhead, rules };
        assert_eq!(timings.sum_us(), 6511);
        let order: Vec<&str> = timings.dearest().iter().map(|rule| rule.rule_id.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
        timings.add_load(Duration::from_millis(2));
        assert_eq!((timings.wall_us, timings.sum_us()), (8511, 8511));
    }
}
