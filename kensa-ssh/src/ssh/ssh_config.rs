//! What the ssh_config files say about a host.
//!
//! Only the settings that decide where to connect and as whom are read; see [`HostConfig`]. Settings that
//! would make a difference and are not understood become warnings.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::known_hosts::glob_matches;
use super::options::{HostKeyPolicy, SshConfigUse};
use super::ssh_config_line::{Line, expand_glob};

/// How deep `Include` may nest, as in OpenSSH.
const MAX_DEPTH: usize = 16;

/// The settings in force for one host. Unset ones are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// `HostName`: the name or address to connect to.
    pub host_name: Option<String>,
    /// `HostKeyAlias`: the name to look the host key up by.
    pub host_key_alias: Option<String>,
    /// `User`.
    pub user: Option<String>,
    /// `Port`.
    pub port: Option<u16>,
    /// Every `IdentityFile`, in order.
    pub identity_files: Vec<PathBuf>,
    /// Every `CertificateFile`, in order.
    pub certificate_files: Vec<PathBuf>,
    /// `IdentitiesOnly`.
    pub identities_only: Option<bool>,
    /// `IdentityAgent`: the agent's socket; `Some(None)` is `none`.
    pub identity_agent: Option<Option<PathBuf>>,
    /// `ProxyJump`, first hop first; empty is `none`.
    pub proxy_jump: Option<Vec<String>>,
    /// `UserKnownHostsFile`.
    pub user_known_hosts_files: Option<Vec<PathBuf>>,
    /// `GlobalKnownHostsFile`.
    pub global_known_hosts_files: Option<Vec<PathBuf>>,
    /// `StrictHostKeyChecking`.
    pub host_key_policy: Option<HostKeyPolicy>,
    /// `ConnectTimeout`.
    pub connect_timeout: Option<Duration>,
    /// What was not understood and may matter.
    pub warnings: Vec<String>,
}

impl HostConfig {
    /// Reads the files named by `which` for the host called `alias`. `user` is the login name the caller
    /// demands, which `Match user` and `%r` see. Blocks on file access.
    ///
    /// # Errors
    /// One sentence, when a file named by the caller cannot be read.
    pub fn read(which: &SshConfigUse, alias: &str, user: Option<&str>, home: &Path) -> Result<Self, String> {
        let mut reader = Reader::new(alias, user, home);
        let own = home.join(".ssh");
        match which {
            SshConfigUse::None => {}
            SshConfigUse::Path(path) => {
                let text =
                    fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
                reader.text(&text, path, &own, 0);
            }
            SshConfigUse::Default => {
                reader.file(&own.join("config"), &own, 0);
                reader.active = true;
                reader.file(Path::new("/etc/ssh/ssh_config"), Path::new("/etc/ssh"), 0);
            }
        }
        Ok(reader.finish())
    }

    /// The same from a text, for tests and for hosts without files.
    pub fn parse(text: &str, alias: &str, user: Option<&str>, home: &Path) -> Self {
        let mut reader = Reader::new(alias, user, home);
        reader.text(text.as_bytes(), Path::new("ssh_config"), &home.join(".ssh"), 0);
        reader.finish()
    }
}

/// Goes through the files from top to bottom; the first value of a setting wins.
struct Reader<'a> {
    alias: &'a str,
    user: Option<&'a str>,
    home: &'a Path,
    config: HostConfig,
    raw: HashMap<&'static str, Vec<String>>,
    active: bool,
}

/// Settings of which the first value wins.
const SINGLE: &[&str] = &[
    "connecttimeout",
    "globalknownhostsfile",
    "hostkeyalias",
    "hostname",
    "identitiesonly",
    "identityagent",
    "port",
    "proxycommand",
    "proxyjump",
    "stricthostkeychecking",
    "user",
    "userknownhostsfile",
];

/// Settings of which every value counts.
const MULTIPLE: &[&str] = &["certificatefile", "identityfile"];

/// Settings that make no difference to how this program connects.
const IRRELEVANT: &[&str] = &[
    "addkeystoagent",
    "addressfamily",
    "batchmode",
    "checkhostip",
    "clearallforwardings",
    "compression",
    "connectionattempts",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "escapechar",
    "exitonforwardfailure",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "gssapikeyexchange",
    "hashknownhosts",
    "ignoreunknown",
    "ipqos",
    "kbdinteractiveauthentication",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "permitlocalcommand",
    "permitremoteopen",
    "remoteforward",
    "rekeylimit",
    "requesttty",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "sessiontype",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "syslogfacility",
    "tcpkeepalive",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "usekeychain",
    "verifyhostkeydns",
    "visualhostkey",
    "xauthlocation",
];

impl<'a> Reader<'a> {
    fn new(alias: &'a str, user: Option<&'a str>, home: &'a Path) -> Self {
        let (config, raw) = (HostConfig::default(), HashMap::new());
        Self { alias, user, home, config, raw, active: true }
    }

    /// A missing file is an empty one.
    fn file(&mut self, path: &Path, base: &Path, depth: usize) {
        match fs::read(path) {
            Ok(text) => self.text(&text, path, base, depth),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => self.warn(format!("{} cannot be read: {error}", path.display())),
        }
    }

    fn text(&mut self, text: &[u8], path: &Path, base: &Path, depth: usize) {
        for (index, line) in String::from_utf8_lossy(text).lines().enumerate() {
            let place = format!("{}:{}", path.display(), index + 1);
            match Line::parse(line) {
                Ok(Some(line)) => self.line(line, &place, base, depth),
                Ok(None) => {}
                Err(reason) => self.warn(format!("{place}: {reason}")),
            }
        }
    }

    fn line(&mut self, line: Line, place: &str, base: &Path, depth: usize) {
        let Line { keyword, values } = line;
        match keyword.as_str() {
            "host" => self.active = patterns_match(values.iter().map(String::as_str), self.alias),
            "match" => self.active = self.matches(&values, place),
            _ if !self.active => {}
            "include" if depth >= MAX_DEPTH => self.warn(format!("{place}: Include nests too deep")),
            "include" => {
                for pattern in &values {
                    let pattern = base.join(self.tilde(pattern));
                    for path in expand_glob(&pattern) {
                        self.file(&path, base, depth + 1);
                        self.active = true;
                    }
                }
            }
            _ => self.setting(&keyword, values, place),
        }
    }

    fn setting(&mut self, keyword: &str, values: Vec<String>, place: &str) {
        if values.is_empty() {
            return self.warn(format!("{place}: {keyword} without a value"));
        }
        if let Some(name) = SINGLE.iter().find(|name| **name == keyword) {
            self.raw.entry(name).or_insert(values);
        } else if let Some(name) = MULTIPLE.iter().find(|name| **name == keyword) {
            self.raw.entry(name).or_default().extend(values.into_iter().take(1));
        } else if !IRRELEVANT.contains(&keyword) {
            self.warn(format!("{place}: {keyword} is not supported and was ignored"));
        }
    }

    /// Whether all criteria of a `Match` line hold. One that is not understood does not.
    fn matches(&mut self, criteria: &[String], place: &str) -> bool {
        let mut words = criteria.iter();
        let mut holds = !criteria.is_empty();
        while let Some(word) = words.next() {
            let negated = word.strip_prefix('!');
            let name = negated.unwrap_or(word).to_ascii_lowercase();
            let subject = match name.as_str() {
                "all" => {
                    holds &= negated.is_none();
                    continue;
                }
                "host" => Some(self.first("hostname").unwrap_or(self.alias).to_owned()),
                "originalhost" => Some(self.alias.to_owned()),
                "user" => self.user.or(self.first("user")).map(str::to_owned).or_else(local_user),
                "localuser" => local_user(),
                _ => {
                    self.warn(format!("{place}: `Match {name}` is not supported; its block was skipped"));
                    return false;
                }
            };
            let Some(list) = words.next() else {
                self.warn(format!("{place}: `Match {name}` without a pattern; its block was skipped"));
                return false;
            };
            let found = subject.is_some_and(|subject| patterns_match(list.split(','), &subject));
            holds &= found != negated.is_some();
        }
        holds
    }

    fn finish(mut self) -> HostConfig {
        let host_name = self.first("hostname").map(|name| name.replace("%%", "%").replace("%h", self.alias));
        let mut tokens = Tokens {
            home: self.home,
            alias: self.alias.to_owned(),
            host: host_name.clone().unwrap_or_else(|| self.alias.to_owned()),
            port: "22".to_owned(),
            user: self.user.or(self.first("user")).map(str::to_owned).or_else(local_user),
        };
        self.config.host_name = host_name;
        self.config.host_key_alias = self.first("hostkeyalias").map(str::to_owned);
        self.config.user = self.first("user").map(str::to_owned);
        self.config.port = self.checked("port", |text| text.parse().ok().filter(|port| *port != 0));
        if let Some(port) = self.config.port {
            tokens.port = port.to_string();
        }
        self.config.identities_only = self.checked("identitiesonly", yes_or_no);
        self.config.host_key_policy = self.checked("stricthostkeychecking", policy);
        self.config.connect_timeout = self.checked("connecttimeout", seconds);
        // The list may be written with blanks.
        self.config.proxy_jump = self.raw.get("proxyjump").map(|hops| {
            let hops = hops.concat();
            let hops = hops.split(',').filter(|hop| !hop.is_empty() && !hop.eq_ignore_ascii_case("none"));
            hops.map(|hop| tokens.fill(hop).0).collect()
        });
        if let Some(command) = self.raw.get("proxycommand")
            && command.first().is_none_or(|word| !word.eq_ignore_ascii_case("none"))
        {
            self.warn("ProxyCommand is not supported and was ignored; use ProxyJump".to_owned());
        }
        self.config.identity_files = self.paths("identityfile", &tokens).unwrap_or_default();
        self.config.certificate_files = self.paths("certificatefile", &tokens).unwrap_or_default();
        self.config.user_known_hosts_files = self.paths("userknownhostsfile", &tokens);
        self.config.global_known_hosts_files = self.paths("globalknownhostsfile", &tokens);
        self.config.identity_agent = match self.first("identityagent") {
            None | Some("SSH_AUTH_SOCK") => None,
            Some(_) => self.paths("identityagent", &tokens).map(|paths| paths.into_iter().next()),
        };
        self.config
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.raw.get(name)?.first().map(String::as_str)
    }

    fn checked<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.first(name)?.to_owned();
        let value = read(&text);
        if value.is_none() {
            self.warn(format!("{name} cannot be {text:?}; it was ignored"));
        }
        value
    }

    /// The paths of a setting, `none` left out.
    fn paths(&mut self, name: &'static str, tokens: &Tokens<'_>) -> Option<Vec<PathBuf>> {
        let values = self.raw.get(name)?.clone();
        let mut paths = Vec::new();
        for value in values.iter().filter(|value| !value.eq_ignore_ascii_case("none")) {
            let (filled, unknown) = tokens.fill(value);
            if !unknown.is_empty() {
                self.warn(format!("{name} {value:?}: {} not supported; it was ignored", unknown.join(", ")));
                continue;
            }
            paths.push(self.tilde(&filled));
        }
        Some(paths)
    }

    fn tilde(&self, path: &str) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if path == "~" => self.home.to_owned(),
            None => PathBuf::from(path),
        }
    }

    fn warn(&mut self, warning: String) {
        self.config.warnings.push(warning);
    }
}

/// What `%h` and the like stand for.
struct Tokens<'a> {
    home: &'a Path,
    alias: String,
    host: String,
    port: String,
    user: Option<String>,
}

impl Tokens<'_> {
    /// The text with tokens and `${VARIABLES}` replaced, and those that could not be.
    fn fill(&self, text: &str) -> (String, Vec<String>) {
        let (mut filled, mut unknown) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(at) = rest.find(['%', '$']) {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            let mut letters = rest.chars();
            let token: String = match letters.next() {
                Some('%') => letters.next().map_or("%".into(), |letter| format!("%{letter}")),
                _ => {
                    rest.find('}').filter(|_| rest.starts_with("${")).map_or("$", |end| &rest[..=end]).into()
                }
            };
            rest = &rest[token.len()..];
            match self.value(&token) {
                Some(value) => filled.push_str(&value),
                None => unknown.push(token),
            }
        }
        filled.push_str(rest);
        (filled, unknown)
    }

    fn value(&self, token: &str) -> Option<String> {
        Some(match token {
            "%%" => "%".to_owned(),
            "%h" => self.host.clone(),
            "%n" => self.alias.clone(),
            "%p" => self.port.clone(),
            "%r" => self.user.clone()?,
            "%u" => local_user()?,
            "%d" => self.home.display().to_string(),
            "$" => "$".to_owned(),
            _ => std::env::var(token.strip_prefix("${")?.strip_suffix('}')?).ok()?,
        })
    }
}

/// Whether `name` fits one of the patterns and none of the negated ones.
fn patterns_match<'p>(patterns: impl Iterator<Item = &'p str>, name: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if glob_matches(negated, name) => return false,
            Some(_) => {}
            None => found |= glob_matches(pattern, name),
        }
    }
    found
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// `ask` is strict: there is nobody to ask.
fn policy(text: &str) -> Option<HostKeyPolicy> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "ask" | "true" => Some(HostKeyPolicy::Strict),
        "accept-new" => Some(HostKeyPolicy::AcceptNew),
        "no" | "off" | "false" => Some(HostKeyPolicy::Off),
        _ => None,
    }
}

/// Seconds, or numbers with units as in `1m30s`.
fn seconds(text: &str) -> Option<Duration> {
    let (mut total, mut number) = (0u64, String::new());
    for letter in text.chars() {
        let factor = match letter.to_ascii_lowercase() {
            '0'..='9' => {
                number.push(letter);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            'w' => 7 * 86400,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        number.clear();
    }
    if !number.is_empty() {
        total = total.checked_add(number.parse().ok()?)?;
    }
    (total > 0).then(|| Duration::from_secs(total))
}

/// The name of the user this program runs as.
pub(super) fn local_user() -> Option<String> {
    let named =
        ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    named.or_else(account_name)
}

/// From the password file, where no variable says it (services, containers).
#[cfg(unix)]
fn account_name() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let account = accounts.lines().find(|line| line.split(':').nth(2) == Some(&uid))?;
    account.split(':').next().map(str::to_owned)
}

#[cfg(not(unix))]
fn account_name() -> Option<String> {
    std::env::var("USERNAME").ok()
}

#[cfg(test)]
#[path = "ssh_config_tests.rs"]
mod tests;
