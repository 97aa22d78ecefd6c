//! `file_absent`: nothing is at a path.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FileAbsent>("file_absent", "Nothing is at a path").with_aliases(&["file_not_exists"]);

/// A path at which nothing is. A symbolic link is something, even when it leads nowhere; a directory that
/// must not be searched is an error, never absence.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileAbsent {
    /// Absolute path.
    path: Text,
}

impl Parameters for FileAbsent {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)
    }
}

impl Check for FileAbsent {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::stat(&*self.path)]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let found = got.stat(&self.path)?;
        let actual = found.as_ref().map_or("absent", |stat| stat.kind.as_str());
        let detail = match &found {
            Some(stat) => format!("{} exists ({}); wanted it absent", self.path, stat.kind),
            None => format!("{} does not exist", self.path),
        };
        Ok(Verdict::new(found.is_none(), "absent", actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    #[test]
    fn only_nothing_is_absent() {
        let probe = Probe::stat("/root/.rhosts");
        for name in ["file_absent", "file_not_exists"] {
            let case = Case::new(name, r#"{"path": "/root/.rhosts"}"#);
            let link = case.clone().says(&probe, 0, "symbolic link|777|root|root|0|0|/root/.rhosts\n", "");
            assert_eq!(judge(link).passed(), Some(false));
            let gone = case.gone(&probe);
            assert_eq!(judge(gone.clone()).passed(), Some(true));
            assert_never_guesses(&gone, &probe);
        }
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("file_absent", "{}");
        assert_refused("file_absent", r#"{"path": "relative"}"#);
    }
}
