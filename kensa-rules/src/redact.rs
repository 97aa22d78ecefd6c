//! Secrets are taken out where evidence is made; nothing downstream ever sees them.
//!
//! What is masked: password fields of shadow files, crypt(3) and GRUB password hashes anywhere, PEM private
//! keys, and values of settings whose name says that they are secret. The algorithm prefix of a hash stays
//! (`$y$`), so that an auditor still sees which one is in use.

use std::borrow::Cow;
use std::sync::LazyLock;

use kensa_core::Probe;
use regex::{Captures, Regex};

/// What stands where a secret was.
pub const MARK: &str = "[redacted]";

/// A text and whether anything was masked in it.
pub struct Redacted {
    /// The text, safe to store.
    pub text: String,
    /// Whether it differs from what was given.
    pub changed: bool,
}

/// Masks secrets in what `probe` printed.
pub fn output(probe: &Probe, text: &str) -> Redacted {
    let fields = if holds_fields(probe) { Cow::Owned(shadow_fields(text)) } else { Cow::Borrowed(text) };
    let masked = self::text(&fields);
    Redacted { changed: masked.changed || *fields != *text, text: masked.text }
}

/// Whether `probe` reads a file whose second fields are secrets, whatever they look like.
pub(crate) fn holds_fields(probe: &Probe) -> bool {
    probe.path().is_some_and(|path| {
        let name = path.rsplit('/').next().unwrap_or_default().trim_end_matches('-');
        matches!(name, "shadow" | "gshadow" | "opasswd")
    })
}

/// Masks secrets in any text.
pub fn text(text: &str) -> Redacted {
    match masked(text) {
        Cow::Borrowed(same) => Redacted { text: same.to_owned(), changed: false },
        Cow::Owned(masked) => Redacted { changed: masked != text, text: masked },
    }
}

fn masked(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    if !SUSPICIOUS.is_match(text) {
        return out;
    }
    if text.contains('$') || text.contains("grub.pbkdf2") {
        let kind = |found: &Captures<'_>| format!("{}{MARK}", &found["kind"]);
        replace(&mut out, |text| HASH.replace_all(text, kind));
    }
    if text.contains("PRIVATE KEY") {
        replace(&mut out, |text| PRIVATE_KEY.replace_all(text, format!("${{head}}{MARK}${{tail}}")));
    }
    replace(&mut out, settings);
    out
}

/// Masks the values of secret settings. Name and value stand in one line, and few lines have such a name: the
/// costly pattern sees only these.
fn settings(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    while let Some(name) = SECRET_NAME.find_at(text, done) {
        let start = text[..name.start()].rfind('\n').map_or(0, |end| end + 1);
        let end = text[name.end()..].find('\n').map_or(text.len(), |length| name.end() + length);
        out.push_str(&text[done..start]);
        out.push_str(&SECRET_SETTING.replace_all(&text[start..end], |found: &Captures<'_>| {
            let harmless = HARMLESS.is_match(&found["value"]) || found["value"].starts_with(MARK);
            if harmless { found[0].to_owned() } else { format!("{}{MARK}", &found["name"]) }
        }));
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

fn replace(out: &mut Cow<'_, str>, by: impl FnOnce(&str) -> Cow<'_, str>) {
    if let Cow::Owned(changed) = by(out) {
        *out = Cow::Owned(changed);
    }
}

/// Masks the second field of every line that holds more than a lock mark.
fn shadow_fields(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let Some((name, rest)) = line.split_once(':') else {
            out.push_str(line);
            continue;
        };
        let (field, tail) = match rest.split_once(':') {
            Some((field, _)) => (field, &rest[field.len()..]),
            None => (rest.trim_end_matches('\n'), if rest.ends_with('\n') { "\n" } else { "" }),
        };
        let hash = field.trim_start_matches(['!', '*']);
        let locks = &field[..field.len() - hash.len()];
        let kind =
            HASH.captures(hash).map_or("", |found| found.name("kind").map_or("", |kind| kind.as_str()));
        out.push_str(name);
        out.push(':');
        out.push_str(locks);
        if !matches!(hash, "" | "x") {
            out.push_str(kind);
            out.push_str(MARK);
        }
        out.push_str(tail);
    }
    out
}

/// Compiles one of the patterns below; they are constants, so this cannot fail at run time.
fn pattern(text: &str) -> Regex {
    #[allow(clippy::expect_used, reason = "the patterns are constants and a test compiles each")]
    Regex::new(text).expect("a valid pattern")
}

/// See [`crate::prepare`].
pub(crate) fn prepare() {
    LazyLock::force(&SECRET_NAME);
    LazyLock::force(&SUSPICIOUS);
    LazyLock::force(&HASH);
    LazyLock::force(&PRIVATE_KEY);
    LazyLock::force(&SECRET_SETTING);
    LazyLock::force(&HARMLESS);
}

/// What no secret goes without; most texts hold none of it and are looked through once.
static SUSPICIOUS: LazyLock<Regex> =
    LazyLock::new(|| pattern(&format!(r"\$|grub\.pbkdf2|PRIVATE KEY|{}", SECRET_NAME.as_str())));
static HASH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<kind>\$(?:1|2[abxy]|5|6|7|y|gy|sha1|md5|bcrypt-sha256|argon2[id]{1,2})\$|grub\.pbkdf2\.sha\d+\.)[./A-Za-z0-9$,=+-]{8,}",
    )
});
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?s)(?P<head>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----).*?(?P<tail>-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
    )
});
/// A cheap first look.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)pass(word|phrase|wd)|secret|api_?key|token|bind_?pw|authtok|psk|community|credential")
});
/// `name = value` or `name: value` with a name that ends like a secret's.
static SECRET_SETTING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?im)(?P<name>\b[\w.-]*(?:password|passphrase|secret|api_?key|token|bind_?pw|authtok|psk|community|credentials?)["']?[ \t]*[:=][ \t]*|\b[\w.-]+passwd["']?[ \t]*=[ \t]*)(?P<value>[^\s;,]\S*)"#,
    )
});
/// Values that are switches or numbers, not secrets.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)^["']?(?:yes|no|true|false|on|off|none|enabled?|disabled?|required|optional|-?\d{1,6})["']?[;,.]?$"#,
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_6: &str =
        "$6$abcdefgh$0123456789abcdefghijklmnopqrstuvwxyz./ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijkl";

    #[test]
    fn shadow_fields_keep_locks_and_the_algorithm() {
        let given = format!(
            "root:{HASH_6}:19000:0:99999:7:::\ndaemon:*:1::::::\nbob:!{HASH_6}:1::::::\nold:abJnggxhB/yWI:1::::::\nnone::1::::::\n"
        );
        let masked = output(&Probe::read("/etc/shadow"), &given);
        let wanted = "root:$6$[redacted]:19000:0:99999:7:::\ndaemon:*:1::::::\nbob:!$6$[redacted]:1::::::\nold:[redacted]:1::::::\nnone::1::::::\n";
        assert_eq!(masked.text, wanted);
        assert!(masked.changed);
    }

    #[test]
    fn hashes_keys_and_secret_settings_are_masked_anywhere() {
        let given = format!(
            "x {HASH_6} y\n-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\nldap_default_authtok = s3cret\npassword: hunter2\napi_key=abc\n"
        );
        let masked = text(&given).text;
        for secret in ["0123456789abc", "AAAA", "s3cret", "hunter2", "=abc"] {
            assert!(!masked.contains(secret), "{secret} in {masked}");
        }
        assert!(text("password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCDEF0123456789").changed);
    }

    #[test]
    fn settings_about_passwords_are_not_secrets() {
        for harmless in [
            "passwordauthentication no\n",
            "password requisite pam_pwquality.so retry=3\n",
            "passwd:         files sss\n",
            "%wheel ALL=(ALL) NOPASSWD: ALL\n",
            "permitemptypasswords no\n",
            "PASS_MAX_DAYS 365\n",
            "Defaults passwd_timeout=5\n",
            "rotate_token = yes\n",
        ] {
            assert!(!text(harmless).changed, "{harmless} became {}", text(harmless).text);
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for one in [&SUSPICIOUS, &HASH, &PRIVATE_KEY, &SECRET_NAME, &SECRET_SETTING, &HARMLESS] {
            assert!(!one.as_str().is_empty());
        }
    }
}
