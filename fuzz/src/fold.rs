//! The answers of folded commands: whatever comes back, each probe is answered once, or asked again.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use kensa_core::{FindRange, FindTest, Output, PackageManager, Probe};
use kensa_ssh::fold::{self, Request};

use super::BETWEEN;

/// One folded command of every kind.
static REQUESTS: LazyLock<Vec<Request>> = LazyLock::new(|| {
    let searches = [0o4000, 0o2].map(|mode_any| Probe::Find {
        range: FindRange { roots: vec!["/a".to_owned()], prune: Vec::new() },
        test: FindTest { mode_any, ..FindTest::default() },
    });
    let package = |manager| ["a", "b", "c"].map(|name| Probe::package(manager, name)).to_vec();
    let all = [
        ["/a", "/b", "/c"].map(Probe::stat).to_vec(),
        ["a.b", "c.d", "e.f"].map(Probe::sysctl).to_vec(),
        ["a", "b.socket", "c"].map(Probe::unit).to_vec(),
        package(PackageManager::Dpkg),
        package(PackageManager::Rpm),
        ["a", "b", "c"].map(Probe::tool).to_vec(),
        searches.to_vec(),
    ];
    fold::fold(&all.concat()).into_iter().filter(|request| request.probes.len() > 1).collect()
});

/// The first byte chooses the kind, the second the status; then standard output, and standard error behind the
/// separator.
pub fn fold(data: &[u8]) {
    let [kind, exit, text @ ..] = data else { return };
    let request = &REQUESTS[usize::from(*kind) % REQUESTS.len()];
    let exit_code = [0, 0, 1, 2, 3, 127, 137, 255][usize::from(exit % 8)];
    let end = text.iter().position(|byte| *byte == BETWEEN).unwrap_or(text.len());
    let (stdout, stderr) = (&text[..end], text.get(end + 1..).unwrap_or_default());
    let output = Output::new(&request.command, exit_code, stdout, stderr);
    let unfolded = request.clone().unfold(Ok(Arc::new(output)));

    let answered = unfolded.answers.iter().map(|(probe, _)| probe);
    let told: BTreeSet<&Probe> = answered.chain(&unfolded.again).collect();
    assert_eq!(told.len(), unfolded.answers.len() + unfolded.again.len(), "a probe is told twice");
    assert_eq!(told, request.probes.iter().collect(), "a probe is forgotten");
    let walk = matches!(request.probes[0], Probe::Find { .. });
    for (probe, answer) in &unfolded.answers {
        let Ok(own) = answer else { panic!("a fault came of an output: {probe}") };
        assert_eq!(own.command, probe.command());
        assert_eq!(own.via.as_deref(), Some(request.command.as_str()));
        assert!(!own.is_truncated() && !own.stderr_is_truncated());
        // Nothing is made up: every line is one the host printed.
        for (mine, theirs) in [(&own.stdout[..], stdout), (&own.stderr[..], stderr)] {
            let [mine, theirs] = [mine, theirs].map(|text| String::from_utf8_lossy(text));
            assert!(mine.lines().all(|line| theirs.contains(line)), "{probe}: {mine:?} of {theirs:?}");
        }
        assert!(walk || !matches!(exit_code, 137), "{probe}: an answer out of a killed command");
    }
}
