//! Every reading of host output, every check method, detection and redaction: no text makes one panic, and no failed
//! command a verdict.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use kensa::load::{LoadOptions, load_embedded};
use kensa::{Decision, Facts, Output, PackageManager, Plan, Platform, Probe, detect, scaffold};
use kensa_core::check::MAX_WAVES;
use kensa_core::{Answer, Check, Outputs};
use kensa_rules::redact;

use super::BETWEEN;

/// A check and what is known about the host it runs on.
type Condition = (Facts, Box<dyn Check>);

/// Every condition of the bundled rules, for both families, and one of every check method.
static CHECKS: LazyLock<Vec<Condition>> = LazyLock::new(|| {
    let bundled = kensa::bundled_rules_files().map(|(path, text)| (path.to_owned(), text.to_owned()));
    let methods = kensa::methods::METHODS.iter().filter_map(|method| {
        let id = format!("try-{}", method.name.replace('_', "-"));
        let text = scaffold::new_rule(&id, "system", method.name).ok()?;
        Some((format!("system/{id}.yml"), text))
    });
    let loaded = load_embedded(bundled.chain(methods), &LoadOptions::default());
    let corpus = loaded.unwrap_or_else(|error| panic!("{error}"));
    let mut checks = Vec::new();
    for (id, version) in [("debian", "12"), ("rhel", "9")] {
        let facts = Facts { platform: Some(Platform::new(id, version)), ..Facts::default() };
        let Ok(variables) = corpus.variables.for_scan(None, &BTreeMap::new()) else { continue };
        for entry in Plan::of(&corpus.rules, &facts, &variables).entries {
            if let Decision::Run(prepared) = entry.decision {
                checks.extend(prepared.conditions.into_iter().map(|one| (facts.clone(), one.check)));
            }
        }
    }
    checks
});

/// Two bytes choose the check, the third the status and whether a check or the readings are tried; then what the commands
/// print on standard output and standard error in turn, from the beginning again when it does not suffice.
pub fn judge(data: &[u8]) {
    let [which, more, how, text @ ..] = data else { return };
    let exit = [0, 0, 0, 1, 2, 126, 127, 137, 255][usize::from(how % 9)];
    let texts: Vec<&[u8]> = text.split(|byte| *byte == BETWEEN).collect();
    let mut turn = 0;
    let mut answer = |probe: &Probe| {
        let part = |at: usize| texts.get(at).copied().unwrap_or_default();
        let output = Output::new(probe.command(), exit, part(turn), part(turn + 1));
        turn = if turn + 2 < texts.len() { turn + 2 } else { 0 };
        Ok(Arc::new(output))
    };
    if how / 9 % 2 == 0 {
        let condition = &CHECKS[(usize::from(*which) | usize::from(*more) << 8) % CHECKS.len()];
        check(condition, exit, &mut answer);
    } else {
        readings(exit, &mut answer);
    }
}

type Answering<'a> = dyn FnMut(&Probe) -> Answer + 'a;

fn check((facts, check): &Condition, exit: i32, answer: &mut Answering<'_>) {
    let mut got = Outputs::new();
    let mut wave = check.probes(facts);
    for _ in 0..=MAX_WAVES {
        wave.retain(|probe| !got.contains(probe));
        for probe in std::mem::take(&mut wave) {
            let answer = answer(&probe);
            got.insert(probe, answer);
        }
        wave = check.follow_up(facts, &got);
    }
    let judged = check.judge(facts, &got);
    assert!(!matches!(exit, 126 | 137) || got.is_empty() || judged.is_err(), "{check:?}: {judged:?}");
    if let Ok(verdict) = &judged {
        assert!(!verdict.detail.is_empty(), "{check:?}");
    }
    if let Some((probe, Ok(output))) = got.iter().next() {
        let masked = redact::output(probe, &output.stdout_text());
        assert_eq!(masked.changed, masked.text != output.stdout_text());
    }
}

fn readings(exit: i32, answer: &mut Answering<'_>) {
    let probes = [
        Probe::stat("/a"),
        Probe::read("/a"),
        Probe::list("/a"),
        Probe::Glob { pattern: "/a/*".to_owned() },
        Probe::sysctl("a.b"),
        Probe::unit("a"),
        Probe::package(PackageManager::Rpm, "a"),
        Probe::package(PackageManager::Dpkg, "a"),
        Probe::tool("a"),
        Probe::SshdConfig { connection: None },
        Probe::AuditRules,
    ];
    let mut got = Outputs::new();
    for probe in probes.into_iter().chain(detect::probes()) {
        let answer = answer(&probe);
        got.insert(probe, answer);
    }
    let told = [
        got.stat("/a").is_ok(),
        got.read("/a").is_ok(),
        got.list("/a").is_ok(),
        got.glob("/a/*").is_ok(),
        got.sysctl("a.b").is_ok(),
        got.unit("a").is_ok(),
        got.package(PackageManager::Rpm, "a").is_ok(),
        got.package(PackageManager::Dpkg, "a").is_ok(),
        got.tool("a").is_ok(),
        got.sshd_config(None).is_ok(),
        got.audit_rules().is_ok(),
    ];
    assert!(!matches!(exit, 126 | 137) || told == [false; 11], "{told:?}");
    let facts = detect::judge(&got, &BTreeMap::new());
    for capability in detect::CAPABILITIES {
        let known = facts.capability(capability.name).is_some();
        assert!(known != facts.undetermined.contains_key(capability.name), "{}", capability.name);
        assert!(!(known && exit == 137), "{}", capability.name);
    }
}
