//! SSH servers that say what a host would say, and do nothing.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use russh::keys::load_secret_key;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey, run_stream};
use russh::{Channel, ChannelId};
use tokio::net::TcpListener;

/// Serves `count` ports until standard input ends; their numbers go to the file `ports`.
pub(crate) fn serve(folder: &Path, count: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let ports = runtime.block_on(start(&folder.join("host_key"), count));
    let lines: Vec<String> = ports.iter().map(u16::to_string).collect();
    std::fs::write(folder.join("ports"), lines.join("\n")).unwrap();
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Starts `count` servers in this runtime; their ports.
pub(crate) async fn start(host_key: &Path, count: usize) -> Vec<u16> {
    let key = load_secret_key(host_key, None).unwrap();
    let config = Arc::new(Config { keys: vec![key], nodelay: true, ..Config::default() });
    let mut ports = Vec::new();
    for _ in 0..count {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ports.push(listener.local_addr().unwrap().port());
        let config = Arc::clone(&config);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let config = Arc::clone(&config);
                tokio::spawn(async move {
                    if let Ok(session) = run_stream(config, stream, Server::default()).await {
                        drop(session.await);
                    }
                });
            }
        });
    }
    ports
}

/// One connection.
#[derive(Default)]
struct Server {
    shells: HashMap<ChannelId, Shell>,
}

/// What a shell was told and has not acted on yet.
#[derive(Default)]
struct Shell {
    nonce: String,
    text: String,
}

impl Handler for Server {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        self.shells.insert(channel, Shell::default());
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(shell) = self.shells.get_mut(&channel) else { return Ok(()) };
        shell.text.push_str(&String::from_utf8_lossy(data));
        let [output, error] = shell.answers();
        if !output.is_empty() {
            session.data(channel, output.into_bytes())?;
        }
        if !error.is_empty() {
            session.extended_data(channel, 1, error.into_bytes())?;
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.shells.remove(&channel);
        session.exit_status_request(channel, 0)?;
        session.close(channel)
    }
}

impl Shell {
    /// Standard output and standard error for every whole line told so far.
    fn answers(&mut self) -> [String; 2] {
        let mut answers = [String::new(), String::new()];
        let [output, error] = &mut answers;
        while let Some(end) = self.text.find('\n') {
            let line: String = self.text.drain(..=end).collect();
            if let Some((_, nonce)) = line.split_once("printf '\\n").filter(|_| line.contains(" H %d %s")) {
                self.nonce = nonce.split(' ').next().unwrap_or_default().to_owned();
                output.push_str(&format!("\n{} H 7 0\n", self.nonce));
                error.push_str(&format!("\n{} H\n", self.nonce));
            } else if let Some((command, seq)) = line.trim_end().rsplit_once(";__kz ") {
                let known = command.split_once("echo kensa-").and_then(|(_, rest)| rest.split_once('\''));
                let (said, complained, status) = match known {
                    Some((name, _)) => (format!("kensa-{name}\n"), "", 0),
                    None => (String::new(), "sh: 1: not found\n", 127),
                };
                output.push_str(&format!("{said}\n{} {seq} {status}\n", self.nonce));
                error.push_str(&format!("{complained}\n{} {seq}\n", self.nonce));
            }
        }
        answers
    }
}
