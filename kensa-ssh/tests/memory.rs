//! Memory stays bounded however much a command prints. A process of its own, so that nothing else is measured.

#![allow(clippy::unwrap_used)]

mod common;

use common::{ask, output, session};
use kensa_ssh::SessionOptions;

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn r12_a_flood_takes_no_more_memory_than_the_cap_asks_for() {
    let options = SessionOptions { hard_limit: 1 << 30, ..SessionOptions::default() };
    let session = session("dash", options).await;
    let before = peak_kib();
    let answers = ask(&session, &["head -c 100000000 /dev/zero", "head -c 100000000 /dev/zero >&2"]).await;
    assert_eq!(output(&answers[0]).stdout_total, 100_000_000);
    assert_eq!(output(&answers[1]).stderr_total, 100_000_000);
    let grown = peak_kib() - before;
    assert!(grown < 8 * 1024, "{grown} KiB");
}
