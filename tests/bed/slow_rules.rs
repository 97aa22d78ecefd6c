//! Rules that keep a host busy for a while: `#[path = "…/tests/bed/slow_rules.rs"] mod slow_rules;`.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::path::Path;

/// What each rule waits for, so that a test can see it run.
pub const PAUSE: &str = "sleep 0.0507";

/// Writes `count` rules to `folder`, each a command of its own that takes a twentieth of a second. The first fails,
/// all others pass.
pub fn write(folder: &Path, count: usize) {
    let folder = folder.join("system");
    std::fs::create_dir_all(&folder).unwrap();
    for number in 0..count {
        let id = format!("slow-{number:03}");
        let wanted = if number == 0 { "something else".to_owned() } else { format!("answer {number}") };
        let rule = format!(
            "id: {id}\ntitle: Slow {number}\ndescription: Takes its time.\nrationale: For tests.\nseverity: low\n\
             category: system\nimplementations:\n  - default: true\n    check:\n      method: command\n      \
             run: {PAUSE}; echo answer {number}\n      expected_stdout: {wanted}\n"
        );
        std::fs::write(folder.join(format!("{id}.yml")), rule).unwrap();
    }
}
