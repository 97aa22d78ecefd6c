//! The file, or the file and its snippets, that a setting can come from.

use kensa_core::{CouldNotTell, Outputs, Probe};

use super::dropins::Dropins;
use super::settings::{Key, Setting, occurrences};
use crate::params::ParamError;
use crate::syntax;

/// Where a setting is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SettingFiles<'a> {
    /// The file; with `scan_pattern`, the directory.
    pub(crate) path: &'a str,
    /// Directory of `*.conf` snippets read after the file.
    pub(crate) dropin_dir: Option<&'a str>,
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
        texts.extend(self.with_dropins(|dropins| dropins.texts(got)).transpose()?.unwrap_or_default());
        Ok(texts)
    }

    /// Every line that sets `key`, in reading order.
    pub(crate) fn occurrences(&self, got: &Outputs, key: &Key<'_>) -> Result<Vec<Setting>, CouldNotTell> {
        let texts = self.texts(got)?;
        Ok(texts.iter().flat_map(|(path, text)| occurrences(path, text, key)).collect())
    }

    /// Whether the program that reads the files takes its keys in any case.
    pub(crate) fn keys_in_any_case(&self) -> bool {
        ["/etc/ssh/", "/etc/audit/"].iter().any(|folder| self.path.starts_with(folder))
    }

    /// The files in words.
    pub(crate) fn describe(&self) -> String {
        match (self.dropin_dir, self.scan_pattern) {
            (Some(dir), _) => format!("{} and {dir}/*.conf", self.path),
            (None, Some(pattern)) => format!("{}/{}", self.path, glob(pattern)),
            (None, None) => self.path.to_owned(),
        }
    }

    fn with_dropins<T>(&self, use_it: impl FnOnce(Dropins<'_>) -> T) -> Option<T> {
        if let Some(pattern) = self.scan_pattern {
            return Some(use_it(Dropins { dirs: &[self.path], pattern: &glob(pattern) }));
        }
        self.dropin_dir.map(|dir| use_it(Dropins { dirs: &[dir], pattern: "*.conf" }))
    }
}

/// A bare suffix (`conf`) means the files that end in it.
fn glob(pattern: &str) -> String {
    if pattern.contains(['*', '?', '[']) {
        pattern.to_owned()
    } else {
        format!("*.{}", pattern.trim_start_matches('.'))
    }
}
