//! File name patterns, matched as fnmatch(3) does.

/// Whether `name` matches `pattern` of `*`, `?` and `[…]`; everything else is literal.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // The usual two-pointer walk: on a mismatch, let the last star take one character more.
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
        } else if let Some(next) = pattern.get(p..).and_then(|rest| one(rest, name[n])) {
            p += next;
            n += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            p = star + 1;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How many pattern characters match the one character `c`.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => class(pattern, c),
        literal => (*literal == c).then_some(1),
    }
}

fn class(pattern: &[char], c: char) -> Option<usize> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let first = if negated { 2 } else { 1 };
    // A bracket right after the opening one is a member, not the end.
    let close = pattern.iter().skip(first + 1).position(|c| *c == ']').map(|at| at + first + 1);
    let Some(close) = close else { return (c == '[').then_some(1) };
    let members = &pattern[first..close];
    let mut at = 0;
    let mut found = false;
    while at < members.len() {
        if at + 2 < members.len() && members[at + 1] == '-' {
            found |= (members[at]..=members[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= members[at] == c;
            at += 1;
        }
    }
    (found != negated).then_some(close + 1)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_marks_and_classes() {
        assert!(matches("*.conf", "a.conf") && !matches("*.conf", "a.conf.bak"));
        assert!(matches("*a*b", "xaxxab") && !matches("*a*b", "xaxxa"));
        assert!(matches("??-[a-c]*", "10-beta") && !matches("[!a]*", "abc"));
        assert!(matches("[]x]", "]") && matches("[", "[") && matches("", "") && !matches("", "a"));
    }
}
