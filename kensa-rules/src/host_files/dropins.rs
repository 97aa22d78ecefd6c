//! Directories of configuration snippets that are read in the order of their file names.

use std::collections::BTreeMap;

use kensa_core::{CouldNotTell, Outputs, Probe};

use super::pattern;

/// Snippets out of several directories. A name found in an earlier directory hides the same name in a
/// later one; the files are read in the order of their names, whatever directory they are in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropins<'a> {
    /// Directories, most important first.
    pub(crate) dirs: &'a [&'a str],
    /// Pattern of the file names; hidden files never count.
    pub(crate) pattern: &'a str,
}

impl Dropins<'_> {
    /// The first wave: what is in the directories.
    pub(crate) fn probes(&self) -> Vec<Probe> {
        self.dirs.iter().copied().map(Probe::list).collect()
    }

    /// The second wave: the files. Empty as long as the directories are not known.
    pub(crate) fn follow_up(&self, got: &Outputs) -> Vec<Probe> {
        self.paths(got).unwrap_or_default().into_iter().map(Probe::read).collect()
    }

    /// Paths of the files in reading order. A directory that does not exist holds none.
    pub(crate) fn paths(&self, got: &Outputs) -> Result<Vec<String>, CouldNotTell> {
        let mut by_name = BTreeMap::new();
        for dir in self.dirs {
            for name in got.list(dir)?.unwrap_or_default() {
                if !name.starts_with('.') && pattern::matches(self.pattern, &name) {
                    let path = format!("{}/{name}", dir.trim_end_matches('/'));
                    by_name.entry(name).or_insert(path);
                }
            }
        }
        Ok(by_name.into_values().collect())
    }

    /// Paths and texts of the files in reading order.
    pub(crate) fn texts(&self, got: &Outputs) -> Result<Vec<(String, String)>, CouldNotTell> {
        let mut texts = Vec::new();
        for path in self.paths(got)? {
            if is_directory(got, &path) {
                continue;
            }
            // A dangling link is listed and yet not there.
            if let Some(text) = got.read(&path)? {
                texts.push((path, text));
            }
        }
        Ok(texts)
    }
}

/// Whether what was listed is a directory, as dconf's `locks` beside its key files: it holds no setting itself.
fn is_directory(got: &Outputs, path: &str) -> bool {
    got.output(&Probe::read(path)).is_ok_and(|output| {
        output.exit_code == 1
            && output.stdout.is_empty()
            && output.stderr_text().trim_end().ends_with(": Is a directory")
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kensa_core::{Output, Reason};

    use super::*;

    fn listing(dir: &str, exit: i32, stdout: &str, stderr: &str) -> (Probe, kensa_core::Answer) {
        let probe = Probe::list(dir);
        let output = Output::new(probe.command(), exit, stdout.as_bytes(), stderr.as_bytes());
        (probe, Ok(Arc::new(output)))
    }

    const DROPINS: Dropins<'static> = Dropins { dirs: &["/etc/x.d", "/usr/lib/x.d"], pattern: "*.conf" };

    #[test]
    fn an_earlier_directory_hides_a_later_one_and_names_give_the_order() {
        let got: Outputs = [
            listing("/etc/x.d", 0, "20-b.conf\n.hidden.conf\nREADME\n", ""),
            listing("/usr/lib/x.d", 0, "10-a.conf\n20-b.conf\n", ""),
        ]
        .into_iter()
        .collect();
        let paths = DROPINS.paths(&got);
        assert_eq!(paths, Ok(vec!["/usr/lib/x.d/10-a.conf".to_owned(), "/etc/x.d/20-b.conf".to_owned()]));
    }

    #[test]
    fn a_directory_among_the_files_is_passed_over() {
        let read = |path: &str, exit: i32, stdout: &str, stderr: &str| {
            let probe = Probe::read(path);
            let output = Output::new(probe.command(), exit, stdout.as_bytes(), stderr.as_bytes());
            (probe, Ok(Arc::new(output)) as kensa_core::Answer)
        };
        let got: Outputs = [
            listing("/etc/db.d", 0, "00-site\nlocks\n", ""),
            read("/etc/db.d/00-site", 0, "a=1\n", ""),
            read("/etc/db.d/locks", 1, "", "cat: /etc/db.d/locks: Is a directory\n"),
        ]
        .into_iter()
        .collect();
        let texts = Dropins { dirs: &["/etc/db.d"], pattern: "*" }.texts(&got);
        assert_eq!(texts, Ok(vec![("/etc/db.d/00-site".to_owned(), "a=1\n".to_owned())]));
    }

    #[test]
    fn an_absent_directory_is_empty_and_a_denied_one_is_unknown() {
        let gone = |dir: &str| {
            listing(dir, 2, "", &format!("ls: cannot access '{dir}': No such file or directory\n"))
        };
        let got: Outputs = [gone("/etc/x.d"), gone("/usr/lib/x.d")].into_iter().collect();
        assert_eq!(DROPINS.paths(&got), Ok(Vec::new()));
        let denied = listing("/etc/x.d", 2, "", "ls: cannot open directory '/etc/x.d': Permission denied\n");
        let got: Outputs = [denied, gone("/usr/lib/x.d")].into_iter().collect();
        assert_eq!(DROPINS.paths(&got).map_err(|error| error.reason), Err(Reason::PermissionDenied));
    }
}
