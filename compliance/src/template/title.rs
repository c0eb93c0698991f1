//! Capital and small letters, and title case: each word begins with a capital.

/// Go's `strings.ToUpper`: a letter whose capital is several letters stays.
pub(super) fn upper(text: &str) -> String {
    let capital = |c: char| {
        let mut letters = c.to_uppercase();
        match (letters.next(), letters.next()) {
            (Some(capital), None) => capital,
            _ => c,
        }
    };
    text.chars().map(capital).collect()
}

/// Go's `strings.ToLower`: of several letters the first one counts.
pub(super) fn lower(text: &str) -> String {
    let small = |c: char| c.to_lowercase().next().unwrap_or(c);
    text.chars().map(small).collect()
}

/// The letters that a word begins with instead of `c`.
fn push_title(c: char, out: &mut String) {
    match c {
        // Letters of two, of which the first alone is a capital.
        'Ǆ' | 'ǅ' | 'ǆ' => out.push('ǅ'),
        'Ǉ' | 'ǈ' | 'ǉ' => out.push('ǈ'),
        'Ǌ' | 'ǋ' | 'ǌ' => out.push('ǋ'),
        'Ǳ' | 'ǲ' | 'ǳ' => out.push('ǲ'),
        c => {
            let mut letters = c.to_uppercase();
            out.extend(letters.next());
            out.extend(letters.flat_map(char::to_lowercase));
        }
    }
}

/// Each word begins with a capital; the rest of it stays as it is.
pub(super) fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let mut in_word = false;
    for (i, &c) in chars.iter().enumerate() {
        if !in_word && c.is_alphabetic() {
            push_title(c, &mut out);
        } else {
            out.push(c);
        }
        let next = chars.get(i + 1).copied();
        in_word = match c {
            c if c.is_alphanumeric() || c == '_' => in_word || c.is_alphabetic(),
            // Between letters these do not end a word.
            '\'' | '.' | ':' | '\u{2019}' | '\u{b7}' => {
                in_word && next.is_some_and(char::is_alphabetic)
            }
            _ => false,
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_with_capitals() {
        for (text, want) in [
            ("hello wORLD", "Hello WORLD"),
            ("foo-bar baz", "Foo-Bar Baz"),
            ("it's", "It's"),
            ("ßa ǆ", "Ssa ǅ"),
            ("", ""),
        ] {
            assert_eq!(title_case(text), want);
        }
        assert_eq!(upper("straße é"), "STRAßE É");
        assert_eq!(lower("İÀ"), "ià");
    }
}
