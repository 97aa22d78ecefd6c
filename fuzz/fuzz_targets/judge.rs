//! Every reading of host output and every check method: no text makes one panic, and no failed command a verdict.

#![no_main]

use std::sync::{Arc, LazyLock};

use kensa_core::check::MAX_WAVES;
use kensa_core::{Check, Facts, Output, Outputs, PackageManager, Platform, Probe};
use kensa_rules::load::{LoadOptions, load_rules};
use kensa_rules::plan::{Decision, Plan};
use libfuzzer_sys::fuzz_target;

/// Every condition of our own rules, for both families.
static CHECKS: LazyLock<Vec<(Facts, Box<dyn Check>)>> = LazyLock::new(|| {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules");
    let Ok(corpus) = load_rules(rules, &LoadOptions::default()) else { return Vec::new() };
    let mut checks = Vec::new();
    for (id, version) in [("debian", "12"), ("rhel", "9")] {
        let facts = Facts { platform: Some(Platform::new(id, version)), ..Facts::default() };
        let Ok(variables) = corpus.variables.for_scan(None, &Default::default()) else { continue };
        for entry in Plan::of(&corpus.rules, &facts, &variables).entries {
            if let Decision::Run(prepared) = entry.decision {
                checks.extend(prepared.conditions.into_iter().map(|one| (facts.clone(), one.check)));
            }
        }
    }
    checks
});

fuzz_target!(|data: &[u8]| {
    let [which, more, exit, text @ ..] = data else { return };
    let exit = [0, 0, 0, 1, 2, 126, 127, 137, 255][usize::from(exit % 9)];
    let (stdout, stderr) = text.split_at(text.iter().position(|byte| *byte == 0xfe).unwrap_or(text.len()));
    let answer = |probe: &Probe| Ok(Arc::new(Output::new(probe.command(), exit, stdout, stderr)));

    let (facts, check) = &CHECKS[(usize::from(*which) | usize::from(*more) << 8) % CHECKS.len()];
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

    let mut got = Outputs::new();
    let probes = [
        Probe::stat("/a"),
        Probe::read("/a"),
        Probe::list("/a"),
        Probe::sysctl("a.b"),
        Probe::unit("a"),
        Probe::package(PackageManager::Rpm, "a"),
        Probe::package(PackageManager::Dpkg, "a"),
        Probe::tool("a"),
        Probe::SshdConfig { connection: None },
        Probe::AuditRules,
    ];
    for probe in probes {
        let answer = answer(&probe);
        got.insert(probe, answer);
    }
    let _ = (got.stat("/a"), got.read("/a"), got.list("/a"), got.sysctl("a.b"), got.unit("a"), got.tool("a"));
    let _ = (got.package(PackageManager::Rpm, "a"), got.package(PackageManager::Dpkg, "a"));
    let _ = (got.sshd_config(None), got.audit_rules());
});
