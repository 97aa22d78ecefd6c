//! Signing with a key held here.

use std::sync::Arc;

use russh::keys::agent::AgentIdentity;
use russh::keys::signature::Signer as _;
use russh::keys::ssh_encoding::Encode;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{HashAlg, PrivateKey};

use super::gate;

/// A key held here. Unlike russh's own way it signs off the async threads, one signature per core at a time:
/// an RSA signature takes up to 20 ms of CPU.
pub(super) struct LocalSigner(pub(super) Arc<PrivateKey>);

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignError {
    #[error("the connection was closed")]
    Closed,
    #[error("signing failed: {0}")]
    Failed(String),
}

impl From<russh::SendError> for SignError {
    fn from(_: russh::SendError) -> Self {
        Self::Closed
    }
}

impl russh::Signer for LocalSigner {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        _: &AgentIdentity,
        hash: Option<HashAlg>,
        to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, SignError> {
        let key = Arc::clone(&self.0);
        let _core = gate::core().await;
        let signing = tokio::task::spawn_blocking(move || append_signature(&key, hash, to_sign));
        signing.await.map_err(|error| SignError::Failed(error.to_string()))?
    }
}

/// The data followed by its signature as a string.
fn append_signature(
    key: &PrivateKey,
    hash: Option<HashAlg>,
    mut data: Vec<u8>,
) -> Result<Vec<u8>, SignError> {
    let failed = |error: &dyn std::fmt::Display| SignError::Failed(error.to_string());
    let signature = match key.key_data() {
        KeypairData::Rsa(pair) => (pair, hash).try_sign(&data),
        _ => key.try_sign(&data),
    };
    let mut encoded = Vec::new();
    signature.map_err(|e| failed(&e))?.encode(&mut encoded).map_err(|e| failed(&e))?;
    encoded.encode(&mut data).map_err(|e| failed(&e))?;
    Ok(data)
}
