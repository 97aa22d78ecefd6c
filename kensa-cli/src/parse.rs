//! Argument values that are more than text.

use std::time::Duration;

use kensa::{Platform, Severity};

/// `KEY=VALUE`; the value may be empty and may hold further `=`.
pub(crate) fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, e.g. banner_text='Authorised use only'".to_owned()),
    }
}

/// `name`, `name=true` or `name=false`.
pub(crate) fn capability(text: &str) -> Result<(String, bool), String> {
    let (name, present) = match text.split_once('=') {
        None => (text, true),
        Some((name, "true")) => (name, true),
        Some((name, "false")) => (name, false),
        Some(_) => return Err("write NAME, NAME=true or NAME=false".to_owned()),
    };
    if name.is_empty() { Err("the name is empty".to_owned()) } else { Ok((name.to_owned(), present)) }
}

/// `rhel:9.4`, `rhel9` or `ubuntu`: os-release's ID and VERSION_ID.
pub(crate) fn platform(text: &str) -> Result<Platform, String> {
    let (id, version) = match text.split_once(':') {
        Some(parts) => parts,
        None => text.split_at(text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len())),
    };
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let digits = version.is_empty() || version.starts_with(|c: char| c.is_ascii_digit());
    if id.is_empty() || !id.chars().all(known) || !version.chars().all(known) || !digits {
        return Err("write an os-release ID and version, e.g. rhel9, rhel:9.4, ubuntu:24.04".to_owned());
    }
    Ok(Platform::new(id, version))
}

/// A severity by name.
pub(crate) fn severity(text: &str) -> Result<Severity, String> {
    let names = || Severity::ALL.map(Severity::name).join(", ");
    Severity::from_name(text).ok_or_else(|| format!("severities are {}", names()))
}

/// A time span: seconds, or a number with `ms`, `s`, `m` or `h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time span, e.g. 90, 30s, 5m, 1h".to_owned();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let span = Duration::from_millis(number.checked_mul(millis).ok_or_else(wrong)?);
    if span.is_zero() { Err("a limit of nothing leaves no time at all".to_owned()) } else { Ok(span) }
}

/// What `--host` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
}

/// `host` or `user@host`.
pub(crate) fn host(text: &str) -> Result<HostName, String> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, text),
    };
    // A name that begins with a dash would be an option to programs it is handed to.
    let wrong = |word: &str| word.is_empty() || word.starts_with('-') || word.contains(char::is_whitespace);
    if wrong(host) || user.as_deref().is_some_and(wrong) {
        return Err("write HOST or USER@HOST; the port goes to --port".to_owned());
    }
    Ok(HostName { user, host: host.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_keep_everything_after_the_first_equals_sign() {
        assert_eq!(variable("a=b=c d"), Ok(("a".to_owned(), "b=c d".to_owned())));
        assert_eq!(variable("a="), Ok(("a".to_owned(), String::new())));
        assert!(variable("a").is_err() && variable("=b").is_err());
    }

    #[test]
    fn a_capability_is_present_unless_it_says_otherwise() {
        assert_eq!(capability("selinux"), Ok(("selinux".to_owned(), true)));
        assert_eq!(capability("selinux=false"), Ok(("selinux".to_owned(), false)));
        assert!(capability("selinux=no").is_err() && capability("=true").is_err());
    }

    #[test]
    fn a_platform_has_two_spellings() {
        assert_eq!(platform("rhel9"), Ok(Platform::new("rhel", "9")));
        assert_eq!(platform("rocky:9.4"), Ok(Platform::new("rocky", "9.4")));
        assert_eq!(platform("ubuntu24.04").map(|p| p.key()), Ok("ubuntu24".to_owned()));
        assert_eq!(platform("opensuse-leap:15.6").map(|p| p.major), Ok(15));
        assert_eq!(platform("arch").map(|p| p.major), Ok(0));
        for wrong in ["", ":9", "9", "rhel:nine", "rh el9", "rhel:"] {
            assert!(wrong == "rhel:" || platform(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn time_spans_are_seconds_unless_they_have_a_unit() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for wrong in ["", "0", "0s", "5 m", "-1", "1d", "99999999999999999h", "m"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_cannot_be_an_option() {
        let name =
            |user: Option<&str>| Ok(HostName { user: user.map(str::to_owned), host: "web1".to_owned() });
        assert_eq!(host("web1"), name(None));
        assert_eq!(host("audit@web1"), name(Some("audit")));
        assert_eq!(host("a@corp@web1"), name(Some("a@corp")));
        for wrong in ["", "-oProxyCommand=x", "a@", "@b", "a@-b", "web 1"] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }
}
