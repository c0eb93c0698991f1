#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (quarrel_fuzz_targets::target("bucket_header").expect("a target"))(data)
);
