//! A transport supplied by the Python program: commands are handed to Python and answered from there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kensa::{RanCommand, RunCommand, RunError};

use crate::task::Shared;

/// Exit status, stdout and stderr; or the kind of failure and its text.
pub(crate) type Reply = Result<(i32, Vec<u8>, Vec<u8>), (String, String)>;

/// What the transport's attributes of the same names say.
#[derive(Clone, Copy)]
pub(crate) struct Habits {
    pub(crate) takes_scripts: bool,
    pub(crate) bare_commands: bool,
    pub(crate) single_questions: bool,
}

/// Hands commands to the Python side of one task.
pub(crate) struct Supplied {
    pub(crate) host: String,
    pub(crate) habits: Habits,
    pub(crate) shared: Arc<Shared>,
}

#[async_trait]
impl RunCommand for Supplied {
    fn host(&self) -> &str {
        &self.host
    }

    async fn run(&self, command: &str, timeout: Duration) -> Result<RanCommand, RunError> {
        let (id, reply) = self.shared.request(command, timeout);
        let waiting = Waiting { id, shared: &self.shared };
        let reply = reply.await;
        drop(waiting);
        match reply {
            Ok(Ok((exit_code, stdout, stderr))) => Ok(RanCommand { exit_code, stdout, stderr }),
            Ok(Err((kind, message))) => Err(match kind.as_str() {
                "lost" => RunError::ConnectionLost(message),
                "timeout" => RunError::TimedOut(message),
                _ => RunError::Other(message),
            }),
            Err(_) => Err(RunError::Other("the scan was ended".to_owned())),
        }
    }

    fn takes_scripts(&self) -> bool {
        self.habits.takes_scripts
    }

    fn wants_bare_commands(&self) -> bool {
        self.habits.bare_commands
    }

    fn wants_single_questions(&self) -> bool {
        self.habits.single_questions
    }
}

/// Withdraws the request when the engine stops waiting for it.
struct Waiting<'a> {
    id: u64,
    shared: &'a Shared,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.withdraw(self.id);
    }
}
