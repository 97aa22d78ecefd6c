//! `cron_job`: adds a cron job.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<CronJob>("cron_job", "Adds a cron job");

/// A job in a file of its own in `/etc/cron.d`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CronJob {
    /// Five fields, or `@daily` and the like.
    schedule: Text,
    /// The command.
    command: Text,
    /// Who runs it.
    user: Text,
    /// Name of the file; derived from the command by default.
    name: Option<Text>,
    /// The same as `name`.
    file: Option<Text>,
}

impl MechanismParameters for CronJob {
    fn validate(&self) -> Result<(), ParamError> {
        let fields = self.schedule.split_whitespace().count();
        let plain = self.schedule.chars().all(|c| c.is_ascii_alphanumeric() || " */,-@".contains(c));
        if !plain || fields != if self.schedule.starts_with('@') { 1 } else { 5 } {
            return Err(ParamError::at(
                "schedule",
                format!("{:?} is not five fields of crontab(5)", &*self.schedule),
            ));
        }
        syntax::line("command", &self.command)?;
        syntax::account("user", &self.user)?;
        if self.name.is_some() && self.file.is_some() {
            return Err(ParamError::at("file", "the same as name; give one"));
        }
        // cron leaves out files whose names have other characters.
        let file_name = |key: &str, text: &str| syntax::word(key, text, "_-", "a file name that cron reads");
        syntax::optional("name", self.name.as_ref(), file_name)?;
        syntax::optional("file", self.file.as_ref(), file_name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "cron_job",
            r#"{"schedule": "0 5 * * *", "command": "/usr/sbin/aide --check", "user": "root", "name": "aide"}"#,
        );
        assert_takes("cron_job", r#"{"schedule": "@daily", "command": "x", "user": "root"}"#);
        assert_refuses("cron_job", "schedule", r#"{"schedule": "0 5 * *", "command": "x", "user": "root"}"#);
        assert_refuses(
            "cron_job",
            "command",
            r#"{"schedule": "@daily", "command": "x\n* * * * * root id", "user": "root"}"#,
        );
        assert_refuses(
            "cron_job",
            "name",
            r#"{"schedule": "@daily", "command": "x", "user": "root", "name": "a.sh"}"#,
        );
        assert_refuses("cron_job", "user", r#"{"schedule": "@daily", "command": "x", "user": "root x"}"#);
    }
}
