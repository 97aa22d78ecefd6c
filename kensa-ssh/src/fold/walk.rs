//! Searches of one range as one walk of the file tree, and back.

use kensa_core::find::{FoundEntry, walk_command};
use kensa_core::{FindRange, FindTest, Output, Probe};

use super::slice::{Slice, concerns_all};

/// Most searches in one walk; keeps the command short.
const TESTS_MAX: usize = 40;

/// Takes the searches out of `probes` and puts those of one range together.
pub(super) fn walks(probes: &[Probe]) -> Vec<Vec<Probe>> {
    let mut walks: Vec<(&FindRange, Vec<Probe>)> = Vec::new();
    for probe in probes {
        let Probe::Find { range, .. } = probe else { continue };
        let fits =
            |(known, members): &&mut (&FindRange, Vec<Probe>)| *known == range && members.len() < TESTS_MAX;
        match walks.iter_mut().find(fits) {
            Some((_, members)) => members.push(probe.clone()),
            None => walks.push((range, vec![probe.clone()])),
        }
    }
    walks.into_iter().map(|(_, members)| members).collect()
}

/// The command that answers all `probes`, which are searches of one range.
pub(super) fn command(probes: &[Probe]) -> Option<String> {
    let tests: Vec<&FindTest> = probes.iter().filter_map(test).collect();
    let Some(Probe::Find { range, .. }) = probes.first() else { return None };
    Some(walk_command(range, &tests))
}

/// What each search alone would have printed; `None` where that is not certain.
///
/// What find complains of during a walk depends on the range alone, so each search would have met it.
pub(super) fn slices(probes: &[Probe], output: &Output) -> Option<Vec<Slice>> {
    if output.is_truncated() || output.stderr_is_truncated() {
        return None;
    }
    let stderr = std::str::from_utf8(&output.stderr).ok()?;
    let entries = FoundEntry::parse_all(&output.stdout)?;
    let tool_fails = entries.is_empty() && concerns_all(output.exit_code, stderr);
    // A find that refuses the expression knows no -printf; alone it may do.
    let about_paths = stderr.is_empty() || stderr.ends_with('\n') && stderr.lines().all(is_about_a_path);
    let ended = matches!(output.exit_code, 0 | 1) && (output.exit_code == 0) == stderr.is_empty();
    if !(tool_fails || about_paths && ended) {
        return None;
    }
    let slice = |test: &FindTest| {
        let mut stdout = Vec::new();
        for entry in entries.iter().filter(|entry| test.finds(entry)) {
            stdout.extend_from_slice(entry.path);
            stdout.push(b'\n');
        }
        Slice { exit_code: output.exit_code, stdout, stderr: output.stderr.clone() }
    };
    Some(probes.iter().filter_map(test).map(slice).collect())
}

/// `find: '/root': Permission denied`; find quotes what would break the line.
fn is_about_a_path(line: &str) -> bool {
    line.strip_prefix("find: '/").is_some_and(|rest| rest.contains("': "))
}

fn test(probe: &Probe) -> Option<&FindTest> {
    match probe {
        Probe::Find { test, .. } => Some(test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(root: &str, mode_any: u32) -> Probe {
        let range = FindRange { roots: vec![root.to_owned()], prune: Vec::new() };
        Probe::Find { range, test: FindTest { mode_any, ..FindTest::default() } }
    }

    #[test]
    fn searches_of_one_range_share_a_walk() {
        let probes = [search("/a", 0o4000), Probe::stat("/x"), search("/b", 0o4000), search("/a", 0o2000)];
        let walks = walks(&probes);
        assert_eq!(walks, [vec![probes[0].clone(), probes[3].clone()], vec![probes[2].clone()]]);
    }

    #[test]
    fn what_is_not_certainly_a_whole_walk_is_not_cut() {
        let probes = [search("/a", 0o4000), search("/a", 0o2000)];
        let whole = b"f|4755|0|0||/a/b\0";
        let denied = "find: '/a/x': Permission denied\n";
        let cut = |exit, stdout: &[u8], stderr: &str| {
            slices(&probes, &Output::new("x", exit, stdout, stderr.as_bytes()))
        };
        let found = cut(1, whole, denied).unwrap();
        assert_eq!((found[0].stdout.as_slice(), found[1].stdout.as_slice()), (&b"/a/b\n"[..], &b""[..]));
        assert!(found.iter().all(|slice| slice.exit_code == 1 && slice.stderr == denied.as_bytes()));
        assert!(cut(127, b"", "sh: 1: find: not found\n").is_some());
        for (exit, stdout, stderr) in [
            (0, &whole[..5], ""),
            (0, &whole[..], denied),
            (1, whole, ""),
            (137, whole, ""),
            (1, b"", "find: unrecognized: -printf\n"),
            (1, whole, "find: '/a/x': Permission den"),
            (127, whole, "sh: 1: find: not found\n"),
        ] {
            assert_eq!(cut(exit, stdout, stderr), None, "{exit} {stderr}");
        }
        let mut short = Output::new("x", 0, whole, b"");
        short.stdout_total += 1;
        assert_eq!(slices(&probes, &short), None);
    }
}
