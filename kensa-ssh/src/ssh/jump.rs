//! Passing through other hosts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Connection;
use super::options::ConnectOptions;
use crate::error::ConnectError;

/// `[user@]host[:port]`. The hop gets everything that gives no secret away to it: not the password, which
/// is for another machine.
pub(super) fn parse_jump(spec: &str, target: &ConnectOptions) -> Option<ConnectOptions> {
    let spec = spec.strip_prefix("ssh://").unwrap_or(spec).trim_end_matches('/');
    let (user, rest) = match spec.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, spec),
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None if rest.matches(':').count() == 1 => {
            let (host, port) = rest.split_once(':')?;
            (host, Some(port))
        }
        None => (rest, None),
    };
    let port = match port {
        Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port != 0)?),
        None => None,
    };
    if host.is_empty() || user.as_ref().is_some_and(String::is_empty) {
        return None;
    }
    let mut hop = target.clone();
    (hop.host, hop.port, hop.user) = (host.to_owned(), port, user);
    (hop.proxy_jump, hop.pinned_host_key) = (Some(Vec::new()), None);
    if hop.passphrase.is_none() && !hop.keys.is_empty() {
        // The text may be the key's passphrase; as a login password it is for the target only.
        hop.passphrase = hop.password.take();
    }
    hop.password = None;
    Some(hop)
}

/// The error of a host on the way as one of the host itself.
pub(super) fn through(named: &str, error: &ConnectError) -> ConnectError {
    ConnectError::new(error.reason, named, format!("the jump host {} failed: {}", error.host, error.message))
}

/// A stream through another connection, which lives at least as long as the stream.
pub(super) struct Nested<S> {
    pub(super) inner: S,
    pub(super) _via: Arc<Connection>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Nested<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Nested<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (String, Option<u16>, Option<String>);

    fn parts(spec: &str) -> Option<Parts> {
        let hop = parse_jump(spec, &ConnectOptions::new("target").user("bob").port(2222))?;
        Some((hop.host, hop.port, hop.user))
    }

    #[test]
    fn every_way_to_write_a_jump_host() {
        let of =
            |host: &str, port, user: Option<&str>| Some((host.to_owned(), port, user.map(str::to_owned)));
        assert_eq!(parts("first"), of("first", None, None));
        assert_eq!(parts("al@first:23"), of("first", Some(23), Some("al")));
        assert_eq!(parts("al@corp@first"), of("first", None, Some("al@corp")));
        assert_eq!(parts("[::1]:23"), of("::1", Some(23), None));
        assert_eq!(parts("fe80::1"), of("fe80::1", None, None));
        assert_eq!(parts("ssh://al@first:23/"), of("first", Some(23), Some("al")));
        for odd in ["", "@first", "first:", "first:0", "first:x", "first:99999", "[::1"] {
            assert_eq!(parts(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn r32_a_jump_host_never_gets_the_password_or_the_pin() {
        let target = ConnectOptions::new("target").password("hunter2").pinned_host_key("SHA256:x");
        let hop = parse_jump("first", &target).unwrap();
        assert!(hop.password.is_none() && hop.passphrase.is_none() && hop.pinned_host_key.is_none());
        let with_key = parse_jump("first", &target.key_path("key")).unwrap();
        assert!(with_key.password.is_none() && with_key.passphrase.is_some() && with_key.keys.len() == 1);
    }
}
