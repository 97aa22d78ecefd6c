"""Rules, variables, mappings, inventories, paths: what needs no host."""

import copy
import json
import pickle
from pathlib import Path

import pytest

import kensa
from kensa import mappings as m
from kensa.config import parse_var_overrides
from kensa.inventory import resolve_targets
from kensa.selection import select_implementation


def test_a_rule_is_a_dictionary_with_attributes_and_derived_keys(rules: Path) -> None:
    rule = kensa.load_rules(rules, rule_ids="D-Command")[0]
    assert isinstance(rule, dict) and rule["id"] == rule.id == "d-command"
    assert rule["check"]["method"] == "command" and rule.remediation == rule["remediation"]
    assert rule["framework_refs"] is rule["references"] or rule["framework_refs"] == rule["references"]
    assert rule.variables == ["word"] and rule.depends_on == [] and hasattr(rule, "frameworks")
    with pytest.raises(AttributeError):
        rule.no_such_attribute
    for other in (copy.deepcopy(rule), pickle.loads(pickle.dumps(rule))):
        assert other == rule and other.path == rule.path
    json.dumps(rule)


def test_resolving_gives_a_new_rule(rules: Path) -> None:
    rule = kensa.load_rules(rules, rule_ids="d-command")[0]
    config = kensa.load_config(rules)
    assert config.variables == {"word": "hello"} and config.framework_overrides == {"cis": {"word": "from-cis"}}
    resolved = kensa.resolve_variables(rule, config, framework="cis-rhel9-v2.0.0")
    assert resolved["check"]["run"] == "echo from-cis" and rule["check"]["run"] == "echo {{ word }}"
    assert resolved["implementations"][0]["check"]["run"] == "echo from-cis"
    with pytest.raises(ValueError):
        kensa.resolve_variables(rule, config, cli_overrides={"word": "$(reboot)"})
    missing = kensa.load_rules(rules, rule_ids="e-unknown")[0]
    with pytest.raises(ValueError, match="nowhere"):
        kensa.resolve_variables(missing, config)
    assert kensa.resolve_variables(missing, config, strict=False)["check"]["run"] == "echo {{ nowhere }}"


def test_rules_d_overrides_the_framework(rules: Path) -> None:
    (rules / "rules.d").mkdir()
    (rules / "rules.d" / "10-site.yml").write_text("variables:\n  word: site\n")
    config = kensa.load_config(rules)
    rule = kensa.load_rules(rules, rule_ids="d-command")[0]
    assert kensa.resolve_variables(rule, config, framework="cis")["check"]["run"] == "echo site"


def test_overrides_as_text() -> None:
    with pytest.raises(ValueError):
        parse_var_overrides(["novalue"])


def test_platforms() -> None:
    rule = {"platforms": [{"family": "rhel", "min_version": 8, "max_version": 9}, {"family": "debian"}]}
    asked: "list[tuple[str, int | str]]" = [("rhel", 7), ("rhel", 8), ("rhel", "9.4"), ("rhel", 10), ("debian", 12)]
    fits = [one for one in asked if kensa.rule_applies_to_platform(rule, *one)]
    assert fits == [("rhel", 8), ("rhel", "9.4"), ("debian", 12)]


def test_selection_prefers_a_gate_over_the_default() -> None:
    rule = {"implementations": [{"when": {"any": ["a", "b"]}, "check": 1}, {"default": True, "check": 2}]}
    assert (select_implementation(rule, {"b": True}) or {})["check"] == 1
    assert (select_implementation(rule, {}) or {})["check"] == 2
    assert select_implementation({"implementations": [{"when": "a"}]}, {}) is None


def test_the_corpus_of_the_wheel_is_files_other_programs_read() -> None:
    root = kensa.get_rules_path()
    assert isinstance(root, Path) and (root / "defaults.yml").is_file()
    files = [path for path in root.rglob("*.yml") if path.name != "defaults.yml" and "mappings" not in path.parts]
    rules = kensa.load_rules()
    assert len(rules) > 300 and len(files) >= len(rules)
    for rule in rules:
        assert rule["check"] and rule["title"] and rule["severity"] in ("critical", "high", "medium", "low")
        references = rule.get("references", {})
        for family in ("cis", "stig"):
            assert all(isinstance(one, (dict, list)) for one in references.get(family, {}).values())


def test_paths_follow_the_environment_on_every_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    bundled = kensa.get_rules_path()
    monkeypatch.setenv("KENSA_RULES_PATH", str(tmp_path))
    assert kensa.get_rules_path() == tmp_path
    (tmp_path / "mappings").mkdir()
    assert kensa.get_mappings_path() == tmp_path / "mappings"
    monkeypatch.setenv("KENSA_RULES_PATH", str(tmp_path / "nowhere"))
    assert kensa.get_rules_path() == bundled == kensa.get_rules_path()
    assert caplog.text.count("nowhere") == 1
    from packaging.version import Version

    assert str(Version(kensa.get_version())) and len(kensa.get_version()) <= 20


MAPPING = """\
id: cis-rhel9-v2.0.0
framework: cis
title: CIS Red Hat Enterprise Linux 9 Benchmark
published: 2024-06-20
platform: {family: rhel, min_version: 9, max_version: 9}
control_ids: ["5.2.3", "5.10.1", "6.1", "6.2"]
sections:
  "5.10.1": {title: "Later", rules: [rule-b, rule-a], level: L1, type: Automated}
  "5.2.3": {title: "Earlier", rule: rule-a, level: 2}
unimplemented:
  "6.1": {title: "By hand", reason: "needs a person", type: manual}
"""


@pytest.fixture
def mapping(tmp_path: Path) -> m.FrameworkMapping:
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "cis.yaml").write_text(MAPPING)
    (folder / "broken.yaml").write_text("id: [")
    found = m.load_all_mappings(folder)
    assert list(found) == ["cis-rhel9-v2.0.0"]
    return found["cis-rhel9-v2.0.0"]


def test_mappings(mapping: m.FrameworkMapping) -> None:
    entry = mapping.sections["5.2.3"]
    assert entry.metadata["rules"] == ["rule-a"] and entry.rule_id == "rule-a" and entry.metadata["level"] == "2"
    assert str(mapping.published) == "2024-06-20"
    assert mapping.implemented_count == 2 and mapping.total_controls == 4
    assert mapping.unaccounted_controls == ["6.2"] and not mapping.is_complete
    assert mapping.all_section_ids == ["5.2.3", "5.10.1", "6.1", "6.2"]
    assert m.build_rule_to_section_map(mapping) == {"rule-a": "5.2.3", "rule-b": "5.10.1"}
    assert m.get_applicable_mappings({"x": mapping}, "rhel", 9) == [mapping]
    assert m.get_applicable_mappings({"x": mapping}, "rhel", 8) == []
    rules = [{"id": "rule-b"}, {"id": "rule-a"}, {"id": "rule-c"}]
    assert [rule["id"] for rule in m.rules_for_framework(mapping, rules)] == ["rule-b", "rule-a"]
    order = [(section, rule["id"]) for section, rule in m.order_by_framework(mapping, rules)]
    assert order == [("5.2.3", "rule-a"), ("5.10.1", "rule-b"), ("5.10.1", "rule-a")]
    results = [kensa.RuleResult(rule_id="x", framework_section=s) for s in ("5.10.1", None, "5.2.3")]
    assert [one.framework_section for one in m.order_results_by_section(results)] == ["5.2.3", "5.10.1", None]
    report = m.check_coverage(mapping, ["rule-a"])
    assert report.missing_rules == ["rule-b"] and report.implemented == 2 and not report.is_complete
    index = m.FrameworkIndex.build([mapping])
    assert [one.control for one in index.query_by_rule("rule-a")] == ["5.10.1", "5.2.3"]
    assert index.query_by_control("5.10.1") == ["rule-b", "rule-a"] and index.list_controls() == ["5.2.3", "5.10.1"]


INI = """\
# a comment
jump ansible_host=10.0.0.9
[web]
web[01:02].example.com ansible_port=2222
[db]
db-1 ansible_user=dba ansible_ssh_private_key_file=/keys/db
[all:vars]
ansible_user=audit
[prod:children]
web
db
"""
YAML = """\
all:
  vars: {ansible_user: audit}
  hosts: {jump: {ansible_host: 10.0.0.9}}
  children:
    prod:
      children:
        web: {hosts: {"web[01:02].example.com": {ansible_port: 2222}}}
        db: {hosts: {db-1: {ansible_user: dba, ansible_ssh_private_key_file: /keys/db}}}
"""


@pytest.mark.parametrize(("name", "text"), [("hosts", INI), ("hosts.yml", YAML)])
def test_inventories_in_both_forms_give_the_same_hosts(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    hosts = {one.hostname: one for one in resolve_targets(inventory=file)}
    assert set(hosts) == {"10.0.0.9", "web01.example.com", "web02.example.com", "db-1"}
    assert hosts["web01.example.com"].port == 2222 and hosts["web01.example.com"].user == "audit"
    assert hosts["db-1"].user == "dba" and hosts["db-1"].key_path == "/keys/db"
    assert "prod" in hosts["db-1"].groups and "web" in hosts["web02.example.com"].groups

    def names(limit: str) -> "list[str]":
        return sorted(one.hostname for one in resolve_targets(inventory=file, limit=limit))

    assert names("web") == ["web01.example.com", "web02.example.com"]
    assert names("prod,!db") == ["web01.example.com", "web02.example.com"]
    assert names("db-*") == ["db-1"]


def test_plain_lists(tmp_path: Path) -> None:
    file = tmp_path / "hosts.txt"
    file.write_text("web-1\nroot@web-2:2200\n# no\n\n2001:db8::1\n")
    hosts = resolve_targets(inventory=file, default_user="audit", default_key="/k")
    assert [(one.hostname, one.port, one.user) for one in hosts] == [
        ("web-1", 22, "audit"),
        ("web-2", 2200, "root"),
        ("2001:db8::1", 22, "audit"),
    ]
    assert {one.key_path for one in hosts} == {"/k"}


def test_order_circles_and_conflicts() -> None:
    rules: "list[dict[str, object]]" = [
        {"id": "d", "depends_on": ["c", "gone"]},
        {"id": "c", "depends_on": ["b"]},
        {"id": "b"},
        {"id": "x", "depends_on": ["y"]},
        {"id": "y", "depends_on": ["x"]},
        {"id": "after-x", "depends_on": ["x"]},
        {"id": "self", "depends_on": ["self"]},
        {"id": "a", "conflicts_with": ["b", "gone"]},
    ]
    order = kensa.order_rules(rules)
    assert [rule["id"] for rule in order.rules] == ["b", "c", "d", "a"]
    assert [sorted(cycle) for cycle in order.cycles] == [["x", "y"], ["self"]]
    assert kensa.find_conflicts(rules) == [("a", "b")]
    chain = [{"id": str(n), "depends_on": [str(n + 1)]} for n in range(5000)]
    assert [rule["id"] for rule in kensa.order_rules(chain).rules][:2] == ["4999", "4998"]


def test_variables_are_listed_with_their_rules_and_secrets_stay(rules: Path) -> None:
    (rules / "defaults.yml").write_text(
        "variables:\n"
        "  word: {type: string, default: hello, description: What is said}\n"
        "  tries: {type: integer, default: 4, min: 1, max: 9}\n"
        "  token: {type: string, default: hush-hush, sensitive: true}\n"
        "  owner: {type: string, required: true}\n"
    )
    found = {one.name: one for one in kensa.list_variables(rules)}
    assert found["word"].rule_ids == ["d-command"] and found["word"].description == "What is said"
    assert (found["tries"].default, found["tries"].minimum, found["tries"].maximum) == (4, 1, 9)
    assert found["token"].sensitive and found["token"].default is None and "hush" not in repr(found)
    assert found["owner"].required and found["nowhere"].rule_ids == ["e-unknown"]
    assert len(kensa.list_variables()) > 20


def test_a_rule_is_validated_before_it_is_saved(rules: Path) -> None:
    assert [kensa.validate_rule(rule) for rule in kensa.load_rules(rules)] == [[]] * 6
    wrong = {**kensa.load_rules(rules)[0], "severity": "hihg", "extra": 1}
    problems = kensa.validate_rule(wrong)
    assert len(problems) == 2 and any("hihg" in one and "high" in one for one in problems)
    assert kensa.validate_rule({"id": "x", "when": {1, 2}})[0].startswith("the rule cannot be written as JSON")


def test_controls_of_other_frameworks_come_from_the_mappings(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refs() -> "dict[str, str]":
        with kensa.LocalSession() as session:
            known: "dict[str, bool]" = {}
            return kensa.check_rules_from_path(session, rules, rule_ids="a-passes", capabilities=known)[0].framework_refs

    assert "own_v1" not in refs()
    (rules / "mappings").mkdir()
    (rules / "mappings" / "own.yaml").write_text("id: own-v1.0\nframework: own\nsections: {'7.1': {title: T, rule: a-passes}}\n")
    assert refs()["own_v1"] == "7.1"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "other.yaml").write_text("id: other\nframework: o\nsections: {'1': {title: T, rules: [a-passes]}}\n")
    monkeypatch.setenv("KENSA_MAPPINGS_PATH", str(elsewhere))
    assert refs()["other"] == "1" and "own_v1" not in refs()


def test_results_of_any_hosts_are_exported() -> None:
    import csv
    import io

    results = [kensa.RuleResult(rule_id="a", host="h1", passed=True), kensa.RuleResult(rule_id="b", host="h2")]
    rows = list(csv.DictReader(io.StringIO(kensa.export(results, "csv"))))
    assert [(row["host"], row["rule_id"], row["status"]) for row in rows] == [("h1", "a", "pass"), ("h2", "b", "fail")]
    assert json.loads(kensa.export(results))["summary"]["total"] == 2
    with pytest.raises(ValueError):
        kensa.export(results, "oscal")


def test_risk_never_raises_and_never_lowers() -> None:
    from kensa.risk import RISK_LEVELS, classify_step_risk

    assert classify_step_risk("no_such_mechanism") == "medium" and classify_step_risk("", {}) == "na"
    assert classify_step_risk("config_set", {"path": "/etc/pam.d/su"}) == "high"
    assert classify_step_risk("config_set", {"path": "/etc/x/../ssh/sshd_config"}) == "high"
    assert classify_step_risk("service_enabled", {"name": "sshd.service"}) == "high"
    assert classify_step_risk("command_exec", None) == "medium"
    steps = {"steps": [{"mechanism": "file_permissions", "path": "/boot/grub2/grub.cfg"}, {"mechanism": "manual"}]}
    assert classify_step_risk("file_permissions", steps) == "high"
    for odd in (None, 3, {"steps": 3}, {"steps": [None]}, {"path": 3}):
        assert classify_step_risk("file_permissions", odd) in RISK_LEVELS  # type: ignore[arg-type]


def test_the_modules_of_the_earlier_package_stand_on_the_same_objects() -> None:
    import runner
    import runner._config
    import runner._loading
    import runner._types
    import runner.engine
    import runner.errors
    import runner.inventory
    import runner.mappings
    import runner.paths
    import runner.remediation
    import runner.ssh
    import runner.storage
    import runner.updates

    assert runner.__version__ == kensa.__version__
    assert runner._loading.load_config is runner._config.load_config is kensa.load_config
    assert runner.engine.check_rules_from_path is kensa.check_rules_from_path
    assert runner._types.CheckResult is runner._types.RuleResult is kensa.RuleResult
    assert runner.errors.KensaError is kensa.KensaError
    assert kensa.remediate_rule is runner.remediation.remediate_rule


def test_the_error_tree() -> None:
    from kensa import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, kensa.KensaError)
        one = pickle.loads(pickle.dumps(kind("text")))
        assert str(one) == "text" and one.to_dict()["type"] == name
    assert issubclass(kensa.SSHConnectionError, ConnectionError) and not issubclass(kensa.SSHConnectionError, TimeoutError)
    assert issubclass(kensa.CommandTimeout, TimeoutError)


def test_a_panic_is_an_ordinary_exception() -> None:
    from kensa import _native

    with pytest.raises(kensa.InternalError, match="asked for"):
        _native.panic()
