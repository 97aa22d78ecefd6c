//! Stands in for the facade until it builds; removed at merge.
#![allow(missing_docs, clippy::all)]
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use kensa_core::{
    CheckResult, Completeness, Conclusion, CouldNotTell, Evidence, Facts, Fault, Output, PackageManager, Platform, Probe,
    Reason, Rule, ScanReport, Severity, Source, Status, Summary, Timestamp, Transport, Verdict, WritableTransport, check,
    facts, output, probe, reading, remedy, result, rule, shell, transport, value,
};
pub use kensa_rules::plan::{Decision, Plan};
pub use kensa_rules::select::Selection;
pub use kensa_rules::{frameworks, methods, report, select};
pub use load::{Corpus, Diagnostic, LoadError, LoadOptions};

pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

pub mod load {
    use super::*;
    #[derive(Clone, Debug, Default)]
    pub struct LoadOptions {
        pub strict: bool,
        pub framework: Option<String>,
    }
    #[derive(Debug)]
    pub struct Corpus {
        pub rules: Vec<Arc<Rule>>,
        pub diagnostics: Vec<Diagnostic>,
    }
    #[derive(Clone, Debug, serde::Serialize)]
    pub struct Diagnostic {
        pub path: PathBuf,
        pub message: String,
    }
    impl Diagnostic {
        pub fn is_error(&self) -> bool {
            true
        }
    }
    impl std::fmt::Display for Diagnostic {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "error[broken]: {}\n --> {}", self.message, self.path.display())
        }
    }
    #[derive(Debug, thiserror::Error)]
    #[non_exhaustive]
    pub enum LoadError {
        #[error("no rules at {path}: no such file or folder")]
        NotFound { path: PathBuf },
        #[error("{}", .diagnostics[0].message)]
        Invalid { diagnostics: Vec<Diagnostic> },
    }
    pub fn load_rules(path: impl AsRef<Path>, _: &LoadOptions) -> Result<Corpus, LoadError> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(LoadError::NotFound { path: path.into() });
        }
        if std::fs::read_to_string(path).is_ok_and(|text| text.contains("broken")) {
            let diagnostic = Diagnostic { path: path.into(), message: "this file is broken".into() };
            return Err(LoadError::Invalid { diagnostics: vec![diagnostic] });
        }
        Ok(Corpus { rules: sample(), diagnostics: Vec::new() })
    }
    pub fn render(diagnostics: &[Diagnostic]) -> String {
        diagnostics.iter().map(|d| format!("{d}\n\n")).collect::<String>() + &format!("{} errors\n", diagnostics.len())
    }
    pub(crate) fn sample() -> Vec<Arc<Rule>> {
        use kensa_core::rule::*;
        let check = |method: &str, params: &str| Condition {
            method: method.into(),
            params: serde_json::from_str(params).unwrap(),
        };
        let forwarding = Rule {
            id: "sysctl-no-ip-forward".into(),
            title: "The host does not forward packets".into(),
            description: "IP forwarding is off in the running kernel.".into(),
            rationale: "A host that forwards packets can be used to get round the firewall between two networks.".into(),
            severity: Severity::Medium,
            category: "network".into(),
            tags: vec!["sysctl".into(), "network".into()],
            references: References {
                cis: [(
                    "debian12_v1".into(),
                    vec![CisReference { section: "3.3.1".into(), level: None, kind: None, profile: None }],
                )]
                .into(),
                ..References::default()
            },
            platforms: vec![PlatformConstraint {
                family: "debian".into(),
                min_version: Some(12),
                max_version: None,
                derivatives: true,
            }],
            implementations: vec![Implementation {
                gate: Gate::Default,
                checks: vec![check("sysctl_value", r#"{"key": "net.ipv4.ip_forward", "expected": "0"}"#)],
                remediation: Some(Remediation {
                    steps: vec![Step {
                        mechanism: "sysctl_set".into(),
                        params: serde_json::from_str(r#"{"key": "net.ipv4.ip_forward", "value": "0"}"#).unwrap(),
                    }],
                    ..Remediation::default()
                }),
            }],
            depends_on: vec![],
            conflicts_with: vec![],
            supersedes: vec![],
            transactional: true,
            path: Some("rules/network/sysctl-no-ip-forward.yml".into()),
        };
        let mut shadow = forwarding.clone();
        shadow.id = "shadow-permissions".into();
        shadow.title = "Only root can read the password hashes".into();
        shadow.severity = Severity::Critical;
        shadow.category = "filesystem".into();
        shadow.references = References::default();
        shadow.platforms = vec![];
        let stat = |mode: &str| check("file_permission", &format!(r#"{{"path": "/etc/shadow", "max_mode": "{mode}"}}"#));
        shadow.implementations = vec![
            Implementation { gate: Gate::Capability("selinux".into()), checks: vec![stat("0000")], remediation: None },
            Implementation { gate: Gate::Default, checks: vec![stat("0640")], remediation: None },
        ];
        vec![Arc::new(forwarding), Arc::new(shadow)]
    }
}

pub fn bundled_rules() -> Result<Corpus, LoadError> {
    Ok(Corpus { rules: load::sample(), diagnostics: Vec::new() })
}

pub mod schema {
    pub fn rule_schema() -> serde_json::Value {
        serde_json::json!({ "type": "object", "title": "rule" })
    }
    pub fn result_schema() -> serde_json::Value {
        serde_json::json!({ "type": "object", "title": "result" })
    }
}

#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    pub selection: Selection,
    pub variables: BTreeMap<String, String>,
    pub framework: Option<String>,
    pub capabilities: BTreeMap<String, bool>,
    pub scan_timeout: Option<Duration>,
    pub evidence_limit: usize,
}

#[derive(Debug)]
#[non_exhaustive]
pub enum ScanEvent<'a> {
    Detected(&'a Facts),
    Planned(&'a Plan),
    Answered { answered: usize, planned: usize },
    Result(&'a CheckResult),
}

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("no rule has the id {}", .0.join(", "))]
    UnknownRule(Vec<String>),
}

fn prepare(corpus: &Corpus, options: &ScanOptions) -> Result<Vec<Arc<Rule>>, Error> {
    let unknown = options.selection.unknown_ids(&corpus.rules);
    if !unknown.is_empty() {
        return Err(Error::UnknownRule(unknown.into_iter().map(str::to_owned).collect()));
    }
    Ok(corpus.rules.iter().filter(|rule| options.selection.matches(rule)).cloned().collect())
}

pub async fn scan(
    transport: &dyn Transport,
    corpus: &Corpus,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> Result<ScanReport, Error> {
    let started = Timestamp::now();
    let rules = prepare(corpus, options)?;
    let facts = detect::detect(transport, &options.capabilities).await;
    on_event(ScanEvent::Detected(&facts));
    let plan = Plan::of(&rules, &facts, &Default::default());
    let outcome =
        kensa_rules::scan::scan(transport, &facts, &plan, &Default::default(), &mut |_| {}).await;
    Ok(ScanReport::new("0.1.0", transport.host(), &facts, started, outcome.completeness, outcome.results))
}

pub fn plan(corpus: &Corpus, facts: &Facts, options: &ScanOptions) -> Result<Plan, Error> {
    let mut facts = facts.clone();
    facts.capabilities.extend(options.capabilities.clone());
    Ok(Plan::of(&prepare(corpus, options)?, &facts, &Default::default()))
}

pub fn facts_for(platform: Platform, capabilities: &BTreeMap<String, bool>) -> Facts {
    Facts { platform: Some(platform), capabilities: capabilities.clone(), ..Facts::default() }
}

pub mod detect {
    use super::*;
    pub async fn detect(transport: &dyn Transport, overrides: &BTreeMap<String, bool>) -> Facts {
        let probe = Probe::read("/etc/os-release");
        let outputs = transport.ask_all(std::slice::from_ref(&probe)).await;
        let text = outputs.get(&probe).and_then(|a| a.as_ref().ok().map(|o| o.stdout_text().into_owned()));
        Facts {
            platform: text.and_then(|text| Platform::from_os_release(&text)),
            capabilities: overrides.clone(),
            ..Facts::default()
        }
    }
}

#[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct Secret(String);
impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("{host}: {message}")]
pub struct ConnectError {
    pub host: String,
    pub message: String,
}

#[derive(Clone, Debug)]
pub struct ConnectOptions(String, u16);
impl ConnectOptions {
    pub fn new(host: impl Into<String>) -> Self {
        Self(host.into(), 22)
    }
    pub fn port(mut self, port: u16) -> Self {
        self.1 = port;
        self
    }
    pub fn user(self, _: impl Into<String>) -> Self {
        self
    }
    pub fn password(self, _: impl Into<Secret>) -> Self {
        self
    }
    pub fn passphrase(self, _: impl Into<Secret>) -> Self {
        self
    }
    pub fn key_path(self, _: impl Into<PathBuf>) -> Self {
        self
    }
    pub fn host_key_policy(self, _: HostKeyPolicy) -> Self {
        self
    }
    pub fn known_hosts<P: Into<PathBuf>>(self, _: impl IntoIterator<Item = P>) -> Self {
        self
    }
    pub fn connect_timeout(self, _: Duration) -> Self {
        self
    }
    pub fn proxy_jump<S: Into<String>>(self, _: impl IntoIterator<Item = S>) -> Self {
        self
    }
    pub fn ssh_config(self, _: SshConfigUse) -> Self {
        self
    }
}
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    Strict,
    #[default]
    AcceptNew,
    Off,
}
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SshConfigUse {
    #[default]
    Default,
    Path(PathBuf),
    None,
}

#[derive(Clone, Debug, Default)]
pub enum Become {
    #[default]
    None,
    Sudo {
        password: Option<Secret>,
    },
    Doas,
    Su {
        password: Option<Secret>,
    },
}

#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub command_timeout: Duration,
}
impl Default for SessionOptions {
    fn default() -> Self {
        Self { command_timeout: Duration::from_secs(60) }
    }
}

pub mod openssh {
    #[derive(Clone, Debug)]
    pub struct OpenSshOptions {
        pub destination: String,
        pub port: Option<u16>,
        pub user: Option<String>,
        pub identity: Option<super::PathBuf>,
        pub config: Option<super::PathBuf>,
        pub host_keys: HostKeys,
        pub connect_timeout: super::Duration,
        pub extra: Vec<String>,
    }
    impl OpenSshOptions {
        pub fn new(destination: impl Into<String>) -> Self {
            Self {
                destination: destination.into(),
                port: None,
                user: None,
                identity: None,
                config: None,
                host_keys: HostKeys::default(),
                connect_timeout: super::Duration::from_secs(30),
                extra: Vec::new(),
            }
        }
    }
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum HostKeys {
        #[default]
        Strict,
        AcceptNew,
        Insecure,
    }
}

/// Runs `sh -c` for each probe: enough to try the command line.
#[derive(Debug)]
pub struct Session(String);
impl Session {
    pub async fn local_with(_: Become, _: SessionOptions) -> Result<Self, ConnectError> {
        Ok(Self("localhost".into()))
    }
    pub async fn connect_with(options: ConnectOptions, _: Become, _: SessionOptions) -> Result<Self, ConnectError> {
        use tokio::io::AsyncReadExt;
        let refused = |e: std::io::Error| ConnectError { host: options.0.clone(), message: e.to_string() };
        let mut stream = tokio::net::TcpStream::connect((options.0.as_str(), options.1)).await.map_err(refused)?;
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.map_err(refused)?;
        Err(ConnectError { host: options.0, message: "closed".into() })
    }
    pub async fn openssh(o: openssh::OpenSshOptions, _: Become, _: SessionOptions) -> Result<Self, ConnectError> {
        Err(ConnectError { host: o.destination, message: "connection refused".into() })
    }
    pub async fn close(&self) {}
}
#[async_trait::async_trait]
impl Transport for Session {
    fn host(&self) -> &str {
        &self.0
    }
    async fn ask(&self, ask: transport::Ask<'_>, each: &mut (dyn FnMut(Probe, output::Answer) + Send)) {
        for probe in ask.probes {
            let done = std::process::Command::new("sh").arg("-c").arg(probe.command()).output().unwrap();
            let output = Output::new(probe.command(), done.status.code().unwrap_or(-1), &done.stdout, &done.stderr);
            each(probe.clone(), Ok(Arc::new(output)));
        }
    }
}
