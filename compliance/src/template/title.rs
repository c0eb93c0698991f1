//! Title case: the first letter of each word is made large.

/// Each word begins with a capital; the rest of it stays as it is.
pub(super) fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    let mut in_word = false;
    for (i, &c) in chars.iter().enumerate() {
        if !in_word && c.is_alphabetic() {
            out.extend(c.to_uppercase());
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
            ("", ""),
        ] {
            assert_eq!(title_case(text), want);
        }
    }
}
