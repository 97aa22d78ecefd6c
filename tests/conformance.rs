//! Every cassette gives the JSON that stands beside it; `KENSA_BLESS=1` writes that JSON. See
//! `tests/conformance/README.md`: the other languages read the same folder.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic)]

#[path = "conformance/cassette.rs"]
mod cassette;
mod hosts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cassette::{Answer, Call, FOLDER, Host, Player};
use kensa::mappings::{check_coverage, load_mapping};
use kensa::{
    Corpus, Facts, LoadOptions, PlanReport, Reason, RunCommand, ScanOptions, Selection, Session,
    SessionOptions, Severity,
};
use serde::Serialize;

#[tokio::test]
async fn every_cassette_gives_its_json() {
    let bless = std::env::var_os("KENSA_BLESS").is_some();
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let mut wrong = Vec::new();
    let cassettes = cassette::all();
    assert!(cassettes.len() >= 12);
    for (name, cassette) in &cassettes {
        let mut idle: BTreeSet<&str> = cassette.answers.iter().map(Answer::command).collect();
        for (call, options) in &cassette.calls {
            let recorded = cassette
                .host
                .as_ref()
                .map(|host| hosts.entry(host.clone()).or_insert_with(|| Host::load(host, bless)).clone());
            let player = Arc::new(Player::new(cassette, recorded));
            let json = run(name, options, &player).await;
            let played = player.played();
            let unknown = played.unknown.iter();
            wrong
                .extend(unknown.map(|command| format!("{name}: {call}: nothing is recorded for: {command}")));
            idle.retain(|command| !played.commands.contains(*command));
            if let Some(host) = cassette.host.as_ref().and_then(|host| hosts.get_mut(host)) {
                host.used(&played.commands);
            }
            let path = Path::new(FOLDER).join(name).join(format!("{call}.json"));
            if bless {
                std::fs::write(&path, cassette::broken_into_lines(&json)).unwrap();
            }
            let expected = std::fs::read_to_string(&path).unwrap_or_default().replace('\n', "");
            if json != expected {
                wrong.push(format!("{}:\n  expected {expected}\n  found    {json}", path.display()));
            }
        }
        if let Some(command) = idle.first() {
            wrong.push(format!("{name}: nobody asks: {command}"));
        }
    }
    for (name, host) in &hosts {
        if bless {
            host.save(name);
        } else if let Some(command) = host.idle().first() {
            wrong.push(format!("hosts/{name}.json: nobody asks: {command}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nKENSA_BLESS=1 writes what is found", wrong.join("\n"));
}

/// What a call gives, as the JSON every language has to give, on one line.
async fn run(cassette: &str, call: &Call, player: &Arc<Player>) -> String {
    let folder = Path::new(FOLDER).join(cassette);
    match call.call.as_str() {
        "scan" => {
            let session = session(player);
            let corpus = corpus(&folder, call);
            let mut streamed = Vec::new();
            let report = kensa::scan(&session, &corpus, &options(call), &mut |event| {
                if let kensa::ScanEvent::Result(result) = event {
                    streamed.push(result.clone());
                }
            })
            .await
            .unwrap();
            streamed
                .sort_by_key(|result| report.results.iter().position(|one| one.rule_id == result.rule_id));
            assert_eq!(streamed, report.results, "{cassette}: a result is streamed as it is reported");
            json(&report)
        }
        "plan" => {
            let session = session(player);
            let corpus = corpus(&folder, call);
            let facts: Facts = kensa::detect::detect(&session, &call.capabilities).await;
            json(&PlanReport::of(&kensa::plan(&corpus, &facts, &options(call)).unwrap(), &facts))
        }
        "validate" => json(&kensa::validate_rules(rules(&folder, call), call.strict).unwrap()),
        "coverage" => {
            let mapping = load_mapping(folder.join(call.mapping.as_ref().unwrap())).unwrap();
            json(&check_coverage(&mapping, call.rule_ids.iter().map(String::as_str)))
        }
        other => panic!("{cassette}: no call is named {other}"),
    }
}

fn session(player: &Arc<Player>) -> Session {
    Session::from_runner(Arc::clone(player) as Arc<dyn RunCommand>, SessionOptions::default())
}

fn corpus(folder: &Path, call: &Call) -> Corpus {
    let corpus = kensa::load_rules(rules(folder, call), &LoadOptions::default()).unwrap();
    let expected = ["dependency-cycle", "undefined-variable"];
    let other = corpus.diagnostics.iter().find(|one| !expected.contains(&one.code));
    assert!(other.is_none(), "{}", kensa::load::render(&corpus.diagnostics));
    corpus
}

fn rules(folder: &Path, call: &Call) -> PathBuf {
    folder.join(call.rules.as_deref().unwrap_or("rules"))
}

fn options(call: &Call) -> ScanOptions {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    ScanOptions {
        selection: Selection {
            severity: call.severity.iter().map(|name| Severity::from_name(name).unwrap()).collect(),
            category: call.category.clone(),
            tags: call.tags.clone(),
            rule_ids: call.rule_ids.clone(),
            ..Selection::default()
        },
        variables: call.variables.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        framework: call.framework.clone(),
        capabilities: call.capabilities.clone(),
        scan_timeout: call.timeout_ms.map(Duration::from_millis),
        evidence_limit: call.evidence_limit.unwrap_or_default(),
        ..ScanOptions::default()
    }
}

fn json(value: &impl Serialize) -> String {
    cassette::timeless(&serde_json::to_string(value).unwrap())
}

/// A reason that no cassette shows is a reason whose JSON nobody compares.
#[test]
fn the_cassettes_show_every_status_and_every_reason_a_supplied_transport_can_lead_to() {
    // A lost connection is an exception in Python; a shell of its own, which may die, a supplied transport has not;
    // the loader refuses methods that do not exist.
    let elsewhere = [Reason::ConnectionLost, Reason::ShellDied, Reason::UnknownMethod];
    let text: String = cassette::all()
        .iter()
        .flat_map(|(name, cassette)| cassette.calls.keys().map(move |call| (name, call)))
        .map(|(name, call)| std::fs::read_to_string(format!("{FOLDER}/{name}/{call}.json")).unwrap())
        .collect();
    for status in ["pass", "fail", "skipped", "error"] {
        assert!(text.contains(&format!("\"status\":\"{status}\"")), "{status}");
    }
    let schema = kensa::schema::result_schema();
    let reasons = schema["$defs"]["Reason"]["oneOf"].as_array().unwrap();
    let names: BTreeSet<&str> = reasons.iter().filter_map(|one| one["const"].as_str()).collect();
    assert!(names.len() > 20, "{schema}");
    for name in names {
        let shown = text.contains(&format!("\"reason\":\"{name}\""));
        assert_eq!(shown, !elsewhere.iter().any(|reason| reason.code() == name), "{name}");
    }
}

#[test]
fn only_times_and_the_version_are_left_out_of_the_comparison() {
    let text = r#"{"engine_version":"1.2.3","started_at":"2026-01-02T03:04:05.678Z","completed_at":null,"duration_ms":12}"#;
    let same = r#"{"engine_version":"0.0.0","started_at":"1970-01-01T00:00:00.000Z","completed_at":null,"duration_ms":0}"#;
    assert_eq!(cassette::timeless(text), same);
    for kept in [
        r#"{"started_at":"2026-01-02T03:04:05Z"}"#,
        r#"{"detail":"\"duration_ms\":12"}"#,
        r#"{"duration_ms":"12"}"#,
        r#"{"duration_ms":1.5}"#,
    ] {
        assert_eq!(cassette::timeless(kept), kept);
    }
}
