//! Named character classes and case folding.

use std::sync::{Mutex, OnceLock, PoisonError};

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use rustc_hash::FxHashMap;

/// Go's names of general categories, matched exactly.
const CATEGORIES: &str = "C Cc Cf Cn Co Cs L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No \
    P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";

/// Go's names of scripts, matched exactly.
const SCRIPTS: &str = "Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum \
    Bassa_Vah Batak Bengali Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid \
    Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee Chorasmian Common Coptic \
    Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan \
    Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek \
    Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana \
    Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi \
    Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki Khudawadi Lao \
    Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam Mandaic \
    Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive \
    Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari \
    Nandinagari New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian \
    Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic \
    Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician \
    Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham SignWriting \
    Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le \
    Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto \
    Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

/// Aliases of general categories in newer versions of Go's syntax, in the form of
/// [`canonical`].
const CATEGORY_ALIASES: &str = "Casedletter=LC Closepunctuation=Pe Combiningmark=M \
    Connectorpunctuation=Pc Control=Cc Currencysymbol=Sc Dashpunctuation=Pd Decimalnumber=Nd \
    Enclosingmark=Me Finalpunctuation=Pf Format=Cf Initialpunctuation=Pi Letter=L \
    Letternumber=Nl Lineseparator=Zl Lowercaseletter=Ll Mark=M Mathsymbol=Sm Modifierletter=Lm \
    Modifiersymbol=Sk Nonspacingmark=Mn Number=N Openpunctuation=Ps Other=C Otherletter=Lo \
    Othernumber=No Otherpunctuation=Po Othersymbol=So Paragraphseparator=Zp Privateuse=Co \
    Punctuation=P Separator=Z Spaceseparator=Zs Spacingmark=Mc Surrogate=Cs Symbol=S \
    Titlecaseletter=Lt Unassigned=Cn Uppercaseletter=Lu Cntrl=Cc Digit=Nd Punct=P Lc=LC";

fn of_ranges(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(a, b)| ClassUnicodeRange::new(a, b)))
}

fn finish(ranges: &[(char, char)], fold_case: bool, negated: bool) -> ClassUnicode {
    let mut class = of_ranges(ranges);
    if fold_case {
        fold(&mut class); // before the negation, as in Go
    }
    if negated {
        class.negate();
    }
    class
}

/// `\d`, `\s`, `\w` and their negations by letter: ASCII only.
pub(super) fn perl(letter: u8, fold_case: bool) -> Option<ClassUnicode> {
    let ranges: &[(char, char)] = match letter.to_ascii_lowercase() {
        b'd' => &[('0', '9')],
        b's' => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        b'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    Some(finish(ranges, fold_case, letter.is_ascii_uppercase()))
}

/// `[:name:]` and `[:^name:]`, given without brackets.
pub(super) fn posix(name: &str, fold_case: bool) -> Option<ClassUnicode> {
    let (negated, name) = match name.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(finish(ranges, fold_case, negated))
}

/// The character that Unicode moved from `Mn` to `Mc` after 15.0.
const MADE_SPACING: (char, char) = ('\u{1171e}', '\u{1171e}');

/// Whether flags can make a class ignore case. In Go they cannot for cased
/// letters.
pub(super) fn folds(name: &str) -> bool {
    !matches!(canonical(name).as_str(), "Lc" | "Casedletter")
}

/// `\pL`, `\p{Greek}`: general categories and scripts, by their exact names.
pub(crate) fn unicode(name: &str) -> Option<ClassUnicode> {
    if name == "Any" {
        return Some(of_ranges(&[('\0', char::MAX)]));
    }
    let known = |names: &str| names.split_ascii_whitespace().any(|n| n == name);
    let is_category = known(CATEGORIES);
    if !is_category && !known(SCRIPTS) {
        return None;
    }
    // At most as many entries as there are names.
    static CACHE: Mutex<Option<FxHashMap<String, ClassUnicode>>> = Mutex::new(None);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = cache.get_or_insert_default();
    if let Some(class) = cache.get(name) {
        return Some(class.clone());
    }
    let class = match name {
        "Cs" => ClassUnicode::empty(), // surrogates are not characters
        _ if is_category => {
            let mut class = property(&format!("gc={name}"))?;
            match name {
                "C" | "Cn" => class.union(&unassigned()),
                _ => class.intersect(assigned()),
            }
            match name {
                "Mc" => class.difference(&of_ranges(&[MADE_SPACING])),
                "Mn" => class.union(&of_ranges(&[MADE_SPACING])),
                _ => {}
            }
            class
        }
        _ => {
            let mut class = property(&format!("sc={name}"))?;
            class.intersect(assigned());
            class
        }
    };
    cache.insert(name.to_string(), class.clone());
    Some(class)
}

/// As [`unicode`], with names as in newer versions of Go's syntax: in any case,
/// ignoring `_`, `-` and spaces, and with aliases. As there, a script whose name
/// has several capital letters is not found.
pub(crate) fn unicode_loose(name: &str) -> Option<ClassUnicode> {
    let name = canonical(name);
    let mut aliases = CATEGORY_ALIASES
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once('='));
    match name.as_str() {
        "Assigned" => Some(assigned().clone()),
        "Ascii" => Some(of_ranges(&[('\0', '\x7f')])),
        name => unicode(name).or_else(|| {
            let (_, category) = aliases.find(|(long, _)| *long == name)?;
            unicode(category)
        }),
    }
}

/// The name without separators, with a capital letter only at the beginning.
fn canonical(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    kept.enumerate()
        .map(|(i, c)| match i {
            0 => c.to_ascii_uppercase(),
            _ => c.to_ascii_lowercase(),
        })
        .collect()
}

/// The characters that Unicode 15.0 assigns; the tables of `regex-syntax` are of
/// a later version.
fn assigned() -> &'static ClassUnicode {
    static ASSIGNED: OnceLock<ClassUnicode> = OnceLock::new();
    ASSIGNED.get_or_init(|| property("age=15.0").unwrap_or_else(|| of_ranges(&[('\0', char::MAX)])))
}

fn unassigned() -> ClassUnicode {
    let mut class = assigned().clone();
    class.negate();
    class
}

/// A class by `regex-syntax`'s name.
fn property(name: &str) -> Option<ClassUnicode> {
    let hir = regex_syntax::Parser::new()
        .parse(&format!("\\p{{{name}}}"))
        .ok()?;
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class.clone()),
        HirKind::Literal(literal) => {
            let c = std::str::from_utf8(&literal.0).ok()?.chars().next()?;
            Some(of_ranges(&[(c, c)]))
        }
        _ => None,
    }
}

/// Characters that have another case only after Unicode 15.0.
const NEW_CASES: &[char] = &[
    '\u{390}', '\u{3b0}', '\u{1fd3}', '\u{1fe3}', '\u{fb05}', '\u{fb06}',
];

/// Adds the other cases of all characters by simple folding.
pub(crate) fn fold(class: &mut ClassUnicode) {
    let newest = class.ranges().last().map_or('\0', |range| range.end());
    if newest.is_ascii() {
        class.case_fold_simple();
        return;
    }
    let mut cases = class.clone();
    cases.intersect(foldable());
    cases.case_fold_simple();
    cases.intersect(assigned());
    class.union(&cases);
}

/// Characters whose cases are those of Unicode 15.0.
fn foldable() -> &'static ClassUnicode {
    static FOLDABLE: OnceLock<ClassUnicode> = OnceLock::new();
    FOLDABLE.get_or_init(|| {
        let new = NEW_CASES.iter().map(|&c| ClassUnicodeRange::new(c, c));
        let mut class = assigned().clone();
        class.difference(&ClassUnicode::new(new));
        class
    })
}

/// All cases of a character including itself, ascending.
pub(crate) fn cases(c: char) -> Vec<char> {
    let mut class = of_ranges(&[(c, c)]);
    fold(&mut class);
    class
        .ranges()
        .iter()
        .flat_map(|r| r.start()..=r.end())
        .collect()
}

pub(super) fn has_other_case(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && cases(c).len() > 1)
}

/// For a class of one character or of all its cases: the character, and whether
/// to ignore its case.
pub(super) fn as_literal(class: &ClassUnicode) -> Option<(char, bool)> {
    let first = class.ranges().first()?.start();
    let count: usize = class.ranges().iter().map(|r| r.len()).sum();
    match count {
        1 => Some((first, false)),
        2..=4 => {
            let mut all = class.ranges().iter().flat_map(|r| r.start()..=r.end());
            cases(first)
                .into_iter()
                .eq(&mut all)
                .then_some((first, true))
        }
        _ => None,
    }
}

/// Whether a class has every character.
pub(super) fn is_everything(class: &ClassUnicode) -> bool {
    // Surrogates are not characters, so two ranges may cover all.
    let ranges = class.ranges();
    ranges.first().is_some_and(|r| r.start() == '\0')
        && ranges.last().is_some_and(|r| r.end() == char::MAX)
        && ranges
            .windows(2)
            .all(|w| w[0].end() == '\u{d7ff}' && w[1].start() == '\u{e000}')
}

/// Whether a class has a character.
pub(crate) fn contains(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|r| r.end() < c);
    ranges.get(at).is_some_and(|r| r.start() <= c)
}
