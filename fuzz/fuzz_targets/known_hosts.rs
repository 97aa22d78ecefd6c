#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kensa_fuzz::known_hosts(data));
