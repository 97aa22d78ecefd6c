"""Scans: one result per rule, in every form a host application reads them."""

import copy
import dataclasses
import inspect
import json
import logging
import pickle
from datetime import timedelta
from pathlib import Path
from typing import List

import pytest
from conftest import write_rule

import kensa
from kensa import _native


def by_id(results: List[kensa.RuleResult]) -> "dict[str, kensa.RuleResult]":
    return {result.rule_id: result for result in results}


def test_every_rule_has_one_result_of_its_own_kind(local: kensa.LocalSession, rules: Path) -> None:
    results = kensa.check_rules_from_path(local, str(rules))
    assert [result.rule_id for result in results] == [rule["id"] for rule in kensa.load_rules(rules)]
    found = by_id(results)
    assert {name: one.status for name, one in found.items()} == {
        "a-passes": "pass",
        "b-fails": "fail",
        "c-other-system": "skipped",
        "d-command": "pass",
        "e-unknown": "error",
        "f-both": "fail",
    }
    skipped, error = found["c-other-system"], found["e-unknown"]
    assert skipped.skipped and not skipped.passed and skipped.skip_reason and skipped.evidence is None
    assert skipped.reason == "platform_mismatch"
    assert not error.passed and not error.skipped and error.error and error.detail.startswith("Error:")
    assert error.reason == "undefined_variable" and error.skip_reason is None


def test_fields_have_the_exact_types_hosts_store(local: kensa.LocalSession, rules: Path) -> None:
    for result in kensa.check_rules_from_path(local, rules):
        assert type(result.rule_id) is str and type(result.passed) is bool and type(result.skipped) is bool
        assert all(type(key) is str and type(value) is str for key, value in result.framework_refs.items())
        assert result.host == "localhost" and result.host_context is not None
        for evidence in result.evidence_list:
            texts = (evidence.method, evidence.command, evidence.stdout, evidence.stderr, evidence.expected, evidence.actual)
            assert all(type(text) is str and "\0" not in text for text in texts)
            assert type(evidence.exit_code) is int
            assert evidence.timestamp.utcoffset() == timedelta(0)
        json.dumps(result.to_dict())
        assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result)
        assert dataclasses.asdict(result)["rule_id"] == result.rule_id


def test_evidence_is_one_or_a_list_that_reads_like_one(local: kensa.LocalSession, rules: Path) -> None:
    found = by_id(kensa.check_rules_from_path(local, rules))
    single, several = found["a-passes"].evidence, found["f-both"].evidence
    assert isinstance(single, kensa.Evidence) and not isinstance(single, list)
    assert isinstance(several, list) and isinstance(several, kensa.EvidenceList) and len(several) == 2
    assert several.command == several[1].command, "the first failing one decides"
    assert pickle.loads(pickle.dumps(several)).command == several.command


def test_references_are_flat_text(local: kensa.LocalSession, rules: Path) -> None:
    result = kensa.check_rules_from_path(local, rules, rule_ids=["a-passes"], platform=("rhel", 9), capabilities={})[0]
    assert result.framework_refs["nist_800_53"] == "AC-6, CM-6"
    assert result.framework_controls["nist_800_53"] == ["AC-6", "CM-6"]
    assert result.framework_refs["cis_rhel9_v2"] == "5.1.1" == result.framework_section


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"severity": "HIGH"}, ["a-passes"]),
        ({"severity": ["high", "critical"]}, ["a-passes", "b-fails"]),
        ({"severity": []}, 6),
        ({"category": "Network"}, ["c-other-system"]),
        ({"tags": ["both"]}, ["f-both"]),
        ({"rule_ids": ["b-fails"]}, ["b-fails"]),
        ({"rule_ids": []}, []),
        ({"rule_ids": ["no-such-rule"]}, []),
    ],
)
def test_filters(local: kensa.LocalSession, rules: Path, filters: "dict[str, object]", expected: object) -> None:
    ids = [result.rule_id for result in kensa.check_rules_from_path(local, rules, **filters)]  # type: ignore[arg-type]
    assert len(ids) == expected if isinstance(expected, int) else sorted(ids) == expected


def test_positional_filters_and_signature(local: kensa.LocalSession, rules: Path) -> None:
    assert len(kensa.check_rules_from_path(local, rules, ["high"], "system")) == 1
    names = list(inspect.signature(kensa.check_rules_from_path).parameters)
    assert names[:4] == ["ssh", "rules_path", "severity", "category"]
    for name in kensa.__all__:
        if callable(getattr(kensa, name)):
            inspect.signature(getattr(kensa, name))


def test_variables_come_from_the_call_the_framework_and_the_defaults(local: kensa.LocalSession, rules: Path) -> None:
    def expected(**given: object) -> "str | None":
        given["rule_ids"] = "d-command"
        return kensa.check_rules_from_path(local, rules, **given)[0].expected_value  # type: ignore[arg-type]

    assert "hello" in str(expected())
    assert "from-cis" in str(expected(framework="cis-rhel9-v2.0.0"))
    assert "mine" in str(expected(framework="cis", var_overrides={"word": "mine"}))


def test_a_value_that_could_become_shell_code_is_an_error(local: kensa.LocalSession, rules: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    results = kensa.check_rules_from_path(local, rules, rule_ids="d-command", var_overrides={"word": f"x; touch {mark}"})
    assert results[0].status == "error" and not mark.exists()


def test_progress_comes_in_order_on_the_calling_thread(local: kensa.LocalSession, rules: Path) -> None:
    import threading

    seen = []
    results = kensa.check_rules_from_path(local, rules, on_result=lambda one: seen.append((threading.get_ident(), one)))
    assert {ident for ident, _ in seen} == {threading.get_ident()}
    assert sorted(map(id, results)) == sorted(id(one) for _, one in seen), "the same objects are returned"


def test_what_a_callback_raises_propagates(local: kensa.LocalSession, rules: Path) -> None:
    class Stop(Exception):
        pass

    def stop(result: kensa.RuleResult) -> None:
        raise Stop

    with pytest.raises(Stop):
        kensa.check_rules_from_path(local, rules, on_result=stop)
    assert local.run("echo still there").stdout == "still there"


def test_json_is_the_engines_own(local: kensa.LocalSession, rules: Path) -> None:
    report = kensa.scan(local, rules)
    text = report.to_json()
    assert _native.canonical(text) == text
    assert json.loads(text)["results"] == [json.loads(result.to_json()) for result in report.results]
    assert json.loads(report.render("json")) == report.to_dict()
    assert pickle.loads(pickle.dumps(report)).to_json() == text
    assert report.conclusion == "findings"
    with pytest.raises(ValueError, match="sarif"):
        report.render("no-such-format")


def test_every_part_of_a_report_has_the_engines_own_json() -> None:
    report = kensa.ScanReport(
        engine_version="0",
        host="h",
        platform=kensa.PlatformInfo("rhel", 9),
        capabilities={"b": True, "a": False},
        undetermined_capabilities={"c": "denied"},
        remarks=["the key of the host was not checked"],
        results=[kensa.RuleResult(rule_id="x", title="t", error="sudo refused", reason="permission_denied", check_duration_ms=1)],
    )
    assert _native.canonical(report.to_json()) == report.to_json()


def test_the_whole_corpus_has_the_engines_own_json(local: kensa.LocalSession) -> None:
    report = kensa.scan(local)
    assert len(report.results) > 300
    assert _native.canonical(report.to_json()) == report.to_json()
    pickle.dumps(report)


def test_missing_and_empty_paths(local: kensa.LocalSession, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        kensa.check_rules_from_path(local, "None")
    with pytest.raises(FileNotFoundError):
        kensa.load_rules("None")
    assert kensa.check_rules_from_path(local, tmp_path) == [] == kensa.load_rules(tmp_path)


def test_one_rule_by_file_or_as_a_dictionary(local: kensa.LocalSession, rules: Path) -> None:
    assert kensa.check_single_rule(local, rules / "system" / "b-fails.yml").status == "fail"
    config = kensa.load_config(rules)
    for rule in kensa.load_rules(rules):
        resolved = kensa.resolve_variables(rule, config, strict=False)
        whole = by_id(kensa.check_rules_from_path(local, rules))[rule["id"]]
        assert kensa.evaluate_rule(local, resolved).status == whole.status, rule["id"]
        assert kensa.evaluate_rule(local, dict(resolved)).status == whole.status, rule["id"]
    unresolved = kensa.evaluate_rule(local, kensa.load_rules(rules, rule_ids="d-command")[0])
    assert unresolved.status == "error" and unresolved.reason == "undefined_variable"
    assert kensa.evaluate_rule(local, {"id": "x", "implementations": 3}).reason == "invalid_rule"


def test_a_broken_rule_is_named_and_hides_no_other(
    local: kensa.LocalSession, rules: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (rules / "system" / "broken.yml").write_text("id: broken\ntitle: [\n")
    with caplog.at_level(logging.WARNING, "kensa"):
        assert len(kensa.check_rules_from_path(local, rules)) == 6
    assert "broken.yml" in caplog.text
    with pytest.raises(kensa.RuleLoadError) as caught:
        kensa.load_rules(rules, strict=True)
    assert caught.value.path is not None and caught.value.path.endswith("broken.yml")


def test_a_platform_given_replaces_the_one_detected(local: kensa.LocalSession, rules: Path) -> None:
    def status(**given: object) -> str:
        return kensa.check_rules_from_path(local, rules, rule_ids="c-other-system", **given)[0].status  # type: ignore[arg-type]

    assert status() == "skipped" and status(platform=("plan9", 4)) == "pass"
    capabilities = kensa.detect_capabilities(local)
    assert status(capabilities=dict(capabilities)) == "skipped"
    assert status(capabilities=capabilities, platform=("plan9", 4)) == "pass"


def test_a_result_before_and_after_knowing_the_host(local: kensa.LocalSession, rules: Path) -> None:
    capabilities, platform = kensa.quick_host_info(local)
    assert platform is not None and capabilities.platform == platform
    assert len(kensa.check_rules_from_path(local, rules, capabilities=capabilities)) == 6
    assert kensa.check_rules_from_path(local, rules, platform=("plan9", 4), capabilities={}, rule_ids="c-other-system")[0].passed


def test_changes_are_refused_or_not_there_yet(local: kensa.LocalSession) -> None:
    from runner._orchestration import remediate_rule

    with pytest.raises(NotImplementedError):
        remediate_rule(local, "x")
    with pytest.raises(PermissionError):
        remediate_rule(kensa.SSHSession("h", read_only=True), "x")


def test_detection(local: kensa.LocalSession) -> None:
    found = kensa.detect_capabilities(local, overrides={"fips_mode": True, "sudo": False})
    assert isinstance(found, dict) and json.loads(json.dumps(found))["fips_mode"] is True
    assert found["sudo"] is False and "fips_mode" in found.capabilities
    again = copy.deepcopy(pickle.loads(pickle.dumps(found)))
    assert again == found and again.platform == found.platform and again.detected_at == found.detected_at
    assert found.platform_family == kensa.detect_platform(local).family  # type: ignore[union-attr]


def test_rules_written_while_the_program_runs_are_seen(local: kensa.LocalSession, rules: Path) -> None:
    assert len(kensa.load_rules(rules)) == 6
    write_rule(rules / "system", "g-new", "{method: file_exists, path: /etc/passwd}")
    assert len(kensa.check_rules_from_path(local, rules)) == 7
