//! Framework references as results carry them.

use std::collections::BTreeMap;

use kensa_core::{Platform, Rule};

/// The control ids of `rule` by framework key, its references first and what only mappings say after them; those
/// of other operating systems are left out when the host's is known. `pci_dss_4`, as rule files spell it, appears
/// as `pci_dss_v4`.
pub fn of_result(rule: &Rule, platform: Option<&Platform>) -> BTreeMap<String, Vec<String>> {
    let host = platform.map(Platform::key);
    let for_this_host = |key: &str| host.as_deref().is_none_or(|host| key.split("_v").next() == Some(host));
    let mut flat = rule.references.flatten_where(for_this_host);
    for (key, ids) in &rule.mapped {
        flat.entry(key.clone()).or_insert_with(|| ids.clone());
    }
    // Rule files may also list such a framework under its whole key, and mappings do.
    flat.retain(|key, _| match key.split_once('_') {
        Some(("cis" | "stig", rest)) => for_this_host(rest),
        _ => true,
    });
    if let Some(ids) = flat.remove("pci_dss_4") {
        flat.entry("pci_dss_v4".to_owned()).or_insert(ids);
    }
    flat
}

/// The one control to show: of `framework` where given, else of CIS, else STIG, else NIST SP 800-53.
pub fn section(refs: &BTreeMap<String, Vec<String>>, framework: Option<&str>) -> Option<String> {
    let first = |prefix: &str| {
        let of =
            |key: &str| key == prefix || key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_'));
        refs.iter().find(|(key, _)| of(key)).and_then(|(_, ids)| ids.first()).cloned()
    };
    match framework {
        Some(framework) => {
            let key = normal_key(framework);
            let family = key.split('_').next().unwrap_or_default().to_owned();
            first(&key).or_else(|| first(&family))
        }
        None => first("cis").or_else(|| first("stig")).or_else(|| first("nist_800_53")),
    }
}

/// One spelling for `cis-rhel9-v2.0.0`, `CIS_RHEL9_V2`, `pci_dss_4`, `pci-dss-v4.0`: lower case, underscores,
/// no `.0` tail, `v` before the version of PCI DSS.
pub fn normal_key(framework: &str) -> String {
    let mut key = framework.to_ascii_lowercase().replace('-', "_");
    while let Some(short) = key.strip_suffix(".0") {
        key = short.to_owned();
    }
    match key.as_str() {
        "pci_dss_4" | "pci_dss_v4.0.1" => "pci_dss_v4".to_owned(),
        "nist_800_53_r5" => "nist_800_53".to_owned(),
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs() -> BTreeMap<String, Vec<String>> {
        let one = |key: &str, id: &str| (key.to_owned(), vec![id.to_owned()]);
        [one("cis_rhel9_v2", "5.1.20"), one("stig_rhel9_v2r7", "V-1"), one("nist_800_53", "AC-6")].into()
    }

    #[test]
    fn the_section_follows_the_framework_asked_for() {
        assert_eq!(section(&refs(), None).as_deref(), Some("5.1.20"));
        assert_eq!(section(&refs(), Some("stig")).as_deref(), Some("V-1"));
        assert_eq!(section(&refs(), Some("cis-rhel9-v2.0.0")).as_deref(), Some("5.1.20"));
        assert_eq!(section(&refs(), Some("nist-800-53-r5")).as_deref(), Some("AC-6"));
        assert_eq!(section(&refs(), Some("hipaa")), None);
    }

    #[test]
    fn keys_have_one_spelling() {
        assert_eq!(normal_key("cis-rhel9-v2.0.0"), "cis_rhel9_v2");
        assert_eq!(normal_key("pci-dss-v4.0"), "pci_dss_v4");
        assert_eq!(normal_key("STIG"), "stig");
    }
}
