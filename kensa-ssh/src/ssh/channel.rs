//! One channel of a connection as streams.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::gate::Lifeline;
use crate::link::{Exit, Streams};

/// What may lie unread in a stream before the connection has to wait for its reader.
const UNREAD: usize = 4 << 20;

/// How long the connection waits for a reader that takes nothing at all. Then the channel is closed: one stuck
/// reader must not stop the other channels.
const PATIENCE: Duration = Duration::from_secs(2);

/// What may be written ahead of the host's flow control.
const AHEAD: usize = 256 << 10;

/// Turns a channel on which a command was started into streams. The channel is read from here on whether
/// or not anybody reads the streams, and closed when stdout, stderr and exit are all dropped.
pub(super) fn streams(channel: Channel<Msg>, lifeline: Arc<Lifeline>) -> Streams {
    let (reading, writing) = channel.split();
    let writing = Arc::new(writing);
    let (stdin, stdin_end) = duplex(AHEAD);
    let (stdout_end, stdout) = duplex(UNREAD);
    let (stderr_end, stderr) = duplex(UNREAD);
    let (exit_sender, exit) = oneshot::channel();
    let (interest, lost_interest) = oneshot::channel();
    let interest = Arc::new(Interest(Some(interest)));

    let forward = tokio::spawn(forward_stdin(stdin_end, Arc::clone(&writing)));
    let pump = Pump {
        reading,
        writing,
        stdout: Some(stdout_end),
        stderr: Some(stderr_end),
        exit: Some(exit_sender),
        lifeline: Some(lifeline),
    };
    tokio::spawn(async move {
        pump.run(lost_interest).await;
        // No flow control comes from a closed channel: whoever still writes must be told.
        forward.abort();
    });

    let held = Arc::clone(&interest);
    let exit = async move {
        let exit = exit.await.unwrap_or(Exit::Lost);
        drop(held);
        exit
    };
    Streams {
        stdin: Box::new(stdin),
        stdout: Box::new(Output { inner: stdout, _interest: Arc::clone(&interest) }),
        stderr: Box::new(Output { inner: stderr, _interest: interest }),
        exit: exit.boxed(),
    }
}

/// Dropped with the last of the three ends that show what the command does.
struct Interest(Option<oneshot::Sender<()>>);

impl Drop for Interest {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _ = sender.send(());
        }
    }
}

/// An output stream of the command.
struct Output {
    inner: DuplexStream,
    _interest: Arc<Interest>,
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

/// Takes everything off the channel.
struct Pump {
    reading: ChannelReadHalf,
    writing: Arc<ChannelWriteHalf<Msg>>,
    /// `None` once nobody reads it or it ended.
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
    exit: Option<oneshot::Sender<Exit>>,
    /// Let go while closing: a host that is slow to close must not keep an unused connection open.
    lifeline: Option<Arc<Lifeline>>,
}

impl Pump {
    async fn run(mut self, mut lost_interest: oneshot::Receiver<()>) {
        let mut closing = false;
        loop {
            let message = tokio::select! {
                message = self.reading.wait() => message,
                _ = &mut lost_interest, if !closing => {
                    closing = true;
                    self.close().await;
                    continue;
                }
            };
            let kept_up = match message {
                None | Some(ChannelMsg::Close) => break,
                Some(ChannelMsg::Data { data }) => deliver(&mut self.stdout, &data).await,
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => deliver(&mut self.stderr, &data).await,
                Some(ChannelMsg::Eof) => {
                    (self.stdout, self.stderr) = (None, None);
                    true
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    self.ended(Exit::Status(i32::try_from(exit_status).unwrap_or(i32::MAX)));
                    true
                }
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.ended(Exit::Signal(name(&signal_name)));
                    true
                }
                // The host refused to start the command.
                Some(ChannelMsg::Failure) => false,
                Some(_) => true,
            };
            if !kept_up && !closing {
                closing = true;
                (self.stdout, self.stderr) = (None, None);
                self.ended(Exit::Lost);
                self.close().await;
            }
        }
        self.ended(Exit::Lost);
    }

    fn ended(&mut self, exit: Exit) {
        if let Some(sender) = self.exit.take() {
            let _ = sender.send(exit);
        }
    }

    /// Asks the host to close; what it still sends is taken and dropped.
    async fn close(&mut self) {
        self.lifeline = None;
        let _ = self.writing.close().await;
    }
}

/// Whether the reader kept up. A reader that is gone takes everything.
async fn deliver(stream: &mut Option<DuplexStream>, data: &[u8]) -> bool {
    let Some(open) = stream else { return true };
    match timeout(PATIENCE, open.write_all(data)).await {
        Ok(Ok(())) => true,
        Ok(Err(_)) => {
            *stream = None;
            true
        }
        Err(_) => {
            tracing::warn!("a command's output was not read; its channel is closed");
            false
        }
    }
}

async fn forward_stdin(mut stdin: DuplexStream, writing: Arc<ChannelWriteHalf<Msg>>) {
    let mut buffer = zeroize::Zeroizing::new(vec![0; 32 << 10]);
    loop {
        match stdin.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                if writing.data_bytes(buffer[..count].to_vec()).await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = writing.eof().await;
}

/// Without `SIG`, as in the protocol.
fn name(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        other => format!("{other:?}"),
    }
}
