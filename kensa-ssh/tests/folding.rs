//! A folded read gives each probe exactly what its own command prints.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};

use common::{session, shells};
use kensa_core::{FindRange, FindTest, Output, PackageManager, Probe, Transport};
use kensa_ssh::{Session, SessionOptions};

/// Asks all probes together and each one's command alone, and compares byte for byte. Returns how many of the
/// answers came out of a folded command.
async fn compare(session: &Session, probes: &[Probe]) -> usize {
    let together = session.ask_all(probes).await;
    assert_eq!(together.len(), probes.len());
    let mut folded = 0;
    for probe in probes {
        let alone = session.run(&probe.command(), None).await.unwrap();
        let got = together.get(probe).unwrap().as_ref().unwrap();
        let view = |output: &Output| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (output.exit_code, text(&output.stdout), without_position(&text(&output.stderr)))
        };
        assert_eq!(view(got), view(&alone), "{probe}");
        assert_eq!(got.command, probe.command());
        folded += usize::from(got.via.is_some());
    }
    folded
}

/// Shells put the number of the line into their own messages, which depends on the queue.
fn without_position(text: &str) -> String {
    let line = text.split_once(": ").filter(|(shell, _)| *shell == "sh" || *shell == "bash");
    match line.and_then(|(_, rest)| rest.split_once(": ")) {
        Some((_, rest)) if text.contains("not found") => rest.trim_start_matches("exec: ").to_owned(),
        _ => text.to_owned(),
    }
}

#[tokio::test]
async fn r26_stat_present_missing_linked_and_odd() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| format!("{}/{name}", dir.path().display());
    for name in ["a", "b c", "d'e", "f|g", "new\nline", "ü"] {
        std::fs::write(path(name), "x").unwrap();
    }
    std::fs::set_permissions(path("a"), std::fs::Permissions::from_mode(0o4750)).unwrap();
    symlink(path("a"), path("link")).unwrap();
    symlink("/nowhere", path("dangling")).unwrap();
    let mut probes: Vec<Probe> = Vec::new();
    for name in
        ["a", "b c", "d'e", "f|g", "new\nline", "ü", "link", "dangling", "missing", "miss ing", "a/under"]
    {
        probes.push(Probe::stat(path(name)));
        probes.push(Probe::Stat { path: path(name), follow: true });
    }
    probes.extend(["/", "/etc/passwd", "/proc/1/exe", "/no/such/dir/file", "//etc//passwd"].map(Probe::stat));
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        assert!(compare(&session, &probes).await >= 15, "{shell}");
    }
}

#[tokio::test]
async fn r26_sysctl_known_unknown_and_directories() {
    let session = session("dash", SessionOptions::default()).await;
    let known = [
        "kernel.ostype",
        "net.ipv4.ip_forward",
        "kernel.osrelease",
        "net.ipv4.tcp_rmem",
        "vm.overcommit_memory",
    ];
    let known = known.map(Probe::sysctl);
    assert_eq!(compare(&session, &known).await, known.len());
    for unknown in [&["a.b"][..], &["a.b", "kernel.c.d", "zz"]] {
        let mut probes = known.to_vec();
        probes.splice(2..2, unknown.iter().map(|key| Probe::sysctl(*key)));
        assert_eq!(compare(&session, &probes).await, probes.len(), "{unknown:?}");
    }
    // A directory answers for many keys: everything is asked again alone.
    let mut probes = known.to_vec();
    probes.push(Probe::sysctl("net.ipv4.conf.lo"));
    probes.push(Probe::sysctl("net/ipv4/ip_forward"));
    compare(&session, &probes).await;
    // Write-only keys print nothing at all.
    let mut probes = known.to_vec();
    probes.push(Probe::sysctl("net.ipv4.route.flush"));
    compare(&session, &probes).await;
}

#[tokio::test]
async fn r26_packages_installed_absent_and_half_known() {
    let session = session("dash", SessionOptions::default()).await;
    let names = [
        "dash",
        "bash",
        "no-such-package",
        "coreutils",
        "libc6",
        "zzz-absent",
        "Perl",
        "mail-transport-agent",
    ];
    let probes: Vec<Probe> = names.iter().map(|name| Probe::package(PackageManager::Dpkg, *name)).collect();
    assert!(compare(&session, &probes).await >= 7);
    let odd = ["dash", "bash", "libc6:amd64", "pyth*", "-x"];
    let probes: Vec<Probe> = odd.iter().map(|name| Probe::package(PackageManager::Dpkg, *name)).collect();
    compare(&session, &probes).await;
    // Where rpm is missing, each probe says so.
    let probes: Vec<Probe> = names.iter().map(|name| Probe::package(PackageManager::Rpm, *name)).collect();
    compare(&session, &probes).await;
}

#[tokio::test]
async fn r26_units_and_tools() {
    let units = [
        "cron",
        "ssh.service",
        "no-such-unit",
        "getty@tty1",
        "systemd-journald.service",
        "foo@.service",
        "x.timer",
    ];
    let tools = ["ls", "cd", "no-such-tool", "sshd", "test", "dpkg", "if"];
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        compare(&session, &units.map(Probe::unit)).await;
        assert_eq!(compare(&session, &tools.map(Probe::tool)).await, tools.len(), "{shell}");
    }
}

#[tokio::test]
async fn r28_one_item_that_fails_does_not_mark_the_others() {
    let session = session("dash", SessionOptions::default()).await;
    let package = |name: &str| Probe::package(PackageManager::Dpkg, name);
    let kinds: [[Probe; 4]; 4] = [
        ["/etc/passwd", "/no/such", "/etc/passwd/under", "/etc"].map(Probe::stat),
        ["kernel.ostype", "no.such.key", "a.b", "vm.overcommit_memory"].map(Probe::sysctl),
        ["dash", "no-such-package", "zzz-absent", "coreutils"].map(package),
        ["ls", "no-such-tool", "zzz-absent", "cat"].map(Probe::tool),
    ];
    for probes in kinds {
        assert_eq!(compare(&session, &probes).await, 4, "{}: not folded", probes[0]);
        let outputs = session.ask_all(&probes).await;
        let status = |at: usize| outputs.get(&probes[at]).unwrap().as_ref().unwrap().exit_code;
        assert_eq!([status(0), status(3)], [0, 0], "{}", probes[0]);
        assert!(status(1) != 0 && status(2) != 0, "{}", probes[1]);
    }
}

#[tokio::test]
async fn r27_long_lists_are_split() {
    let session = session("dash", SessionOptions::default()).await;
    let long = "d".repeat(200);
    let probes: Vec<Probe> = (0..1000).map(|n| Probe::stat(format!("/nonexistent/{long}/{n}"))).collect();
    let probes = [probes, vec![Probe::stat("/etc/passwd")]].concat();
    let outputs = session.ask_all(&probes).await;
    assert_eq!(outputs.len(), 1001);
    assert!(outputs.stat("/etc/passwd").unwrap().is_some());
    assert_eq!(outputs.stat(&format!("/nonexistent/{long}/7")), Ok(None));
    let stats = session.stats();
    assert!((7..=9).contains(&stats.commands), "{stats:?}");
    assert!(
        outputs.iter().all(|(_, answer)| answer.as_ref().unwrap().via.as_ref().unwrap().len() < 32 * 1024)
    );
}

/// A tree with everything that could break a line, an entry or a test; foreign owners where the tests run as root.
fn odd_tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::create_dir(path("sub dir")).unwrap();
    std::fs::create_dir(path("pruned")).unwrap();
    let files = [
        ("plain", 0o644),
        ("with blank", 0o666),
        ("new\nline", 0o4755),
        ("f|g|h", 0o2755),
        ("star*[x]", 0o600),
        ("starry[x]", 0o600),
        ("back\\slash", 0o6777),
        ("sub dir/.rhosts", 0o600),
        ("pruned/.rhosts", 0o4777),
        ("ü", 0o4000),
        ("nameless", 0o640),
        ("groupless", 0o640),
    ];
    for (name, mode) in files {
        std::fs::write(path(name), "x").unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let invalid = std::os::unix::ffi::OsStrExt::from_bytes(&b"caf\xe9"[..]);
    std::fs::write(dir.path().join::<&std::ffi::OsStr>(invalid), "x").unwrap();
    std::fs::set_permissions(path("sub dir"), std::fs::Permissions::from_mode(0o1777)).unwrap();
    symlink("/nowhere", path("dangling")).unwrap();
    // Refused to anyone but root; the test then shows the owner alone.
    let owned = [("nameless", Some(54_321), None), ("groupless", None, Some(54_321))]
        .map(|(name, user, group)| std::os::unix::fs::chown(path(name), user, group).is_ok());
    println!("foreign owners: {owned:?}");
    dir
}

#[tokio::test]
async fn r26_searches_of_one_range_give_each_what_find_alone_prints() {
    let dir = odd_tree();
    let at = |name: &str| format!("{}/{name}", dir.path().display());
    let tests = [
        FindTest { kind: Some('f'), mode_any: 0o6000, ..FindTest::default() },
        FindTest { kind: Some('f'), mode_all: 0o002, ..FindTest::default() },
        FindTest { kind: Some('d'), mode_all: 0o002, mode_none: 0o1000, ..FindTest::default() },
        FindTest { kind: Some('d'), mode_all: 0o1002, ..FindTest::default() },
        FindTest { kind: Some('l'), mode_any: 0o777, ..FindTest::default() },
        FindTest { no_user: true, ..FindTest::default() },
        FindTest { no_group: true, ..FindTest::default() },
        FindTest { no_user: true, no_group: true, ..FindTest::default() },
        FindTest { names: vec![".rhosts".to_owned(), "new\nline".to_owned()], ..FindTest::default() },
        FindTest { names: vec!["star*[x]".to_owned(), "back\\slash".to_owned()], ..FindTest::default() },
        FindTest { names: vec!["sub dir".to_owned()], ..FindTest::default() },
        FindTest { names: vec!["no such name".to_owned()], ..FindTest::default() },
        FindTest::default(),
    ];
    let ranges = [
        FindRange { roots: vec![at("")], prune: vec![at("pruned")] },
        FindRange { roots: vec![at("sub dir/"), at("."), at("missing"), at("plain")], prune: Vec::new() },
    ];
    for shell in shells() {
        let session = session(shell, SessionOptions::default()).await;
        for range in &ranges {
            let search = |test: &FindTest| Probe::Find { range: range.clone(), test: test.clone() };
            let probes: Vec<Probe> = tests.iter().map(search).collect();
            let before = session.stats().commands;
            let folded = session.ask_all(&probes).await;
            assert_eq!(session.stats().commands, before + 1, "{shell}: one walk for all");
            let found = folded.get(&probes[12]).unwrap().as_ref().unwrap();
            assert!(found.stdout.len() > 200, "{shell}: {}", found.stdout_text());
            assert_eq!(compare(&session, &probes).await, probes.len(), "{shell}");
        }
    }
}

#[tokio::test]
async fn r26_what_a_walk_complains_of_each_search_complains_of() {
    let session = session("dash", SessionOptions::default()).await;
    let range = FindRange { roots: vec!["/no/such/root".to_owned()], prune: Vec::new() };
    let tests = [0o4000, 0o2000].map(|mode_any| FindTest { mode_any, ..FindTest::default() });
    let probes = tests.map(|test| Probe::Find { range: range.clone(), test });
    assert_eq!(compare(&session, &probes).await, 2);
}
