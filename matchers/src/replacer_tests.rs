use super::*;

fn replace(pattern: &str, text: &str, template: &str) -> Option<String> {
    Replacer::new(pattern).unwrap().replace(text, template)
}

#[test]
fn fills_in_templates() {
    let fill = |template: &str| replace("(a)(?P<n>b)?(c)", "abc", template).unwrap();
    assert_eq!(fill("$1-${2}-$n-${n}x"), "a-b-b-bx");
    assert_eq!(
        fill("$1x|$nn|$9|$01"),
        "|||",
        "longest name wins, unknown is empty"
    );
    assert_eq!(fill("$$1 $ ${ ${1 $-"), "$1 $ ${ ${1 $-");
    assert_eq!(fill("$é|$3é|${3}é"), "||cé");
    assert_eq!(fill("$0"), "abc");
    assert_eq!(replace("(a)|(b)", "b", "<$1$2>").as_deref(), Some("<b>"));
    assert_eq!(
        replace("(?P<n>a)|(?P<n>b)", "b", "$n").as_deref(),
        Some("b")
    );
}

#[test]
fn matches_the_whole_text_only() {
    assert_eq!(replace("b", "abc", "x"), None);
    assert_eq!(replace("a.c", "a\nc", "x").as_deref(), Some("x"));
    // The wrapping is textual, as in Prometheus.
    assert_eq!(replace("a)|(b", "ax", "<$1>").as_deref(), Some("<>"));
    assert_eq!(replace("a)|(b", "xb", "<$1>").as_deref(), Some("<b>"));
}

#[test]
fn errors_have_the_whole_text() {
    let error = Replacer::new("a(").unwrap_err();
    assert_eq!(
        error.to_string(),
        "error parsing regexp: missing closing ): `^(?s:a()$`"
    );
}

#[test]
fn preferences_are_those_of_perl() {
    let groups = |pattern: &str, text: &str| Replacer::new(pattern).unwrap().groups(text);
    let ranges = groups("(a|ab)(c|bcd)(d*)", "abcd").unwrap();
    assert_eq!(ranges, [Some(0..4), Some(0..1), Some(1..4), Some(4..4)]);
    let ranges = groups("(a+?)(a*)", "aaa").unwrap();
    assert_eq!(ranges, [Some(0..3), Some(0..1), Some(1..3)]);
}
