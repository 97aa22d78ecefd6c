//! How probes reach a host.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::output::{Answer, Fault, Outputs};
use crate::probe::Probe;
use crate::remedy::Action;

/// One request to a [`Transport`].
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The probes to answer; equal ones may occur and are asked once.
    pub probes: &'a [Probe],
    /// When to give up; what is unanswered then is answered with a fault.
    pub deadline: Option<Instant>,
}

/// How long it took until a host could be asked. What a transport does not know is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Reaching the host: TCP, jump hosts, key exchange, the host's key.
    pub connect: Duration,
    /// Logging in.
    pub login: Duration,
    /// Starting the shell and becoming root in it.
    pub shell: Duration,
}

/// A way to ask a host. It can only ask: a scan takes a `Transport` and so cannot write.
///
/// Dropping the future of [`Transport::ask`] cancels it: the transport stops what runs on the host.
#[async_trait]
pub trait Transport: Send + Sync {
    /// The host's name for people and results.
    fn host(&self) -> &str;

    /// What a reader of the results has to know about how the host was reached, one sentence each: that its key was
    /// not checked, for one.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Answers every distinct probe exactly once, in any order, by calling `each`. A probe that cannot be
    /// answered gets a [`Fault`]; nothing is left out.
    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, Answer) + Send));

    /// What it took to get here.
    fn opening(&self) -> Opening {
        Opening::default()
    }

    /// Answers all `probes` and returns the answers together.
    async fn ask_all(&self, probes: &[Probe]) -> Outputs {
        let mut outputs = Outputs::new();
        self.ask(Ask { probes, deadline: None }, &mut |probe, answer| outputs.insert(probe, answer)).await;
        outputs
    }
}

/// A transport that may also change the host. Remediation demands it.
#[async_trait]
pub trait WritableTransport: Transport {
    /// Performs `actions` in order and stops at the first that fails. One result per action tried.
    async fn act(&self, actions: &[Action]) -> Vec<Result<(), Fault>>;
}
