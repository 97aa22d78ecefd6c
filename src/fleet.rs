//! Many hosts in one call.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use kensa_core::ScanReport;
use kensa_rules::load::Corpus;
use kensa_ssh::ssh::ConnectOptions;
use kensa_ssh::{Become, ConnectError, ConnectReason, Session, SessionOptions};
use tokio::sync::Mutex;

use crate::engine::{Error, ScanOptions, scan};

/// One host of a fleet and how to enter it.
#[derive(Clone, Debug)]
pub struct Target {
    /// How to reach it and log in.
    pub connect: ConnectOptions,
    /// How commands become root's.
    pub become_: Become,
    /// Limits of its session.
    pub session: SessionOptions,
}

impl Target {
    /// A host entered with `connect`, as the user that logs in and with default limits.
    pub fn new(connect: ConnectOptions) -> Self {
        Self { connect, become_: Become::None, session: SessionOptions::default() }
    }
}

/// What became of one host.
#[derive(Debug)]
pub struct HostScan {
    /// Its place in the list of targets.
    pub index: usize,
    /// The host as its target names it.
    pub host: String,
    /// Its report, or why there is none.
    pub outcome: Result<ScanReport, FleetError>,
}

/// Why a host of a fleet has no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FleetError {
    /// It could not be reached or entered.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The scan could not be started.
    #[error(transparent)]
    Scan(#[from] Error),
}

/// How often a connection the server dropped before it said a word is tried again: sshd does that to a part of
/// the newcomers while too many are logging in (`MaxStartups`, sshd_config(5)).
const TRIES: u32 = 4;
/// The pause before the second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// Scans every target with the same rules, at most `concurrency` at a time (at least one), and yields each host as
/// it settles. One host's failure is its own; dropping the stream stops everything.
///
/// A password is tried on one host first. If it is refused there, no other host is tried with it; if it is
/// accepted, the hosts that share it are entered side by side.
///
/// Needs a tokio runtime.
pub fn scan_many(
    targets: impl IntoIterator<Item = Target>,
    corpus: Arc<Corpus>,
    options: ScanOptions,
    concurrency: usize,
) -> impl Stream<Item = HostScan> {
    let targets: Vec<Target> = targets.into_iter().collect();
    let passwords = Arc::new(Passwords::of(&targets));
    let options = Arc::new(options);
    stream::iter(targets.into_iter().enumerate())
        .map(move |(index, target)| {
            let (corpus, options, passwords) =
                (Arc::clone(&corpus), Arc::clone(&options), Arc::clone(&passwords));
            async move {
                let host = target.connect.host().to_owned();
                let outcome = one(index, target, &corpus, &options, &passwords).await;
                HostScan { index, host, outcome }
            }
        })
        .buffer_unordered(concurrency.max(1))
}

async fn one(
    index: usize,
    target: Target,
    corpus: &Corpus,
    options: &ScanOptions,
    passwords: &Passwords,
) -> Result<ScanReport, FleetError> {
    let session = passwords.guard(&target.connect, enter(index, &target)).await?;
    let report = scan(&session, corpus, options, &mut |_| {}).await;
    session.close().await;
    Ok(report?)
}

async fn enter(index: usize, target: &Target) -> Result<Session, ConnectError> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match Session::connect(target.connect.clone(), target.become_.clone(), target.session.clone()).await {
            Err(error) if error.reason == ConnectReason::Closed => {
                // Spread by the target's place, so that those dropped together do not come back together.
                let spread = Duration::from_millis((index as u64).wrapping_mul(37) % 100);
                tokio::time::sleep(pause + spread).await;
                pause *= 2;
            }
            settled => return settled,
        }
    }
    Session::connect(target.connect.clone(), target.become_.clone(), target.session.clone()).await
}

/// What is known about each password of the fleet.
struct Passwords(HashMap<u64, Mutex<Proof>>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Proof {
    Untried,
    Accepted,
    /// Refused by this host.
    Refused(String),
}

impl Passwords {
    fn of(targets: &[Target]) -> Self {
        let identities = targets.iter().filter_map(|target| target.connect.password_identity());
        Self(identities.map(|identity| (identity, Mutex::new(Proof::Untried))).collect())
    }

    /// Runs `login` unless its password was refused before. While nothing is known about the password, one
    /// login at a time finds out.
    async fn guard(
        &self,
        connect: &ConnectOptions,
        login: impl Future<Output = Result<Session, ConnectError>>,
    ) -> Result<Session, ConnectError> {
        let Some(known) = connect.password_identity().and_then(|identity| self.0.get(&identity)) else {
            return login.await;
        };
        let mut proof = known.lock().await;
        match &*proof {
            Proof::Accepted => {
                drop(proof);
                login.await
            }
            Proof::Refused(by) => {
                let message = format!("not tried: {by} refused the same user and password");
                Err(ConnectError::new(ConnectReason::AuthFailed, connect.host(), message))
            }
            Proof::Untried => {
                let outcome = login.await;
                match &outcome {
                    Ok(_) => *proof = Proof::Accepted,
                    Err(error)
                        if matches!(error.reason, ConnectReason::AuthFailed | ConnectReason::SudoDenied) =>
                    {
                        *proof = Proof::Refused(connect.host().to_owned());
                    }
                    Err(_) => {}
                }
                outcome
            }
        }
    }
}
