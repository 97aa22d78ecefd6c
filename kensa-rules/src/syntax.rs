//! What single parameters may look like. Every function names the parameter in its error.

use crate::params::ParamError;

/// An absolute path without control characters.
pub(crate) fn absolute_path(key: &str, path: &str) -> Result<(), ParamError> {
    if path.starts_with('/') && !path.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ParamError::at(key, format!("{path:?} is not an absolute path")))
}

/// One name inside a directory: no slash, not `.` or `..`, no control characters.
pub(crate) fn component(key: &str, name: &str) -> Result<(), ParamError> {
    let plain = !name.contains('/') && !name.chars().any(char::is_control);
    if plain && !["", ".", ".."].contains(&name) {
        return Ok(());
    }
    Err(ParamError::at(key, format!("{name:?} is not a single path component")))
}

/// Text for one line of a file: not empty, no control characters but tabs.
pub(crate) fn line(key: &str, text: &str) -> Result<(), ParamError> {
    if text.trim().is_empty() {
        return Err(ParamError::at(key, "is empty"));
    }
    no_control(key, text)
}

/// Text without control characters but tabs; it may be empty.
pub(crate) fn no_control(key: &str, text: &str) -> Result<(), ParamError> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        return Err(ParamError::at(key, "holds a control character or a line break"));
    }
    Ok(())
}

/// Text for a file: lines of printable characters.
pub(crate) fn content(key: &str, text: &str) -> Result<(), ParamError> {
    if text.chars().any(|c| c.is_control() && c != '\t' && c != '\n') {
        return Err(ParamError::at(key, "holds a control character"));
    }
    Ok(())
}

/// The permission bits an octal mode stands for.
pub(crate) fn octal_mode(key: &str, text: &str) -> Result<u32, ParamError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    let mode = if digits { u32::from_str_radix(text, 8).ok() } else { None };
    mode.filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| ParamError::at(key, format!("{text:?} is not an octal mode")))
}

/// A file mode: octal, or symbolic as chmod(1) takes it (`u=rw,go-w`).
pub(crate) fn mode(key: &str, text: &str) -> Result<(), ParamError> {
    let clause = |clause: &str| {
        let permissions = clause.trim_start_matches(['u', 'g', 'o', 'a']).strip_prefix(['+', '-', '=']);
        permissions.is_some_and(|letters| letters.chars().all(|c| "rwxXst".contains(c)))
    };
    if octal_mode(key, text).is_ok() || text.split(',').all(clause) {
        return Ok(());
    }
    Err(ParamError::at(key, format!("{text:?} is not a file mode, octal or symbolic")))
}

/// Shell text that is run as it is: not empty, no NUL.
pub(crate) fn script(key: &str, text: &str) -> Result<(), ParamError> {
    if text.trim().is_empty() {
        return Err(ParamError::at(key, "there is nothing to run"));
    }
    if text.contains('\0') {
        return Err(ParamError::at(key, "holds a NUL character"));
    }
    Ok(())
}

/// Calls `check` where there is a value.
pub(crate) fn optional<T: std::ops::Deref<Target = str>>(
    key: &str,
    value: Option<&T>,
    check: impl Fn(&str, &str) -> Result<(), ParamError>,
) -> Result<(), ParamError> {
    value.map_or(Ok(()), |value| check(key, value))
}

/// A word of letters, digits and the characters in `also`; not empty, no leading `-`.
pub(crate) fn word(key: &str, text: &str, also: &str, what: &str) -> Result<(), ParamError> {
    let known = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(known) {
        return Ok(());
    }
    Err(ParamError::at(key, format!("{text:?} is not {what}")))
}

/// A package name; no pattern, no version, no architecture.
pub(crate) fn package_name(key: &str, text: &str) -> Result<(), ParamError> {
    word(key, text, "._+-", "a package name")
}

/// A systemd unit name.
pub(crate) fn unit_name(key: &str, text: &str) -> Result<(), ParamError> {
    word(key, text, "._-@:\\", "a unit name")
}

/// A kernel module name.
pub(crate) fn module_name(key: &str, text: &str) -> Result<(), ParamError> {
    word(key, text, "_-", "a kernel module name")
}

/// A user or group, by name or number.
pub(crate) fn account(key: &str, text: &str) -> Result<(), ParamError> {
    word(key, text, "._-$@", "a user or group name")
}

/// A kernel parameter's key.
pub(crate) fn sysctl_key(key: &str, text: &str) -> Result<(), ParamError> {
    word(key, text, "._-/@:", "a sysctl key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_components_hold_no_surprises() {
        assert!(absolute_path("path", "/etc/a b").is_ok());
        assert!(absolute_path("path", "etc").is_err() && absolute_path("path", "/a\nb").is_err());
        assert!(component("file", "a.conf").is_ok());
        assert!(["", "..", "a/b", "a\n"].iter().all(|name| component("file", name).is_err()));
    }

    #[test]
    fn lines_and_modes() {
        assert!(line("line", "a\tb").is_ok() && line("line", " ").is_err() && line("line", "a\nb").is_err());
        assert_eq!(octal_mode("mode", "0640"), Ok(0o640));
        assert!(["", "+644", "888", "17777"].iter().all(|mode| octal_mode("mode", mode).is_err()));
    }

    #[test]
    fn modes_may_be_symbolic() {
        assert!(["0640", "u=rw,go-w", "o-rwx", "+t"].iter().all(|text| mode("mode", text).is_ok()));
        assert!(["", "u", "0999", "u=rw;id", "z+r"].iter().all(|text| mode("mode", text).is_err()));
    }

    #[test]
    fn words_never_look_like_options_or_patterns() {
        assert!(package_name("name", "libstdc++6").is_ok());
        assert!(["-y", "a*", "a b", "a;b", "$x"].iter().all(|name| package_name("name", name).is_err()));
    }
}
