//! Scans this machine with the bundled rules and prints one line per rule.
//!
//! ```sh
//! cargo run --release --example scan_local
//! ```

#![allow(clippy::print_stdout)]

use kensa::{ScanOptions, Session, SessionOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let session = Session::local(SessionOptions::default()).await?;
    let corpus = kensa::bundled_rules()?;
    let report = kensa::scan(&session, &corpus, &ScanOptions::default(), &mut |_| {}).await?;
    for result in &report.results {
        println!("{:8} {:44} {}", result.status.name(), result.rule_id, result.detail);
    }
    println!("{:?}", report.completeness);
    session.close().await;
    Ok(())
}
