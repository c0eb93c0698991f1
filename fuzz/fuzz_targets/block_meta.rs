#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (quarrel_fuzz_targets::target("block_meta").expect("a target"))(data)
);
