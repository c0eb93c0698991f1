#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| (quarrel_fuzz_targets::target("remote_read_frames").expect("a target"))(data)
);
