//! The program as a user runs it: arguments, streams, files, exit codes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the lint spares test functions, not what they call")]

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn kensa(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kensa"));
    command.args(args).stdin(Stdio::null()).env_remove("NO_COLOR").env("HOME", "/nonexistent");
    command
}

fn run(args: &[&str]) -> Output {
    kensa(args).output().unwrap()
}

fn code(args: &[&str]) -> i32 {
    run(args).status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

/// The ids of the bundled rules.
fn rule_ids() -> Vec<String> {
    let list = json(&run(&["rules", "list", "--format", "json"]));
    let ids: Vec<String> =
        list.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect();
    assert!(!ids.is_empty());
    ids
}

/// A report as `kensa check --format json` writes it, with one rule per status.
fn report(statuses: &[(&str, Option<&str>)]) -> String {
    let count = |wanted: &str| statuses.iter().filter(|(status, _)| *status == wanted).count();
    let results: Vec<serde_json::Value> = statuses
        .iter()
        .enumerate()
        .map(|(index, (status, reason))| {
            serde_json::json!({
                "rule_id": format!("rule-{index}"), "title": "A title", "severity": "high", "category": "system",
                "status": status, "reason": reason, "detail": "something was seen", "expected_value": null,
                "actual_value": null, "source": null, "check_method": null, "implementation_used": null,
                "evidence": [], "framework_refs": {}, "framework_section": null, "host": "web1", "variables": {},
                "started_at": null, "completed_at": null, "duration_ms": null,
            })
        })
        .collect();
    let counts = serde_json::json!({ "pass": count("pass"), "fail": count("fail"), "skipped": count("skipped"),
        "error": count("error") });
    let mut summary = counts.clone();
    summary["total"] = statuses.len().into();
    summary["by_severity"] = serde_json::json!({ "high": counts });
    serde_json::json!({
        "schema_version": "1.0", "engine_version": "0.1.0", "host": "web1", "platform": null, "capabilities": {},
        "started_at": "2026-08-07T10:00:00.000Z", "completed_at": "2026-08-07T10:00:01.000Z",
        "completeness": { "planned": 1, "answered": 1, "unanswered": 0 }, "summary": summary, "results": results,
    })
    .to_string()
}

fn with_input(args: &[&str], input: &str) -> Output {
    let mut child =
        kensa(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_exit_code_says_what_a_scan_comes_to() {
    let exit = |statuses: &[(&str, Option<&str>)]| {
        with_input(&["report", "-"], &report(statuses)).status.code().unwrap()
    };
    let (pass, fail) = (("pass", None), ("fail", None));
    let (skipped, error) = (("skipped", Some("platform_mismatch")), ("error", Some("timed_out")));
    assert_eq!(exit(&[pass, skipped]), 0);
    assert_eq!(exit(&[pass, fail, error]), 1);
    assert_eq!(exit(&[pass, error]), 3);
    assert_eq!(exit(&[skipped]), 3);
    assert_eq!(exit(&[]), 3);
}

#[test]
fn a_scan_of_this_machine_ends_as_its_report_says() {
    let id = &rule_ids()[0];
    let output = run(&["check", "--local", "--rule", id, "--format", "json"]);
    let report = json(&output);
    let results = report["results"].as_array().unwrap();
    assert_eq!((results.len(), results[0]["rule_id"].as_str()), (1, Some(id.as_str())));
    let expected = match results[0]["status"].as_str().unwrap() {
        "pass" => 0,
        "fail" => 1,
        _ => 3,
    };
    assert_eq!(output.status.code(), Some(expected));
    assert_eq!(stderr(&output), "", "no progress where nobody watches");
}

#[test]
fn a_scan_gives_way_to_other_work_by_as_much_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "id: niceness\ntitle: T\ndescription: D.\nrationale: R.\nseverity: low\ncategory: system\n\
                implementations: [{ default: true, check: { method: command, run: nice } }]\n";
    std::fs::create_dir(folder.path().join("system")).unwrap();
    std::fs::write(folder.path().join("system/niceness.yml"), rule).unwrap();
    let path = folder.path().to_str().unwrap();
    let niceness = |more: &[&str]| {
        let report = json(&run(&[&["check", "--local", "--rules", path, "--format", "json"], more].concat()));
        let said = report["results"][0]["evidence"][0]["stdout"].as_str().unwrap().trim().parse::<i32>();
        said.unwrap()
    };
    assert_eq!(niceness(&["--nice", "3"]), (niceness(&[]) + 3).min(19));
    assert_eq!(code(&["check", "--local", "--nice", "20"]), 2);
    assert_eq!(code(&["check", "--local", "--nice", "-1"]), 2);
}

#[test]
fn every_format_works_and_a_file_gets_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report");
    std::fs::write(&file, "x".repeat(100_000)).unwrap();
    let input = report(&[("fail", None), ("pass", None)]);
    for format in ["text", "json", "jsonl", "csv", "junit", "sarif"] {
        let printed = with_input(&["report", "-", "--format", format], &input);
        assert_eq!(printed.status.code(), Some(1), "{format}: {}", stderr(&printed));
        assert!(stdout(&printed).contains("rule-0"), "{format}");
        let path = file.to_str().unwrap();
        let written = with_input(&["report", "-", "--format", format, "-o", path], &input);
        assert_eq!(stdout(&written), "");
        assert_eq!(stderr(&written), "web1: 1 pass, 1 fail, 0 could not be told, 0 skipped\n");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout(&printed), "{format}");
        let quiet = with_input(&["report", "-", "--format", format, "-o", path, "--quiet"], &input);
        assert_eq!(stderr(&quiet), "");
    }
    let error = run(&["report", "-", "--format", "html"]);
    assert!(stderr(&error).contains("text, json, jsonl, csv, junit, sarif"), "{}", stderr(&error));
}

#[test]
fn nothing_is_coloured_unless_a_terminal_wants_it() {
    let output = with_input(&["report", "-"], &report(&[("fail", None)]));
    assert!(!stdout(&output).contains('\u{1b}'));
}

#[test]
fn a_usage_error_is_one_clear_line_with_what_to_do() {
    for (args, message, help) in [
        (
            &["check", "--local", "--rule", "no-such-rule-at-all"][..],
            "no rule has the id",
            "kensa rules list",
        ),
        (
            &["check", "--local", "--tag", "no such tag"],
            "rules fits the filters",
            "each filter has to let a rule",
        ),
        (&["check", "--local", "--rules", "/no/such/folder"], "/no/such/folder", ""),
        (&["check", "--local", "-o", "/no/such/folder/file"], "/no/such/folder/file", "does the folder"),
        (&["report", "/no/such/file"], "/no/such/file", ""),
        (&["check", "--local", "--user", "x"], "'--user <USER>' cannot be used with '--local'", ""),
        (&["check"], "--local|--host", ""),
        (&["check", "-H", "-oProxyCommand=x"], "", ""),
        (&["check", "-H", "a@web1", "-u", "b"], "--host says user a, --user says b", ""),
        (&["check", "--local", "--severity", "urgent"], "critical, high, medium, low", ""),
        (&["check", "--local", "--var", "x"], "KEY=VALUE", ""),
        (&["plan", "--platform", "9"], "rhel:9.4", ""),
        (&["check", "-H", "web1", "--transport", "openssh", "--ask-pass"], "no password", "use its agent"),
        (&["check", "-H", "web1", "--password-stdin"], "first line of standard input is empty", ""),
    ] {
        let output = run(args);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.starts_with("error: ") && text.contains(message), "{args:?}: {text}");
        assert!(text.contains(help) && stdout(&output).is_empty(), "{args:?}: {text}");
    }
}

#[test]
fn the_nearest_rule_is_named() {
    let ids = rule_ids();
    let output = run(&["explain", &format!("{}x", ids[0])]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(&format!("did you mean {}?", ids[0])), "{}", stderr(&output));
}

#[test]
fn text_that_is_no_report_is_refused() {
    let output = with_input(&["report", "-"], "{}");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("help: it has to come from `kensa check --format json`"));
}

#[test]
fn a_host_that_is_not_there_is_unreachable() {
    let port = free_port();
    let started = Instant::now();
    let output = run(&["check", "-H", "127.0.0.1", "-P", &port.to_string(), "--ssh-config", "none"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).starts_with("error: 127.0.0.1"), "{}", stderr(&output));
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// A port nothing listens on.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn ctrl_c_ends_the_program_at_once() {
    // Accepts the connection and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let mut child = kensa(&["check", "-H", "127.0.0.1", "-P", &port, "--ssh-config", "none"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    silent.set_nonblocking(true).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let _connection = loop {
        if let Ok(connection) = silent.accept() {
            break connection;
        }
        if child.try_wait().unwrap().is_some() || Instant::now() > deadline {
            child.kill().unwrap();
            panic!("never connected: {}", stderr(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let started = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert_eq!(
        (stdout(&output), stderr(&output)),
        (String::new(), "error: cancelled; nothing is reported\n".into())
    );
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_plan_asks_no_host_and_names_every_command() {
    let output = run(&["plan", "--platform", "debian:12"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let plan = json(&run(&["plan", "--platform", "debian:12", "--format", "json"]));
    assert_eq!(plan["rules"].as_array().unwrap().len(), rule_ids().len());
    let commands = plan["commands"].as_array().unwrap();
    assert!(!commands.is_empty());
    for command in commands {
        let first = command.as_str().unwrap().lines().next().unwrap();
        assert!(stdout(&output).contains(first), "{first}");
    }
    let comments = stdout(&output).lines().filter(|line| line.starts_with('#')).count();
    assert!(comments >= 2);
}

#[test]
fn rules_are_listed_shown_and_explained() {
    let ids = rule_ids();
    let list = stdout(&run(&["rules", "list"]));
    assert_eq!(list.lines().count(), ids.len());
    for (line, id) in list.lines().zip(&ids) {
        assert!(line.starts_with(&format!("{id} ")), "{line}");
    }
    let shown = run(&["rules", "show", &ids[0]]);
    assert_eq!(stdout(&shown), stdout(&run(&["explain", &ids[0]])));
    for part in ["severity", "WHAT", "WHY", "HOW IT IS CHECKED", "HOW IT IS FIXED"] {
        assert!(stdout(&shown).contains(part), "{part}");
    }
    let rule = json(&run(&["rules", "show", &ids[0], "--format", "json"]));
    assert_eq!(rule["id"], ids[0].as_str());
    let on_a_system = stdout(&run(&["explain", &ids[0], "--platform", "debian12"]));
    assert!(on_a_system.contains("HOW IT WOULD BE CHECKED"));
}

#[test]
fn a_broken_rule_file_is_shown_with_its_place_and_stops_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.yml");
    std::fs::write(&file, "id: broken\ntitel: x\n").unwrap();
    let path = file.to_str().unwrap();
    let output = run(&["rules", "validate", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("error[") && stdout(&output).contains(path), "{}", stdout(&output));
    assert!(json(&run(&["rules", "validate", path, "--format", "json"]))[0].is_object());
    let scan = run(&["check", "--local", "--rules", path]);
    assert_eq!(scan.status.code(), Some(2));
    assert!(stderr(&scan).contains("error["), "{}", stderr(&scan));
}

#[test]
fn schemas_are_json() {
    for of in [&["rules", "schema"][..], &["rules", "schema", "result"]] {
        assert!(json(&run(of)).is_object());
    }
}

#[test]
fn completions_are_scripts_their_shells_accept() {
    for (shell, check) in [("bash", Some("bash")), ("zsh", None), ("fish", None)] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains("host-key-policy") && script.contains("sarif"), "{shell}");
        if let Some(program) = check {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("kensa");
            std::fs::write(&file, script).unwrap();
            assert!(Command::new(program).arg("-n").arg(&file).status().unwrap().success());
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child =
        kensa(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
}

#[test]
fn help_and_version_are_no_errors() {
    assert_eq!((code(&["--help"]), code(&["--version"]), code(&["check", "--help"])), (0, 0, 0));
    assert_eq!((code(&[]), code(&["no-such-command"])), (2, 2));
}

#[test]
fn coverage_counts_every_control_once() {
    let all = json(&run(&["rules", "coverage", "--format", "json"]));
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 17);
    for benchmark in all {
        let count = |key: &str| match &benchmark[key] {
            serde_json::Value::Array(items) => items.len() as u64,
            number => number.as_u64().unwrap(),
        };
        assert_eq!(
            count("controls"),
            count("answered") + count("with_reason") + count("open"),
            "{benchmark}"
        );
        assert!(count("answered") > 0 && benchmark["missing_rules"].as_array().unwrap().is_empty());
        let whole = count("answered") == count("controls") && count("in_part") == 0;
        assert!(whole == (benchmark["percent"] == 100.0), "{benchmark}");
    }
    let text = stdout(&run(&["rules", "coverage", "--framework", "stig-rhel9-v2r7"]));
    assert_eq!(text.lines().count(), 2, "{text}");
    let unknown = run(&["rules", "coverage", "--framework", "cis-solaris"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(stderr(&unknown).contains("cis-rhel9-v2.0.0"), "{}", stderr(&unknown));
}

#[test]
fn a_new_rule_validates_and_is_not_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().to_str().unwrap();
    let args = ["new-rule", "a-rule", "--category", "kernel", "--method", "sysctl_value", "--rules", rules];
    assert_eq!(code(&args), 0);
    assert_eq!(code(&["rules", "validate", rules, "--strict"]), 0);
    assert_eq!(code(&["rules", "lint", rules]), 0);
    assert_eq!(code(&args), 2);
    assert_eq!(
        code(&["new-rule", "../a", "--category", "kernel", "--method", "command", "--rules", rules]),
        2
    );
}

#[test]
fn a_new_rule_comes_with_states_to_try_it_on() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().to_str().unwrap();
    let fixtures = folder.path().join("variants.txt");
    let new = |id| {
        let text = fixtures.to_str().unwrap();
        let method = ["--category", "kernel", "--method", "sysctl_value", "--rules", rules];
        run(&[&["new-rule", id, "--fixtures", text][..], &method[..]].concat())
    };
    let missing = new("a");
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("variants.txt"), "{}", stderr(&missing));
    assert!(!folder.path().join("kernel").exists());
    std::fs::write(&fixtures, "b:\n  - {fails: x}").unwrap();
    assert_eq!(new("a").status.code(), Some(0));
    assert_eq!(new("b").status.code(), Some(2));
    let text = std::fs::read_to_string(&fixtures).unwrap();
    assert!(text.starts_with("b:\n  - {fails: x}\na:\n  - {state: debian-good, fails: "), "{text}");
}

#[test]
fn lint_says_where_a_rule_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().to_str().unwrap();
    assert_eq!(code(&["new-rule", "a", "--category", "kernel", "--method", "command", "--rules", rules]), 0);
    let file = folder.path().join("kernel/a.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().position(|line| line.contains("run:")).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines[line] = "      run: grep -q x $file || true";
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = run(&["rules", "lint", rules, "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let found = json(&output);
    let found = found.as_array().unwrap();
    let codes: Vec<&str> = found.iter().map(|found| found["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["cannot-fail", "unquoted-variable"]);
    assert!(found.iter().all(|found| found["line"] == line + 1), "{found:?}");
}
