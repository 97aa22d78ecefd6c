use std::path::Path;

use super::*;
use crate::load::yaml::Source;

const DEFAULTS: &str = r#"
variables:
  tries: 4
  umask: "027"
  units: [a.service, b.service]
  enforce: true
  relay: relay.example.com:25
  site: {type: string, required: true}
  secret: {default: hunter2, sensitive: true}
  empty: []
frameworks:
  cis: {tries: 3, umask: "077"}
  cis_rhel9: {tries: 2}
"#;

fn table(files: &[(Tier, &str)]) -> VariableTable {
    let mut table = VariableTable::default();
    for (number, (tier, text)) in files.iter().enumerate() {
        let path = format!("{number}.yml");
        let mut source = Source::new(Path::new(&path), text.as_bytes()).unwrap();
        read_file(&mut table, &mut source, *tier);
        assert_eq!(source.found, []);
    }
    table
}

fn defaults() -> VariableTable {
    table(&[(Tier::Defaults, DEFAULTS)])
}

fn params(json: &str) -> Params {
    serde_json::from_str(json).unwrap()
}

fn text(table: &VariableTable, name: &str) -> String {
    table.get(name).map(Setting::text).unwrap_or_default()
}

#[test]
fn later_tiers_override_earlier_ones_whatever_the_order_of_reading() {
    let site = "variables: {tries: 7}\n";
    let rules_d = "variables: {tries: 6, umask: '022'}\nframeworks: {stig: {umask: '000'}}\n";
    let table = table(&[(Tier::Defaults, DEFAULTS), (Tier::Site, site), (Tier::RulesD, rules_d)]);
    assert_eq!((text(&table, "tries"), text(&table, "umask")), ("7".into(), "022".into()));
    // rules.d stands above the framework section of defaults.yml, and has sections of its own.
    let cis = table.with_framework(Some("cis-rhel8-v4.0.0"));
    assert_eq!(text(&cis, "umask"), "022");
    assert_eq!(text(&table.with_framework(Some("stig-rhel9-v2r7")), "umask"), "000");
    let overrides = BTreeMap::from([("tries".to_owned(), "9".to_owned())]);
    let scan = table.for_scan(Some("cis"), &overrides).unwrap();
    assert_eq!(text(&scan, "tries"), "9");
    assert_eq!(scan.get("tries").map(|setting| setting.tier), Some(Tier::Override));
}

#[test]
fn a_framework_selects_the_longest_section_that_leads_its_id() {
    let of = |framework: &str| text(&defaults().with_framework(Some(framework)), "tries");
    assert_eq!(of("cis-rhel9-v2.0.0"), "2");
    assert_eq!(of("cis-rhel8-v4.0.0"), "3");
    assert_eq!(of("CIS"), "3");
    assert_eq!(of("cisco"), "4");
    assert_eq!(of("stig"), "4");
}

#[test]
fn values_go_into_parsed_parameters_with_their_type() {
    let given = params(
        r#"{"a": "{{ tries }}", "b": "x{{ tries }}-{{umask}}", "c": "{{ enforce }}", "d": "{{ units }}",
            "e": ["{{ relay }}", 1, {"f": "{{ umask }}"}], "g": "{{ .Go }}"}"#,
    );
    let expected = params(
        r#"{"a": 4, "b": "x4-027", "c": true, "d": "a.service,b.service",
            "e": ["relay.example.com:25", 1, {"f": "027"}], "g": "{{ .Go }}"}"#,
    );
    assert_eq!(defaults().resolve_params(&given), Ok(expected));
}

#[test]
fn a_value_that_holds_a_template_is_not_expanded_again() {
    let table = table(&[(Tier::Defaults, "variables: {a: '{{ b }}', b: x}\n")]);
    assert_eq!(table.resolve_params(&params(r#"{"k": "{{ a }}"}"#)), Ok(params(r#"{"k": "{{ b }}"}"#)));
}

#[test]
fn undefined_and_undeclared_are_told_apart() {
    let error = |json: &str| defaults().resolve_params(&params(json)).unwrap_err();
    let undefined = error(r#"{"k": "{{ nope }} {{ neither }} {{ site }}"}"#);
    assert_eq!(undefined, VariableError::Undefined(vec!["neither".into(), "nope".into()]));
    assert_eq!(undefined.reason(), Reason::UndefinedVariable);
    assert_eq!(undefined.to_string(), "undefined variables `neither`, `nope`");
    let undeclared = error(r#"{"k": "{{ site }}"}"#);
    assert_eq!(undeclared.reason(), Reason::UndeclaredValue);
    assert_eq!(
        defaults().empty_in(&params(r#"{"k": "{{ empty }}{{ site }}{{ tries }}"}"#)),
        ["empty", "site"]
    );
}

#[test]
fn a_value_cannot_become_shell_syntax() {
    let resolve = |parameter: &str, value: &str| {
        let overrides = BTreeMap::from([("relay".to_owned(), value.to_owned())]);
        let table = defaults().for_scan(None, &overrides).unwrap();
        let given = Params::from([(parameter.to_owned(), Value::from("echo {{ relay }}"))]);
        table.resolve_params(&given).map_err(|error| error.reason())
    };
    for parameter in ["run", "cmd", "observed_command", "unless"] {
        for value in
            ["a;b", "$(id)", "`id`", "a|b", "a&b", "a>b", "a\nb", "'", "\"", "a\\b", "*", "é", "~", "#"]
        {
            assert_eq!(resolve(parameter, value), Err(Reason::InvalidRule), "{parameter} {value:?}");
        }
        assert!(resolve(parameter, "a-B9 .,:_@%+/=\t").is_ok());
        assert!(resolve(parameter, "").is_ok());
    }
    assert!(resolve("expected", "a;b").is_ok());
}

#[test]
fn shell_text_in_lists_and_mappings_is_held_to_the_same() {
    let table = table(&[(Tier::Defaults, "variables: {a: 'x;y'}\n")]);
    assert!(table.resolve_params(&params(r#"{"run": ["{{ a }}"]}"#)).is_err());
    assert!(table.resolve_params(&params(r#"{"run": {"k": "{{ a }}"}}"#)).is_err());
    assert!(table.resolve_shell_text("unless", "test {{ a }}").is_err());
}

#[test]
fn secret_values_are_shown_nowhere() {
    let table = defaults();
    let setting = table.get("secret").unwrap();
    assert_eq!((setting.text().as_str(), setting.shown().as_str()), ("hunter2", MARK));
    assert!(!format!("{table:?} {setting:?}").contains("hunter2"));
    let overrides = BTreeMap::from([("secret".to_owned(), "swordfish".to_owned())]);
    let scan = table.for_scan(None, &overrides).unwrap();
    assert!(!format!("{scan:?}").contains("swordfish"));
    assert_eq!(scan.mask("\"swordfish\" is no number"), format!("\"{MARK}\" is no number"));
    let unsafe_text = scan.resolve_params(&params(r#"{"run": "{{ secret }}"}"#)).unwrap_err();
    assert_eq!(unsafe_text.reason(), Reason::InvalidRule);
}

#[test]
fn every_override_that_does_not_fit_is_named() {
    let overrides =
        [("tries", "many"), ("units", "a, b"), ("enforce", "yes"), ("no-name", "x"), ("new", "5")];
    let overrides = overrides.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = defaults().for_scan(None, &BTreeMap::from(overrides)).unwrap_err();
    let VariableError::Overrides(wrong) = &error else { panic!("{error}") };
    let names: Vec<&str> = wrong.iter().map(|wrong| wrong.name.as_str()).collect();
    assert_eq!(names, ["enforce", "no-name", "tries", "units"]);
    assert!(
        error.to_string().contains("variable `tries`: it is declared as integer and \"many\" is not"),
        "{error}"
    );
}
