#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (quarrel_fuzz_targets::target("cases").expect("a target"))(data)
);
