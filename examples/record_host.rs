//! Records a host for the tests: `record_host NAME ADDRESS PORT USER KEY` writes `tests/hosts/NAME.json`.
//!
//! Asks everything detection and the rules ask, under sudo. The answers hold the host's configuration, so record
//! hosts made for tests only; password hashes are left out.

#[path = "../tests/hosts/mod.rs"]
mod hosts;

use std::sync::Mutex;

use async_trait::async_trait;
use kensa::transport::{Ask, Transport};
use kensa::{
    Become, ConnectOptions, HostKeyPolicy, Probe, ScanOptions, Session, SessionOptions, SshConfigUse,
};

struct Recorder {
    session: Session,
    recorded: Mutex<hosts::Recorded>,
}

#[async_trait]
impl Transport for Recorder {
    fn host(&self) -> &str {
        self.session.host()
    }

    async fn ask(&self, ask: Ask<'_>, each: &mut (dyn FnMut(Probe, hosts::Answer) + Send)) {
        self.session
            .ask(ask, &mut |probe, answer| {
                if let Ok(mut recorded) = self.recorded.lock() {
                    recorded.answers.insert(probe.clone(), answer.clone());
                }
                each(probe, answer);
            })
            .await;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, address, port, user, key] = arguments.as_slice() else {
        return Err("usage: record_host NAME ADDRESS PORT USER KEY".into());
    };
    let target = ConnectOptions::new(address)
        .port(port.parse()?)
        .user(user)
        .key_path(key)
        .ssh_config(SshConfigUse::None)
        .host_key_policy(HostKeyPolicy::Off);
    let become_ = Become::Sudo { password: None };
    let session = Session::connect(target, become_, SessionOptions::default()).await?;
    let recorded = hosts::Recorded { name: name.clone(), ..Default::default() };
    let recorder = Recorder { session, recorded: Mutex::new(recorded) };
    kensa::scan(&recorder, &hosts::corpus(), &ScanOptions::default(), &mut |_| {}).await?;
    recorder.session.close().await;
    if let Ok(recorded) = recorder.recorded.lock() {
        recorded.save();
    }
    Ok(())
}
