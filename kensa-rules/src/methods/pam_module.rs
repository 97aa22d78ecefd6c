//! `pam_module`: a module in the PAM stack of a service.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::pam::{self, PamLine};
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<PamModule>(
    "pam_module",
    "A module is in the PAM stack of a service with the arguments wanted, or is not there",
);

/// A module in the PAM stack of a service; `include`, `substack` and `@include` are followed.
///
/// One line of the stack has to meet everything that is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PamModule {
    /// File name in `/etc/pam.d`.
    service: Text,
    /// Stack: `auth`, `account`, `password` or `session`.
    #[serde(rename = "type")]
    kind: Text,
    /// Module, such as `pam_faillock.so`; the path and `.so` may be left out.
    module: Text,
    /// Control, or the list of controls allowed, as words or in brackets.
    control: Option<Texts>,
    /// Arguments the line must have: `name`, `name=value`, or with a comparison of numbers such as
    /// `remember>=5`.
    #[serde(default)]
    args: Texts,
    /// Arguments one of which the line must have.
    #[serde(default)]
    any_args: Texts,
    /// Arguments that no line of the module may have.
    #[serde(default)]
    absent_args: Texts,
    /// The module must not be in the stack at all.
    #[serde(default)]
    absent: bool,
}

/// Stacks of a service.
pub(super) const KINDS: [&str; 4] = ["auth", "account", "password", "session"];

/// One argument wanted.
struct Wanted<'a> {
    name: &'a str,
    value: Option<(Comparator, &'a str)>,
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Self {
        let text = text.trim();
        let Some(at) = text.find(['=', '<', '>', '!']) else { return Self { name: text, value: None } };
        let (name, rest) = text.split_at(at);
        let operators = [
            ("<=", Comparator::AtMost),
            (">=", Comparator::AtLeast),
            ("!=", Comparator::NotEqual),
            ("<", Comparator::Less),
            (">", Comparator::Greater),
            ("=", Comparator::Equal),
        ];
        let found =
            operators.into_iter().find_map(|(sign, comparator)| Some((comparator, rest.strip_prefix(sign)?)));
        Self { name: name.trim(), value: found.map(|(comparator, value)| (comparator, value.trim())) }
    }

    fn comparison(&self) -> Option<Comparison<'a>> {
        let (comparator, expected) = self.value?;
        Some(Comparison { expected, comparator, refuse: &[], unlimited: &[], ignore_case: false })
    }

    /// Whether the arguments meet it; the last of several values is in force.
    fn is_met(&self, args: &[String]) -> Result<bool, CouldNotTell> {
        let Some(comparison) = self.comparison() else { return Ok(args.iter().any(|arg| arg == self.name)) };
        let mut values = args.iter().rev().filter_map(|arg| arg.split_once('='));
        let last = values.find(|(name, _)| *name == self.name);
        last.map_or(Ok(false), |(_, value)| comparison.holds(value))
    }
}

impl PamModule {
    fn wanted(&self) -> String {
        let mut text = format!("{} in the {} stack of {}", self.module, self.kind, self.service);
        if self.absent {
            return format!("no {text}");
        }
        if let Some(control) = &self.control {
            text.push_str(&format!(" as {}", control.0.join(" or ")));
        }
        if !self.args.0.is_empty() {
            text.push_str(&format!(" with {}", self.args.0.join(" ")));
        }
        if !self.any_args.0.is_empty() {
            text.push_str(&format!(" with {}", self.any_args.0.join(" or ")));
        }
        if !self.absent_args.0.is_empty() {
            text.push_str(&format!(" without {}", self.absent_args.0.join(" ")));
        }
        text
    }

    /// Whether the line has the control and the arguments.
    fn meets(&self, line: &PamLine) -> Result<bool, CouldNotTell> {
        let control = self.control.as_ref();
        if control
            .is_some_and(|allowed| !allowed.0.iter().any(|one| pam::normal_control(one) == line.control))
        {
            return Ok(false);
        }
        for arg in &self.args.0 {
            if !Wanted::parse(arg).is_met(&line.args)? {
                return Ok(false);
            }
        }
        let mut any = self.any_args.0.is_empty();
        for arg in &self.any_args.0 {
            any |= Wanted::parse(arg).is_met(&line.args)?;
        }
        Ok(any)
    }

    /// The argument of the line that may not be there.
    fn unwanted<'a>(&'a self, line: &PamLine) -> Option<&'a str> {
        let has = |name: &str| {
            line.args.iter().any(|arg| arg == name || arg.split_once('=').is_some_and(|(key, _)| key == name))
        };
        self.absent_args.0.iter().map(|arg| arg.trim()).find(|arg| has(arg))
    }
}

impl Parameters for PamModule {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::component("service", &self.service)?;
        syntax::word("module", &self.module, "._-/", "a PAM module")?;
        self.kind.0 = self.kind.trim().to_ascii_lowercase();
        if !KINDS.contains(&&*self.kind) {
            return Err(ParamError::at("type", format!("needed: one of {}", KINDS.join(", "))));
        }
        let arguments = [&self.args, &self.any_args, &self.absent_args];
        let further = self.control.is_some() || arguments.iter().any(|list| !list.0.is_empty());
        if self.absent && further {
            return Err(ParamError::at("absent", "does not go together with control, args or absent_args"));
        }
        if self.control.as_ref().is_some_and(|control| control.0.is_empty()) {
            return Err(ParamError::at("control", "an empty list allows nothing"));
        }
        for arg in arguments.iter().flat_map(|list| &list.0) {
            let wanted = Wanted::parse(arg);
            if wanted.name.is_empty() || wanted.name.contains(char::is_whitespace) {
                return Err(ParamError::at("args", format!("{arg:?} is no argument; give a list of them")));
            }
            let comparison = wanted.comparison();
            comparison
                .map_or(Ok(()), |comparison| comparison.validate())
                .map_err(|error| ParamError::at("args", error.message))?;
        }
        Ok(())
    }
}

impl Check for PamModule {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::read(pam::path(&self.service))]
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        pam::follow_up(got, &self.service)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted();
        let Some(stack) = pam::stack(got, &self.service, &self.kind)? else {
            let detail = format!("{} does not exist; wanted {wanted}", pam::path(&self.service));
            return Ok(Verdict::new(self.absent, wanted, "no service file", detail));
        };
        let lines: Vec<&PamLine> =
            stack.iter().filter(|line| pam::is_module(&line.module, &self.module)).collect();
        let Some(first) = lines.first() else {
            let detail = format!(
                "the {} stack of {} has no {}; wanted {wanted}",
                self.kind, self.service, self.module
            );
            return Ok(Verdict::new(self.absent, wanted, "absent", detail));
        };
        let found = |line: &PamLine| {
            format!("{} {} {}", line.written, line.module, line.args.join(" ")).trim_end().to_owned()
        };
        let verdict = |passed: bool, line: &PamLine, why: &str| {
            let detail = format!("{} has {}{why}; wanted {wanted}", line.source, found(line));
            Verdict::new(passed, wanted.clone(), found(line), detail).from_source(Some(line.source.clone()))
        };
        if self.absent {
            return Ok(verdict(false, first, ""));
        }
        for line in &lines {
            if let Some(arg) = self.unwanted(line) {
                return Ok(verdict(false, line, &format!(", {arg} among the arguments")));
            }
        }
        for line in &lines {
            if self.meets(line)? {
                return Ok(verdict(true, line, ""));
            }
        }
        Ok(verdict(false, first, ""))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const SSHD: &str =
        "auth substack password-auth\nauth include postlogin\naccount required pam_nologin.so\n";
    const PASSWORD_AUTH: &str = "auth required pam_faillock.so preauth silent deny=3\n\
        auth [success=1 default=ignore] pam_unix.so nullok # x\npassword requisite pam_pwhistory.so remember=5 use_authtok\n";

    fn case(params: &str, included: &str) -> Case {
        let params = format!(r#"{{"service": "sshd", {params}}}"#);
        Case::new("pam_module", &params)
            .file("/etc/pam.d/sshd", SSHD)
            .file("/etc/pam.d/password-auth", included)
            .gone(&Probe::read("/etc/pam.d/postlogin"))
    }

    fn passed(params: &str) -> Option<bool> {
        judge(case(params, PASSWORD_AUTH)).passed()
    }

    #[test]
    fn includes_are_followed_for_their_own_stack_only() {
        assert_eq!(passed(r#""type": "auth", "module": "pam_faillock.so""#), Some(true));
        assert_eq!(
            passed(r#""type": "auth", "module": "pam_faillock", "control": "required", "args": ["preauth"]"#),
            Some(true)
        );
        assert_eq!(passed(r#""type": "password", "module": "pam_pwhistory.so""#), Some(false));
        assert_eq!(
            passed(r#""type": "auth", "module": "pam_faillock.so", "control": ["requisite"]"#),
            Some(false)
        );
        assert_eq!(
            passed(r#""type": "auth", "module": "pam_unix", "control": "[default=ignore success=1]""#),
            Some(true)
        );
    }

    #[test]
    fn arguments_compare_as_values() {
        let deny =
            |args: &str| passed(&format!(r#""type": "auth", "module": "pam_faillock.so", "args": {args}"#));
        assert_eq!(deny(r#"["deny<=3", "silent"]"#), Some(true));
        assert_eq!(deny(r#"["deny=3"]"#), Some(true));
        assert_eq!(deny(r#"["deny<3"]"#), Some(false));
        assert_eq!(deny(r#"["fail_interval>=900"]"#), Some(false));
    }

    #[test]
    fn unwanted_arguments_and_modules() {
        assert_eq!(
            passed(r#""type": "auth", "module": "pam_unix.so", "absent_args": ["nullok"]"#),
            Some(false)
        );
        assert_eq!(
            passed(r#""type": "auth", "module": "pam_unix.so", "absent_args": ["debug"]"#),
            Some(true)
        );
        assert_eq!(passed(r#""type": "auth", "module": "pam_unix.so", "absent": true"#), Some(false));
        assert_eq!(passed(r#""type": "auth", "module": "pam_rootok.so", "absent": true"#), Some(true));
    }

    #[test]
    fn a_service_without_a_file_has_no_module() {
        let params = r#"{"service": "x", "type": "auth", "module": "pam_unix.so"}"#;
        let gone = Case::new("pam_module", params).gone(&Probe::read("/etc/pam.d/x"));
        assert_eq!(judge(gone).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        let good = case(r#""type": "auth", "module": "pam_rootok.so", "absent": true"#, PASSWORD_AUTH);
        for path in ["/etc/pam.d/sshd", "/etc/pam.d/password-auth", "/etc/pam.d/postlogin"] {
            assert_never_guesses(&good, &Probe::read(path));
        }
        let chain = |n: u32| format!("auth include s{}\n", n + 1);
        let params = r#"{"service": "s0", "type": "auth", "module": "pam_rootok.so", "absent": true}"#;
        let deep = (0..9).fold(Case::new("pam_module", params), |case, n| {
            case.file(&format!("/etc/pam.d/s{n}"), &chain(n))
        });
        assert_eq!(judge(deep).reason(), Some(Reason::Internal), "too deep to follow is no verdict");
        let circle = Case::new("pam_module", params).file("/etc/pam.d/s0", "auth include s0\n");
        assert_eq!(judge(circle).passed(), Some(true));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        for params in [
            r#"{"service": "sshd", "type": "auth"}"#,
            r#"{"service": "sshd", "type": "login", "module": "pam_unix.so"}"#,
            r#"{"service": "../sshd", "type": "auth", "module": "pam_unix.so"}"#,
            r#"{"service": "sshd", "type": "auth", "module": "pam_unix.so", "args": ["a b"]}"#,
            r#"{"service": "sshd", "type": "auth", "module": "pam_unix.so", "args": ["deny<=x"]}"#,
            r#"{"service": "sshd", "type": "auth", "module": "pam_unix.so", "absent": true, "args": ["a"]}"#,
        ] {
            assert_refused("pam_module", params);
        }
    }
}
