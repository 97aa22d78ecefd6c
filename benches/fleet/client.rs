//! The measured side: connections, sessions, questions, whole scans.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use kensa::{
    Become, ConnectOptions, HostKeyPolicy, LoadOptions, Probe, ScanEvent, ScanOptions, Session,
    SessionOptions, SshConfigUse, Target, Transport, scan_many_with,
};
use kensa_ssh::ssh::SshLink;
use serde_json::{Value, json};

use crate::process::{cpu, memory};

/// Connections being opened at a time.
const OPENING: usize = 32;

/// Runs one phase against the servers of `folder`, and says what it took.
pub(crate) fn phase(name: &str, folder: &Path, concurrency: usize) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ports = std::fs::read_to_string(folder.join("ports")).unwrap();
    let ports: Vec<u16> = ports.lines().map(|port| port.parse().unwrap()).collect();
    let key = folder.join("user_key");
    let targets: Vec<ConnectOptions> = ports
        .into_iter()
        .map(|port| {
            ConnectOptions::new("127.0.0.1")
                .port(port)
                .user("bench")
                .key_path(&key)
                .ssh_config(SshConfigUse::None)
                .host_key_policy(HostKeyPolicy::Off)
                .connect_timeout(Duration::from_secs(120))
        })
        .collect();
    match name {
        "connections" => runtime.block_on(connections(targets)),
        "sessions" => runtime.block_on(sessions(targets)),
        "results" => runtime.block_on(results(targets)),
        "scan" => runtime.block_on(scan(targets, folder, concurrency)),
        other => panic!("no phase {other}"),
    }
}

async fn connections(targets: Vec<ConnectOptions>) -> Value {
    let count = targets.len();
    let (before, began, used) = (memory().0, Instant::now(), cpu());
    let opened = stream::iter(targets).map(SshLink::connect).buffer_unordered(OPENING);
    let links: Vec<SshLink> = opened.map(Result::unwrap).collect().await;
    let (took, used) = (began.elapsed(), cpu() - used);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = memory().0;
    drop(links);
    json!({
        "KiB each": per(after.saturating_sub(before) as f64, count),
        "client CPU ms each": per(millis(used), count),
        "seconds": took.as_secs_f64(),
    })
}

async fn open(targets: Vec<ConnectOptions>) -> Vec<Session> {
    stream::iter(targets)
        .map(|target| Session::connect(target, Become::None, SessionOptions::default()))
        .buffer_unordered(OPENING)
        .map(Result::unwrap)
        .collect()
        .await
}

async fn sessions(targets: Vec<ConnectOptions>) -> Value {
    let count = targets.len();
    let (before, used) = (memory().0, cpu());
    let sessions = open(targets).await;
    let used = cpu() - used;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = memory().0;
    drop(sessions);
    json!({
        "KiB each": per(after.saturating_sub(before) as f64, count),
        "client CPU ms each": per(millis(used), count),
    })
}

/// All questions of all hosts at once, and nothing done with the answers.
async fn results(targets: Vec<ConnectOptions>) -> Value {
    let count = targets.len();
    let sessions = open(targets).await;
    let questions: Vec<Probe> =
        (0..crate::RULES).map(|number| Probe::command_text(format!("echo kensa-{number}"))).collect();
    let (began, used) = (Instant::now(), cpu());
    let asked = stream::iter(&sessions).map(|session| session.ask_all(&questions)).buffer_unordered(count);
    let answered: Vec<usize> =
        asked.map(|outputs| outputs.iter().filter(|(_, answer)| answer.is_ok()).count()).collect().await;
    let (took, used) = (began.elapsed(), cpu() - used);
    assert!(answered.iter().all(|answers| *answers == crate::RULES), "{answered:?}");
    json!({
        "client CPU ms each": per(millis(used), count),
        "seconds": took.as_secs_f64(),
        "results a second": (count * crate::RULES) as f64 / took.as_secs_f64(),
        "peak MiB": memory().1 / 1024,
    })
}

/// Everything: connect, detect, ask, judge, evidence as JSON to a file.
async fn scan(targets: Vec<ConnectOptions>, folder: &Path, concurrency: usize) -> Value {
    let count = targets.len();
    let corpus = Arc::new(kensa::load_rules(folder.join("rules"), &LoadOptions::default()).unwrap());
    let file = Arc::new(Mutex::new(BufWriter::new(File::create(folder.join("results.jsonl")).unwrap())));
    let options = ScanOptions { stream_results: true, ..ScanOptions::default() };
    let (began, used) = (Instant::now(), cpu());
    let writer = Arc::clone(&file);
    let on_event = move |_, event: ScanEvent<'_>| {
        if let ScanEvent::Result(result) = event {
            let mut line = serde_json::to_vec(result).unwrap();
            line.push(b'\n');
            writer.lock().unwrap().write_all(&line).unwrap();
        }
    };
    let scans = scan_many_with(targets.into_iter().map(Target::new), corpus, options, concurrency, on_event);
    let passed: Vec<usize> = scans.map(|host| host.outcome.unwrap().summary.pass).collect().await;
    let (took, used) = (began.elapsed(), cpu() - used);
    file.lock().unwrap().flush().unwrap();
    assert!(passed.len() == count && passed.iter().all(|pass| *pass == crate::RULES), "{passed:?}");
    let written = std::fs::metadata(folder.join("results.jsonl")).unwrap().len();
    json!({
        "client CPU ms each": per(millis(used), count),
        "seconds": took.as_secs_f64(),
        "peak MiB": memory().1 / 1024,
        "MiB of results written": written >> 20,
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// To one decimal.
fn per(all: f64, count: usize) -> f64 {
    (all / count as f64 * 10.0).round() / 10.0
}
