//! The file, or the file and its snippets, that a setting can come from.

use kensa_core::{CouldNotTell, Outputs, Probe};

use super::dropins::Dropins;
use super::settings::{Delimiter, Key, Setting, occurrences};
use crate::params::ParamError;
use crate::syntax;

/// Where a setting is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SettingFiles<'a> {
    /// The file; with `scan_pattern`, the directory.
    pub(crate) path: &'a str,
    /// Directory of `*.conf` snippets.
    pub(crate) dropin_dir: Option<&'a str>,
    /// Whether the snippets are read before the file, so that the lines of the file come last.
    pub(crate) snippets_first: bool,
    /// Pattern of file names in the directory `path`.
    pub(crate) scan_pattern: Option<&'a str>,
}

impl SettingFiles<'_> {
    /// Whether the parameters make sense; called when a rule is loaded.
    pub(crate) fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", self.path)?;
        if let Some(dir) = self.dropin_dir {
            syntax::absolute_path("dropin_dir", dir)?;
        }
        match self.scan_pattern {
            Some(_) if self.dropin_dir.is_some() => Err(ParamError::at(
                "scan_pattern",
                "path is a file with dropin_dir and a directory with scan_pattern; give one",
            )),
            Some(pattern) => syntax::component("scan_pattern", pattern),
            None => Ok(()),
        }
    }

    /// The first wave.
    pub(crate) fn probes(&self) -> Vec<Probe> {
        let file = self.scan_pattern.is_none().then(|| Probe::read(self.path));
        file.into_iter().chain(self.with_dropins(|dropins| dropins.probes()).unwrap_or_default()).collect()
    }

    /// The second wave.
    pub(crate) fn follow_up(&self, got: &Outputs) -> Vec<Probe> {
        self.with_dropins(|dropins| dropins.follow_up(got)).unwrap_or_default()
    }

    /// Paths and texts, in reading order; what does not exist is left out.
    pub(crate) fn texts(&self, got: &Outputs) -> Result<Vec<(String, String)>, CouldNotTell> {
        let mut texts = Vec::new();
        if self.scan_pattern.is_none()
            && let Some(text) = got.read(self.path)?
        {
            texts.push((self.path.to_owned(), text));
        }
        let snippets = self.with_dropins(|dropins| dropins.texts(got)).transpose()?.unwrap_or_default();
        let at = if self.snippets_first { 0 } else { texts.len() };
        texts.splice(at..at, snippets);
        Ok(texts)
    }

    /// Every line that sets `key`, in reading order.
    pub(crate) fn occurrences(&self, got: &Outputs, key: &Key<'_>) -> Result<Vec<Setting>, CouldNotTell> {
        let texts = self.texts(got)?;
        Ok(texts.iter().flat_map(|(path, text)| occurrences(path, text, key)).collect())
    }

    /// The key as the program that reads the files takes it; `delimiter` is what the rule says.
    pub(crate) fn key<'k>(
        &self,
        name: &'k str,
        delimiter: Option<&str>,
        section: Option<&'k str>,
    ) -> Key<'k> {
        let is_in = |places: &[&str]| places.iter().any(|place| self.path.starts_with(place));
        let delimiter = match delimiter {
            None if is_in(&EQUALS_ONLY) => Delimiter::Equals,
            other => Delimiter::new(other),
        };
        let (ignore_case, comments) = (is_in(&ANY_CASE), !is_in(&NO_COMMENT_AFTER_A_VALUE));
        Key { name, ignore_case, delimiter, section, comments }
    }

    /// The files in words.
    pub(crate) fn describe(&self) -> String {
        match (self.dropin_dir, self.scan_pattern) {
            (Some(dir), _) if self.snippets_first => format!("{dir}/*.conf and {}", self.path),
            (Some(dir), _) => format!("{} and {dir}/*.conf", self.path),
            (None, Some(pattern)) => format!("{}/{}", self.path, glob(pattern)),
            (None, None) => self.path.to_owned(),
        }
    }

    fn with_dropins<T>(&self, use_it: impl FnOnce(Dropins<'_>) -> T) -> Option<T> {
        if let Some(pattern) = self.scan_pattern {
            return Some(use_it(Dropins { dirs: &[self.path], pattern: &glob(pattern) }));
        }
        self.dropin_dir.map(|dir| match dir.strip_prefix("/etc/systemd/") {
            // systemd(1) reads them from four places; a name in an earlier one hides the same in a later.
            Some(name) => {
                let others =
                    ["/run", "/usr/local/lib", "/usr/lib"].map(|root| format!("{root}/systemd/{name}"));
                let [run, local, vendor] = &others;
                use_it(Dropins { dirs: &[dir, run, local, vendor], pattern: "*.conf" })
            }
            None => use_it(Dropins { dirs: &[dir], pattern: "*.conf" }),
        })
    }
}

/// Places whose programs take their keys in any case.
const ANY_CASE: [&str; 2] = ["/etc/ssh/", "/etc/audit/"];

/// Places whose programs know `=` only, with or without blanks round it.
const EQUALS_ONLY: [&str; 9] = [
    "/etc/NetworkManager/",
    "/etc/audit/",
    "/etc/dconf/",
    "/etc/default/useradd",
    "/etc/dnf/",
    "/etc/gdm",
    "/etc/sssd/",
    "/etc/sysconfig/",
    "/etc/systemd/",
];

/// Places whose programs know comments on a line of their own only: `key = 5 # why` sets another value, or none.
const NO_COMMENT_AFTER_A_VALUE: [&str; 13] = [
    "/etc/NetworkManager/",
    "/etc/audit/",
    "/etc/chrony",
    "/etc/dconf/",
    "/etc/default/useradd",
    "/etc/dnf/",
    "/etc/firewalld/",
    "/etc/gdm",
    "/etc/login.defs",
    "/etc/postfix/",
    "/etc/sssd/",
    "/etc/sysconfig/",
    "/etc/systemd/",
];

/// A bare suffix (`conf`) means the files that end in it.
fn glob(pattern: &str) -> String {
    if pattern.contains(['*', '?', '[']) {
        pattern.to_owned()
    } else {
        format!("*.{}", pattern.trim_start_matches('.'))
    }
}
