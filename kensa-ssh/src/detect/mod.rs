//! What a host is and has: its platform, and the capabilities rules select their implementation by.

mod capability;
mod platform;
mod table;

use std::collections::BTreeMap;

use kensa_core::{CouldNotTell, Facts, Outputs, Platform, Probe, Reason, Transport};
use tracing::debug;

pub use capability::Capability;
pub use table::CAPABILITIES;

/// Detects platform and capabilities with one question to the host. `overrides` replace what would be detected.
///
/// Never fails: what could not be told is undetermined, with the reason, and never `false`.
pub async fn detect(transport: &dyn Transport, overrides: &BTreeMap<String, bool>) -> Facts {
    let got = transport.ask_all(&probes()).await;
    let facts = judge(&got, overrides);
    debug!(
        host = transport.host(),
        platform = facts.platform.as_ref().map(Platform::key),
        undetermined = facts.undetermined.len(),
        "detected"
    );
    facts
}

/// Everything detection asks, each probe once.
pub fn probes() -> Vec<Probe> {
    let mut probes = platform::probes();
    for capability in CAPABILITIES {
        for probe in capability.probes() {
            if !probes.contains(&probe) {
                probes.push(probe);
            }
        }
    }
    probes
}

/// What the answers to [`probes`] say about the host; pure, so that recorded answers can be judged again.
pub fn judge(got: &Outputs, overrides: &BTreeMap<String, bool>) -> Facts {
    let mut facts = Facts::default();
    match platform::judge(got) {
        Ok(platform) => facts.platform = platform,
        Err(error) => drop(facts.undetermined.insert(Facts::PLATFORM.to_owned(), error.message)),
    }
    for capability in CAPABILITIES.iter().filter(|capability| !overrides.contains_key(capability.name)) {
        match capability.judge(got) {
            Ok(present) => {
                facts.capabilities.insert(capability.name.to_owned(), present);
            }
            Err(error) => {
                facts.undetermined.insert(capability.name.to_owned(), error.message);
            }
        }
    }
    facts.capabilities.extend(overrides.clone());
    facts
}

/// Reads `NAME=VALUE`, where the value is `true`, `yes`, `y`, `on` or `1`, or the opposite; in any case.
///
/// An unknown name is refused with the nearest known one.
pub fn parse_override(text: &str) -> Result<(String, bool), CouldNotTell> {
    let refuse = |message: String| Err(CouldNotTell::new(Reason::InvalidRule, message));
    let Some((name, value)) = text.split_once('=') else {
        return refuse(format!("{text:?} is not NAME=VALUE, for example aide=true"));
    };
    let name = name.trim();
    if Capability::find(name).is_none() {
        let nearest =
            CAPABILITIES.iter().map(|known| known.name).min_by_key(|known| strsim::levenshtein(known, name));
        return refuse(format!(
            "no capability is called {name:?}; the nearest is {}",
            nearest.unwrap_or("none")
        ));
    }
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Ok((name.to_owned(), true)),
        "false" | "no" | "n" | "off" | "0" => Ok((name.to_owned(), false)),
        other => refuse(format!("{other:?} is neither true nor false, for capability {name}")),
    }
}

#[cfg(test)]
mod tests;
