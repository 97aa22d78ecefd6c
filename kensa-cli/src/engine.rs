//! Every call into the engine: arguments become its options, its errors become exit codes.

use std::path::Path;

use kensa::lint::{self, Findings, LintOptions};
use kensa::load::{self, Corpus, Diagnostic, LoadError, LoadOptions};
use kensa::mappings::{FrameworkMapping, load_all_mappings};
use kensa::openssh::{self, OpenSshOptions};
use kensa::{
    Become, ConnectOptions, Facts, HostKeyPolicy, Plan, Platform, ScanEvent, ScanOptions, ScanReport,
    Selection, Session, SessionOptions, SshConfigUse,
};

use crate::arguments::{CapabilityArgs, HostKeys, Login, RootMethod, RuleSet, SelectionArgs, Transport};
use crate::exit::{Exit, Failure};
use crate::parse::HostName;
use crate::secrets::Secrets;
use crate::terminal::Terminal;

/// Rules, and whether some were left out because they do not load.
pub(crate) struct Rules {
    pub(crate) corpus: Corpus,
    pub(crate) some_left_out: bool,
}

/// The rules of `--rules`, or the bundled ones. Rules that do not load are an error unless the user said to
/// leave them out: a host is not compliant with rules nobody looked at.
pub(crate) fn rules(set: &RuleSet, terminal: &Terminal) -> Result<Rules, Failure> {
    let loaded = match &set.rules {
        Some(path) => kensa::load_rules(path, &LoadOptions::default()),
        None => kensa::bundled_rules(),
    };
    let corpus = match loaded {
        Ok(corpus) => corpus,
        Err(LoadError::Invalid { diagnostics }) => return Err(broken(&diagnostics)),
        Err(error) => return Err(Failure::usage(error.to_string())),
    };
    let some_left_out = corpus.diagnostics.iter().any(Diagnostic::is_error);
    if some_left_out && !set.skip_broken {
        return Err(broken(&corpus.diagnostics));
    }
    if some_left_out {
        terminal.note("warning: some rules do not load and are left out; `kensa rules validate` says why");
    }
    Ok(Rules { corpus, some_left_out })
}

/// The mappings beside the rules of `--rules`, else the bundled ones. Those whose name begins with one of
/// `wanted`, or all.
pub(crate) fn mappings(set: &RuleSet, wanted: &[String]) -> Result<Vec<FrameworkMapping>, Failure> {
    let own = set.rules.as_ref().map(|path| path.join("mappings")).filter(|folder| folder.is_dir());
    let all = match own {
        Some(folder) => load_all_mappings(folder).map_err(|error| Failure::usage(error.to_string()))?,
        None => kensa::bundled_mappings(),
    };
    if all.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Failure::usage(load::render(&all.diagnostics)));
    }
    let means = |mapping: &FrameworkMapping, name: &str| {
        mapping.id == name || mapping.id.strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '.']))
    };
    for name in wanted {
        if !all.mappings.values().any(|mapping| means(mapping, name)) {
            let known = all.mappings.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let failure = Failure::usage(format!("no benchmark is called {name:?}"));
            return Err(failure.with_help(format!("known are {known}")));
        }
    }
    let is_wanted =
        |mapping: &FrameworkMapping| wanted.is_empty() || wanted.iter().any(|name| means(mapping, name));
    Ok(all.mappings.into_values().filter(is_wanted).collect())
}

/// How many diagnostics are worth a place in an error message.
const SHOWN: usize = 5;

fn broken(diagnostics: &[Diagnostic]) -> Failure {
    let errors: Vec<&Diagnostic> = diagnostics.iter().filter(|found| found.is_error()).collect();
    let mut message = "some rules do not load\n".to_owned();
    errors.iter().take(SHOWN).for_each(|error| message += &format!("\n{error}\n"));
    if errors.len() > SHOWN {
        message += &format!("\nand {} more errors\n", errors.len() - SHOWN);
    }
    Failure::usage(message)
        .with_help("`kensa rules validate PATH` shows all; mend them, or leave them out by --skip-broken")
}

/// What is wrong with the rules at `path`, and how many load.
pub(crate) fn validate(path: &Path, strict: bool) -> Result<(usize, Vec<Diagnostic>), Failure> {
    match kensa::load_rules(path, &LoadOptions { strict, ..LoadOptions::default() }) {
        Ok(corpus) => Ok((corpus.rules.len(), corpus.diagnostics)),
        Err(LoadError::Invalid { diagnostics }) => Ok((0, diagnostics)),
        Err(error) => Err(Failure::usage(error.to_string())),
    }
}

/// What lint finds in the rules at `path`, held against the mappings beside them or the bundled ones.
pub(crate) fn lint(path: &Path) -> Result<Findings, Failure> {
    let set = RuleSet { rules: Some(path.to_owned()), skip_broken: false };
    let mappings = mappings(&set, &[])?.into_iter().map(|mapping| (mapping.id.clone(), mapping)).collect();
    let known: Vec<&str> = kensa::detect::CAPABILITIES.iter().map(|capability| capability.name).collect();
    let options = LintOptions { mappings: Some(&mappings), known_capabilities: Some(&known) };
    lint::lint(path, &options).map_err(|error| Failure::usage(error.to_string()))
}

/// The JSON Schema of rule files or of results.
pub(crate) fn schema(of: crate::cli::SchemaOf) -> Result<String, Failure> {
    let schema = match of {
        crate::cli::SchemaOf::Rule => kensa::schema::rule_schema(),
        crate::cli::SchemaOf::Result => kensa::schema::result_schema(),
    };
    serde_json::to_string_pretty(&schema)
        .map(|text| text + "\n")
        .map_err(|error| Failure::usage(format!("cannot write the schema: {error}")))
}

/// Opens a session to this machine, or to `host` when there is one.
pub(crate) async fn connect(
    host: Option<&HostName>,
    login: &Login,
    secrets: &Secrets,
) -> Result<Session, Failure> {
    let root = root(login, secrets);
    let mut options = SessionOptions::default();
    options.command_timeout = login.timeout.unwrap_or(options.command_timeout);
    options.nice = login.nice;
    options.shells = usize::from(login.shells);
    options.reconnect = !login.ssh.no_reconnect;
    let session = match (host, login.ssh.transport) {
        (None, _) => Session::local_as(root, options).await,
        (Some(host), Transport::Native) => {
            Session::connect(native(host, login, secrets)?, root, options).await
        }
        (Some(host), Transport::Openssh) => Session::openssh(openssh(host, login)?, root, options).await,
    };
    session.map_err(|error| Failure::new(Exit::Unreachable, error.to_string()))
}

fn root(login: &Login, secrets: &Secrets) -> Become {
    let password = secrets.root_password.clone();
    match login.root.method() {
        RootMethod::None => Become::None,
        RootMethod::Sudo => Become::Sudo { password },
        RootMethod::Doas => Become::Doas,
        RootMethod::Su => Become::Su { password },
    }
}

/// The login name, which may be said in two places.
fn user<'a>(host: &'a HostName, login: &'a Login) -> Result<Option<&'a str>, Failure> {
    match (&host.user, &login.ssh.user) {
        (Some(of_host), Some(user)) if of_host != user => {
            Err(Failure::usage(format!("--host says user {of_host}, --user says {user}")))
        }
        (of_host, user) => Ok(of_host.as_deref().or(user.as_deref())),
    }
}

fn native(host: &HostName, login: &Login, secrets: &Secrets) -> Result<ConnectOptions, Failure> {
    let ssh = &login.ssh;
    let mut options = ConnectOptions::new(&host.host);
    if let Some(user) = user(host, login)? {
        options = options.user(user);
    }
    if let Some(port) = ssh.port {
        options = options.port(port);
    }
    for key in &ssh.key {
        options = options.key_path(key);
    }
    if let Some(password) = &secrets.password {
        options = options.password(password.clone());
    }
    if let Some(passphrase) = &secrets.passphrase {
        options = options.passphrase(passphrase.clone());
    }
    if !ssh.known_hosts.is_empty() {
        options = options.known_hosts(&ssh.known_hosts);
    }
    if let Some(policy) = ssh.host_key_policy {
        options = options.host_key_policy(match policy {
            HostKeys::Strict => HostKeyPolicy::Strict,
            HostKeys::AcceptNew => HostKeyPolicy::AcceptNew,
            HostKeys::Off => HostKeyPolicy::Off,
        });
    }
    if let Some(file) = &ssh.ssh_config {
        let none = file.as_os_str() == "none";
        options =
            options.ssh_config(if none { SshConfigUse::None } else { SshConfigUse::Path(file.clone()) });
    }
    if !ssh.jump.is_empty() {
        options = options.proxy_jump(&ssh.jump);
    }
    if let Some(limit) = ssh.connect_timeout {
        options = options.connect_timeout(limit);
    }
    Ok(options)
}

/// For the system's own ssh program. Passwords are not among it: it asks nobody, by intention.
fn openssh(host: &HostName, login: &Login) -> Result<OpenSshOptions, Failure> {
    let ssh = &login.ssh;
    let mut options = OpenSshOptions::new(&host.host);
    options.user = user(host, login)?.map(str::to_owned);
    options.port = ssh.port;
    options.config = ssh.ssh_config.clone();
    options.connect_timeout = ssh.connect_timeout.unwrap_or(options.connect_timeout);
    options.identity = match ssh.key.as_slice() {
        [] => None,
        [key] => Some(key.clone()),
        _ => return Err(Failure::usage("--transport openssh takes one --key")),
    };
    if let Some(policy) = ssh.host_key_policy {
        options.host_keys = match policy {
            HostKeys::Strict => openssh::HostKeys::Strict,
            HostKeys::AcceptNew => openssh::HostKeys::AcceptNew,
            HostKeys::Off => openssh::HostKeys::Insecure,
        };
    }
    let files: Vec<String> = ssh.known_hosts.iter().map(|file| format!("\"{}\"", file.display())).collect();
    if !files.is_empty() {
        options.extra.push(format!("UserKnownHostsFile={}", files.join(" ")));
    }
    if !ssh.jump.is_empty() {
        options.extra.push(format!("ProxyJump={}", ssh.jump.join(",")));
    }
    Ok(options)
}

/// What to scan, as the engine takes it.
pub(crate) fn scan_options(selection: &SelectionArgs, capabilities: &CapabilityArgs) -> ScanOptions {
    ScanOptions {
        selection: self::selection(selection),
        variables: selection.variables.iter().cloned().collect(),
        // Several frameworks select rules; the values of only one can apply.
        framework: match selection.framework.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        },
        capabilities: capabilities.capabilities.iter().cloned().collect(),
        ..ScanOptions::default()
    }
}

pub(crate) fn selection(args: &SelectionArgs) -> Selection {
    Selection {
        severity: args.severity.clone(),
        category: args.category.clone(),
        tags: args.tag.clone(),
        frameworks: args.framework.clone(),
        rule_ids: args.rule.clone(),
    }
}

/// Refuses filters that let nothing through: a scan of no rule would say nothing about the host.
pub(crate) fn demand_rules(corpus: &Corpus, options: &ScanOptions) -> Result<(), Failure> {
    known_ids(corpus, &options.selection)?;
    if corpus.rules.iter().any(|rule| options.selection.matches(rule)) {
        return Ok(());
    }
    Err(Failure::usage(format!("none of the {} rules fits the filters", corpus.rules.len()))
        .with_help("each filter has to let a rule through; `kensa rules list` shows all there are"))
}

/// Refuses ids no rule has.
pub(crate) fn known_ids(corpus: &Corpus, selection: &Selection) -> Result<(), Failure> {
    match selection.unknown_ids(&corpus.rules).first() {
        Some(unknown) => Err(unknown_rule(unknown, corpus)),
        None => Ok(()),
    }
}

fn unknown_rule(id: &str, corpus: &Corpus) -> Failure {
    let distance = |known: &str| strsim::damerau_levenshtein(id, known);
    let nearest = corpus.rules.iter().map(|rule| rule.id.as_str()).min_by_key(|known| distance(known));
    let near = nearest.filter(|known| distance(known) <= 1 + id.chars().count() / 3);
    let list = "`kensa rules list` shows all there are";
    Failure::usage(format!("no rule has the id {id:?}")).with_help(match near {
        Some(known) => format!("did you mean {known}? {list}"),
        None => list.to_owned(),
    })
}

pub(crate) async fn scan(
    session: &Session,
    corpus: &Corpus,
    options: &ScanOptions,
    on_event: &mut (dyn FnMut(ScanEvent<'_>) + Send),
) -> Result<ScanReport, Failure> {
    kensa::scan(session, corpus, options, on_event).await.map_err(|error| usage(&error))
}

/// What a host is. Opens and closes a session for it.
pub(crate) async fn detect(
    host: Option<&HostName>,
    login: &Login,
    secrets: &Secrets,
    capabilities: &CapabilityArgs,
) -> Result<Facts, Failure> {
    let session = connect(host, login, secrets).await?;
    let overrides = capabilities.capabilities.iter().cloned().collect();
    let facts = kensa::detect::detect(&session, &overrides).await;
    session.close().await;
    Ok(facts)
}

pub(crate) fn plan(corpus: &Corpus, facts: &Facts, options: &ScanOptions) -> Result<Plan, Failure> {
    kensa::plan(corpus, facts, options).map_err(|error| usage(&error))
}

/// Facts for planning without a host.
pub(crate) fn facts_for(platform: Option<&Platform>, capabilities: &[(String, bool)]) -> Facts {
    let capabilities = capabilities.iter().cloned().collect();
    match platform {
        Some(platform) => kensa::facts_for(platform.clone(), &capabilities),
        None => Facts { capabilities, ..Facts::default() },
    }
}

fn usage(error: &kensa::Error) -> Failure {
    Failure::usage(error.to_string())
}
