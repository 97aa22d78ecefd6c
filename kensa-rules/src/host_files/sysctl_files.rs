//! Kernel parameters that are set at boot (sysctl.d(5)).
//!
//! systemd-sysctl(8) does not read `/etc/sysctl.conf`; where a distribution means the file to count, a link such as
//! `/etc/sysctl.d/99-sysctl.conf` leads to it, and its place in the order is that of the link.

use kensa_core::{CouldNotTell, Outputs, Probe, Source};

use super::dropins::Dropins;
use super::pattern;

const SYSCTL_D: Dropins<'static> = Dropins {
    dirs: &[
        "/etc/sysctl.d",
        "/run/sysctl.d",
        "/usr/local/lib/sysctl.d",
        "/usr/lib/sysctl.d",
        "/lib/sysctl.d",
    ],
    pattern: "*.conf",
};
/// The first wave; the same for every key.
pub(crate) fn probes() -> Vec<Probe> {
    SYSCTL_D.probes()
}

/// The second wave.
pub(crate) fn follow_up(got: &Outputs) -> Vec<Probe> {
    SYSCTL_D.follow_up(got)
}

/// The value `key` is set to at boot and where. The last line wins; one that names the key outweighs one
/// with a pattern.
pub(crate) fn boot_value(got: &Outputs, key: &str) -> Result<Option<(String, Source)>, CouldNotTell> {
    let texts = SYSCTL_D.texts(got)?;
    let key = dotted(key);
    let (mut named, mut patterned) = (None, None);
    for (path, text) in &texts {
        for (line, number) in text.lines().zip(1_u32..) {
            let line = line.trim();
            let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) else {
                continue;
            };
            let name = dotted(name.trim().trim_start_matches('-'));
            let found =
                || Some((kernel_value(value).to_owned(), Source { path: path.clone(), line: Some(number) }));
            if name == key {
                named = found();
            } else if pattern::matches(&name, &key) {
                patterned = found();
            }
        }
    }
    Ok(named.or(patterned))
}

/// The value as the kernel takes it: what follows a number, such as a comment, is not looked at.
fn kernel_value(value: &str) -> &str {
    let value = value.trim();
    match value.split_once(char::is_whitespace) {
        Some((number, rest)) if number.parse::<i64>().is_ok() && rest.trim_start().starts_with('#') => number,
        _ => value,
    }
}

/// The key with dots between its parts; where the first separator is a slash, dots belong to the parts.
fn dotted(key: &str) -> String {
    match key.find(['/', '.']).map(|at| &key[at..=at]) {
        Some("/") => key
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect(),
        _ => key.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{dotted, kernel_value};

    #[test]
    fn a_comment_behind_a_number_is_no_part_of_it() {
        assert_eq!(kernel_value(" 1 # on"), "1");
        assert_eq!(kernel_value("|/bin/false # none"), "|/bin/false # none");
        assert_eq!(kernel_value("4096 87380"), "4096 87380");
    }

    #[test]
    fn both_spellings_of_a_key() {
        assert_eq!(dotted("net/ipv4/conf/eth0.1/rp_filter"), "net.ipv4.conf.eth0/1.rp_filter");
        assert_eq!(dotted("net.ipv4.conf.eth0/1.rp_filter"), "net.ipv4.conf.eth0/1.rp_filter");
    }
}
