use proptest::prelude::*;

use super::*;
use crate::automaton::{Run, build_nfa};
use crate::pace::Pace;
use crate::syntax::{Ast, Dialect, parse, translate};

fn ast(pattern: &str) -> Ast {
    parse(pattern, Dialect::Matcher).unwrap().ast
}

fn run(pattern: &str, value: &[u8]) -> Run {
    let program = Program::matching(&ast(pattern));
    let mut always = || true;
    let pace = &mut Pace::new(&mut always);
    program
        .run(&mut Threads::of(&program), value, pace)
        .unwrap()
}

fn matches(pattern: &str, value: &str) -> bool {
    run(pattern, value.as_bytes()) == Run::Match
}

#[test]
fn counted_repetitions_nest() {
    for n in 0..40 {
        let value = "a".repeat(n);
        assert_eq!(matches("(a{2}){3}", &value), n == 6, "{n}");
        assert_eq!(matches("(a{2,3}){4}", &value), (8..=12).contains(&n), "{n}");
        assert_eq!(
            matches("((a{2}){3}){2,}", &value),
            n >= 12 && n % 6 == 0,
            "{n}"
        );
        assert_eq!(matches("(a{3,}){2,3}", &value), n >= 6, "{n}");
        assert_eq!(matches("(a{5}){0,3}", &value), n % 5 == 0 && n <= 15, "{n}");
        assert_eq!(matches("(a?){7}", &value), n <= 7, "{n}");
        assert_eq!(matches("((a{2}){0}){2}a", &value), n == 1, "{n}");
    }
    assert!(matches("(a{2}|b){3}", "aabaa") && !matches("(a{2}|b){3}", "aaba"));
}

#[test]
fn a_program_is_as_large_as_its_text() {
    let program = Program::matching(&ast(r"(?i)(\pL|\pN){1000}0"));
    assert!(program.code.len() < 12, "{program:?}");
    assert_eq!(program.classes.len(), 1, "of both alternatives");
    assert!(program.states > 2000, "a copy has two instructions");
    let many = Program::matching(&ast(&r"[\pL\pN]\pL".repeat(100)));
    assert_eq!(many.code.len(), 201);
    assert_eq!(many.classes.len(), 101, "a table is shared");
}

#[test]
fn branches_share_what_they_begin_with() {
    let program = Program::matching(&ast("(?:pod-1|pod-2|pod-2x|web|(?i:w)|y|[z-~]){2}"));
    // Reads `pod-` once, `1` and `2` by themselves, and the singles as a class.
    let reads = program
        .code
        .iter()
        .filter(|inst| matches!(inst, Inst::Char(_)));
    assert_eq!(reads.count(), "pod-12xweb".len());
    assert_eq!(program.classes.len(), 1);
    for (value, want) in [
        ("pod-2xy", true),
        ("Wpod-2", true),
        ("pod-2x", false),
        ("web~", true),
    ] {
        assert_eq!(
            matches("(?:pod-1|pod-2|pod-2x|web|(?i:w)|y|[z-~]){2}", value),
            want,
            "{value}"
        );
    }
}

#[test]
fn invalid_bytes_are_replacement_characters() {
    assert_eq!(run("a.b", b"a\xffb"), Run::Match);
    assert_eq!(run("a\u{fffd}{2}b", b"a\xe6\x97b"), Run::Match);
    assert_eq!(run("a.b", b"a\xe6\x97b"), Run::NoMatch, "two characters");
    assert_eq!(run("[^x]", b"\x80"), Run::Match);
    assert_eq!(run("[a-z]", b"\xc3"), Run::NoMatch, "the start of a letter");
    assert_eq!(run("[a-z]b", "éb".as_bytes()), Run::Dead(2));
}

#[test]
fn assertions_look_at_characters() {
    assert!(matches(r"a\b.\bb", "a b") && !matches(r"a\b.", "ab"));
    assert!(matches(r"a\B.", "ab") && !matches(r"a\B.", "a-"));
    assert!(matches(r"é\Bé", "éé"), "words are ASCII");
    assert!(matches("(?m)a$\n^b", "a\nb") && !matches("(?m)a$.b", "axb"));
    assert!(!matches("a$b", "ab") && matches("^a$", "a"));
}

#[test]
fn long_runs_can_be_stopped() {
    let program = Program::matching(&ast(r"(a?){1000}"));
    let mut asked = 0;
    let mut ask = || {
        asked += 1;
        asked < 3
    };
    let value = vec![b'a'; 1 << 20];
    let run = program.run(&mut Threads::of(&program), &value, &mut Pace::new(&mut ask));
    assert_eq!((run, asked), (None, 3));
}

/// Patterns in which counts, empty parts and preferences meet.
pub(crate) fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => "[abk]{1,2}".prop_map(String::from),
        1 => Just(".".to_string()),
        1 => Just("[ab]".to_string()),
        1 => Just("[^b]".to_string()),
        1 => Just("(?i:k)".to_string()),
        1 => Just("(?i:é)".to_string()),
        1 => Just(r"\pL".to_string()),
        1 => Just(r"[\PL\d]".to_string()),
        1 => Just("(|a)".to_string()),
        1 => prop_oneof![Just("^"), Just("$"), Just("\\b"), Just("\\B")].prop_map(String::from),
    ];
    let count = prop_oneof![
        Just("*"),
        Just("+"),
        Just("?"),
        Just("*?"),
        Just("+?"),
        Just("??"),
        Just("{0}"),
        Just("{2}"),
        Just("{2,}"),
        Just("{0,2}"),
        Just("{1,3}"),
        Just("{3,}?"),
        Just("{0,3}?"),
    ];
    leaf.prop_recursive(4, 16, 4, move |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|all| all.concat()),
            2 => proptest::collection::vec(inner.clone(), 1..4)
                .prop_map(|all| format!("({})", all.join("|"))),
            3 => (inner, count.clone()).prop_map(|(inner, op)| format!("({inner}){op}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Agrees with another implementation, which has everything expanded.
    #[test]
    fn agrees_with_an_expanded_automaton(
        pattern in patterns(),
        values in proptest::collection::vec("[abkKéÉ\u{212a}-]{0,9}", 1..8),
    ) {
        use regex_automata::{Anchored, Input, nfa::thompson::pikevm::PikeVM};

        let ast = ast(&pattern);
        let program = Program::matching(&ast);
        let nfa = build_nfa(translate::for_captures(&ast), usize::MAX).unwrap();
        let vm = PikeVM::new_from_nfa(nfa).unwrap();
        for value in values {
            let input = Input::new(&value).anchored(Anchored::Yes);
            let want = vm.is_match(&mut vm.create_cache(), input);
            let mut always = || true;
    let pace = &mut Pace::new(&mut always);
            let run = program.run(&mut Threads::of(&program), value.as_bytes(), pace).unwrap();
            prop_assert_eq!(run == Run::Match, want, "{:?}", value);
            if let Run::Dead(len) = run {
                let input = Input::new(&value[..len]).anchored(Anchored::Yes);
                prop_assert!(!vm.is_match(&mut vm.create_cache(), input));
            }
        }
    }

    #[test]
    fn invalid_bytes_do_not_panic(
        pattern in patterns(),
        value in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let text = String::from_utf8_lossy(&value).into_owned();
        // Each invalid byte is one character in Go, but not always in Rust.
        let same = text.chars().filter(|&c| c == char::REPLACEMENT_CHARACTER).count()
            == value.len() - value.utf8_chunks().map(|chunk| chunk.valid().len()).sum::<usize>();
        let run_of = |value: &[u8]| run(&pattern, value) == Run::Match;
        let got = run_of(&value);
        if same {
            prop_assert_eq!(got, run_of(text.as_bytes()));
        }
    }
}
