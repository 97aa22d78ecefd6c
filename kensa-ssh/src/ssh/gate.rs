//! The stream below an SSH connection: it can be cut from outside, it fails when nothing can be written for too
//! long, and it lets only as many costly key exchanges run at once as there are processor cores.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use russh::kex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Sleep, sleep};

/// A permit for each core: classic Diffie-Hellman takes up to a second of CPU and would hold up everything
/// else on the runtime.
static CORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Arc::new(Semaphore::new(cores))
});

/// See [`crate::prepare`].
pub(super) fn prepare() {
    LazyLock::force(&CORES);
}

/// Waits for a core for something costly.
pub(super) async fn core() -> Option<OwnedSemaphorePermit> {
    CORES.clone().acquire_owned().await.ok()
}

/// Holds a connection open; when it is cut or dropped, the stream ends.
#[derive(Debug)]
pub(super) struct Lifeline(Mutex<Option<oneshot::Sender<()>>>);

impl Lifeline {
    /// Ends the stream, whoever else still holds it.
    pub(super) fn cut(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Ends the wait for others once the key exchange is over.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

impl Turn {
    /// Lets the next one have its turn.
    pub(super) fn over(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

type Acquiring = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// A stream that is cut when its [`Lifeline`] goes.
pub(super) struct Gated<S> {
    inner: S,
    cut: oneshot::Receiver<()>,
    is_cut: bool,
    offered: Vec<kex::Name>,
    state: State,
    turn: Turn,
    /// How long a write may wait; zero is for ever. While russh waits to write, it sends no keepalive, so a link
    /// that dies under an upload would never be noticed.
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

enum State {
    /// What the host said so far, until its key exchange proposal is complete.
    Watching(Vec<u8>),
    /// The proposal leads to a costly exchange: it waits here for a core.
    Waiting {
        held: Vec<u8>,
        acquiring: Acquiring,
    },
    /// Bytes that did not fit the reader's buffer.
    Delivering {
        held: Vec<u8>,
        from: usize,
    },
    Open,
}

impl<S> Gated<S> {
    /// `offered` is the order of key exchanges this side proposes, `patience` how long a write may wait (zero:
    /// for ever).
    pub(super) fn new(inner: S, offered: Vec<kex::Name>, patience: Duration) -> (Self, Lifeline, Turn) {
        let (lifeline, cut) = oneshot::channel();
        let turn = Turn::default();
        let state = State::Watching(Vec::new());
        let turned = turn.clone();
        let gated = Self { inner, cut, is_cut: false, offered, state, turn: turned, patience, stalled: None };
        (gated, Lifeline(Mutex::new(Some(lifeline))), turn)
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> bool {
        self.is_cut = self.is_cut || Pin::new(&mut self.cut).poll(context).is_ready();
        self.is_cut
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Open => return Pin::new(&mut this.inner).poll_read(context, buffer),
                State::Delivering { held, from } => {
                    let count = buffer.remaining().min(held.len() - *from);
                    buffer.put_slice(&held[*from..*from + count]);
                    *from += count;
                    if *from == held.len() {
                        this.state = State::Open;
                    }
                    return Poll::Ready(Ok(()));
                }
                State::Waiting { held, acquiring } => {
                    let permit = ready!(acquiring.as_mut().poll(context));
                    *this.turn.0.lock().unwrap_or_else(PoisonError::into_inner) = permit.ok();
                    this.state = State::Delivering { held: std::mem::take(held), from: 0 };
                }
                State::Watching(seen) => {
                    let before = buffer.filled().len();
                    ready!(Pin::new(&mut this.inner).poll_read(context, buffer))?;
                    let fresh = &buffer.filled()[before..];
                    seen.extend_from_slice(fresh);
                    match is_costly(seen, &this.offered) {
                        None => {}
                        Some(true) if !fresh.is_empty() => {
                            let held = fresh.to_vec();
                            buffer.set_filled(before);
                            let acquiring = Box::pin(CORES.clone().acquire_owned());
                            this.state = State::Waiting { held, acquiring };
                            continue;
                        }
                        Some(_) => this.state = State::Open,
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let this = &mut *self;
        let written = Pin::new(&mut this.inner).poll_write(context, data);
        if written.is_ready() || this.patience.is_zero() {
            this.stalled = None;
            return written;
        }
        let patience = this.patience;
        let stalled = this.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Whether the exchange that follows from the host's proposal is classic Diffie-Hellman; `None` until the
/// proposal is complete. What is not understood is not costly.
fn is_costly(seen: &[u8], offered: &[kex::Name]) -> Option<bool> {
    /// Identification and proposal are far smaller.
    const LIMIT: usize = 64 * 1024;
    if seen.len() > LIMIT {
        return Some(false);
    }
    // Other lines may come before the identification.
    let start = seen
        .windows(4)
        .enumerate()
        .find(|(at, four)| *four == b"SSH-" && (*at == 0 || seen.get(at.wrapping_sub(1)) == Some(&b'\n')))?;
    let rest = &seen[start.0..];
    let packet = rest.get(rest.iter().position(|&byte| byte == b'\n')? + 1..)?;
    // Length (4), padding length (1), message number (1), cookie (16), then the list of exchanges.
    if *packet.get(5)? != 20 {
        return Some(false);
    }
    let length = u32::from_be_bytes(packet.get(22..26)?.try_into().ok()?);
    let list = packet.get(26..)?.get(..usize::try_from(length).ok()?)?;
    let theirs: Vec<&[u8]> = list.split(|&byte| byte == b',').collect();
    let chosen = offered.iter().map(AsRef::<str>::as_ref).find(|name| theirs.contains(&name.as_bytes()));
    Some(chosen.is_some_and(|name| name.starts_with("diffie-hellman-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERED: &[kex::Name] = &[kex::CURVE25519, kex::DH_G14_SHA256];

    fn proposal(list: &str) -> Vec<u8> {
        let mut bytes = b"welcome\r\nSSH-2.0-test\r\n".to_vec();
        bytes.extend([0, 0, 1, 0, 4, 20]);
        bytes.extend([7; 16]);
        bytes.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
        bytes.extend(list.bytes());
        bytes
    }

    #[test]
    fn only_classic_exchanges_are_costly_and_only_once_the_proposal_is_complete() {
        let costly = proposal("unknown,diffie-hellman-group14-sha256");
        for end in 0..costly.len() {
            assert_eq!(is_costly(&costly[..end], OFFERED), None, "{end}");
        }
        assert_eq!(is_costly(&costly, OFFERED), Some(true));
        let cheap = proposal("diffie-hellman-group14-sha256,curve25519-sha256");
        assert_eq!(is_costly(&cheap, OFFERED), Some(false));
        assert_eq!(is_costly(&proposal("nothing known"), OFFERED), Some(false));
        assert_eq!(is_costly(&vec![b'x'; 70_000], OFFERED), Some(false));
    }

    #[tokio::test]
    async fn the_stream_ends_when_the_lifeline_goes() {
        use tokio::io::AsyncReadExt;
        let (ours, _theirs) = tokio::io::duplex(64);
        let (mut gated, lifeline, _) = Gated::new(ours, OFFERED.to_vec(), Duration::ZERO);
        let reading = tokio::spawn(async move { gated.read_u8().await });
        tokio::task::yield_now().await;
        drop(lifeline);
        let ended = tokio::time::timeout(Duration::from_secs(5), reading).await.unwrap();
        assert_eq!(ended.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test]
    async fn a_costly_exchange_waits_for_its_turn_and_loses_no_byte() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let all = CORES.available_permits();
        let taken = CORES.clone().acquire_many_owned(u32::try_from(all).unwrap()).await.unwrap();
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let (mut gated, _lifeline, turn) = Gated::new(ours, OFFERED.to_vec(), Duration::ZERO);
        let sent = proposal("diffie-hellman-group14-sha256");
        theirs.write_all(&sent).await.unwrap();
        let mut read = vec![0; sent.len()];
        let wait = Duration::from_millis(100);
        assert!(tokio::time::timeout(wait, gated.read_exact(&mut read)).await.is_err());
        drop(taken);
        gated.read_exact(&mut read).await.unwrap();
        assert_eq!(read, sent);
        assert_eq!(CORES.available_permits(), all - 1);
        turn.over();
        assert_eq!(CORES.available_permits(), all);
    }

    #[tokio::test]
    async fn a_write_that_gets_nowhere_fails_and_a_slow_one_does_not() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (ours, mut theirs) = tokio::io::duplex(10);
        let (mut gated, _lifeline, _) = Gated::new(ours, OFFERED.to_vec(), Duration::from_millis(200));
        let slow = tokio::spawn(async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                theirs.read_exact(&mut [0; 10]).await.unwrap();
            }
            theirs
        });
        gated.write_all(&[0; 100]).await.unwrap();
        let _theirs = slow.await.unwrap();
        let error = gated.write_all(&[0; 100]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
