//! Hosts with one thing changed: `variants.yml` says what is done to a hardened host for one rule, and what the rule
//! then comes to.

use kensa::Status;

use crate::bed::Host;
use crate::hosts::STATES;

/// A change of a running host that one rule has to notice, or has to take for as good.
#[derive(Clone)]
pub struct Variant {
    pub rule: String,
    states: Vec<String>,
    pub change: String,
    undo: Option<String>,
    pub wanted: Status,
}

/// All variants, in the order of the file.
pub fn all(listed: &serde_json::Value) -> Vec<Variant> {
    let mut variants = Vec::new();
    for (rule, changes) in listed.as_object().unwrap() {
        for entry in changes.as_array().unwrap() {
            let text = |key: &str| entry[key].as_str().map(str::to_owned);
            let on = text("state").unwrap_or_else(|| "debian-good rhel9-good".to_owned());
            let (fails, passes) = (text("fails"), text("passes"));
            for name in on.split_whitespace() {
                assert!(STATES.iter().any(|state| state.name == name), "{rule}: there is no state {name}");
            }
            let wanted = if passes.is_some() { Status::Pass } else { Status::Fail };
            variants.push(Variant {
                rule: rule.clone(),
                states: on.split_whitespace().map(str::to_owned).collect(),
                change: fails.or(passes).unwrap_or_else(|| panic!("{rule}: what is changed?")),
                undo: text("undo"),
                wanted,
            });
        }
    }
    variants
}

impl Variant {
    pub fn is_of(&self, state: &str) -> bool {
        self.states.iter().any(|name| name == state)
    }

    /// Changes the host, which keeps what there was.
    pub fn make(&self, host: &Host) {
        let keep = "rm -rf $KEPT; mkdir $KEPT\nfor p; do if small $p && there $p; then cp -a --parents $p $KEPT; fi; done";
        self.run(host, &format!("{keep}\n{}", self.change));
    }

    /// Puts the host back.
    pub fn undo(&self, host: &Host) {
        let back =
            "for p; do if small $p; then rm -rf $p; if there $KEPT$p; then cp -a $KEPT$p $p; fi; fi; done";
        self.run(host, &format!("{}\n{back}", self.undo.as_deref().unwrap_or(":")));
    }

    fn run(&self, host: &Host, text: &str) {
        let script = format!("{WORDS}\nset -e; set -- {}\n{text}\necho done", self.paths().join(" "));
        let said = host.exec(&script);
        assert_eq!(said.lines().last(), Some("done"), "{}: {text}\n{said}", self.rule);
    }

    /// The files the change names.
    fn paths(&self) -> Vec<&str> {
        let tops = ["/etc/", "/var/", "/usr/", "/home/", "/root/", "/boot/", "/srv/"];
        let words = self.change.split(|c: char| c.is_whitespace() || "'\"()<>|&;,=*".contains(c));
        let mut paths: Vec<&str> = words
            .filter(|word| tops.iter().any(|top| word.starts_with(top) && !word.ends_with('/')))
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

/// What the shell text may use. A directory right below the top is too large to keep: whoever changes it takes it back.
const WORDS: &str = r#"KEPT=/run/bed-kept
there() { [ -e $1 ] || [ -L $1 ]; }
small() { case $1 in /usr/*/* | /var/*/* | /home/*/*) ;; /usr/* | /var/* | /home/*) [ ! -d $1 ] ;; esac; }
put() { mkdir -p "${1%/*}"; printf "$2" > "$1"; }
swap() { sed -i "$2" "$1"; }
tool() { printf '#!/bin/sh\n%s\n' "$2" > "$1.new"; chmod 755 "$1.new"; mv "$1.new" "$1"; }
run_service() { systemd-run -q --unit="$1" sleep infinity; }
run_socket() { systemd-run -q --unit="$1" --socket-property=ListenStream="/run/bed-$1" sleep infinity; }
stop_socket() { systemctl stop "$1.socket"; }
stub_package() { printf 'Package: %s\nStatus: install ok installed\nMaintainer: none <none@example.com>\nArchitecture: all\nVersion: 1.0-1\nDescription: stub\n\n' "$1"; }
stub_rpm() { rpm -i --justdb --nodeps --noscripts --nosignature --ignoreos --ignorearch /usr/share/bed-rpms/"$1"-[0-9]*.rpm; }
drop_rpm() { rpm -e --justdb --nodeps --noscripts "$1"; }
apparmor() {
  mount -o remount,rw /sys; mkdir -p /sys/module/apparmor/parameters; mount -t tmpfs tmpfs /sys/kernel/security
  echo Y > /sys/module/apparmor/parameters/enabled
  mkdir /sys/kernel/security/apparmor; echo "/usr/sbin/chronyd ($1)" > /sys/kernel/security/apparmor/profiles
}
no_apparmor() { umount /sys/kernel/security; rm -r /sys/module; mount -o remount,ro /sys; }"#;
