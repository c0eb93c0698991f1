use proptest::prelude::*;

use super::*;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn matches_whole_values() {
    assert!(regex("a.*c").is_match(b"a\nc"));
    assert!(!regex("a").is_match(b"ab"));
    assert!(!regex("b").is_match(b"ab"));
    assert!(regex("a|ab").is_match(b"ab"));
    assert!(!regex(".+.+").is_match("é".as_bytes()), "one character");
    assert!(regex(".+.+").is_match("éé".as_bytes()));
    assert!(!regex(r"a.*\B.*b").is_match("aéb".as_bytes()));
    assert!(regex("(?i).*kiosk.*").is_match("my \u{212a}io\u{17f}K!".as_bytes()));
}

#[test]
fn invalid_utf8_does_not_panic() {
    for pattern in [
        "a",
        "a|b",
        ".*",
        ".+",
        "a.*",
        ".*a",
        ".*a.*",
        "(?i).*kiosk",
        "(?i).*kiosk.*",
        "[^a]b",
        r"\pL+",
    ] {
        let regex = regex(pattern);
        for value in [
            &b"\xff"[..],
            b"\xc3",
            b"a\xff",
            b"\xffa",
            b"\xe6\x97",
            b"\x80\x80kiosk",
        ] {
            let _ = regex.is_match(value);
            let _ = regex.automata().map(|a| a.is_match(value));
        }
    }
    assert!(Regex::from_bytes(b"a").is_ok());
    let error = Regex::from_bytes(b"a\xff").unwrap_err();
    assert_eq!(error.kind, RegexErrorKind::InvalidUtf8);
}

#[test]
fn deep_patterns_do_not_overflow_a_small_stack() {
    let deep = |open: &str, levels: usize, close: &str| {
        format!("{}a{}", open.repeat(levels), close.repeat(levels))
    };
    let run = move || {
        for pattern in [
            deep("(?:b|c", 320, ")*"),
            deep("(", 990, ")"),
            deep("(?:", 100_000, ")"),
            deep("(x?", 320, ")+"),
        ] {
            let regex = regex(&pattern);
            assert!(!regex.is_match(b"zzz"));
            let _ = crate::Replacer::new(&pattern).map(|r| r.replace("zzz", "$1"));
        }
        let error = Regex::new(&deep("(", 1001, ")")).unwrap_err();
        assert_eq!(error.kind, RegexErrorKind::NestingDepth);
        assert!(Regex::new(&"(".repeat(100_000)).is_err());
        assert!(Regex::new(&"[".repeat(100_000)).is_err());
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}

#[test]
fn what_go_takes_is_taken() {
    assert!(regex(r"(\pL{20}x){10}|b").is_match(b"b"));
    assert!(regex("(a|b)*a(a|b){200}").is_match(&[b'a'; 201]));
    assert!(!regex("(x+x+)+y").is_match(&[b'x'; 4000]));
    assert!(!regex(r"(\PL\pL){500}.").is_match(b"a"));
    assert!(regex(r"(\PL\pL){500}.").is_match(&[&b"-a".repeat(500)[..], b"x"].concat()));
}

#[test]
fn error_texts() {
    let error = |pattern: &str| Regex::new(pattern).unwrap_err().to_string();
    assert_eq!(error("a("), "error parsing regexp: missing closing ): `a(`");
    assert_eq!(
        error("x{1001}"),
        "error parsing regexp: invalid repeat count: `{1001}`"
    );
    assert_eq!(
        error(r"\C"),
        r"error parsing regexp: invalid escape sequence: `\C`"
    );
    assert_eq!(
        error("(?=a)"),
        "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"
    );
}

proptest! {
    #[test]
    fn no_pattern_panics(
        tokens in proptest::collection::vec(
            prop_oneof![
                Just("("), Just(")"), Just("(?i"), Just("(?P<"), Just("["), Just("]"), Just("[^"),
                Just("[:"), Just(":]"), Just("{"), Just("}"), Just(","), Just("1000"), Just("\\"),
                Just("\\p"), Just("\\x{"), Just("\\Q"), Just("\\E"), Just("*"), Just("?"), Just("|"),
                Just("-"), Just("é"), Just("k"), Just("^"), Just("$"), Just("."), Just("\\b"),
            ],
            0..12,
        ),
        junk in ".{0,12}",
        value in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        for pattern in [tokens.concat(), junk] {
            if let Ok(regex) = Regex::new(&pattern) {
                let _ = regex.is_match(&value);
            }
            let _ = crate::Replacer::new(&pattern);
        }
    }
}
