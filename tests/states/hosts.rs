//! The states of real hosts: how each is made, entered and scanned, and everything it answered.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kensa::transport::Ask;
use kensa::{
    Become, ConnectOptions, Corpus, Facts, HostKeyPolicy, Output, Probe, Rule, ScanEvent, ScanOptions,
    ScanReport, Selection, Session, SessionOptions, SshConfigUse, Transport,
    output::{Answer, Outputs},
};

use crate::bed::Host;
use crate::mutants;
use crate::variants::Variant;

/// A state of a host: the scenarios that make it and the values of the site it belongs to.
pub struct State {
    pub name: &'static str,
    kind: &'static str,
    scenarios: &'static [&'static str],
    /// Whether the site declared what may be there; a strict site declared something else.
    site: Site,
    login: Login,
}

#[derive(Clone, Copy)]
enum Site {
    Undeclared,
    Declared,
    Strict,
}

#[derive(Clone, Copy)]
enum Login {
    /// `scan`, by key, sudo without a password.
    Key,
    /// `scanpw`, by password, which sudo asks for.
    Password,
}

const fn state(
    name: &'static str,
    kind: &'static str,
    scenarios: &'static [&'static str],
    site: Site,
    login: Login,
) -> State {
    State { name, kind, scenarios, site, login }
}

/// All states, two a row.
pub const STATES: [State; 14] = [
    state("debian", "debian", &[], Site::Undeclared, Login::Key),
    state("rhel9", "rhel9", &[], Site::Undeclared, Login::Key),
    state("debian-good", "debian", &["compliant"], Site::Declared, Login::Key),
    state("rhel9-good", "rhel9", &["compliant"], Site::Declared, Login::Key),
    state("debian-bad", "debian", &["noncompliant"], Site::Strict, Login::Key),
    state("rhel9-bad", "rhel9", &["noncompliant"], Site::Strict, Login::Key),
    state("debian-mixed", "debian", &["compliant", "mixed"], Site::Declared, Login::Key),
    state("rhel9-mixed", "rhel9", &["compliant", "mixed"], Site::Declared, Login::Key),
    state("ubuntu-good", "debian", &["compliant", "ubuntu"], Site::Declared, Login::Key),
    state("rhel8-good", "rhel9", &["compliant", "rhel8"], Site::Declared, Login::Key),
    state("ubuntu-bad", "debian", &["noncompliant", "ubuntu"], Site::Strict, Login::Key),
    state("rhel8-bad", "rhel9", &["noncompliant", "rhel8"], Site::Strict, Login::Key),
    state("debian-locked", "debian", &["locked"], Site::Strict, Login::Password),
    state("rhel9-locked", "rhel9", &["locked"], Site::Strict, Login::Password),
];

impl State {
    /// The values of the site's variables.
    pub fn options(&self) -> ScanOptions {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/states/site.yml");
        let read = kensa::load::yaml_to_json(path.as_ref(), &std::fs::read(path).unwrap()).unwrap();
        let given = match self.site {
            Site::Undeclared => return ScanOptions::default(),
            Site::Declared => &read["declared"],
            Site::Strict => &read["strict"],
        };
        let texts = given.as_object().unwrap().iter();
        let variables = texts.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        ScanOptions { variables: variables.collect(), ..ScanOptions::default() }
    }

    /// Boots the host, scans it and every variant of it, and asks each what the mutants would ask; `None` where
    /// hosts cannot be booted.
    pub async fn visit(&'static self, corpus: &Corpus, variants: &[Variant]) -> Option<Vec<Visit>> {
        let mut arguments = Vec::new();
        for scenario in self.scenarios {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bed/scenarios");
            arguments.extend(["--scenario".to_owned(), format!("{folder}/{scenario}.sh")]);
        }
        let up = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            Host::up_with(&format!("st-{}", self.name), self.kind, &arguments)
        };
        let host = tokio::task::spawn_blocking(up).await.unwrap()?;
        let connect = ConnectOptions::new(host.fact("addr"))
            .ssh_config(SshConfigUse::None)
            .known_hosts(Vec::<PathBuf>::new())
            // The next host may have the address of this one.
            .host_key_policy(HostKeyPolicy::Off);
        let (connect, password) = match self.login {
            Login::Key => (connect.user("scan").key_path(host.fact("key")), None),
            Login::Password => (connect.user("scanpw").password("Scan-pw-1"), Some("Scan-pw-1".into())),
        };
        let session =
            Session::connect(connect, Become::Sudo { password }, SessionOptions::default()).await.unwrap();
        let mut visits = vec![Visit::of(self, &session, None, corpus).await];
        for variant in variants.iter().filter(|variant| variant.is_of(self.name)) {
            tokio::task::block_in_place(|| variant.make(&host));
            let visit = Visit::of(self, &session, Some((variant, &visits[0].facts)), corpus).await;
            tokio::task::block_in_place(|| variant.undo(&host));
            visits.push(visit);
        }
        session.close().await;
        tokio::task::spawn_blocking(move || drop(host)).await.unwrap();
        Some(visits)
    }
}

/// What came of one state, or of the one rule of a variant of it.
pub struct Visit {
    pub facts: Facts,
    pub options: ScanOptions,
    pub report: ScanReport,
    pub outputs: Outputs,
    /// What is said of the variant.
    variant: Option<Variant>,
}

impl Visit {
    async fn of(
        state: &State,
        session: &Session,
        variant: Option<(&Variant, &Facts)>,
        corpus: &Corpus,
    ) -> Self {
        let recorder = Recorder { inner: session, heard: Mutex::default() };
        let options = state.options();
        let (facts, report) = match variant {
            None => {
                let mut facts = None;
                let mut keep = |event: ScanEvent<'_>| {
                    if let ScanEvent::Detected(detected) = event {
                        facts = Some(detected.clone());
                    }
                };
                let report = kensa::scan(&recorder, corpus, &options, &mut keep).await.unwrap();
                (facts.unwrap(), report)
            }
            Some((variant, facts)) => {
                let selection = Selection { rule_ids: vec![variant.rule.clone()], ..Selection::default() };
                let options = ScanOptions { selection, ..options.clone() };
                let mut quiet = |_: ScanEvent<'_>| {};
                let scan = kensa::scan_with_facts(&recorder, facts, corpus, &options, &mut quiet);
                (facts.clone(), scan.await.unwrap())
            }
        };
        let variant = variant.map(|(variant, _)| variant.clone());
        let is_meant = |rule: &&Arc<Rule>| variant.as_ref().is_none_or(|variant| rule.id == variant.rule);
        let rules: Vec<Arc<Rule>> = corpus.rules.iter().filter(is_meant).cloned().collect();
        mutants::ask(&recorder, &rules, corpus, &options, &facts).await;
        let outputs = recorder.heard.into_inner().unwrap();
        Self { facts, options, report, outputs, variant }
    }

    /// Whether `rule` was scanned.
    pub fn has(&self, rule: &str) -> bool {
        self.variant.as_ref().is_none_or(|variant| variant.rule == rule)
    }

    /// A variant that was judged otherwise than it says, in words.
    pub fn surprise(&self) -> Option<String> {
        let (variant, result) = (self.variant.as_ref()?, self.report.results.first()?);
        let (host, found) = (&self.report.host, result.status.name());
        (result.status != variant.wanted)
            .then(|| format!("{}, {}: {found}: {} ({host})\n", variant.rule, variant.change, result.detail))
    }
}

/// A transport that keeps what it hears.
pub struct Recorder<'a> {
    inner: &'a Session,
    heard: Mutex<Outputs>,
}

impl Recorder<'_> {
    pub fn heard(&self) -> Outputs {
        self.heard.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Recorder<'_> {
    fn host(&self) -> &str {
        self.inner.host()
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        let mut keep = |probe: Probe, answer: Answer| {
            self.heard.lock().unwrap().insert(probe.clone(), answer.clone());
            each(probe, answer);
        };
        self.inner.ask(ask, &mut keep).await;
    }
}

/// A recorded host: answers by command; what was not recorded was not answered.
pub struct Cassette {
    pub name: String,
    pub answers: BTreeMap<String, (i32, String, String)>,
}

#[async_trait]
impl Transport for Cassette {
    fn host(&self) -> &str {
        &self.name
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send)) {
        for probe in ask.probes {
            let command = probe.command();
            let answer = match self.answers.get(&command) {
                Some((exit, stdout, stderr)) => {
                    Ok(std::sync::Arc::new(Output::new(command, *exit, stdout.as_bytes(), stderr.as_bytes())))
                }
                None => Err(kensa::Fault::new(
                    kensa::Reason::ConnectionLost,
                    format!("{command} is not recorded"),
                )),
            };
            each(probe.clone(), answer);
        }
    }
}
