//! What the cases beside each method are written with: a method, its parameters and canned answers.

use std::sync::Arc;

use kensa_core::value::Params;
use kensa_core::{Answer, Facts, Fault, JudgeError, Output, Outputs, Platform, Probe, Reason, Verdict};

use super::Method;
use crate::params::ParamError;

/// One case: parameters as JSON, answers by command.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    method: &'static str,
    params: Params,
    facts: Facts,
    answers: Vec<(String, Answer)>,
}

impl Case {
    /// A case on a Debian 12 host.
    pub(crate) fn new(method: &'static str, params: &str) -> Self {
        let params = serde_json::from_str(params).unwrap_or_else(|error| panic!("{params}: {error}"));
        let facts = Facts { platform: Some(Platform::new("debian", "12")), ..Facts::default() };
        Self { method, params, facts, answers: Vec::new() }
    }

    /// The same on another host.
    pub(crate) fn on(mut self, id: &str, version: &str) -> Self {
        self.facts.platform = Some(Platform::new(id, version));
        self
    }

    /// What `command` answers.
    pub(crate) fn answer(mut self, command: &str, exit: i32, stdout: &str, stderr: &str) -> Self {
        let output = Output::new(command, exit, stdout.as_bytes(), stderr.as_bytes());
        self.answers.push((command.to_owned(), Ok(Arc::new(output))));
        self
    }

    /// `command` prints more than the cap.
    pub(crate) fn truncated(mut self, command: &str, stdout: &str) -> Self {
        let mut output = Output::new(command, 0, stdout.as_bytes(), b"");
        output.stdout_total += 1;
        self.answers.push((command.to_owned(), Ok(Arc::new(output))));
        self
    }

    /// What the program behind `probe` answers.
    pub(crate) fn says(self, probe: &Probe, exit: i32, stdout: &str, stderr: &str) -> Self {
        self.answer(&probe.command(), exit, stdout, stderr)
    }

    /// A file with this text.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.says(&Probe::read(path), 0, text, "")
    }

    /// A directory with these names.
    pub(crate) fn dir(self, path: &str, names: &[&str]) -> Self {
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        self.says(&Probe::list(path), 0, &text, "")
    }

    /// `probe` finds nothing where it looks.
    pub(crate) fn gone(self, probe: &Probe) -> Self {
        let said = format!("{}: No such file or directory\n", probe.path().unwrap_or("x"));
        self.says(probe, 1, "", &said)
    }

    /// The error that building the method gives.
    pub(crate) fn build_error(&self) -> Option<ParamError> {
        let method = Method::find(self.method).unwrap_or_else(|| panic!("no method {}", self.method));
        (method.build)(&self.params).err()
    }
}

/// What a case came to.
#[derive(Debug)]
pub(crate) struct Judged(pub(crate) Result<Verdict, JudgeError>);

impl Judged {
    pub(crate) fn passed(&self) -> Option<bool> {
        self.0.as_ref().ok().map(|verdict| verdict.passed)
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        match &self.0 {
            Err(JudgeError::CouldNotTell(error)) => Some(error.reason),
            Err(JudgeError::NotAssessable(_)) => Some(Reason::NotAssessable),
            Err(JudgeError::UndeclaredValue(_)) => Some(Reason::UndeclaredValue),
            Ok(_) => None,
        }
    }

    pub(crate) fn verdict(&self) -> &Verdict {
        self.0.as_ref().unwrap_or_else(|error| panic!("no verdict: {error}"))
    }
}

/// Asserts that `case` comes to a verdict and that none comes when `probe` is refused, has no program,
/// is cut off, or is never answered.
pub(crate) fn assert_never_guesses(case: &Case, probe: &Probe) {
    assert!(judge(case.clone()).passed().is_some(), "no verdict to begin with: {:?}", judge(case.clone()));
    let command = probe.command();
    let instead = |answer: Answer| {
        let mut case = case.clone();
        case.answers.retain(|(known, _)| *known != command);
        case.answers.push((command.clone(), answer));
        judge(case).reason()
    };
    let output = |exit, stderr: &str| Output::new(&*command, exit, b"", stderr.as_bytes());
    let denied = output(1, "x: cannot open '/x': Permission denied\n");
    assert_eq!(instead(Ok(Arc::new(denied))), Some(Reason::PermissionDenied));
    assert_eq!(instead(Ok(Arc::new(output(127, "sh: 1: x: not found\n")))), Some(Reason::ToolMissing));
    assert_eq!(instead(Ok(Arc::new(output(137, "")))), Some(Reason::Killed));
    let mut cut = output(0, "");
    cut.stdout_total = 1 << 20;
    assert_eq!(instead(Ok(Arc::new(cut))), Some(Reason::Truncated));
    let lost = Fault::new(Reason::ConnectionLost, "injected");
    assert_eq!(instead(Err(lost)), Some(Reason::ConnectionLost));
}

/// Asserts that the method does not load with these parameters.
pub(crate) fn assert_refused(method: &'static str, params: &str) {
    assert!(Case::new(method, params).build_error().is_some(), "{method} loads with {params}");
}

/// Asks this very machine, by a real shell, and judges.
pub(crate) fn judge_here(method: &'static str, params: &str) -> Judged {
    let case = Case::new(method, params);
    judge_with(&case, &|probe| {
        let command = probe.command();
        let ran = std::process::Command::new("sh")
            .args(["-c", &command])
            .env("LC_ALL", "C")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("sh: {error}"));
        let exit = ran.status.code().unwrap_or(137);
        Ok(Arc::new(Output::new(command, exit, &ran.stdout, &ran.stderr)))
    })
}

/// Asks and judges as the engine does. A probe the case has no answer for is a mistake in the case.
pub(crate) fn judge(case: Case) -> Judged {
    judge_with(&case, &|probe| answer_to(&case, probe))
}

fn judge_with(case: &Case, answer: &dyn Fn(&Probe) -> Answer) -> Judged {
    let method = Method::find(case.method).unwrap_or_else(|| panic!("no method {}", case.method));
    let check = (method.build)(&case.params).unwrap_or_else(|error| panic!("{error}"));
    let mut got = Outputs::new();
    let mut wave = check.probes(&case.facts);
    for _ in 0..=kensa_core::check::MAX_WAVES {
        wave.retain(|probe| !got.contains(probe));
        for probe in std::mem::take(&mut wave) {
            let answer = answer(&probe);
            got.insert(probe, answer);
        }
        wave = check.follow_up(&case.facts, &got);
    }
    Judged(check.judge(&case.facts, &got))
}

fn answer_to(case: &Case, probe: &Probe) -> Answer {
    let command = probe.command();
    let found = case.answers.iter().find(|(known, _)| *known == command);
    found.map(|(_, answer)| answer.clone()).unwrap_or_else(|| panic!("the case has no answer for: {command}"))
}
