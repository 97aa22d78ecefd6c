//! What a caller may say about a connection.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use crate::secret::Secret;

/// How to reach one host and log in there. Everything but the host has a default.
///
/// What is set here wins over the ssh_config file. Shown with `{:?}`, it holds no secret.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) keys: Vec<KeySource>,
    pub(crate) passphrase: Option<Secret>,
    pub(crate) certificates: Vec<CertificateSource>,
    pub(crate) use_agent: Option<bool>,
    pub(crate) agent_socket: Option<PathBuf>,
    pub(crate) identities_only: Option<bool>,
    pub(crate) host_key_policy: Option<HostKeyPolicy>,
    pub(crate) pinned_host_key: Option<String>,
    pub(crate) known_hosts: Option<Vec<PathBuf>>,
    pub(crate) trusted_authorities: Vec<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) keepalive_interval: Duration,
    pub(crate) keepalive_max: usize,
    pub(crate) rekey_after: Option<usize>,
    pub(crate) proxy_jump: Option<Vec<Jump>>,
    pub(crate) ssh_config: SshConfigUse,
    pub(crate) fips_algorithms: bool,
    pub(crate) legacy_algorithms: bool,
    pub(crate) strict_kex_required: bool,
}

static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&SEED);
}

impl ConnectOptions {
    /// Options for `host`: a name, an address, or an alias of the ssh_config file.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            user: None,
            password: None,
            keys: Vec::new(),
            passphrase: None,
            certificates: Vec::new(),
            use_agent: None,
            agent_socket: None,
            identities_only: None,
            host_key_policy: None,
            pinned_host_key: None,
            known_hosts: None,
            trusted_authorities: Vec::new(),
            connect_timeout: None,
            keepalive_interval: Duration::from_secs(5),
            keepalive_max: 3,
            rekey_after: None,
            proxy_jump: None,
            ssh_config: SshConfigUse::Default,
            fips_algorithms: false,
            legacy_algorithms: false,
            strict_kex_required: false,
        }
    }

    /// The port; without it ssh_config's `Port`, else 22.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The login name; without it ssh_config's `User`, else the name of the running user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// A number that is equal for options with the same login name and password within one process, and tells
    /// nothing else about them; `None` without a password. It lets a fleet stop using a password that was refused.
    pub fn password_identity(&self) -> Option<u64> {
        let password = self.password.as_ref()?;
        Some(SEED.hash_one((&self.user, password.reveal())))
    }

    /// The host as it was named.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The login password. With an encrypted key and no passphrase it is tried as the key's passphrase
    /// first, and a text that unlocked a key is never sent to the host.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// A private key file. It is read once, while connecting. At most two keys are offered to a host.
    pub fn key_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.keys.push(KeySource::File(path.into()));
        self
    }

    /// A private key as text: OpenSSH, PEM (RSA, EC) or PKCS#8.
    pub fn key_data(mut self, text: impl Into<Secret>) -> Self {
        self.keys.push(KeySource::Text(text.into()));
        self
    }

    /// The passphrase of the private key.
    pub fn passphrase(mut self, passphrase: impl Into<Secret>) -> Self {
        self.passphrase = Some(passphrase.into());
        self
    }

    /// A file with an OpenSSH user certificate for the key. `<key>-cert.pub` is found without it.
    pub fn certificate_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates.push(CertificateSource::File(path.into()));
        self
    }

    /// An OpenSSH user certificate as text (one line of a `-cert.pub` file).
    pub fn certificate_data(mut self, text: impl Into<String>) -> Self {
        self.certificates.push(CertificateSource::Text(text.into()));
        self
    }

    /// Whether to ask the agent at `SSH_AUTH_SOCK`. Default: only when neither key nor password is given.
    pub fn use_agent(mut self, yes: bool) -> Self {
        self.use_agent = Some(yes);
        self
    }

    /// The agent's socket, in place of `SSH_AUTH_SOCK`.
    pub fn agent_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.agent_socket = Some(path.into());
        self
    }

    /// Whether the agent may only offer keys named here or in ssh_config.
    pub fn identities_only(mut self, yes: bool) -> Self {
        self.identities_only = Some(yes);
        self
    }

    /// What to do about the host's key; without it ssh_config's `StrictHostKeyChecking`, else accept-new.
    pub fn host_key_policy(mut self, policy: HostKeyPolicy) -> Self {
        self.host_key_policy = Some(policy);
        self
    }

    /// The only host key to accept, as `SHA256:…`. No known_hosts file is then asked, whatever the policy.
    pub fn pinned_host_key(mut self, fingerprint: impl Into<String>) -> Self {
        self.pinned_host_key = Some(fingerprint.into());
        self
    }

    /// The known_hosts files in place of the default ones; new keys are written to the first.
    /// An empty list means that keys are remembered in memory only.
    pub fn known_hosts<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.known_hosts = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// A certificate authority (one public key line) whose host certificates are trusted for this host.
    pub fn trusted_authority(mut self, public_key: impl Into<String>) -> Self {
        self.trusted_authorities.push(public_key.into());
        self
    }

    /// The limit for each of TCP connect, handshake and login; without it ssh_config's `ConnectTimeout`,
    /// else 30 seconds.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = Some(limit);
        self
    }

    /// How long the line may be silent before the host is asked for a sign of life, and how many unanswered
    /// questions end the connection. Default: 5 seconds, 3.
    pub fn keepalive(mut self, interval: Duration, max: usize) -> Self {
        self.keepalive_interval = interval;
        self.keepalive_max = max;
        self
    }

    /// After how many bytes in either direction new session keys are agreed on. Default: 1 GiB; the host may do so
    /// earlier at any time.
    pub fn rekey_after(mut self, bytes: usize) -> Self {
        self.rekey_after = Some(bytes);
        self
    }

    /// Hosts to pass through, first one first, as `[user@]host[:port]`. They get the same keys, agent and
    /// policy as the host itself, but never its password. An empty list overrides ssh_config's `ProxyJump`.
    pub fn proxy_jump<S: Into<String>>(mut self, hops: impl IntoIterator<Item = S>) -> Self {
        let hops = hops.into_iter().map(|hop| Jump::Spec(hop.into()));
        self.proxy_jump.get_or_insert_default().extend(hops);
        self
    }

    /// One more host to pass through, with options of its own.
    pub fn jump_through(mut self, hop: ConnectOptions) -> Self {
        self.proxy_jump.get_or_insert_default().push(Jump::Options(Box::new(hop)));
        self
    }

    /// Which ssh_config file to read.
    pub fn ssh_config(mut self, which: SshConfigUse) -> Self {
        self.ssh_config = which;
        self
    }

    /// Restricts the algorithms to those of FIPS 140 (NIST curves, AES, SHA-2).
    pub fn fips_algorithms(mut self, yes: bool) -> Self {
        self.fips_algorithms = yes;
        self
    }

    /// Also allows what very old servers need: SHA-1 signatures and MACs, group14-sha1, AES-CBC.
    pub fn legacy_algorithms(mut self, yes: bool) -> Self {
        self.legacy_algorithms = yes;
        self
    }

    /// Refuses hosts without the strict key exchange extension (the protection against Terrapin).
    pub fn strict_kex_required(mut self, yes: bool) -> Self {
        self.strict_kex_required = yes;
        self
    }
}

/// What to do about a host's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Only known keys.
    Strict,
    /// Known keys; the key of a host never seen is remembered.
    #[default]
    AcceptNew,
    /// Any key that is not revoked: no protection against a false host.
    Off,
}

/// Which ssh_config file to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SshConfigUse {
    /// `~/.ssh/config`, then `/etc/ssh/ssh_config`; each may be missing.
    #[default]
    Default,
    /// This file, which must be readable.
    Path(PathBuf),
    /// None.
    None,
}

/// Where a private key comes from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    File(PathBuf),
    Text(Secret),
}

/// Where a user certificate comes from.
#[derive(Clone, Debug)]
pub(crate) enum CertificateSource {
    File(PathBuf),
    Text(String),
}

/// A host to pass through.
#[derive(Clone, Debug)]
pub(crate) enum Jump {
    Spec(String),
    Options(Box<ConnectOptions>),
}
