//! What a fleet costs the program that scans it: a thousand servers that only answer (russh, in a process of their
//! own, so that their cost is not the client's), and two hundred real sshd listeners.
//!
//! `cargo bench --bench fleet -- [--servers 1000] [--listeners 200] [--output FILE]`

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod client;
mod listeners;
mod process;
mod rules;
mod servers;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

/// Questions of one scan, each a command of its own: what folding saves is measured elsewhere.
const RULES: usize = 500;

fn main() {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let given = |name: &str| {
        let at = arguments.iter().position(|one| one == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default: usize| given(name).map_or(default, |text| text.parse().unwrap());
    if let Some(folder) = given("--serve") {
        return servers::serve(Path::new(&folder), number("--servers", 0));
    }
    if let Some(phase) = given("--phase") {
        let found = client::phase(&phase, Path::new(&given("--folder").unwrap()), number("--concurrency", 1));
        return println!("{found}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut found = Map::new();
    let servers = number("--servers", 1000);
    if servers > 0 {
        found.insert("servers".to_owned(), of_servers(folder.path(), servers));
    }
    let count = number("--listeners", 200);
    if count > 0 {
        found.insert("listeners".to_owned(), listeners::measure(count));
    }
    let text = serde_json::to_string_pretty(&Value::Object(found)).unwrap() + "\n";
    match given("--output") {
        Some(file) => std::fs::write(file, text).unwrap(),
        None => print!("{text}"),
    }
}

/// Every phase in a process of its own, so that the memory of one is not another's.
fn of_servers(folder: &Path, count: usize) -> Value {
    for name in ["host_key", "user_key"] {
        let key = folder.join(name);
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(key).status();
        assert!(made.unwrap().success(), "ssh-keygen");
    }
    rules::write(&folder.join("rules"), RULES);
    let mut child = this_program();
    child.arg("--serve").arg(folder).args(["--servers", &count.to_string()]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    let mut found = Map::new();
    found.insert("count".to_owned(), json!(count));
    found.insert("questions".to_owned(), json!(RULES));
    let some = count.div_ceil(10);
    let phases =
        [("connections", count), ("sessions", count), ("results", count), ("scan", count), ("scan", some)];
    for (phase, concurrency) in phases {
        let mut run = this_program();
        run.args(["--phase", phase, "--concurrency", &concurrency.to_string(), "--folder"]).arg(folder);
        let output = run.stderr(Stdio::inherit()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let value: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{phase}: {error}: {text}"));
        println!("{phase}: {value}");
        let name = if phase == "scan" { format!("scan, {concurrency} at a time") } else { phase.to_owned() };
        found.insert(name, value);
    }
    drop(child.stdin.take());
    child.wait().unwrap();
    Value::Object(found)
}

fn this_program() -> Command {
    let path: PathBuf = std::env::current_exe().unwrap();
    Command::new(path)
}
