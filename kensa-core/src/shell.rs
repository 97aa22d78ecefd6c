//! The one place where shell text is built: from argument lists, quoted here.

/// Quotes `word` so that a POSIX shell reads it as exactly that one word.
///
/// Words of letters, digits and `_ . / : = @ % + , -` are returned as they are.
///
/// ```
/// assert_eq!(kensa_core::shell::quote("/etc/ssh/sshd_config"), "/etc/ssh/sshd_config");
/// assert_eq!(kensa_core::shell::quote("it's"), r"'it'\''s'");
/// ```
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Joins `words`, each quoted, into one command line.
///
/// ```
/// assert_eq!(kensa_core::shell::command(["cat", "--", "/a b"]), "cat -- '/a b'");
/// ```
pub fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// Quotes a path pattern: `*`, `?` and bracket expressions keep their meaning, all else is literal.
///
/// ```
/// assert_eq!(kensa_core::shell::quote_glob("/etc/my dir/*.conf"), "'/etc/my dir/'*.conf");
/// ```
pub fn quote_glob(pattern: &str) -> String {
    let mut quoted = String::new();
    for part in pattern.split_inclusive(['*', '?', '[', ']']) {
        let literal = part.trim_end_matches(['*', '?', '[', ']']);
        if !literal.is_empty() {
            quoted.push_str(&quote(literal));
        }
        quoted.push_str(&part[literal.len()..]);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_quotes_stays_syntax() {
        for word in ["", "a b", "$(id)", "`id`", "a;b", "a\nb", "*", "~", "#x", "é", "-n"] {
            let quoted = quote(word);
            let kept = quoted == word || (quoted.starts_with('\'') && quoted.ends_with('\''));
            assert!(kept, "{word:?} -> {quoted}");
        }
    }
}
