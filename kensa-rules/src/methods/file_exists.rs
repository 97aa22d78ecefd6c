//! `file_exists`: a path leads to something.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FileExists>("file_exists", "A path exists, symbolic links followed");

/// A path that exists. A symbolic link that leads nowhere does not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileExists {
    /// Absolute path.
    path: Text,
}

impl FileExists {
    fn probe(&self) -> Probe {
        Probe::Stat { path: self.path.0.clone(), follow: true }
    }
}

impl Parameters for FileExists {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)
    }
}

impl Check for FileExists {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![self.probe()]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let found = got.stat_following(&self.path)?;
        let actual = found.as_ref().map_or("absent", |stat| stat.kind.as_str());
        let detail = match &found {
            Some(stat) => format!("{} exists ({})", self.path, stat.kind),
            None => format!("{} does not exist", self.path),
        };
        Ok(Verdict::new(found.is_some(), "exists", actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    #[test]
    fn there_or_not_there() {
        let probe = Probe::Stat { path: "/etc/motd".to_owned(), follow: true };
        let case = Case::new("file_exists", r#"{"path": "/etc/motd"}"#);
        let there = case.clone().says(&probe, 0, "regular empty file|644|root|root|0|0|/etc/motd\n", "");
        assert_eq!(judge(there.clone()).passed(), Some(true));
        assert_eq!(judge(case.gone(&probe)).passed(), Some(false));
        assert_never_guesses(&there, &probe);
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("file_exists", "{}");
        assert_refused("file_exists", r#"{"path": ""}"#);
    }
}
