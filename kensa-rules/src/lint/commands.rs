//! Shell text of checks and remediations.

use super::{conditions, items, place_of, shell, steps, text};
use crate::load::Level;
use crate::load::yaml::{Node, Source};

pub(super) fn look(source: &mut Source<'_>, root: &Node<'_>) {
    for implementation in items(root, "implementations") {
        for check in conditions(implementation) {
            if text(check, "method") == Some("command") {
                for key in ["run", "cmd"] {
                    shell_text(source, check, key);
                    verdicts(source, check, key);
                }
            }
        }
        for step in steps(implementation) {
            for key in ["run", "rollback", "unless"] {
                shell_text(source, step, key);
            }
        }
    }
}

/// What holds for every shell text of a rule.
fn shell_text(source: &mut Source<'_>, owner: &Node<'_>, key: &str) {
    let (Some(node), Some(script)) = (owner.get(key), text(owner, key)) else { return };
    let script = shell::plain(script);
    if let Some(error) = shell::syntax_error(&script) {
        let message = format!("the shell text does not parse: {error}");
        source.report(Level::Error, "shell-syntax", node.span, message);
        return;
    }
    let scan = shell::scan(&script);
    for (offset, name) in &scan.unquoted {
        let line = line_at(&script, *offset);
        let message =
            format!("the variable `{name}` is not quoted: its value is split and expanded as a pattern");
        let span = place_of(source, node, line);
        source.report_with(
            Level::Error,
            "unquoted-variable",
            span,
            message,
            Some(format!("write \"${name}\"")),
        );
    }
    for pair in scan.lines(&script).windows(2) {
        let [(before, _), (_, line)] = pair else { continue };
        let closes = ["fi", "done", "esac", "}"].contains(&before.trim().trim_end_matches(';'));
        if closes && line.contains("$?") {
            let message = "`$?` after a compound command is the status of whatever ran last inside it, or 0";
            let span = place_of(source, node, line);
            source.report(Level::Error, "status-after-compound", span, message);
        }
    }
}

/// Whether the check can pass and can fail, and whether its status is that of the command that knows.
fn verdicts(source: &mut Source<'_>, check: &Node<'_>, key: &str) {
    let (Some(node), Some(script)) = (check.get(key), text(check, key)) else { return };
    let script = shell::plain(script);
    let scan = shell::scan(&script);
    let lines = scan.lines(&script);
    let output = text(check, "expected_stdout").or_else(|| text(check, "expected_output"));
    let wanted = text(check, "expected_exit").unwrap_or("0");
    let Some((line, shown)) = lines.last() else { return };
    if always_succeeds(&scan.skeleton, line) {
        if wanted != "0" {
            let message = format!("the shell text always ends with 0, so that {wanted} can never be met");
            let span = place_of(source, node, shown);
            source.report(Level::Error, "cannot-pass", span, message);
        } else if output.is_none() {
            let message =
                "the shell text always ends with 0 and its output is not looked at: the check cannot fail";
            let span = place_of(source, node, shown);
            source.report(Level::Error, "cannot-fail", span, message);
        }
    }
    // The last command of a pipeline gives the status; a filter succeeds whatever it is fed.
    if let Some((_, filter)) = line.rsplit_once('|').filter(|(before, _)| !before.ends_with('|')) {
        let program = filter.split_whitespace().next().unwrap_or_default();
        if output.is_none() && FILTERS.contains(&program) {
            let message =
                format!("the status is that of `{program}`, which succeeds whatever comes down the pipe");
            let span = place_of(source, node, shown);
            source.report(Level::Error, "status-behind-pipe", span, message);
        }
    }
    // A tool that could not do its work is no finding: only 255 says that nothing could be told.
    for (line, shown) in &lines {
        let gives_up = line.contains("=$_") || line.contains("=\"_");
        let status = line.rsplit_once("|| exit").map(|(_, status)| status.trim().trim_end_matches(';'));
        if gives_up && status.is_some_and(|status| status.is_empty() || status == "2") {
            let message = "where the tool fails the check ends as a finding; `|| exit 255` says that it could not be told";
            let span = place_of(source, node, shown);
            source.report(Level::Error, "failure-as-finding", span, message);
        }
    }
    // Silence is what is wanted, and a command that could not run is silent too.
    if output == Some("") {
        for (line, shown) in &lines {
            // What follows `||` runs where the pipeline fails.
            let piped = line.split_once('|').filter(|_| !line.contains("||"));
            let Some((tool, _)) = piped else { continue };
            let program = tool.split_whitespace().next().unwrap_or_default();
            if !AUDIBLE.contains(&program) {
                let message = format!(
                    "no output is what the check wants, and `{program}` is silent when it fails: take its output into a variable first, and end with 255 where that fails"
                );
                let span = place_of(source, node, shown);
                source.report(Level::Error, "silence-behind-pipe", span, message);
            }
        }
        for (line, shown) in &lines {
            for swallowed in ["2>/dev/null |", "2> /dev/null |"] {
                if line.contains(swallowed) && !line.trim_start().starts_with("find ") {
                    let message = "no output is what the check wants, and a command that fails here is silent and unnoticed";
                    let span = place_of(source, node, shown);
                    source.report(Level::Error, "silence-behind-pipe", span, message);
                }
            }
        }
    }
}

/// Words at the beginning of a pipeline that cannot fail unnoticed: they print text of the script's own, read files
/// every host has, or open a group whose parts are looked at line by line.
const AUDIBLE: [&str; 13] =
    ["awk", "case", "cat", "done", "echo", "esac", "fi", "find", "for", "printf", "while", "{", "}"];

/// Programs that end with 0 whatever they read.
const FILTERS: [&str; 9] = ["cat", "cut", "head", "sed", "sort", "tail", "tee", "tr", "wc"];

/// Whether no path through the script ends with anything but 0.
fn always_succeeds(skeleton: &str, last: &str) -> bool {
    let words: Vec<&str> = skeleton
        .split(|c: char| c.is_whitespace() || ";&|(){}".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let leaves = words.windows(2).any(|pair| match pair {
        [word, status] => (*word == "exit" || *word == "return") && *status != "0",
        _ => false,
    });
    let stops = skeleton.lines().any(|line| line.trim_start().starts_with("set -") && line.contains('e'));
    let last = last.trim().trim_end_matches(';');
    let first = last.split_whitespace().next().unwrap_or_default();
    let tail = ["|| true", "|| :", "; true", "; :", "exit 0"].iter().any(|tail| last.ends_with(tail));
    let alone = !last.contains("&&") && !last.contains("||");
    let prints = ["echo", "printf", "true", ":"].contains(&first) && alone;
    !leaves && !stops && (tail || prints)
}

fn line_at(script: &str, offset: usize) -> &str {
    let start = script.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    script.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The codes found in a rule with this check.
    fn codes(check: &str) -> Vec<&'static str> {
        let text = format!("implementations:\n  - check:\n      method: command\n{check}");
        let mut source = Source::new(Path::new("r.yml"), text.as_bytes()).unwrap();
        let root = source.parse().unwrap();
        look(&mut source, &root);
        source.found.iter().map(|found| found.code).collect()
    }

    #[test]
    fn a_check_that_cannot_fail_is_found() {
        assert_eq!(codes("      run: grep -q x /etc/y || true\n"), ["cannot-fail"]);
        assert_eq!(codes("      run: |\n        x=1\n        echo done\n"), ["cannot-fail"]);
        assert_eq!(
            codes("      run: |\n        [ -f /x ] || exit 1\n        echo done\n"),
            Vec::<&str>::new()
        );
        assert_eq!(codes("      run: echo x\n      expected_stdout: x\n"), Vec::<&str>::new());
    }

    #[test]
    fn a_check_that_cannot_pass_is_found() {
        assert_eq!(codes("      run: grep x /etc/y || true\n      expected_exit: 1\n"), ["cannot-pass"]);
    }

    #[test]
    fn a_status_that_says_nothing_is_found() {
        assert_eq!(codes("      run: ps -e | head -1\n"), ["status-behind-pipe"]);
        assert_eq!(codes("      run: ps -e | grep -q x\n"), Vec::<&str>::new());
        let after = "      run: |\n        if a; then\n          b\n        fi\n        [ $? -eq 0 ]\n";
        assert_eq!(codes(after), ["status-after-compound"]);
        let piped = "      run: rpm -Va | awk x\n      expected_stdout: \"\"\n";
        assert_eq!(codes(piped), ["silence-behind-pipe"]);
        let heard = "      run: awk x /etc/passwd | sort\n      expected_stdout: \"\"\n";
        assert_eq!(codes(heard), Vec::<&str>::new());
        let given_up = "      run: |\n        x=$(auditctl -l) || exit 2\n        [ -n \"$x\" ]\n";
        assert_eq!(codes(given_up), ["failure-as-finding"]);
        assert_eq!(codes(&given_up.replace("exit 2", "exit")), ["failure-as-finding"]);
        assert_eq!(codes(&given_up.replace("exit 2", "exit 255")), Vec::<&str>::new());
        let silent = "      run: foo 2>/dev/null | grep x\n      expected_stdout: \"\"\n";
        assert_eq!(codes(silent), ["silence-behind-pipe", "silence-behind-pipe"]);
    }

    #[test]
    fn the_place_is_the_line_of_the_script() {
        let text =
            "implementations:\n  - check:\n      method: command\n      run: |\n        a\n        cat $x\n";
        let mut source = Source::new(Path::new("r.yml"), text.as_bytes()).unwrap();
        let root = source.parse().unwrap();
        look(&mut source, &root);
        let found = &source.found[0];
        assert_eq!((found.code, found.line, found.column), ("unquoted-variable", 6, 9));
    }
}
