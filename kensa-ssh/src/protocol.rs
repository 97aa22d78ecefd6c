//! What is sent to the shell: the prelude, one line per command, and the routine that kills a hung command.

use kensa_core::shell::quote;

/// Directories every command's programs are looked up in.
pub const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A random text that nothing on the host can guess: 128 bits in lower-case hexadecimal.
///
/// Fails where the operating system gives no random numbers.
pub fn nonce() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What a fresh shell is told first: a fixed environment, the marker function, and to say hello.
///
/// With `terminal` both streams are one, and a command's standard error is printed after its standard output.
pub fn prelude(nonce: &str, terminal: bool) -> String {
    let mark = if terminal {
        // A subshell that was killed leaves no status behind its standard error; 137 must not become 0.
        format!(
            "__kz(){{ [ \"$__s\" = 0 ]||__e=\"$__e:137\";\
             printf '\\n{nonce} %d %d\\n' $1 \"${{__e##*:}}\";\
             printf '%s' \"${{__e%:*}}\";printf '\\n{nonce} %d\\n' $1;}}\n\
             printf '\\n{nonce} H %d %s\\n' $$ \"`id -u`\";printf '\\n{nonce} H\\n'\n"
        )
    } else {
        format!(
            "__kz(){{ printf '\\n{nonce} %d %d\\n' $1 $?;\
             printf '\\n{nonce} %d\\n' $1 >&2;}}\n\
             printf '\\n{nonce} H %d %s\\n' $$ \"`id -u`\";printf '\\n{nonce} H\\n' >&2\n"
        )
    };
    format!(
        "\\unalias -a 2>/dev/null\n\
         cd /;umask 022;unset ENV BASH_ENV CDPATH LANGUAGE\n\
         LC_ALL=C;LANG=C;TERM=dumb;PAGER=cat;SYSTEMD_PAGER=;SYSTEMD_COLORS=0\n\
         PATH={SEARCH_PATH}\n\
         export LC_ALL LANG TERM PAGER SYSTEMD_PAGER SYSTEMD_COLORS PATH\n{mark}"
    )
}

/// The line that runs `command` as number `seq`: in a subshell, with nothing on its standard input, followed by
/// its markers. `None` when the command holds a NUL, which no shell can be given.
pub fn command_line(command: &str, seq: u64, terminal: bool) -> Option<String> {
    if command.contains('\0') {
        return None;
    }
    let quoted = |text: &str| text.replace('\'', r"'\''");
    let text = match last_program(command) {
        Some(at) => format!("'{}exec {}'", quoted(&command[..at]), quoted(&command[at..])),
        None => format!("'{}'", quoted(command)),
    };
    Some(if terminal {
        format!(
            "{{ __e=$( {{ (eval {text}) </dev/null 2>&1 >&3 3>&-; echo \":$?\"; }} );__s=$?; }} 3>&1;__kz {seq}\n"
        )
    } else {
        format!("(eval {text}) </dev/null;__kz {seq}\n")
    })
}

/// Whether `command` starts something that may outlive it and print later; such a command gets a shell of its own.
///
/// Quoting is not looked at: text inside quotes may be shell text as well, and a needless shell does no harm.
pub fn may_leave_processes(command: &str) -> bool {
    let bytes = command.as_bytes();
    let background = bytes.iter().enumerate().any(|(at, byte)| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(at + 1);
        *byte == b'&' && !matches!(before, Some(b'&' | b'>' | b'<' | b'\\')) && after != Some(&b'&')
    });
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
    background
        || command.split(|c| !word(c)).any(|word| matches!(word, "nohup" | "setsid" | "coproc" | "disown"))
}

/// Shell functions that kill everything a shell currently runs: `__kk PID` stops the direct children of the shell
/// PID and their descendants until no new one appears, kills them and prints their numbers. Builtins only.
///
/// The children are taken once: scanning again from the shell's number would catch the next, innocent command.
pub const KILL_ROUTINE: &str = r#"__kc(){ __f=1;while [ $__f = 1 ];do __f=0;for __d in /proc/[0-9]*;do if read -r __s <$__d/stat;then
 __p=${__d#/proc/};__q=${__s##*) };set -- $__q;case "$__l" in *" $__p "*);;*) case "$__l" in *" $2 "*)
 __l="$__l$__p ";__v="$__v $__p";__f=1;;esac;;esac;fi;done 2>/dev/null;done;}
__kk(){ __l=" $1 ";__v=;__kc;[ -z "$__v" ]&&return 3;__l=" ${__v# } ";__n=0;while [ $__n -lt 8 ];do
 kill -STOP $__v 2>/dev/null;__o=$__v;__kc;[ "$__o" = "$__v" ]&&break;__n=$((__n+1));done;kill -9 $__v 2>/dev/null;echo $__v;}
"#;

/// The command that kills what the shell `pid` runs now.
pub fn kill_children(pid: u32) -> String {
    format!("__kk {pid}")
}

/// The command that kills the shell `pid` and all it runs. The shell is stopped first, so that it starts nothing more.
///
/// `pid` must still be a process of the name `sh`: the number may have been given to another one. A sudo or su above the
/// shell stops itself when the shell is stopped, and stays so when the shell is gone: it is woken until it has ended.
pub fn kill_shell(pid: u32) -> String {
    format!(
        "read -r __c </proc/{pid}/comm||exit 0;case $__c in sh|bash|dash|ash|busybox|mksh|ksh);;*)exit 4;;esac;\
         read -r __s </proc/{pid}/stat;set -- ${{__s##*) }};__w=$2;\
         kill -STOP {pid};__kk {pid};kill -9 {pid};\
         __n=0;while [ $__n -lt 200 ]&&kill -CONT $__w;do __n=$((__n+1));done 2>/dev/null"
    )
}

/// Programs that never are shell builtins or functions in the shells met.
const EXTERNAL: &[&str] = &[
    "aa-status",
    "apparmor_status",
    "auditctl",
    "authselect",
    "awk",
    "blkid",
    "cat",
    "chage",
    "chronyc",
    "crontab",
    "cut",
    "date",
    "df",
    "dnf",
    "dpkg",
    "dpkg-query",
    "egrep",
    "fgrep",
    "find",
    "findmnt",
    "firewall-cmd",
    "getenforce",
    "getent",
    "getfacl",
    "grep",
    "grubby",
    "head",
    "hostname",
    "id",
    "ip",
    "iptables",
    "journalctl",
    "loginctl",
    "ls",
    "lsblk",
    "lsmod",
    "modinfo",
    "modprobe",
    "mount",
    "nft",
    "passwd",
    "ps",
    "readlink",
    "rpm",
    "sed",
    "semanage",
    "sestatus",
    "sort",
    "ss",
    "sshd",
    "stat",
    "sysctl",
    "systemctl",
    "tail",
    "timedatectl",
    "ufw",
    "uname",
    "update-crypto-policies",
    "visudo",
    "wc",
    "yum",
];

/// Builtins that may stand before the last program without changing what it is.
const BEFORE: &[&str] = &["[", "test", "true", "false", "echo", ":"];

/// Where `exec` saves a process: before the program that runs last, which then takes the subshell's place. Only in
/// text that is certainly nothing but commands with plain or quoted words, one after the other; only an external
/// program can be executed, and the members of a pipeline have processes of their own anyway.
fn last_program(command: &str) -> Option<usize> {
    let (mut at, mut first, mut piped) = (0, None, false);
    loop {
        let rest = command[at..].trim_start_matches(' ');
        at = command.len() - rest.len();
        if rest.is_empty() {
            break;
        }
        if let Some(operator) = ["&&", "||", "|", ";"].into_iter().find(|operator| rest.starts_with(operator))
        {
            first.take()?;
            piped = operator == "|";
            at += operator.len();
            continue;
        }
        let word = word(rest)?;
        if first.is_none() {
            (EXTERNAL.contains(&word) || BEFORE.contains(&word)).then_some(())?;
            first = Some((at, word));
        }
        at += word.len();
    }
    first.filter(|(_, program)| !piped && EXTERNAL.contains(program)).map(|(at, _)| at)
}

/// The word `text` begins with, when it means itself: plain characters, or one quoted whole.
fn word(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./=:%@,+^-".contains(&byte);
    let fixed = ["2>/dev/null", ">/dev/null", "2>&1", "[", "]", "!"];
    let bytes = text.as_bytes();
    let length = match bytes.first()? {
        quote @ (b'\'' | b'"') => {
            let end = bytes[1..].iter().position(|byte| byte == quote)? + 1;
            // Between double quotes these keep their meaning, `!` in some shells.
            let special = *quote == b'"' && bytes[..end].iter().any(|byte| b"$`\\!".contains(byte));
            (!special).then_some(end + 1)?
        }
        _ => match fixed.into_iter().find(|word| text.starts_with(word)) {
            Some(word) => word.len(),
            None => bytes.iter().take_while(|byte| plain(**byte)).count(),
        },
    };
    let ends = matches!(bytes.get(length), None | Some(b' ' | b';' | b'|' | b'&'));
    (length > 0 && ends).then(|| &text[..length])
}

/// `command` as one word for `sh -c`, in an environment like the framed shell's; for transports that run single
/// commands.
pub fn standalone(command: &str) -> String {
    format!("LC_ALL=C LANG=C TERM=dumb PATH={SEARCH_PATH} sh -c {} </dev/null", quote(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_differ_and_are_hexadecimal() {
        let (a, b) = (nonce().unwrap(), nonce().unwrap());
        assert_ne!(a, b);
        assert!(a.len() == 32 && a.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn the_last_program_takes_the_place_of_the_subshell() {
        for (command, wanted) in [
            ("stat -c '%F|%a' -- /etc/passwd", "exec stat -c '%F|%a' -- /etc/passwd"),
            ("grep -E '^a b' /etc/x", "exec grep -E '^a b' /etc/x"),
            ("cat -- '/a b'", "exec cat -- '/a b'"),
            ("ls", "exec ls"),
            ("ls 2>/dev/null", "exec ls 2>/dev/null"),
            ("grep \"a b\" c", "exec grep \"a b\" c"),
            ("ls a; ls b", "ls a; exec ls b"),
            ("[ ! -e /a ] || stat /a", "[ ! -e /a ] || exec stat /a"),
            ("cat a | wc -l; echo x && ls 'a;b'", "cat a | wc -l; echo x && exec ls 'a;b'"),
            ("echo 'é'; ls", "echo 'é'; exec ls"),
        ] {
            let at = last_program(command).unwrap_or_else(|| panic!("{command}"));
            assert_eq!(format!("{}exec {}", &command[..at], &command[at..]), wanted);
        }
    }

    #[test]
    fn all_else_is_evaluated_as_it_stands() {
        for not in [
            "command -v ls",
            "cd /",
            "A=b ls",
            "ls *",
            "ls $HOME",
            "ls 'a'b",
            "ls a'b'",
            "ls 'a",
            "ls\nls",
            "cat <x",
            "grep \"$a\" b",
            "grep \"a\\\"b\" c",
            "ls ~",
            "ls #",
            "printf x",
            r"cat 'it'\''s'",
            "",
            " ",
            "ls 'a'\nls",
            "ls; true",
            "ls | wc",
            "ls &",
            "ls & ls",
            "ls;",
            "; ls",
            "ls ;; ls",
            "ls && && ls",
            "! ls",
            "if ls",
            "{ ls",
            "ls; }",
            "(ls)",
            "ls >x",
            "ls 2>/dev/nullx",
            "cd /x; ls",
            "umask 0; ls",
            "exec 3</x; ls",
            "ls é",
        ] {
            assert_eq!(last_program(not), None, "{not}");
        }
    }

    #[test]
    fn lines_quote_the_command_and_refuse_nul() {
        assert_eq!(
            command_line("echo 'x'", 3, false).unwrap(),
            "(eval 'echo '\\''x'\\''') </dev/null;__kz 3\n"
        );
        assert_eq!(command_line("ls", 0, false).unwrap(), "(eval 'exec ls') </dev/null;__kz 0\n");
        assert_eq!(
            command_line("[ -e 'a' ]; ls b", 1, false).unwrap(),
            "(eval '[ -e '\\''a'\\'' ]; exec ls b') </dev/null;__kz 1\n"
        );
        assert_eq!(command_line("a\0b", 0, false), None);
    }

    #[test]
    fn r07_background_work_is_recognised() {
        for leaves in [
            "sleep 9 & echo x",
            "nohup x",
            "a; setsid b",
            "coproc cat",
            "x & disown",
            "sh -c 'a &'",
            "a&",
            "a &>x",
        ] {
            assert!(may_leave_processes(leaves), "{leaves}");
        }
        for stays in ["a && b", "a >&2", "a 2>&1", "cat <&3", "grep nohup_x f", "a || b"] {
            assert!(!may_leave_processes(stays), "{stays}");
        }
    }
}
