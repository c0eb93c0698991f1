//! Runs every program of `src/bin`. Each checks its own answers and fails
//! where they are wrong.

use std::process::Command;

fn run(program: &str) {
    let output = Command::new(program).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        output.status.success(),
        "{}\n{stdout}{stderr}",
        output.status
    );
    assert!(!stdout.is_empty(), "it prints what it found");
}

macro_rules! programs {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(env!(concat!("CARGO_BIN_EXE_", stringify!($name))));
            }
        )*

        #[test]
        fn none_is_forgotten() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin");
            let files = std::fs::read_dir(folder).expect("the folder of programs");
            let mut there: Vec<String> = files
                .map(|file| file.expect("a file").path())
                .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
                .collect();
            there.sort();
            let mut run = [$(stringify!($name)),*];
            run.sort();
            assert_eq!(there, run);
        }
    };
}

programs! { in_memory data_directory bucket stores remote_read own_storage results limits cancel explain rules }
