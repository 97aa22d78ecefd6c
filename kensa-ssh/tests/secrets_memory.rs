//! A password is wiped from this process's memory once nobody needs it. A process of its own: its memory is searched.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

mod common;

use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use common::bed::{Bed, Way};
use common::{ask, stdout};
use kensa_ssh::{Become, Secret};

/// The password of the account `scanpw`, so that this program does not hold it as it is.
const MASKED: [u8; 9] = [6, 54, 52, 59, 120, 37, 34, 120, 100];
const MASK: u8 = 0x55;

fn password() -> Secret {
    let mut text = String::with_capacity(MASKED.len());
    text.extend(MASKED.iter().map(|byte| char::from(byte ^ MASK)));
    Secret::new(text)
}

/// How often the password stands in the memory this process can write.
fn copies() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        memory.seek(SeekFrom::Start(from)).unwrap();
        if memory.read_exact(&mut bytes).is_ok() {
            // Masked at once, so that the copy made here is none of the password.
            bytes.iter_mut().for_each(|byte| *byte ^= MASK);
            found += bytes.windows(MASKED.len()).filter(|window| *window == MASKED).count();
        }
        bytes.fill(0);
    }
    found
}

#[test]
fn a_search_finds_what_is_there_and_a_secret_is_gone_when_dropped() {
    assert_eq!(copies(), 0);
    let secret = password();
    assert_eq!(copies(), 1);
    let clone = secret.clone();
    assert_eq!(copies(), 2);
    drop((secret, clone));
    assert_eq!(copies(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_after_a_session_the_password_for_sudo_is_gone_from_memory() {
    let Some(bed) = Bed::up("memory", "debian") else { return };
    for way in [Way::OpenSsh, Way::Native] {
        let session = bed.session(way, "scanpw", Become::Sudo { password: Some(password()) }).await.unwrap();
        assert_eq!(stdout(&ask(&session, &["id -u"]).await[0]), "0\n");
        // A shell that is opened later needs it again.
        assert!(copies() >= 1, "{way:?}");
        session.close().await;
        drop(session);
        assert_eq!(left().await, 0, "{way:?}");
    }
}

/// What is left of it when the tasks of the session have ended.
async fn left() -> usize {
    for _ in 0..50 {
        if copies() == 0 {
            return 0;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    copies()
}
