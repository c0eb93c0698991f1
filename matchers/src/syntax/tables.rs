//! Named character classes and case folding.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use rustc_hash::FxHashMap;

use super::charclass::CharClass;
use super::dialect::Dialect;

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
pub(super) fn perl(letter: u8, fold_case: bool) -> Option<Arc<CharClass>> {
    let ranges: &[(char, char)] = match letter.to_ascii_lowercase() {
        b'd' => &[('0', '9')],
        b's' => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        b'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    let negated = letter.is_ascii_uppercase();
    let name = match letter.to_ascii_lowercase() {
        b'd' => "\\d",
        b's' => "\\s",
        _ => "\\w",
    };
    shared(name, fold_case, negated, || {
        Some(finish(ranges, fold_case, negated).into())
    })
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
fn folds(name: &str) -> bool {
    !matches!(canonical(name).as_str(), "Lc" | "Casedletter")
}

/// `\pL`, `\p{Greek}` and `\PL` by name, with all cases if flags say so.
pub(super) fn named(
    name: &str,
    dialect: Dialect,
    fold_case: bool,
    negated: bool,
) -> Option<Arc<CharClass>> {
    let fold_case = fold_case && folds(name);
    let class = |name: &str| match negated {
        false => unicode(name, fold_case),
        true => shared(name, fold_case, true, || {
            Some(CharClass::negation(&unicode(name, fold_case)?))
        }),
    };
    match dialect {
        Dialect::Matcher => class(name),
        Dialect::Replacer => class(&loose(name)),
    }
}

/// The classes that all patterns share, by name, by whether they have all cases,
/// and by whether they are negated.
#[derive(Default)]
struct Shared([[FxHashMap<String, Arc<CharClass>>; 2]; 2]);

/// A shared class, made at its first use. There are at most as many as there are
/// valid names.
fn shared(
    name: &str,
    fold_case: bool,
    negated: bool,
    make: impl FnOnce() -> Option<CharClass>,
) -> Option<Arc<CharClass>> {
    static SHARED: Mutex<Option<Shared>> = Mutex::new(None);
    let lock = || SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let (fold_case, negated) = (usize::from(fold_case), usize::from(negated));
    let known = |shared: &Shared| shared.0[fold_case][negated].get(name).cloned();
    if let Some(class) = lock().as_ref().and_then(known) {
        return Some(class);
    }
    let class = Arc::new(make()?);
    let mut shared = lock();
    let of_kind = &mut shared.get_or_insert_default().0[fold_case][negated];
    Some(of_kind.entry(name.to_owned()).or_insert(class).clone())
}

/// `\pL`, `\p{Greek}`: general categories and scripts, by their exact names.
pub(crate) fn unicode(name: &str, fold_case: bool) -> Option<Arc<CharClass>> {
    shared(name, fold_case, false, || {
        let mut class = table(name)?;
        if fold_case {
            fold(&mut class);
        }
        Some(class.into())
    })
}

/// The table of a general category or script.
fn table(name: &str) -> Option<ClassUnicode> {
    match name {
        "Any" => return Some(of_ranges(&[('\0', char::MAX)])),
        ASSIGNED_LOOSE => return Some(assigned().clone()),
        ASCII_LOOSE => return Some(of_ranges(&[('\0', '\x7f')])),
        _ => {}
    }
    let known = |names: &str| names.split_ascii_whitespace().any(|n| n == name);
    let is_category = known(CATEGORIES);
    if !is_category && !known(SCRIPTS) {
        return None;
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
    Some(class)
}

/// What only newer versions of Go's syntax know. No pattern can spell these
/// names.
const ASSIGNED_LOOSE: &str = "}Assigned";
const ASCII_LOOSE: &str = "}ASCII";

/// The exact name for one as in newer versions of Go's syntax: in any case,
/// ignoring `_`, `-` and spaces, and with aliases. As there, a script whose name
/// has several capital letters is not found.
fn loose(name: &str) -> String {
    let name = canonical(name);
    let known = |names: &str| names.split_ascii_whitespace().any(|n| n == name);
    let mut aliases = CATEGORY_ALIASES
        .split_ascii_whitespace()
        .filter_map(|pair| pair.split_once('='));
    match name.as_str() {
        "Assigned" => ASSIGNED_LOOSE.into(),
        "Ascii" => ASCII_LOOSE.into(),
        _ if known(CATEGORIES) || known(SCRIPTS) => name,
        _ => match aliases.find(|(long, _)| *long == name) {
            Some((_, category)) => category.into(),
            None => name,
        },
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cases {
    all: [char; MAX_CASES],
    len: u8,
}

/// Most cases of a character, such as the four of theta.
const MAX_CASES: usize = 4;

impl Cases {
    /// A character alone.
    pub(crate) fn one(c: char) -> Self {
        Cases::of([c])
    }

    fn of(all: impl IntoIterator<Item = char>) -> Self {
        let mut cases = Cases {
            all: ['\0'; MAX_CASES],
            len: 0,
        };
        for (to, c) in cases.all.iter_mut().zip(all) {
            *to = c;
            cases.len += 1;
        }
        cases
    }
}

impl std::ops::Deref for Cases {
    type Target = [char];

    fn deref(&self) -> &[char] {
        &self.all[..self.len as usize]
    }
}

/// All cases of a character.
pub(crate) fn cases(c: char) -> Cases {
    // Two letters have a case that is not ASCII.
    if c.is_ascii() && !matches!(c, 'k' | 'K' | 's' | 'S') {
        return match c.is_ascii_alphabetic() {
            true => Cases::of([c.to_ascii_uppercase(), c.to_ascii_lowercase()]),
            false => Cases::one(c),
        };
    }
    let mut class = of_ranges(&[(c, c)]);
    fold(&mut class);
    Cases::of(class.ranges().iter().flat_map(|r| r.start()..=r.end()))
}

pub(super) fn has_other_case(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && cases(c).len() > 1)
}

/// For a class of one character or of all its cases: the character, and whether
/// to ignore its case.
pub(super) fn as_literal(ranges: &[ClassUnicodeRange]) -> Option<(char, bool)> {
    let first = ranges.first()?.start();
    if ranges.len() > 4 {
        return None;
    }
    let count: usize = ranges.iter().map(|r| r.len()).sum();
    match count {
        1 => Some((first, false)),
        2..=4 => {
            let mut all = ranges.iter().flat_map(|r| r.start()..=r.end());
            cases(first)
                .iter()
                .copied()
                .eq(&mut all)
                .then_some((first, true))
        }
        _ => None,
    }
}

/// Whether a class has every character.
pub(super) fn is_everything(ranges: &[ClassUnicodeRange]) -> bool {
    // Surrogates are not characters, so two ranges may cover all.
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
