//! `sarif`: SARIF 2.1.0, for code-scanning dashboards.
//!
//! A finding is a result of kind `fail`. A rule that could not be told is a result of kind `open` and, as
//! dashboards tend to drop those, a notification of the run; the run then does not count as successful.

use std::collections::BTreeMap;

use kensa_core::{CheckResult, Conclusion, Rule, ScanReport, Severity, Source, Status};
use serde_json::{Map, Value, json};

use super::{Format, RenderError, RenderOptions, without_verdict};

pub(super) const FORMAT: Format = Format {
    name: "sarif",
    summary: "SARIF 2.1.0, for code-scanning dashboards",
    media_type: "application/sarif+json",
    extension: "sarif",
    render,
    stream: None,
};

/// What file names of results are relative to.
const ROOT: &str = "HOST_ROOT";

fn render(report: &ScanReport, options: &RenderOptions<'_>) -> Result<String, RenderError> {
    let shown: Vec<&CheckResult> = report
        .results
        .iter()
        .filter(|result| options.verbose || matches!(result.status, Status::Fail | Status::Error))
        .collect();
    let unknown = || report.results.iter().filter(|result| result.status == Status::Error);
    let known: BTreeMap<&str, &Rule> =
        options.rules.iter().map(|rule| (rule.id.as_str(), rule.as_ref())).collect();
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Kensa",
                "semanticVersion": report.engine_version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": shown.iter().map(|result| descriptor(result, known.get(result.rule_id.as_str()).copied()))
                    .collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": format!("kensa/{}/", report.host) },
            "originalUriBaseIds": {
                ROOT: { "description": { "text": format!("The root directory of {}", report.host) } },
            },
            "invocations": [{
                "executionSuccessful": unknown().next().is_none() && report.conclusion() != Conclusion::Incomplete
                    && report.completeness.unanswered == 0,
                "startTimeUtc": report.started_at,
                "endTimeUtc": report.completed_at,
                "toolExecutionNotifications": report.remarks.iter().map(remark)
                    .chain(unknown().map(notification))
                    .chain(without_verdict(report).map(unmeasured)).collect::<Vec<_>>(),
            }],
            "properties": {
                "host": report.host,
                "platform": report.platform,
                "completeness": report.completeness,
                "summary": report.summary,
            },
            "results": shown.iter().enumerate().map(|(index, result)| entry(result, index)).collect::<Vec<_>>(),
        }],
    });
    let mut text =
        serde_json::to_string_pretty(&sarif).map_err(|error| RenderError::new(FORMAT.name, error))?;
    text.push('\n');
    Ok(text)
}

/// A rule as the run knows it, with the texts of the rule file where they are at hand.
fn descriptor(result: &CheckResult, rule: Option<&Rule>) -> Value {
    let mut tags = vec!["security".to_owned(), result.category.clone()];
    tags.extend(rule.iter().flat_map(|rule| rule.tags.iter().cloned()));
    let mut seen = std::collections::BTreeSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    let mut descriptor = json!({
        "id": result.rule_id,
        "shortDescription": { "text": result.title },
        "defaultConfiguration": { "level": level(result.severity) },
        "properties": {
            "tags": tags,
            "security-severity": security_severity(result.severity),
            "severity": result.severity,
            "controls": result.framework_refs,
        },
    });
    if let Some(rule) = rule {
        let texts = [rule.description.trim(), rule.rationale.trim()];
        let help: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        if let Some(first) = help.first() {
            descriptor["fullDescription"] = json!({ "text": first });
            descriptor["help"] = json!({ "text": help.join("\n\n") });
        }
    }
    descriptor
}

fn entry(result: &CheckResult, index: usize) -> Value {
    let (kind, level) = match result.status {
        Status::Fail => ("fail", level(result.severity)),
        // SARIF 2.1.0, 3.27.10: every kind but `fail` has the level `none`.
        Status::Pass => ("pass", "none"),
        Status::Error => ("open", "none"),
        Status::Skipped => ("notApplicable", "none"),
    };
    let mut properties = Map::new();
    properties.insert("severity".to_owned(), json!(result.severity));
    for (key, value) in [
        ("reason", json!(result.reason)),
        ("expected", json!(result.expected_value)),
        ("found", json!(result.actual_value)),
        ("commands", json!(result.evidence.iter().map(|evidence| &evidence.command).collect::<Vec<_>>())),
    ] {
        if !value.is_null() {
            properties.insert(key.to_owned(), value);
        }
    }
    json!({
        "ruleId": result.rule_id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": message(result) },
        "locations": [location(result)],
        "fingerprints": { "kensa/v1": format!("{}/{}", result.host, result.rule_id) },
        "properties": properties,
    })
}

/// A message must not be empty; a detail of a rule's own shell text can be.
fn message(result: &CheckResult) -> &str {
    if result.detail.trim().is_empty() { &result.title } else { &result.detail }
}

fn location(result: &CheckResult) -> Value {
    let mut location = json!({ "logicalLocations": [{ "name": result.host, "kind": "resource" }] });
    if let Some(source) = &result.source {
        location["physicalLocation"] = physical(source);
    }
    location
}

fn physical(source: &Source) -> Value {
    let uri = relative_uri(&source.path);
    let mut physical = json!({ "artifactLocation": { "uri": uri, "uriBaseId": ROOT } });
    if let Some(line) = source.line.filter(|line| *line > 0) {
        physical["region"] = json!({ "startLine": line });
    }
    physical
}

/// `path` as a URI reference relative to the root directory, all but unreserved characters and `/` escaped.
fn relative_uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

fn remark(text: &String) -> Value {
    json!({ "level": "warning", "message": { "text": text } })
}

fn notification(result: &CheckResult) -> Value {
    let reason = result.reason.map_or("internal", |reason| reason.code());
    json!({
        "level": "error",
        "message": { "text": format!("{} could not be told: {}", result.rule_id, message(result)) },
        "descriptor": { "id": reason },
        "associatedRule": { "id": result.rule_id },
    })
}

fn unmeasured(why: &str) -> Value {
    json!({ "level": "error", "message": { "text": why }, "descriptor": { "id": "incomplete" } })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// A score in the middle of the band GitHub shows under the same word.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{compliant, report};
    use super::*;

    fn sarif(report: &ScanReport, options: RenderOptions<'_>) -> Value {
        let text = render(report, &options).unwrap();
        // Types generated from the published schema, which refuse fields it does not have.
        serde_json::from_str::<serde_sarif::sarif::Sarif>(&text).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn looks_as_dashboards_expect() {
        let rules = [std::sync::Arc::new(rule())];
        let options = RenderOptions { rules: &rules, ..RenderOptions::default() };
        insta::assert_json_snapshot!(sarif(&report(), options));
    }

    #[test]
    fn results_point_at_their_rule_and_only_findings_have_a_level() {
        let sarif = sarif(&report(), RenderOptions { verbose: true, ..RenderOptions::default() });
        let run = &sarif["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report().results.len());
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
            assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
        }
        let kinds: Vec<&str> = results.iter().map(|result| result["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["pass", "fail", "fail", "fail", "open", "open", "pass", "notApplicable", "notApplicable"]
        );
    }

    #[test]
    fn what_could_not_be_told_makes_the_run_unsuccessful() {
        let run = &sarif(&report(), RenderOptions::default())["runs"][0];
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["toolExecutionNotifications"].as_array().unwrap().len(), 2);
        let run = &sarif(&compliant(), RenderOptions::default())["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        assert_eq!(run["results"], json!([]));
    }

    #[test]
    fn any_path_is_a_valid_uri() {
        assert_eq!(relative_uri("/etc/a b/ü%#?.conf"), "etc/a%20b/%C3%BC%25%23%3F.conf");
        assert_eq!(relative_uri("/etc/sudoers.d/@x:y"), "etc/sudoers.d/%40x%3Ay");
    }

    fn rule() -> Rule {
        Rule {
            id: "ssh-no-root-login".to_owned(),
            title: String::new(),
            description: "PermitRootLogin must be no.".to_owned(),
            rationale: "A shared account hides who did what.".to_owned(),
            severity: Severity::Critical,
            category: "access-control".to_owned(),
            tags: vec!["ssh".to_owned(), "security".to_owned()],
            references: kensa_core::rule::References::default(),
            mapped: Default::default(),
            platforms: Vec::new(),
            implementations: Vec::new(),
            depends_on: Vec::new(),
            conflicts_with: Vec::new(),
            supersedes: Vec::new(),
            transactional: true,
            path: None,
        }
    }
}
