//! `file_search`: no path of the file tree has a property it should not have.

use std::collections::BTreeSet;

use kensa_core::{Check, Facts, FindRange, FindTest, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::mounts;
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FileSearch>("file_search", "No path of the file tree has the properties searched for");

/// How many findings a verdict names.
const NAMED: usize = 20;

/// A search of the file tree that should find nothing but what is allowed. All searches of one range share one
/// walk; network file systems are left out, and the verdict says so.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileSearch {
    /// `file`, `directory` or `any`.
    #[serde(default)]
    kind: Kind,
    /// Octal permission bits that must all be set for a path to be found.
    mode_all: Option<Text>,
    /// Octal permission bits of which at least one must be set for a path to be found.
    mode_any: Option<Text>,
    /// Octal permission bits none of which may be set for a path to be found.
    mode_none: Option<Text>,
    /// Find paths whose owner has no name.
    #[serde(default)]
    no_user: bool,
    /// Find paths whose group has no name.
    #[serde(default)]
    no_group: bool,
    /// Find paths whose owner has this number or a higher one: `1` is anybody but root, `1000` people.
    user_from: Option<u32>,
    /// Find paths whose group has this number or a higher one.
    group_from: Option<u32>,
    /// Find paths whose name holds this text.
    name_holds: Option<Text>,
    /// Find paths with one of these exact names.
    names: Option<Texts>,
    /// Absolute paths to search below; without it every local file system.
    under: Option<Texts>,
    /// Absolute paths not to enter.
    exclude: Option<Texts>,
    /// Absolute paths that may be found, as a list or separated by commas; without it none may. A declared but
    /// empty site list makes the rule `skipped`.
    allowed: Option<Texts>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Any,
    File,
    Directory,
}

impl Parameters for FileSearch {
    fn validate(&mut self) -> Result<(), ParamError> {
        for (key, mode) in
            [("mode_all", &self.mode_all), ("mode_any", &self.mode_any), ("mode_none", &self.mode_none)]
        {
            if let Some(mode) = mode {
                syntax::octal_mode(key, mode)?;
            }
        }
        for (key, paths) in [("under", &self.under), ("exclude", &self.exclude)] {
            for path in paths.iter().flat_map(|paths| &paths.0) {
                syntax::absolute_path(key, path)?;
            }
        }
        syntax::optional("name_holds", self.name_holds.as_ref(), syntax::component)?;
        for (key, number) in [("user_from", self.user_from), ("group_from", self.group_from)] {
            if number == Some(0) {
                return Err(ParamError::at(key, "every number is at least 0"));
            }
        }
        for name in self.names.iter().flat_map(|names| &names.0) {
            syntax::component("names", name)?;
            if name.contains(['*', '?', '[', '\\']) {
                return Err(ParamError::at("names", format!("{name:?}: names are exact, not patterns")));
            }
        }
        if self.test() == (FindTest { kind: self.test().kind, ..FindTest::default() }) {
            let message =
                "nothing to search for: give a mode, no_user, no_group, user_from, group_from or names";
            return Err(ParamError::whole(message));
        }
        Ok(())
    }
}

fn bits(mode: Option<&Text>) -> u32 {
    mode.and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0)
}

fn list(texts: Option<&Texts>) -> Vec<String> {
    texts.map(|texts| texts.0.clone()).unwrap_or_default()
}

impl FileSearch {
    fn test(&self) -> FindTest {
        FindTest {
            kind: match self.kind {
                Kind::Any => None,
                Kind::File => Some('f'),
                Kind::Directory => Some('d'),
            },
            mode_all: bits(self.mode_all.as_ref()),
            mode_any: bits(self.mode_any.as_ref()),
            mode_none: bits(self.mode_none.as_ref()),
            no_user: self.no_user,
            no_group: self.no_group,
            user_from: self.user_from,
            group_from: self.group_from,
            name_holds: self.name_holds.as_ref().map(|text| text.0.clone()).unwrap_or_default(),
            names: list(self.names.as_ref()),
        }
    }

    /// Where to search, and the network file systems left out.
    fn range(&self, got: &Outputs) -> Result<(FindRange, Vec<String>), JudgeError> {
        let prune = list(self.exclude.as_ref());
        if self.under.is_some() {
            return Ok((FindRange { roots: list(self.under.as_ref()), prune }, Vec::new()));
        }
        let roots = mounts::roots(got)?;
        Ok((FindRange { roots: roots.local, prune }, roots.network))
    }

    fn search(&self, got: &Outputs) -> Option<Probe> {
        self.range(got).ok().map(|(range, _)| Probe::Find { range, test: self.test() })
    }

    /// The paths that may be found; `None` when every one found is wrong.
    fn allowed(&self) -> Option<BTreeSet<&str>> {
        let lists = &self.allowed.as_ref()?.0;
        Some(
            lists
                .iter()
                .flat_map(|list| list.split(','))
                .map(str::trim)
                .filter(|path| !path.is_empty())
                .collect(),
        )
    }

    fn wanted(&self) -> String {
        match self.allowed() {
            Some(allowed) => format!("none but {} allowed", allowed.len()),
            None => "none".to_owned(),
        }
    }
}

impl Check for FileSearch {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        if self.allowed().is_some_and(|allowed| allowed.is_empty()) {
            return Vec::new();
        }
        match self.under {
            Some(_) => self.search(&Outputs::new()).into_iter().collect(),
            None => vec![mounts::mountinfo()],
        }
    }

    fn follow_up(&self, facts: &Facts, got: &Outputs) -> Vec<Probe> {
        if self.probes(facts).is_empty() { Vec::new() } else { self.search(got).into_iter().collect() }
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let allowed = self.allowed();
        if allowed.as_ref().is_some_and(BTreeSet::is_empty) {
            let message = "the list of allowed paths is empty: declare it for this site";
            return Err(JudgeError::UndeclaredValue(message.to_owned()));
        }
        let allowed = allowed.unwrap_or_default();
        let (range, network) = self.range(got)?;
        let found = got.find(&range, &self.test())?;
        let wrong: BTreeSet<&str> =
            found.iter().map(String::as_str).filter(|path| !allowed.contains(path)).collect();
        let named: Vec<&str> = wrong.iter().copied().take(NAMED).collect();
        let mut actual = if wrong.is_empty() { "none".to_owned() } else { named.join(", ") };
        if wrong.len() > NAMED {
            actual.push_str(&format!(", and {} more", wrong.len() - NAMED));
        }
        let mut detail = match wrong.len() {
            0 => format!("none of the paths found is unwanted; wanted {}", self.wanted()),
            1 => format!("found {actual}; wanted {}", self.wanted()),
            many => format!("found {many} paths, {} the first; wanted {}", named[0], self.wanted()),
        };
        if !network.is_empty() {
            detail.push_str(&format!(
                "; not searched, because they are network file systems: {}",
                network.join(", ")
            ));
        }
        let cites = vec![Probe::Find { range, test: self.test() }];
        Ok(Verdict::new(wrong.is_empty(), self.wanted(), actual, detail).citing(cites))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Reason;

    use crate::methods::testing::{Case, judge};

    const SUID: &str = r#"{"kind": "file", "mode_any": "6000", "allowed": "/usr/bin/su,/usr/bin/sudo"}"#;
    const MOUNTS: &str = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        23 22 0:5 / /proc rw - proc proc rw\n24 22 8:2 / /home rw - xfs /dev/sda2 rw\n25 22 0:40 / /mnt rw - nfs4 srv:/ rw\n";
    const FIND: &str = "find / /home -xdev -type f -perm /6000 -print";

    fn case(exit: i32, stdout: &str, stderr: &str) -> Case {
        Case::new("file_search", SUID)
            .answer("cat -- /proc/self/mountinfo", 0, MOUNTS, "")
            .answer(FIND, exit, stdout, stderr)
    }

    #[test]
    fn only_allowed_paths_may_be_found_on_every_local_file_system() {
        let allowed = judge(case(0, "/usr/bin/su\n", ""));
        assert_eq!(allowed.passed(), Some(true));
        assert!(allowed.verdict().detail.ends_with("network file systems: /mnt"));
        let other = judge(case(0, "/usr/bin/su\n/home/x/rootme\n", ""));
        assert_eq!(other.passed(), Some(false));
        assert_eq!(other.verdict().actual, "/home/x/rootme");
    }

    #[test]
    fn a_gap_in_the_walk_is_no_verdict_but_a_vanished_file_is_none() {
        let denied = "find: '/root': Permission denied\n";
        assert_eq!(judge(case(1, "", denied)).reason(), Some(Reason::PermissionDenied));
        let vanished = "find: '/tmp/x': No such file or directory\n";
        assert_eq!(judge(case(1, "/usr/bin/su\n", vanished)).passed(), Some(true));
        assert_eq!(judge(case(127, "", "sh: 1: find: not found\n")).reason(), Some(Reason::ToolMissing));
        let cut = Case::new("file_search", SUID).answer("cat -- /proc/self/mountinfo", 0, MOUNTS, "");
        assert_eq!(judge(cut.truncated(FIND, "/usr/bin/su\n")).reason(), Some(Reason::Truncated));
    }

    #[test]
    fn an_unreadable_or_empty_mount_table_is_no_verdict() {
        let empty = Case::new("file_search", SUID).answer("cat -- /proc/self/mountinfo", 0, "", "");
        assert_eq!(judge(empty).reason(), Some(Reason::UnexpectedOutput));
    }

    #[test]
    fn an_empty_site_list_is_undeclared_and_an_empty_search_does_not_load() {
        let undeclared = Case::new("file_search", r#"{"mode_any": "6000", "allowed": ""}"#);
        assert_eq!(judge(undeclared).reason(), Some(Reason::UndeclaredValue));
        assert!(Case::new("file_search", r#"{"kind": "file"}"#).build_error().is_some());
        assert!(Case::new("file_search", r#"{"names": ["*.rhosts"]}"#).build_error().is_some());
    }

    #[test]
    fn a_search_below_given_paths_needs_no_mount_table() {
        let case =
            Case::new("file_search", r#"{"names": [".netrc"], "under": "/home", "exclude": ["/home/a b"]}"#)
                .answer(
                    r"find /home -xdev \( -path '/home/a b' \) -prune -o \( -name .netrc \) -print",
                    0,
                    "",
                    "",
                );
        assert_eq!(judge(case).passed(), Some(true));
    }
}
