//! Scans one host over SSH each time a line arrives, and says how long it took: the Rust half of `benches/python`.
//!
//!     scan_repeatedly HOST PORT USER KEY RULES
//!
//! One JSON object a line: seconds of the scan, seconds of loading the rules before it, results.

#![allow(clippy::print_stdout)]

use std::io::BufRead;
use std::time::Instant;

use kensa::{Become, ConnectOptions, HostKeyPolicy, LoadOptions, ScanOptions, Session, SessionOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, user, key, rules] = arguments.as_slice() else {
        return Err("usage: scan_repeatedly HOST PORT USER KEY RULES".into());
    };
    let target = ConnectOptions::new(host.as_str())
        .port(port.parse()?)
        .user(user.as_str())
        .key_path(key.as_str())
        .host_key_policy(HostKeyPolicy::Off);
    let session =
        Session::connect(target, Become::Sudo { password: None }, SessionOptions::default()).await?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let start = Instant::now();
        let corpus = kensa::load_rules(rules, &LoadOptions::default())?;
        let loaded = start.elapsed();
        let start = Instant::now();
        let report = kensa::scan(&session, &corpus, &ScanOptions::default(), &mut |_| {}).await?;
        let scanned = start.elapsed();
        println!(
            r#"{{"scan":{},"load":{},"results":{}}}"#,
            scanned.as_secs_f64(),
            loaded.as_secs_f64(),
            report.results.len()
        );
    }
    session.close().await;
    Ok(())
}
