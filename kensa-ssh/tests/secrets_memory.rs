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
        // Masked at once and in small parts, so that what is read here is not met again as a copy.
        let mut part = vec![0u8; 4096 + MASKED.len() - 1];
        memory.seek(SeekFrom::Start(from)).unwrap();
        for _ in (from..to).step_by(4096) {
            part.copy_within(4096.., 0);
            if memory.read_exact(&mut part[MASKED.len() - 1..]).is_err() {
                break;
            }
            part[MASKED.len() - 1..].iter_mut().for_each(|byte| *byte ^= MASK);
            found += part.windows(MASKED.len()).filter(|window| *window == MASKED).count();
        }
    }
    found
}

/// That a search finds what is there, and nothing where a secret was dropped.
fn a_secret_is_found_until_it_is_dropped() {
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
    // Not a test of its own: it would run beside this one, in the same memory.
    a_secret_is_found_until_it_is_dropped();
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
