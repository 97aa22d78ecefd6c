//! Known traps: hosts set up so that a check which reads the wrong file, line or tool gives the wrong answer.
//!
//! Every case of `tests/traps/*.yml` changes a real host, scans it with one bundled rule over SSH, and says what the
//! verdict has to be and which file has to be named as the one that won. Where a program of the host can say what is in
//! force (`oracle`), it is asked first, so that the case itself cannot be wrong.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, unreachable_pub, missing_docs)]

#[path = "bed/host.rs"]
mod bed;

use std::path::{Path, PathBuf};

use bed::Host;
use kensa::{
    Become, ConnectOptions, Corpus, HostKeyPolicy, ScanOptions, Selection, Session, SessionOptions,
    SshConfigUse,
};
use serde::Deserialize;

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trap {
    /// What is easily got wrong.
    trap: String,
    /// Shell text that makes the host so, run as root.
    given: String,
    /// Shell text whose last line says what is in force, and that line.
    #[serde(default)]
    oracle: Option<(String, String)>,
    /// Shell text that undoes what is not a file of `FOLDERS`.
    #[serde(default)]
    undo: String,
    rule: String,
    /// Framework whose values apply.
    #[serde(default)]
    framework: Option<String>,
    status: String,
    /// The file, or file and line, that won.
    #[serde(default)]
    won: Option<String>,
    /// Texts that the verdict's sentence holds.
    #[serde(default)]
    says: Vec<String>,
}

/// Put back after every case.
const FOLDERS: &str = "etc usr/lib/sysctl.d usr/lib/systemd/journald.conf.d run/sysctl.d";

#[tokio::test]
async fn debian_hosts_are_judged_by_what_is_in_force() {
    run("debian").await;
}

#[tokio::test]
async fn rhel_hosts_are_judged_by_what_is_in_force() {
    run("rhel9").await;
}

async fn run(kind: &'static str) {
    let corpus = kensa::bundled_rules().unwrap();
    let traps = traps(kind);
    let Some(host) = Host::up(&format!("traps-{kind}"), kind) else { return };
    host.exec(&format!(
        "cd / && mkdir -p {FOLDERS} && tar -cf /root/traps.tar {FOLDERS} && find {FOLDERS} | sort > /root/traps.before"
    ));
    let connect = ConnectOptions::new(host.fact("addr"))
        .ssh_config(SshConfigUse::None)
        .known_hosts(Vec::<PathBuf>::new())
        .host_key_policy(HostKeyPolicy::Off)
        .user("scan")
        .key_path(host.fact("key"));
    let session =
        Session::connect(connect, Become::Sudo { password: None }, SessionOptions::default()).await.unwrap();
    let mut wrong = Vec::new();
    for trap in &traps {
        host.exec(&trap.given);
        if let Some((command, wanted)) = &trap.oracle {
            let said = host.exec(command);
            assert_eq!(
                said.trim().lines().last(),
                Some(wanted.as_str()),
                "{}: the host says {said}",
                trap.trap
            );
        }
        wrong.extend(judge(trap, &corpus, &session).await);
        host.exec(&trap.undo);
        host.exec(&format!(
            "cd / && find {FOLDERS} | sort | comm -13 /root/traps.before - | sort -r | xargs -r -d '\\n' rm -rf
            tar -xpf /root/traps.tar --unlink-first 2>/dev/null; tar -xpf /root/traps.tar"
        ));
    }
    session.close().await;
    println!("{kind}: {} traps", traps.len());
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), traps.len(), wrong.join("\n"));
}

/// What is wrong with the verdict; nothing when it is right.
async fn judge(trap: &Trap, corpus: &Corpus, session: &Session) -> Option<String> {
    assert!(corpus.rules.iter().any(|rule| rule.id == trap.rule), "no rule is called {}", trap.rule);
    let selection = Selection { rule_ids: vec![trap.rule.clone()], ..Selection::default() };
    let options = ScanOptions { selection, framework: trap.framework.clone(), ..ScanOptions::default() };
    let report = kensa::scan(session, corpus, &options, &mut |_| {}).await.unwrap();
    let result = report.results.iter().find(|result| result.rule_id == trap.rule).unwrap();
    let source = result.source.as_ref().map(ToString::to_string).unwrap_or_default();
    let won = trap.won.as_deref().is_none_or(|won| match won.contains(':') {
        true => source == won,
        false => source.split(':').next() == Some(won),
    });
    let says = trap.says.iter().all(|text| result.detail.contains(text.as_str()));
    // Evidence holds what the verdict rests on: the file that won is among it.
    let shown = trap.won.as_deref().is_none_or(|won| {
        let path = won.split(':').next().unwrap_or_default();
        result.evidence.iter().any(|evidence| evidence.command.contains(path))
    });
    let right = result.status.name() == trap.status && won && says && shown;
    (!right).then(|| {
        format!(
            "{} ({}): wanted {}{}{}\n    got {} from {source:?}, {}: {}",
            trap.trap,
            trap.rule,
            trap.status,
            trap.won.as_deref().map(|won| format!(" from {won}")).unwrap_or_default(),
            if shown { "" } else { ", which the evidence does not show" },
            result.status.name(),
            result.actual_value.as_deref().unwrap_or("nothing"),
            result.detail,
        )
    })
}

fn traps(kind: &str) -> Vec<Trap> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/traps/{kind}.yml"));
    let read = kensa::load::yaml_to_json(&path, &std::fs::read(&path).unwrap())
        .unwrap_or_else(|error| panic!("{error}"));
    serde_json::from_value(read).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
