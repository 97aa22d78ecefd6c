//! Keys held by an SSH agent.

use russh::keys::agent::client::AgentClient;
use russh::keys::agent::{AgentIdentity, AgentSessionBinding};
use russh::keys::{Certificate, HashAlg, PublicKey};

use super::credentials::Agent;
use super::sign::SignError;

#[cfg(unix)]
type Stream = tokio::net::UnixStream;
#[cfg(not(unix))]
type Stream = tokio::io::DuplexStream;

/// A connection to an agent; one for each login, since signing needs it alone.
pub(super) struct AgentKeys {
    client: AgentClient<Stream>,
    /// The identities that are certificates in the agent; other certificates are signed by the plain key.
    certificates: Vec<Certificate>,
}

/// A key the agent holds.
pub(super) struct HeldKey {
    pub(super) name: String,
    pub(super) public: PublicKey,
    pub(super) certificate: Option<Certificate>,
}

impl AgentKeys {
    /// Asks the agent for its keys, the wanted ones first. The error is a note for a failed login.
    pub(super) async fn open(
        wanted: &Agent,
        binding: Option<&AgentSessionBinding>,
    ) -> Result<(Self, Vec<HeldKey>), String> {
        let socket = wanted.socket.display();
        let mut client =
            connect(wanted).await.map_err(|e| format!("the agent {socket} did not answer: {e}"))?;
        // Agents older than this extension refuse it, which does no harm.
        if let Some(binding) = binding {
            let _ = client.bind_session(binding, false).await;
        }
        let identities =
            client.request_identities().await.map_err(|e| format!("the agent {socket} gave no keys: {e}"))?;
        let mut keys = Vec::new();
        let mut certificates = Vec::new();
        for identity in identities {
            let public = identity.public_key().into_owned();
            let name = format!("the agent's key {:?}", identity.comment());
            let certificate = match identity {
                AgentIdentity::Certificate { certificate, .. } => Some(certificate),
                AgentIdentity::PublicKey { .. } => None,
            };
            certificates.extend(certificate.clone());
            keys.push(HeldKey { name, public, certificate });
        }
        let rank = |key: &HeldKey| wanted.preferred.iter().position(|data| data == key.public.key_data());
        if wanted.exclusive {
            keys.retain(|key| rank(key).is_some());
        }
        keys.sort_by_key(|key| (rank(key).unwrap_or(usize::MAX), key.certificate.is_none()));
        keys.dedup_by(|later, first| later.public.key_data() == first.public.key_data());
        Ok((Self { client, certificates }, keys))
    }
}

#[cfg(unix)]
async fn connect(wanted: &Agent) -> Result<AgentClient<Stream>, russh::keys::Error> {
    AgentClient::connect_uds(&wanted.socket).await
}

#[cfg(not(unix))]
async fn connect(_: &Agent) -> Result<AgentClient<Stream>, russh::keys::Error> {
    Err(russh::keys::Error::BadAuthSock)
}

impl russh::Signer for AgentKeys {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        key: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let signed = match key {
            AgentIdentity::Certificate { certificate, .. } if !self.certificates.contains(certificate) => {
                let plain = AgentIdentity::from(key.public_key().into_owned());
                self.client.sign_request(&plain, hash, to_sign).await
            }
            _ => self.client.sign_request(key, hash, to_sign).await,
        };
        signed.map_err(|error| SignError::Failed(format!("the agent: {error}")))
    }
}
