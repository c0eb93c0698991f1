//! Estimates the size of an NFA without building it.

use crate::syntax::Ast;

/// Size of a state, bytes.
const STATE: usize = 24;
/// Size of the states of a range of characters as UTF-8, bytes: most share their
/// first bytes with others.
const RANGE: usize = 32;
/// Size of the states of any character, bytes.
const ANY: usize = 512;

/// Size of an NFA besides its states, bytes.
const BASE: usize = 512;

/// The size of the NFA of a pattern, bytes: at least half of the truth, and more
/// where the intermediate form is simplified, such as `(a|b)` to a class. It does
/// not replace a limit while building.
pub(crate) fn nfa_bytes(ast: &Ast) -> usize {
    states(ast).saturating_add(BASE)
}

fn states(ast: &Ast) -> usize {
    match ast {
        Ast::Empty | Ast::Look(_) => STATE,
        Ast::Literal { chars, fold } => {
            let bytes: usize = chars.iter().map(|c| c.len_utf8()).sum();
            bytes * STATE * if *fold { 3 } else { 1 }
        }
        Ast::Class(class) => 2 * STATE + class.count() * RANGE,
        Ast::Dot { .. } => ANY,
        Ast::Capture { sub, .. } => states(sub).saturating_add(2 * STATE),
        Ast::Concat(subs) | Ast::Alternate(subs) => subs
            .iter()
            .map(|sub| states(sub).saturating_add(STATE))
            .fold(STATE, usize::saturating_add),
        Ast::Repeat { min, max, sub, .. } => {
            let copies = max.unwrap_or(*min).max(1) as usize;
            let one = states(sub).saturating_add(2 * STATE);
            one.saturating_mul(copies)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::build_nfa;
    use crate::syntax::{Dialect, parse, translate};

    #[test]
    fn estimates_are_near_the_truth() {
        for pattern in [
            "api-[0-9]+",
            "(api|web)-[0-9a-f]+-0{2}[0-9]+",
            r"\pL{20}",
            r"(?i)(\pL|\pN){3}0",
            r"[^\pL\pN]+x",
            "(a|b)*a(a|b){200}",
            "(?i)kiosk(?:instance|überall)+",
            ".{30}",
            "(?-s:.+){10}",
            "((a?){10}){20}",
        ] {
            let ast = parse(pattern, Dialect::Matcher).unwrap().ast;
            let estimate = nfa_bytes(&ast);
            let nfa = build_nfa(translate::for_captures(&ast), usize::MAX).unwrap();
            let truth = nfa.memory_usage();
            assert!(estimate * 2 > truth, "{pattern}: {estimate} of {truth}");
            assert!(truth * 10 > estimate, "{pattern}: {estimate} of {truth}");
        }
    }
}
