#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (quarrel_fuzz_targets::target("selector").expect("a target"))(data)
);
