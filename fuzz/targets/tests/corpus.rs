//! All inputs kept beside the targets pass, findings of the past among them.

use quarrel_fuzz_targets::{TARGETS, corpus, home};

#[test]
fn all_kept_inputs_pass() {
    for (name, target) in TARGETS {
        let inputs = corpus(name).unwrap();
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for (path, bytes) in inputs {
            println!("{}", path.display());
            target(&bytes);
        }
    }
}

#[test]
fn each_target_has_a_program_for_libfuzzer() {
    let manifest = std::fs::read_to_string(home().join("Cargo.toml")).unwrap();
    let files = std::fs::read_dir(home().join("fuzz_targets")).unwrap();
    assert_eq!(files.count(), TARGETS.len());
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    for (name, _) in TARGETS {
        let program =
            std::fs::read_to_string(home().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("target(\"{name}\")")), "{name}");
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}
