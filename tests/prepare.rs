//! A forked child never sees the end of what a thread of its parent had begun to make, so whatever the engine makes
//! when it is first needed is also made by `kensa::prepare`.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn what_is_made_on_first_use_is_made_by_prepare() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for part in ["src", "kensa-core/src", "kensa-ssh/src", "kensa-rules/src"] {
        sources(&root.join(part), &mut files);
    }
    let (mut count, mut missing) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for line in text.lines().map(str::trim_start) {
            let Some(name) = line.strip_prefix("static ").and_then(|rest| rest.split_once(": LazyLock<"))
            else {
                continue;
            };
            count += 1;
            if !text.contains(&format!("LazyLock::force(&{});", name.0)) {
                missing.push(format!("{}: {}", file.display(), name.0));
            }
        }
    }
    assert!(count >= 15, "{count}");
    assert!(missing.is_empty(), "{missing:?}");
    kensa::prepare();
}
