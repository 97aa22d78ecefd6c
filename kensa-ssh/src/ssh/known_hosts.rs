//! The lines of known_hosts files, and what they say about a host's key.
//!
//! Keys are compared as blobs, so that types unknown to this program and comments make no difference.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The entries of some known_hosts files, in order.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    entries: Vec<Entry>,
}

/// One usable line.
#[derive(Clone, Debug)]
struct Entry {
    marker: Marker,
    hosts: Hosts,
    key: HostKey,
    /// `file:line`, for messages.
    place: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    CertAuthority,
}

#[derive(Clone, Debug)]
enum Hosts {
    /// Patterns in lower case; the flag says negated.
    Patterns(Vec<(bool, String)>),
    Hashed {
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

/// A public key as it travels: its type and its blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// The type named in the blob, e.g. `ssh-ed25519`; `ssh-rsa` for every RSA key.
    pub kind: String,
    /// The encoded key.
    pub blob: Vec<u8>,
}

/// What the known hosts say about a key a host shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// On record for this host.
    Known,
    /// Nothing is on record for this host.
    Unknown,
    /// Another key of this type is on record.
    Changed {
        /// Where.
        place: String,
    },
    /// Only keys of other types are on record.
    OtherTypes {
        /// Which.
        kinds: Vec<String>,
        /// Where the first one is.
        place: String,
    },
    /// The key is marked as revoked.
    Revoked {
        /// Where.
        place: String,
    },
}

impl KnownHosts {
    /// Adds the lines of `text`; `name` stands for the file in messages. Lines that say nothing
    /// usable are left out and returned with the reason.
    pub fn add_text(&mut self, name: &str, text: &[u8]) -> Vec<String> {
        let mut ignored = Vec::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = String::from_utf8_lossy(line);
            let place = format!("{name}:{}", index + 1);
            match Entry::parse(&line, &place) {
                Ok(Some(entry)) => self.entries.push(entry),
                Ok(None) => {}
                Err(reason) => ignored.push(format!("{place}: {reason}")),
            }
        }
        ignored
    }

    /// What is known about `key`, shown by `host` at `port`.
    pub fn find(&self, host: &str, port: u16, key: &HostKey) -> Finding {
        if let Some(place) = self.revoked(host, port, key) {
            return Finding::Revoked { place };
        }
        let name = lookup_name(host, port);
        let entries: Vec<&Entry> = self.matching(Marker::None, &name).collect();
        if entries.iter().any(|entry| entry.key == *key) {
            return Finding::Known;
        }
        if let Some(entry) = entries.iter().find(|entry| entry.key.kind == key.kind) {
            return Finding::Changed { place: entry.place.clone() };
        }
        if let Some(first) = entries.first() {
            let kinds = entries.iter().map(|entry| entry.key.kind.clone()).collect();
            return Finding::OtherTypes { kinds, place: first.place.clone() };
        }
        // A line without a port vouches for the host on every port, but does not speak against a key there.
        let plain = host.to_ascii_lowercase();
        if name != plain && self.matching(Marker::None, &plain).any(|entry| entry.key == *key) {
            return Finding::Known;
        }
        Finding::Unknown
    }

    /// The line that revokes `key` for this host.
    pub fn revoked(&self, host: &str, port: u16, key: &HostKey) -> Option<String> {
        let mut names = vec![lookup_name(host, port)];
        names.push(host.to_ascii_lowercase());
        let mut found = names.iter().flat_map(|name| self.matching(Marker::Revoked, name));
        found.find(|entry| entry.key == *key).map(|entry| entry.place.clone())
    }

    /// The certificate authorities trusted for this host.
    pub fn authorities(&self, host: &str, port: u16) -> Vec<HostKey> {
        let mut names = vec![lookup_name(host, port)];
        names.push(host.to_ascii_lowercase());
        names.dedup();
        let found = names.iter().flat_map(|name| self.matching(Marker::CertAuthority, name));
        found.map(|entry| entry.key.clone()).collect()
    }

    /// The types of the keys on record for this host, to prefer them when negotiating.
    pub fn kinds(&self, host: &str, port: u16) -> Vec<String> {
        let name = lookup_name(host, port);
        let kinds: Vec<String> =
            self.matching(Marker::None, &name).map(|entry| entry.key.kind.clone()).collect();
        if !kinds.is_empty() {
            return kinds;
        }
        let plain = host.to_ascii_lowercase();
        self.matching(Marker::None, &plain).map(|entry| entry.key.kind.clone()).collect()
    }

    fn matching<'a>(&'a self, marker: Marker, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.marker == marker && entry.hosts.matches(name))
    }
}

/// The name a host has in known_hosts: `host`, or `[host]:port` where the port is not 22.
pub fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

impl HostKey {
    /// From the encoded form.
    pub fn from_blob(blob: Vec<u8>) -> Option<Self> {
        let length = u32::from_be_bytes(blob.get(..4)?.try_into().ok()?);
        let kind = blob.get(4..)?.get(..usize::try_from(length).ok()?)?;
        let kind = str::from_utf8(kind).ok()?.to_owned();
        (!kind.is_empty() && kind.chars().all(|c| c.is_ascii_graphic())).then_some(Self { kind, blob })
    }

    /// From a line of a public key file: `type base64 [comment]`.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let kind = fields.next()?;
        let key = Self::from_blob(BASE64.decode(fields.next()?).ok()?)?;
        (key.kind == kind).then_some(key)
    }

    /// The line that puts this key on record under `name`.
    pub fn known_hosts_line(&self, name: &str) -> String {
        format!("{name} {} {}\n", self.kind, BASE64.encode(&self.blob))
    }
}

impl Entry {
    /// `None` for blank lines and comments.
    fn parse(line: &str, place: &str) -> Result<Option<Self>, String> {
        let mut fields = line.split_ascii_whitespace().peekable();
        let marker = match fields.peek() {
            None => return Ok(None),
            Some(first) if first.starts_with('#') => return Ok(None),
            Some(&"@revoked") => Marker::Revoked,
            Some(&"@cert-authority") => Marker::CertAuthority,
            Some(first) if first.starts_with('@') => return Err(format!("unknown marker {first}")),
            Some(_) => Marker::None,
        };
        if marker != Marker::None {
            fields.next();
        }
        let (Some(hosts), Some(kind), Some(encoded)) = (fields.next(), fields.next(), fields.next()) else {
            return Err("not `hosts type key`".to_owned());
        };
        let hosts = Hosts::parse(hosts).ok_or("a hashed name that cannot be read")?;
        let blob = BASE64.decode(encoded).map_err(|_| "a key that is not base64")?;
        let key = HostKey::from_blob(blob).ok_or("a key that cannot be read")?;
        if key.kind != kind {
            return Err(format!("type {kind}, but the key is of type {}", key.kind));
        }
        Ok(Some(Self { marker, hosts, key, place: place.to_owned() }))
    }
}

impl Hosts {
    fn parse(field: &str) -> Option<Self> {
        let Some(hashed) = field.strip_prefix("|1|") else {
            let patterns = field.split(',').filter(|part| !part.is_empty()).map(|part| {
                let negated = part.strip_prefix('!');
                (negated.is_some(), negated.unwrap_or(part).to_ascii_lowercase())
            });
            return Some(Self::Patterns(patterns.collect()));
        };
        let (salt, hash) = hashed.split_once('|')?;
        Some(Self::Hashed { salt: BASE64.decode(salt).ok()?, hash: BASE64.decode(hash).ok()? })
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Patterns(patterns) => {
                let hits = |negated: bool| {
                    patterns.iter().any(|(not, pattern)| *not == negated && glob_matches(pattern, name))
                };
                hits(false) && !hits(true)
            }
            Self::Hashed { salt, hash } => {
                let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else { return false };
                mac.update(name.as_bytes());
                mac.verify_slice(hash).is_ok()
            }
        }
    }
}

/// Whether `name` fits `pattern`, where `*` stands for any text and `?` for one character.
pub(super) fn glob_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` stands, and up to where it has swallowed the name: the only point to go back to.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(&c) if c == '?' || c == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((place, swallowed)) => {
                    star = Some((place, swallowed + 1));
                    at = place + 1;
                    from = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
