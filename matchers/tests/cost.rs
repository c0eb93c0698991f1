//! What matchers cost in memory, counted by an allocator of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use quarrel_matchers::{Class, MatchOp, Matcher, RegexBudget, Replacer, Strategy, resolve};

struct Counting;

thread_local! {
    /// Bytes that the thread holds, and the most that it ever held.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // A thread that ends has no counter any more.
    let _ = HELD.try_with(|held| {
        let now = held.get().0 + bytes;
        held.set((now, held.get().1.max(now)));
    });
}

// SAFETY: all calls go to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are those of this call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The result of a function, the bytes that it left behind, and the most that it
/// held at a time.
fn measured<T>(run: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let result = run();
    let (now, most) = HELD.get();
    (
        result,
        (now - before).max(0) as usize,
        (most - before) as usize,
    )
}

/// Patterns that are short and large, with a name for each.
fn hostile() -> Vec<(&'static str, String)> {
    let own = |name, pattern: &str| (name, pattern.to_owned());
    vec![
        own("Unicode classes", r"(?i)(\pL|\pN){1000}0"),
        own("bracketed classes", r"[\pL\pN]{500}[^\pL\pS]{499}x"),
        own("nested counts", "((a{1,10}){1,10}){1,10}x"),
        own("empty copies", "(a?){1000}(b|c)"),
        own("a set", "[a-z]{9}|(a|b|c|d){8}"),
        own("a short set", "[a-z]{3}"),
        own("spellings", ".*(?i:kkkkkkkkkkkkkkkk).*"),
        own("exponential states", "(a|b)*a(a|b){900}"),
        ("many classes", r"\pL.[\pN_]".repeat(40)),
        ("parts", "[a-z]{2}.".repeat(40)),
        ("groups", "(a(b(c(d(e)?)*)+)?)*".repeat(20)),
        (
            "deep",
            format!("{}a{}", "(?:b|c".repeat(300), ")*".repeat(300)),
        ),
    ]
}

/// Tables that all patterns share exist from now on.
fn warm_up() {
    for (_, pattern) in hostile() {
        let _ = (
            Matcher::new(MatchOp::Regex, "l", &pattern),
            Replacer::new(&pattern),
        );
    }
}

#[test]
fn construction_costs_the_text() {
    warm_up();
    let budget = RegexBudget::default();
    for (name, pattern) in hostile() {
        let make = || {
            let one = |_| Matcher::new_within(MatchOp::NotRegex, "x", &pattern, &budget).unwrap();
            (0..200).map(one).collect::<Vec<_>>()
        };
        let (matchers, kept, most) = measured(make);
        let text = 200 * (pattern.len() + 16);
        assert!(kept < 64 * text, "{name}: {kept} bytes for {text}");
        // Spelling out a set may take some kilobytes for a while.
        assert!(
            most < 64 * text + 256 * pattern.len() + (32 << 10),
            "{name}: {most}"
        );
        drop(matchers);

        let (replacer, kept, most) = measured(|| Replacer::new_within(&pattern, &budget).unwrap());
        let text = pattern.len() + 16;
        assert!(kept < 64 * text, "{name}: {kept} bytes for {text}");
        assert!(most < 256 * text, "{name}: {most} bytes for {text}");
        drop(replacer);
    }
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_query_matches_within_its_budget() {
    warm_up();
    let budget = RegexBudget::default();
    let hostile = hostile();
    let matcher = |i: usize| {
        let (_, pattern) = &hostile[i % hostile.len()];
        let pattern = format!("{pattern}|{i}");
        Matcher::new_within(MatchOp::Regex, "x", &pattern, &budget).unwrap()
    };
    let matchers: Vec<Matcher> = (0..200).map(matcher).collect();
    let mut values: Vec<String> = ["a", "ab", "kk", "b0", "éé", "aaa.bbb"]
        .iter()
        .flat_map(|text| (0..40).map(|n| format!("{}{n}", text.repeat(n))))
        .chain((0..200).map(|n| n.to_string()))
        .collect();
    values.sort_unstable();
    values.dedup();
    let (found, _, most) = measured(|| {
        let found = matchers.iter().map(|m| resolve(m, &values).len());
        found.sum::<usize>()
    });
    assert!(found >= 200, "each matches its number");
    assert!(budget.used() > 0 && budget.used() <= budget.limit());
    // Runs over code points need some memory for a while.
    let bound = budget.limit() + (2 << 20);
    assert!(most < bound, "{most} bytes");
    drop(matchers);
    assert_eq!(budget.used(), 0, "given back");
}

#[test]
fn a_match_without_a_budget_needs_little() {
    warm_up();
    for (name, pattern) in hostile() {
        let budget = RegexBudget::new(0);
        let matcher = Matcher::new_within(MatchOp::Regex, "x", &pattern, &budget).unwrap();
        let value = "abcde".repeat(200);
        let (_, kept, most) = measured(|| matcher.matches(&value));
        // Go's program alone has 40 bytes for each instruction.
        let bound = 64 * pattern.len() + (4 << 10);
        assert!(kept < bound, "{name}: {kept} bytes");
        assert!(most < 1 << 20, "{name}: {most} bytes");
        let general = matches!(matcher.regex().unwrap().class(), Class::General { .. });
        let strategy = Strategy::of(&matcher, &vec![value]);
        assert_eq!(general, strategy == Strategy::CodePointAutomaton, "{name}");
    }
}

#[test]
fn a_replacement_is_measured_before_it_is_made() {
    let replacer = Replacer::new("(.*)").unwrap();
    let text = "x".repeat(1 << 20);
    let template = "$1".repeat(1 << 10);
    assert_eq!(replacer.replace("x", &template).unwrap().len(), 1 << 10);
    let fill = || replacer.replace_within(&text, &template, 8 << 20);
    let (result, kept, most) = measured(fill);
    let error = result.unwrap_err();
    assert_eq!((error.bytes, error.limit), (1 << 30, 8 << 20));
    assert!(kept.max(most) < 4 << 20, "{most} bytes");
}
