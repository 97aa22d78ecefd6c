//! Audit rules (auditctl(8)) in a normal form in which rules that do the same are equal.

use std::collections::BTreeSet;

/// One audit rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditRule {
    /// `always`, `never`, …
    action: String,
    /// `exit`, `task`, `exclude`, …
    list: String,
    /// Names; empty for all.
    syscalls: BTreeSet<String>,
    /// The file or directory it is about.
    target: Option<(Target, String)>,
    /// Kinds of access among `rwxa`.
    perm: BTreeSet<char>,
    /// `-F` filters on other fields.
    filters: BTreeSet<Filter>,
    /// `-C` comparisons between fields.
    comparisons: BTreeSet<Filter>,
    /// Keys it logs under.
    keys: BTreeSet<String>,
}

/// Field, operator and value.
type Filter = (String, &'static str, String);

/// What a path in a rule stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// One file.
    Path,
    /// A directory with everything below.
    Dir,
    /// A watch: auditctl turns it into one of both, and prints both as a watch again.
    Watch,
}

/// Operators of `-F` and `-C`, the longer ones first.
const OPERATORS: [&str; 8] = ["!=", ">=", "<=", "&=", "=", ">", "<", "&"];

impl AuditRule {
    /// Reads one line: a watch (`-w`) or a rule (`-a`, `-A`). The error says what is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let mut place: Option<(String, String)> = None;
        let mut rule = AuditRule {
            action: String::new(),
            list: String::new(),
            syscalls: BTreeSet::new(),
            target: None,
            perm: BTreeSet::new(),
            filters: BTreeSet::new(),
            comparisons: BTreeSet::new(),
            keys: BTreeSet::new(),
        };
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let (option, value) = split_option(word, &mut words)?;
            match option {
                "-a" | "-A" => place = Some(action_and_list(value)?),
                "-w" => rule.target = Some((Target::Watch, directory(value))),
                "-p" => rule.perm = letters(value)?,
                "-k" => rule.keys.extend(keys(value)),
                "-S" => rule.syscalls.extend(value.split(',').map(str::to_owned)),
                "-F" => rule.filter(value)?,
                "-C" => rule.compare(value)?,
                _ => return Err(format!("{option} is no part of an audit rule")),
            }
        }
        match (place, rule.is_watch()) {
            (Some(_), true) => return Err("-w and -a do not go together".to_owned()),
            (Some(place), false) => (rule.action, rule.list) = place,
            (None, true) => {
                (rule.action, rule.list) = ("always".to_owned(), "exit".to_owned());
                // A watch without -p is for every kind of access.
                if rule.perm.is_empty() {
                    rule.perm = "rwxa".chars().collect();
                }
            }
            (None, false) => return Err("an audit rule has -w or -a".to_owned()),
        }
        if rule.syscalls.contains("all") {
            rule.syscalls.clear();
        }
        Ok(rule)
    }

    /// Whether `loaded`, in the order of the kernel, does what this rule asks for: one rule alone, or several that
    /// share its system calls. A rule that records more (other calls, kinds of access, users) records this too. Keys
    /// count only where this rule gives some.
    pub(crate) fn is_met_by(&self, loaded: &[AuditRule]) -> bool {
        self.is_met_as_it_is(loaded)
            || self.by_architecture().is_some_and(|both| both.iter().all(|one| one.is_met_as_it_is(loaded)))
    }

    /// A rule about a file, once for each architecture, which is together the same.
    fn by_architecture(&self) -> Option<[AuditRule; 2]> {
        let for_all = self.syscalls.is_empty() && !self.filters.iter().any(|(field, _, _)| field == "arch");
        let with = |arch: &str| {
            let mut rule = self.clone();
            rule.filters.insert(("arch".to_owned(), "=", arch.to_owned()));
            rule
        };
        for_all.then(|| [with("b32"), with("b64")])
    }

    fn is_met_as_it_is(&self, loaded: &[AuditRule]) -> bool {
        let mut wanting = self.syscalls.clone();
        for rule in loaded {
            if self.action == "always" && rule.silences(self) {
                return false;
            }
            if !self.is_like(rule) {
                continue;
            }
            wanting.retain(|call| !rule.syscalls.contains(call));
            if wanting.is_empty() || rule.syscalls.is_empty() {
                return true;
            }
        }
        false
    }

    /// The position of the first of `loaded` that records at least a part of what this rule asks for.
    pub(crate) fn first_in(&self, loaded: &[AuditRule]) -> Option<usize> {
        let part = |rule: &AuditRule| {
            self.is_like(rule) && (rule.syscalls.is_empty() || !self.syscalls.is_disjoint(&rule.syscalls))
        };
        loaded.iter().position(|rule| self.is_like(rule) && self.syscalls.is_empty() || part(rule))
    }

    /// Whether `loaded` is about the same events but for the system calls. A rule that keeps records away must not
    /// do so for more than asked.
    fn is_like(&self, loaded: &AuditRule) -> bool {
        let place = self.action == loaded.action && self.list == loaded.list && self.is_about(loaded);
        if self.action != "always" {
            return place
                && self.syscalls == loaded.syscalls
                && self.perm == loaded.perm
                && self.filters == loaded.filters
                && self.comparisons == loaded.comparisons
                && self.keys.is_subset(&loaded.keys);
        }
        // Which system calls a number stands for depends on the architecture: both have to name the same.
        let arch = |rule: &AuditRule| rule.filters.iter().find(|(field, _, _)| field == "arch").cloned();
        let wider_calls = self.syscalls == loaded.syscalls || !self.syscalls.is_empty();
        place
            && wider_calls
            && arch(self) == arch(loaded)
            && (self.perm == loaded.perm || !self.perm.is_empty() && loaded.allows(&self.perm))
            && loaded.filters.is_subset(&self.filters)
            && loaded.comparisons.is_subset(&self.comparisons)
            && self.keys.is_subset(&loaded.keys)
    }

    /// Whether a rule with no kinds of access, or with these and others, is for them.
    fn allows(&self, perm: &BTreeSet<char>) -> bool {
        self.perm.is_empty() || perm.is_subset(&self.perm)
    }

    fn is_about(&self, other: &AuditRule) -> bool {
        match (&self.target, &other.target) {
            (Some((one, path)), Some((two, other_path))) => {
                path == other_path && (one == two || *one == Target::Watch || *two == Target::Watch)
            }
            (None, None) => true,
            _ => false,
        }
    }

    /// Whether this rule, when it comes first, keeps the kernel from recording what `wanted` asks for. Without a
    /// filter on the task list no process has system calls recorded at all.
    fn silences(&self, wanted: &AuditRule) -> bool {
        let everything = self.filters.is_empty() && self.comparisons.is_empty();
        let of_tasks = self.list == "task" && everything;
        let of_exits = self.list == "exit"
            && self.filters.is_subset(&wanted.filters)
            && self.comparisons.is_subset(&wanted.comparisons)
            && (self.target.is_none() || self.is_about(wanted))
            && (self.syscalls.is_empty()
                || !wanted.syscalls.is_empty() && wanted.syscalls.is_subset(&self.syscalls))
            && (self.perm.is_empty() || !wanted.perm.is_empty() && wanted.perm.is_subset(&self.perm));
        self.action == "never" && (of_tasks || of_exits)
    }

    /// Whether the rule makes records under `key`.
    pub(crate) fn logs_under(&self, key: &str) -> bool {
        self.action == "always" && self.keys.contains(key)
    }

    fn is_watch(&self) -> bool {
        matches!(self.target, Some((Target::Watch, _)))
    }

    fn filter(&mut self, text: &str) -> Result<(), String> {
        let (field, operator, value) = filter(text)?;
        match (field.as_str(), operator) {
            ("path", "=") => self.target = Some((Target::Path, directory(&value))),
            ("dir", "=") => self.target = Some((Target::Dir, directory(&value))),
            ("perm", "=") => self.perm = letters(&value)?,
            ("key", "=") => self.keys.extend(keys(&value)),
            _ => {
                let value = normal_value(&field, &value);
                self.filters.insert((field, operator, value));
            }
        }
        Ok(())
    }

    fn compare(&mut self, text: &str) -> Result<(), String> {
        let (one, operator, other) = filter(text)?;
        // Both orders are one comparison in the kernel.
        let (one, other) = if one <= other { (one, other) } else { (other, one) };
        self.comparisons.insert((one, operator, other));
        Ok(())
    }
}

/// The key of a line that holds nothing but `-k KEY`.
pub(crate) fn bare_key(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("-k")?.trim();
    (!rest.is_empty() && !rest.contains(char::is_whitespace)).then_some(rest)
}

/// The rule lines of a text; empty lines and comments are left out.
pub(crate) fn rule_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// An option and its value, which may be the next word or the rest of the same one.
fn split_option<'a>(
    word: &'a str,
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<(&'a str, &'a str), String> {
    let (option, rest) = word.split_at_checked(2).ok_or_else(|| format!("{word:?} is no option"))?;
    if !option.starts_with('-') || option == "--" {
        return Err(format!("{word:?} is no option"));
    }
    let value = if rest.is_empty() { words.next() } else { Some(rest) };
    let value = value.ok_or_else(|| format!("{option} has no value"))?;
    Ok((option, value.trim_matches(['"', '\''])))
}

fn action_and_list(text: &str) -> Result<(String, String), String> {
    const ACTIONS: [&str; 3] = ["always", "never", "possible"];
    const LISTS: [&str; 7] = ["exit", "task", "user", "exclude", "filesystem", "entry", "io_uring"];
    let (one, other) = text.split_once(',').ok_or_else(|| format!("{text:?} is not ACTION,LIST"))?;
    let (action, list) = if ACTIONS.contains(&one) { (one, other) } else { (other, one) };
    if ACTIONS.contains(&action) && LISTS.contains(&list) {
        return Ok((action.to_owned(), list.to_owned()));
    }
    Err(format!("{text:?} is not ACTION,LIST"))
}

fn filter(text: &str) -> Result<Filter, String> {
    let at = text.find(['=', '!', '<', '>', '&']).filter(|at| *at > 0);
    let at = at.ok_or_else(|| format!("{text:?} is not FIELD, operator, value"))?;
    let (field, rest) = text.split_at(at);
    let operator = OPERATORS.into_iter().find(|operator| rest.starts_with(operator));
    let operator = operator.ok_or_else(|| format!("{text:?} has no known operator"))?;
    let value = rest[operator.len()..].trim_matches(['"', '\'']);
    if value.is_empty() {
        return Err(format!("{text:?} has no value"));
    }
    Ok((field.to_ascii_lowercase(), operator, value.to_owned()))
}

/// The value in the one spelling that all equal values get.
fn normal_value(field: &str, value: &str) -> String {
    let is_id = [
        "auid",
        "loginuid",
        "uid",
        "euid",
        "suid",
        "fsuid",
        "gid",
        "egid",
        "sgid",
        "fsgid",
        "sessionid",
        "obj_uid",
    ]
    .contains(&field);
    let text = match (field, value) {
        (_, "unset" | "-1") if is_id => "4294967295",
        (_, "root") if is_id => "0",
        ("success", "yes") => "1",
        ("success", "no") => "0",
        ("arch", "b64" | "x86_64" | "aarch64" | "ppc64" | "ppc64le" | "s390x") => "b64",
        ("arch", "b32" | "i386" | "i486" | "i586" | "i686" | "ppc" | "s390" | "arm") => "b32",
        _ => value,
    };
    let hexadecimal = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let octal = || text.strip_prefix('0').and_then(|digits| u64::from_str_radix(digits, 8).ok());
    match hexadecimal.or_else(octal) {
        Some(number) => number.to_string(),
        None => text.to_owned(),
    }
}

fn letters(text: &str) -> Result<BTreeSet<char>, String> {
    let known = !text.is_empty() && text.chars().all(|c| "rwxa".contains(c));
    if known {
        Ok(text.chars().collect())
    } else {
        Err(format!("{text:?} is not made of the letters r, w, x, a"))
    }
}

/// Several keys of one rule are printed with a control character or a comma between them.
fn keys(text: &str) -> impl Iterator<Item = String> {
    text.split('\u{1}').filter(|key| !key.is_empty()).map(str::to_owned)
}

/// The path without a trailing slash.
fn directory(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path.to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(wanted: &str, loaded: &str) -> bool {
        let parse = |line: &str| AuditRule::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        parse(wanted).is_met_by(&loaded.lines().map(parse).collect::<Vec<_>>())
    }

    #[test]
    fn a_rule_that_records_more_is_enough_and_several_may_share_the_calls() {
        let wanted = "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset";
        let half = |call: &str| format!("-a always,exit -F arch=b64 -S {call} -F auid>=1000 -F auid!=-1\n");
        assert!(met(wanted, &(half("chmod") + &half("fchmod,chown"))));
        assert!(!met(wanted, &half("chmod")));
        assert!(met(wanted, "-a always,exit -F arch=b64 -S chmod,fchmod"));
        assert!(!met(wanted, "-a always,exit -S chmod,fchmod"));
        assert!(met("-w /etc/shadow -p wa", "-w /etc/shadow -p rwxa"));
        let both = "-a always,exit -F arch=b32 -F path=/x -F perm=wa\n-a always,exit -F arch=b64 -F path=/x -F perm=wa";
        assert!(met("-w /x -p wa", both));
        assert!(!met("-w /x -p wa", both.lines().next().unwrap_or_default()));
    }

    #[test]
    fn a_rule_that_comes_first_and_says_never_wins() {
        let rule = "-a always,exit -F arch=b64 -S chmod -F auid>=1000";
        assert!(!met(rule, &format!("-a never,task\n{rule}")));
        assert!(!met(rule, &format!("-a never,exit -F arch=b64 -S chmod,chown\n{rule}")));
        assert!(met(rule, &format!("{rule}\n-a never,exit -S all")));
        assert!(met(rule, &format!("-a never,exit -F uid=0\n{rule}")));
        assert!(!met("-w /x -p wa", "-a never,exit -F path=/x\n-w /x -p wa"));
    }

    #[test]
    fn a_watch_and_its_rule_form_are_one() {
        assert!(met("-w /etc/passwd -p wa -k identity", "-w /etc/passwd -p aw -k identity"));
        assert!(met("-w /etc/sudoers.d/ -p wa -k s", "-w /etc/sudoers.d -p wa -k s"));
        assert!(met("-w /etc/passwd -p wa", "-a always,exit -F path=/etc/passwd -F perm=wa -F key=identity"));
        assert!(met("-a exit,always -F dir=/etc/x -F perm=wa", "-w /etc/x -p wa"));
        assert!(met("-w /var/log/sudo.log", "-w /var/log/sudo.log -p rwxa"));
        assert!(!met("-w /etc/passwd -p wa", "-w /etc/passwd -p w"));
        assert!(!met("-a always,exit -F dir=/x -F perm=wa", "-a always,exit -F path=/x -F perm=wa"));
    }

    #[test]
    fn action_list_and_every_filter_count() {
        let wanted = "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k perm_mod";
        let loaded = "-a always,exit -F arch=b64 -S fchmod,chmod -F auid>=1000 -F auid!=-1 -F key=perm_mod";
        assert!(met(wanted, loaded));
        for (good, bad) in [
            ("always,exit", "never,exit"),
            ("arch=b64", "arch=b32"),
            ("fchmod,chmod", "chmod"),
            ("auid>=1000", "auid>=500"),
            ("key=perm_mod", "key=other"),
            ("-F key", "-F uid!=0 -F key"),
            ("-F key", "-C euid!=uid -F key"),
        ] {
            let changed = loaded.replacen(good, bad, 1);
            assert_ne!(changed, loaded);
            assert!(!met(wanted, &changed), "{changed}");
        }
    }

    #[test]
    fn spellings_of_one_value() {
        assert!(met(
            "-a always,exit -S all -C uid!=euid -F euid=root",
            "-a exit,always -C euid!=uid -F euid=0"
        ));
        assert!(met("-a always,exit -S open -F a1&0100", "-a always,exit -S open -F a1&0x40"));
        assert!(met("-a always,exit -S open -F auid!=4294967295", "-a always,exit -Sopen -Fauid!=unset"));
        assert!(met("-a always,exit -S a -S b", "-a always,exit -S b,a -F key=k"));
        assert!(met("-a always,exit -S a -F exit=-EPERM", "-a always,exit -S a -F exit=-EPERM"));
    }

    #[test]
    fn what_is_no_rule_is_not_taken_for_one() {
        for line in [
            "-D",
            "-e 2",
            "-b 8192",
            "-w",
            "-a always",
            "-a always,exit -F auid",
            "-k x",
            "No rules",
            "-w /x -p q",
        ] {
            assert!(AuditRule::parse(line).is_err(), "{line}");
        }
        assert_eq!(bare_key("-k logins"), Some("logins"));
        assert_eq!(bare_key("-w /x -k logins"), None);
    }
}
