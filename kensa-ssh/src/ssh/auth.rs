//! Logging in: which credential is offered when, and what a refusal means.

use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, KeyboardInteractiveAuthResponse as Reply};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PublicKey};
use tokio::time::timeout;

use super::agent::AgentKeys;
use super::connection::Connection;
use super::credentials::MAX_KEYS;
use super::sign::LocalSigner;
use super::target::Target;
use crate::error::{ConnectError, ConnectReason};

/// Logs in with the target's credentials: keys, then the password, each offered once.
pub(super) async fn log_in(connection: &mut Connection, target: &Target) -> Result<(), ConnectError> {
    let mut login = Login { connection, target, methods: None, refused: Vec::new(), notes: Vec::new() };
    match timeout(target.limit, login.run()).await {
        Ok(result) => result,
        Err(_) => {
            let message = format!(
                "the host did not decide on the login of {} within {} s",
                target.user,
                target.limit.as_secs_f32()
            );
            Err(target.error(ConnectReason::Timeout, message))
        }
    }
}

struct Login<'a> {
    connection: &'a mut Connection,
    target: &'a Target,
    /// What the host is willing to try next; `None` before it said so.
    methods: Option<Vec<MethodKind>>,
    /// What was offered and refused, in words.
    refused: Vec<String>,
    notes: Vec<String>,
}

/// A key to offer.
struct Offer {
    name: String,
    public: PublicKey,
    certificate: Option<Certificate>,
    /// `None` where the agent holds it.
    key: Option<Arc<PrivateKey>>,
}

/// What became of one attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    In,
    /// Accepted, but the host wants more.
    Partly,
    Refused,
}

impl Login<'_> {
    async fn run(&mut self) -> Result<(), ConnectError> {
        let target = self.target;
        self.notes.extend(target.credentials.notes.iter().cloned());
        let (mut agent, offers) = self.offers().await;
        if offers.is_empty() {
            // Asking for nothing tells what the host takes, and spares a password it would not look at.
            let asked = self.connection.handle.authenticate_none(&target.user).await;
            if self.step("no credential", asked)? == Step::In {
                return Ok(());
            }
            self.refused.clear();
        }
        for offer in &offers {
            if !self.takes(MethodKind::PublicKey) {
                self.refused.push(format!("{} (keys are not taken)", offer.name));
                continue;
            }
            if self.offer_key(offer, agent.as_mut()).await? == Step::In {
                return Ok(());
            }
        }
        if self.password().await? == Step::In { Ok(()) } else { Err(self.failure()) }
    }

    /// The keys to offer, never more than [`MAX_KEYS`].
    async fn offers(&mut self) -> (Option<AgentKeys>, Vec<Offer>) {
        let credentials = &self.target.credentials;
        let files = credentials.keys.iter().map(|key| Offer {
            name: key.name.clone(),
            public: key.key.public_key().clone(),
            certificate: key.certificate.clone(),
            key: Some(Arc::clone(&key.key)),
        });
        let mut files: Vec<Offer> = files.collect();
        let mut agent = None;
        let mut held = Vec::new();
        if let Some(wanted) = &credentials.agent {
            match AgentKeys::open(wanted, self.connection.handle.agent_session_binding()).await {
                Ok((open, keys)) => {
                    agent = Some(open);
                    held = keys;
                }
                Err(note) => self.notes.push(note),
            }
        }
        let certified = |public: &KeyData| {
            let mut own = credentials.certificates.iter();
            own.find(|certificate| certificate.public_key() == public).cloned()
        };
        held.retain(|key| !files.iter().any(|file| file.public.key_data() == key.public.key_data()));
        let held: Vec<Offer> = held
            .into_iter()
            .map(|key| Offer {
                certificate: key.certificate.or_else(|| certified(key.public.key_data())),
                name: key.name,
                public: key.public,
                key: None,
            })
            .collect();
        // With both sources the first of each has the better chance than two of one.
        let mut offers = Vec::new();
        let mut held = held.into_iter();
        offers.extend(held.next());
        if files.is_empty() {
            offers.extend(held.next());
        }
        let room = MAX_KEYS - offers.len();
        let rest = held.len() + files.len().saturating_sub(room);
        offers.extend(files.drain(..).take(room));
        if rest > 0 {
            self.notes.push(format!("{rest} more keys were not offered; name the right one"));
        }
        (agent, offers)
    }

    async fn offer_key(
        &mut self,
        offer: &Offer,
        mut agent: Option<&mut AgentKeys>,
    ) -> Result<Step, ConnectError> {
        let hashes = self.hashes(offer).await;
        let fingerprint = offer.public.fingerprint(HashAlg::Sha256);
        let mut certificates = vec![offer.certificate.clone(), None];
        certificates.dedup_by(|one, other| one.is_none() && other.is_none());
        let mut step = Step::Refused;
        for certificate in certificates {
            for hash in &hashes {
                let what = match &certificate {
                    Some(certificate) => {
                        format!("{} with certificate {:?}", offer.name, certificate.key_id())
                    }
                    None => format!("{} ({fingerprint})", offer.name),
                };
                let tried = match (&offer.key, agent.as_deref_mut()) {
                    (Some(key), _) => {
                        let mut signer = LocalSigner(Arc::clone(key));
                        self.sign_in(offer, certificate.clone(), *hash, &mut signer).await
                    }
                    (None, Some(agent)) => self.sign_in(offer, certificate.clone(), *hash, agent).await,
                    (None, None) => continue,
                };
                step = match tried {
                    Ok(result) => self.step(&what, Ok(result))?,
                    Err(fault) => {
                        self.refused.push(format!("{what}: {fault}"));
                        Step::Refused
                    }
                };
                if step != Step::Refused || !self.takes(MethodKind::PublicKey) {
                    return Ok(step);
                }
            }
        }
        Ok(step)
    }

    async fn sign_in<S: russh::Signer>(
        &mut self,
        offer: &Offer,
        certificate: Option<Certificate>,
        hash: Option<HashAlg>,
        signer: &mut S,
    ) -> Result<AuthResult, S::Error> {
        let (handle, user) = (&mut self.connection.handle, &self.target.user);
        match certificate {
            Some(certificate) => handle.authenticate_certificate_with(user, certificate, hash, signer).await,
            None => handle.authenticate_publickey_with(user, offer.public.clone(), hash, signer).await,
        }
    }

    /// The signature hashes to try: one, except for RSA where legacy algorithms are allowed.
    async fn hashes(&mut self, offer: &Offer) -> Vec<Option<HashAlg>> {
        if !matches!(offer.public.algorithm(), Algorithm::Rsa { .. }) {
            return vec![None];
        }
        let legacy = self.target.options.legacy_algorithms;
        match self.connection.handle.best_supported_rsa_hash().await {
            // Some servers announce what they do not accept.
            Ok(Some(Some(hash))) if legacy => vec![Some(hash), None],
            Ok(Some(Some(hash))) => vec![Some(hash)],
            Ok(Some(None)) if legacy => vec![None],
            Ok(Some(None)) => {
                self.refused.push(format!(
                    "{}: the host knows only SHA-1 signatures; allow legacy algorithms or use another key",
                    offer.name
                ));
                Vec::new()
            }
            Ok(None) | Err(_) if legacy => vec![Some(HashAlg::Sha256), None],
            Ok(None) | Err(_) => vec![Some(HashAlg::Sha256)],
        }
    }

    /// Sends the password at most once, by the one method or the other.
    async fn password(&mut self) -> Result<Step, ConnectError> {
        let Some(password) = &self.target.credentials.password else { return Ok(Step::Refused) };
        if self.takes(MethodKind::Password) {
            let user = &self.target.user;
            let tried = self.connection.handle.authenticate_password(user, password.reveal()).await;
            return self.step("the password", tried);
        }
        if self.takes(MethodKind::KeyboardInteractive) {
            return self.keyboard_interactive().await;
        }
        self.refused.push("the password (the host takes none)".to_owned());
        Ok(Step::Refused)
    }

    /// Answers one hidden question with the password. Everything else is left unanswered: a second question
    /// is about something else, or the password was wrong.
    async fn keyboard_interactive(&mut self) -> Result<Step, ConnectError> {
        let Some(password) = &self.target.credentials.password else { return Ok(Step::Refused) };
        let handle = &mut self.connection.handle;
        let mut reply = handle.authenticate_keyboard_interactive_start(&self.target.user, None).await;
        let mut sent = false;
        loop {
            match reply {
                Ok(Reply::Success) => return self.step("the password", Ok(AuthResult::Success)),
                Ok(Reply::Failure { remaining_methods, partial_success }) => {
                    let failed = AuthResult::Failure { remaining_methods, partial_success };
                    return self.step("the password", Ok(failed));
                }
                Ok(Reply::InfoRequest { prompts, .. }) => {
                    let questions: Vec<&str> = prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
                    let fits = matches!(&*prompts, [only] if !only.echo && !sent);
                    if !prompts.is_empty() && !fits {
                        let which = if sent { "after the password the host asks" } else { "the host asks" };
                        self.refused.push(format!(
                            "{which} {:?}, which cannot be answered (wrong or expired password, or a second \
                             factor)",
                            questions.join(" ")
                        ));
                        return Err(self.failure());
                    }
                    let answers = prompts.iter().map(|_| password.reveal().to_owned()).collect();
                    sent |= fits;
                    let handle = &mut self.connection.handle;
                    reply = handle.authenticate_keyboard_interactive_respond(answers).await;
                }
                Err(error) => return self.step("the password", Err(error)),
            }
        }
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(&method))
    }

    fn step(&mut self, what: &str, result: Result<AuthResult, russh::Error>) -> Result<Step, ConnectError> {
        match result {
            Ok(AuthResult::Success) => {
                tracing::debug!(host = %self.target.label, user = %self.target.user, "logged in by {what}");
                Ok(Step::In)
            }
            Ok(AuthResult::Failure { remaining_methods, partial_success })
                if !remaining_methods.is_empty() =>
            {
                self.methods = Some(remaining_methods.to_vec());
                if partial_success {
                    self.notes.push(format!("{what} was accepted, but the host wants a further proof"));
                    return Ok(Step::Partly);
                }
                self.refused.push(what.to_owned());
                Ok(Step::Refused)
            }
            // An empty list and an error both mean that the connection is gone.
            _ => {
                self.refused.push(what.to_owned());
                Err(self.failure())
            }
        }
    }

    fn failure(&self) -> ConnectError {
        let user = &self.target.user;
        let connection = &self.connection;
        if connection.is_broken() {
            let why = connection.farewell().unwrap_or_default();
            let message = format!("the connection was lost during the login of {user}: {why}; try again");
            return self.target.error(ConnectReason::Closed, message);
        }
        let mut message = match &*self.refused {
            [] => format!("no usable key, agent or password was found for the login as {user}"),
            refused => format!("the host refused the login as {user} with {}", refused.join(", ")),
        };
        match connection.farewell() {
            Some(farewell) => message.push_str(&format!("; it closed the connection with {farewell}")),
            None if connection.handle.is_closed() => {
                message.push_str("; it closed the connection without a word (account locked or expired?)");
            }
            None => {}
        }
        if let Some(methods) = &self.methods {
            let names: Vec<&str> = methods.iter().map(Into::into).collect();
            message.push_str(&format!("; it takes {}", names.join(", ")));
        }
        for note in &self.notes {
            message.push_str(&format!("; {note}"));
        }
        self.target.error(ConnectReason::AuthFailed, message)
    }
}
