//! What is known about a host before any rule is evaluated.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Distributions that rebuild Red Hat Enterprise Linux, by os-release `ID`.
pub const RHEL_REBUILDS: [&str; 8] =
    ["rhel", "redhat", "centos", "rocky", "almalinux", "alma", "ol", "oracle"];

/// What was detected about a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// The operating system; `None` when the host does not say, or when it could not be determined
    /// ([`Facts::platform_unknown`] then gives the reason).
    pub platform: Option<Platform>,
    /// Every probed capability that could be determined.
    pub capabilities: BTreeMap<String, bool>,
    /// Capabilities that could not be determined, each with the reason; [`Facts::PLATFORM`] stands for the
    /// operating system.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undetermined: BTreeMap<String, String>,
}

impl Facts {
    /// The key in [`Facts::undetermined`] that stands for the operating system.
    pub const PLATFORM: &'static str = "platform";

    /// Why the operating system could not be determined; `None` when it is known, or known not to be named.
    pub fn platform_unknown(&self) -> Option<&str> {
        self.undetermined.get(Self::PLATFORM).filter(|_| self.platform.is_none()).map(String::as_str)
    }

    /// Whether the host has `capability`; `None` when it could not be determined.
    /// A name no probe exists for is absent.
    pub fn capability(&self, capability: &str) -> Option<bool> {
        match self.capabilities.get(capability) {
            Some(present) => Some(*present),
            None if self.undetermined.contains_key(capability) => None,
            None => Some(false),
        }
    }

    /// The package manager whose database is the host's: by platform family, else by what is installed.
    pub fn package_manager(&self) -> Option<PackageManager> {
        let family = self.platform.as_ref().map(|platform| platform.family.as_str());
        match family {
            Some("rhel" | "fedora" | "amzn" | "suse" | "sles" | "opensuse-leap") => Some(PackageManager::Rpm),
            Some("debian" | "ubuntu") => Some(PackageManager::Dpkg),
            _ => match (self.capability("dpkg"), self.capability("rpm")) {
                (Some(true), Some(false)) => Some(PackageManager::Dpkg),
                (Some(false), Some(true)) => Some(PackageManager::Rpm),
                // Both: of an unknown system either could be the one that counts.
                (Some(true), Some(true)) if self.platform_unknown().is_none() => Some(PackageManager::Dpkg),
                _ => None,
            },
        }
    }
}

/// A package database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// RPM.
    Rpm,
    /// dpkg.
    Dpkg,
}

/// The operating system of a host, from `/etc/os-release` (see os-release(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// `ID`, lower case.
    pub id: String,
    /// `rhel` for RHEL and its rebuilds, else the `ID`.
    pub family: String,
    /// Leading number of `VERSION_ID`; 0 when there is none.
    pub major: u32,
    /// `VERSION_ID` in full.
    pub version_id: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

impl Platform {
    /// A platform from its os-release `ID` and `VERSION_ID`.
    ///
    /// ```
    /// let rocky = kensa_core::Platform::new("rocky", "9.4");
    /// assert_eq!((rocky.family.as_str(), rocky.major), ("rhel", 9));
    /// ```
    pub fn new(id: &str, version_id: &str) -> Self {
        let id = id.to_ascii_lowercase();
        let family = if RHEL_REBUILDS.contains(&id.as_str()) { "rhel".to_owned() } else { id.clone() };
        let digits: String = version_id.chars().take_while(char::is_ascii_digit).collect();
        Self {
            family,
            major: digits.parse().unwrap_or(0),
            version_id: version_id.to_owned(),
            pretty_name: format!("{id} {version_id}").trim_end().to_owned(),
            id,
        }
    }

    /// Reads the text of an os-release file; `None` when it names no `ID`.
    pub fn from_os_release(text: &str) -> Option<Self> {
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some((key, value)) = line.split_once('=') {
                fields.insert(key.trim(), unquote(value.trim()));
            }
        }
        let id = fields.get("ID").filter(|id| !id.is_empty())?;
        let mut platform = Self::new(id, fields.get("VERSION_ID").map_or("", String::as_str));
        if let Some(pretty) = fields.get("PRETTY_NAME") {
            platform.pretty_name = pretty.clone();
        }
        Some(platform)
    }

    /// The short key benchmarks use: `rhel9`, `ubuntu22`, `debian12`.
    pub fn key(&self) -> String {
        format!("{}{}", self.family, self.major)
    }
}

/// Removes one pair of quotes and the backslash escapes os-release(5) allows inside double quotes.
fn unquote(value: &str) -> String {
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if let Some(text) = inner('\'') {
        return text.to_owned();
    }
    let Some(text) = inner('"') else { return value.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_database_is_not_guessed() {
        let facts = |dpkg, rpm, unknown: bool| {
            let mut facts = Facts::default();
            for (name, present) in [("dpkg", dpkg), ("rpm", rpm)] {
                match present {
                    Some(present) => drop(facts.capabilities.insert(name.to_owned(), present)),
                    None => drop(facts.undetermined.insert(name.to_owned(), "denied".to_owned())),
                }
            }
            if unknown {
                facts.undetermined.insert(Facts::PLATFORM.to_owned(), "denied".to_owned());
            }
            facts.package_manager()
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(facts(yes, no, true), Some(PackageManager::Dpkg));
        assert_eq!(facts(no, yes, true), Some(PackageManager::Rpm));
        assert_eq!((facts(yes, yes, false), facts(yes, yes, true)), (Some(PackageManager::Dpkg), None));
        assert_eq!((facts(None, yes, false), facts(yes, None, false)), (None, None));
    }

    #[test]
    fn reads_quoted_and_plain_fields() {
        let text = "NAME='X'\nID=\"ol\"\n# ID=no\nVERSION_ID=\"8.10\"\nPRETTY_NAME=\"Oracle \\\"8\\\"\"\n";
        let platform = Platform::from_os_release(text);
        let platform = platform.as_ref();
        assert_eq!(platform.map(|p| (p.family.as_str(), p.id.as_str(), p.major)), Some(("rhel", "ol", 8)));
        assert_eq!(platform.map(|p| p.pretty_name.as_str()), Some("Oracle \"8\""));
        assert_eq!(Platform::from_os_release("VERSION_ID=1\n"), None);
        assert_eq!(Platform::from_os_release("ID=arch\n").map(|p| p.major), Some(0));
    }
}
