//! Commands share a shell and nothing else. Every test runs in every shell installed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::time::Duration;

use common::{ask, output, seconds, session, shells, stdout};
use kensa_core::{Reason, Transport};
use kensa_ssh::SessionOptions;

const STATE: &str =
    r#"pwd; umask; echo "$LC_ALL|$PATH|$#|$TERM|$SYSTEMD_COLORS|${EVIL-unset}"; printf '%s\n' ok; ulimit -n"#;

#[tokio::test]
async fn r01_a_command_cannot_change_what_the_next_one_sees() {
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let before = stdout(&ask(&session, &[STATE]).await[0]);
        let wanted = ["/\n0022\nC|/usr/local/sbin:", "/\n022\nC|/usr/local/sbin:"];
        assert!(wanted.iter().any(|text| before.starts_with(text)), "{shell}: {before}");
        let evil = [
            ("exit 3", 3),
            ("exec true", 0),
            ("set -e;false", 1),
            ("return 4", 4),
            ("break", 0),
            ("trap 'echo bye' EXIT", 0),
            ("exec >&-", 0),
            ("exec 2>&1", 0),
            ("cd /tmp", 0),
            ("umask 000", 0),
            ("export EVIL=1 LC_ALL=de_DE", 0),
            ("unset PATH", 0),
            ("set -- a b", 0),
            ("ulimit -n 50", 0),
            ("printf() { echo no; }", 0),
            ("__kz() { echo no; }", 0),
            ("readonly __r __u __v", 0),
            ("alias printf=false", 0),
            ("IFS=0", 0),
        ];
        for (command, status) in evil {
            let answers = ask(&session, &[command, STATE]).await;
            let ended = output(&answers[0]).exit_code;
            // bash knows no `return` outside of a function.
            let status = if command == "return 4" && shell.starts_with("bash") { 2 } else { status };
            assert_eq!(ended, status, "{shell}: {command}");
            assert_eq!(stdout(&answers[1]), before, "{shell}: after {command}");
        }
        assert_eq!(stdout(&ask(&session, &["trap 'echo bye' EXIT; exit 7"]).await[0]), "bye\n", "{shell}");
        assert_eq!(session.stats().shells, 1, "{shell}: all of it in one shell");
    }
}

#[tokio::test]
async fn r02_syntax_errors_are_their_own_commands_result() {
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let broken = ["if", ")", "echo 'open", "echo \"open", "cat <<X\nnever ended", "(", "for", "}"];
        let mut commands = Vec::new();
        let after: Vec<String> = (0..broken.len()).map(|n| format!("echo after {n}")).collect();
        for (command, next) in broken.iter().zip(&after) {
            commands.extend([*command, next.as_str()]);
        }
        let answers = ask(&session, &commands).await;
        for (n, pair) in answers.chunks(2).enumerate() {
            assert_eq!(stdout(&pair[1]), format!("after {n}\n"), "{shell}: after {}", broken[n]);
            // A here-document that ends with the text is a warning at most.
            if !broken[n].starts_with("cat") {
                let failed = output(&pair[0]);
                assert!(matches!(failed.exit_code, 1 | 2), "{shell}: {} gave {failed:?}", broken[n]);
                assert!(!failed.stderr.is_empty(), "{shell}: {}", broken[n]);
            }
        }
    }
}

#[tokio::test]
async fn r03_no_command_reads_the_command_stream() {
    for shell in shells() {
        let session = session(shell, seconds(5.0)).await;
        let answers = ask(&session, &["cat", "read -r x; echo \"[$x]\"", "cat; echo end", "echo next"]).await;
        let texts: Vec<String> = answers.iter().map(stdout).collect();
        assert_eq!(texts, ["", "[]\n", "end\n", "next\n"], "{shell}");
    }
}

#[tokio::test]
async fn r04_output_is_byte_exact() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut state = 7u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let bytes = bytes.take(300_000).collect::<Vec<u8>>();
    std::fs::write(file.path(), &bytes).unwrap();
    let cat = format!("cat {}", file.path().display());
    let both = format!("cat {0}; cat {0} >&2", file.path().display());
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let texts = ["printf x", "echo", "printf '\\n\\n'", "printf 'a\\000b\\377'", ":", &cat, &both];
        let expected: [&[u8]; 7] = [b"x", b"\n", b"\n\n", b"a\0b\xff", b"", &bytes, &bytes];
        let answers = ask(&session, &texts).await;
        for (n, expected) in expected.iter().enumerate() {
            assert!(output(&answers[n]).stdout == *expected, "{shell}: {}", texts[n]);
        }
        assert!(output(&answers[6]).stderr == bytes, "{shell}: standard error");
    }
}

#[tokio::test]
async fn r06_no_command_can_print_a_complete_marker() {
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let all =
            ["env", "set", "ps -ef", "cat /proc/$$/cmdline", "tr '\\0' '\\n' </proc/$$/environ", "echo next"];
        let answers = ask(&session, &all).await;
        assert_eq!(stdout(&answers[5]), "next\n", "{shell}");
        // The shell knows its marker function; nobody else knows the nonce.
        let set = stdout(&answers[1]);
        let nonce = set.split("\\n").find_map(|part| {
            let word: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
            (word.len() == 32).then_some(word)
        });
        if let Some(nonce) = nonce {
            for n in [0, 2, 3, 4] {
                assert!(!stdout(&answers[n]).contains(&nonce), "{shell}: {} shows the nonce", all[n]);
            }
        }
    }
}

#[tokio::test]
async fn r07_a_background_process_neither_delays_nor_pollutes() {
    for shell in shells() {
        let session = session(shell, seconds(5.0)).await;
        let begun = std::time::Instant::now();
        let commands =
            ["(sleep 0.4; echo late; echo late >&2) & echo now", "echo one", "sleep 0.8; echo two"];
        let answers = ask(&session, &commands).await;
        let texts: Vec<String> = answers.iter().map(stdout).collect();
        assert_eq!(texts, ["now\n", "one\n", "two\n"], "{shell}");
        assert_eq!(output(&answers[2]).stderr, b"", "{shell}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{shell}");
        let long = ask(&session, &["sleep 7.0711 & echo x"]).await;
        assert_eq!(stdout(&long[0]), "x\n", "{shell}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(session.stats().left_behind >= 1, "{shell}: {:?}", session.stats());
    }
}

#[tokio::test]
async fn r08_a_command_that_kills_the_shell_takes_nobody_with_it() {
    for shell in shells() {
        for killer in ["echo partial; sleep 0.1; kill -9 $$", "kill -TERM $$; sleep 1", "kill -9 0"] {
            let session = session(shell, seconds(5.0)).await;
            let answers = ask(&session, &["echo before", killer, "echo after", "echo last"]).await;
            let fault = answers[1].as_ref().err().unwrap_or_else(|| panic!("{shell}: {killer} survived"));
            assert_eq!(fault.reason, Reason::ShellDied, "{shell}: {fault:?}");
            if killer.starts_with("echo") {
                assert_eq!(fault.partial.as_ref().unwrap().stdout, b"partial\n", "{shell}");
            }
            for (n, text) in [(0, "before\n"), (2, "after\n"), (3, "last\n")] {
                assert_eq!(stdout(&answers[n]), text, "{shell}: {killer}");
            }
            assert_eq!(session.stats().shells, 2, "{shell}");
        }
    }
}

#[tokio::test]
async fn r10_all_shells_agree() {
    let corpus = [
        "stat -c '%F|%a' -- / /nonexistent",
        "grep -c root /etc/passwd",
        "grep nothing-like-this /etc/passwd",
        "nonexistent-program",
        "/etc/passwd",
        "awk -F: '$3 == 0 {print $1}' /etc/passwd | sort | head -n 1",
        "for i in 1 2 3; do echo $i; done; false",
        "x=$(echo a; exit 4); echo \"$x $?\"",
        "cat <<E\n$HOME\nE\necho 'a'\\''b' \"c\\\"d\"",
        "test -d /etc && echo yes || echo no",
        "cat /etc/hostname /nonexistent 2>/dev/null; echo $?",
    ];
    // What the shell itself says about a program that is not there differs.
    let said_by_the_shell = |n: usize| matches!(corpus[n], "nonexistent-program" | "/etc/passwd");
    let mut reference: Option<Vec<(i32, String, String)>> = None;
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        let answers = ask(&session, &corpus).await;
        let seen = answers.iter().enumerate().map(|(n, answer)| {
            let said = if said_by_the_shell(n) { "".into() } else { output(answer).stderr_text() };
            (output(answer).exit_code, stdout(answer), said.into_owned())
        });
        let seen: Vec<(i32, String, String)> = seen.collect();
        match &reference {
            None => reference = Some(seen),
            Some(first) => {
                for (n, own) in seen.iter().enumerate() {
                    assert_eq!(own, &first[n], "{shell}: {}", corpus[n]);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_session_answers_equal_probes_once_and_concurrent_callers_each() {
    let session = session("dash", SessionOptions::default()).await;
    let answers = ask(&session, &["date +%s%N", "date +%s%N"]).await;
    assert_eq!(stdout(&answers[0]), stdout(&answers[1]));
    assert_eq!(session.stats().commands, 1);
    let (a, b) = tokio::join!(ask(&session, &["sleep 0.2; echo a"]), ask(&session, &["echo b"]));
    assert_eq!((stdout(&a[0]).as_str(), stdout(&b[0]).as_str()), ("a\n", "b\n"));
    assert_eq!(session.host(), "localhost");
    session.close().await;
    let closed = ask(&session, &["echo x"]).await;
    assert_eq!(closed[0].as_ref().err().map(|fault| fault.reason), Some(Reason::Cancelled));
}

#[tokio::test]
async fn a_command_with_nul_is_refused_and_harms_nobody() {
    let session = session("dash", SessionOptions::default()).await;
    let answers = ask(&session, &["echo a\0b", "echo next"]).await;
    assert_eq!(answers[0].as_ref().err().map(|fault| fault.reason), Some(Reason::InvalidRule));
    assert_eq!(stdout(&answers[1]), "next\n");
}
