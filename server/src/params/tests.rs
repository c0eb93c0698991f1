use super::*;
use crate::duration::format_go_duration;

const SECOND: i64 = 1_000_000_000;

#[test]
fn durations_are_numbers_or_units() {
    for (text, want) in [
        ("15", 15 * SECOND),
        ("15s", 15 * SECOND),
        ("0", 0),
        ("0.5", SECOND / 2),
        ("1m30s", 90 * SECOND),
        ("1y2w3d4h5m6s7ms", 33_019_506_007 * 1_000_000),
        ("-1", -SECOND),
        ("1e3", 1000 * SECOND),
        ("0.0001", 100_000),
        ("1s1ms", 1_001_000_000),
    ] {
        assert_eq!(parse_duration(text), Ok(want), "{text}");
    }
    for text in [
        "",
        "x",
        "1x",
        "-1s",
        "1s1m",
        "1m1m",
        "s",
        "1h ",
        "5 m",
        "999999999y",
        "1ms1s",
        "300y",
    ] {
        let want = format!("cannot parse {text:?} to a valid duration");
        assert_eq!(parse_duration(text), Err(want));
    }
    for text in ["NaN", "Inf", "1e99", "-1e99", "9223372036.854775807"] {
        let want = format!("cannot parse {text:?} to a valid duration. It overflows int64");
        assert_eq!(parse_duration(text), Err(want));
    }
}

#[test]
fn times_are_refused_with_the_texts_of_prometheus() {
    assert_eq!(
        parse_time("x"),
        Err("cannot parse \"x\" to a valid timestamp".into())
    );
    assert_eq!(
        parse_time("a\"\n"),
        Err("cannot parse \"a\\\"\\n\" to a valid timestamp".into())
    );
    assert_eq!(
        parse_time("5"),
        Ok(Moment {
            seconds: 5,
            nanos: 0
        })
    );
}

#[test]
fn limits_are_whole_numbers() {
    assert_eq!(parse_limit(""), Ok(0));
    assert_eq!(parse_limit("+7"), Ok(7));
    assert_eq!(parse_limit("-1"), Err("limit must be non-negative".into()));
    assert_eq!(
        parse_limit("x"),
        Err("strconv.Atoi: parsing \"x\": invalid syntax".into())
    );
    assert_eq!(
        parse_limit("1.5"),
        Err("strconv.Atoi: parsing \"1.5\": invalid syntax".into())
    );
    let huge = "99999999999999999999";
    let want = format!("strconv.Atoi: parsing {huge:?}: value out of range");
    assert_eq!(parse_limit(huge), Err(want));
    assert_eq!(
        parse_int32("3000000000"),
        Err("strconv.ParseInt: parsing \"3000000000\": value out of range".into())
    );
}

#[test]
fn booleans_are_those_of_go() {
    assert_eq!(parse_bool("True"), Ok(true));
    assert_eq!(parse_bool("f"), Ok(false));
    assert_eq!(
        parse_bool("yes"),
        Err("strconv.ParseBool: parsing \"yes\": invalid syntax".into())
    );
}

#[test]
fn durations_are_printed_as_go_does() {
    for (nanos, want) in [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (-1_500_000, "-1.5ms"),
        (SECOND, "1s"),
        (-SECOND, "-1s"),
        (1_001_000_000, "1.001s"),
        (90 * SECOND, "1m30s"),
        (3600 * SECOND, "1h0m0s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
        (i64::MAX, "2562047h47m16.854775807s"),
    ] {
        assert_eq!(format_go_duration(nanos), want);
    }
}

#[test]
fn sizes_have_units_of_1024() {
    for (text, want) in [
        ("0", 0),
        ("100", 100),
        ("100B", 100),
        ("1KB", 1024),
        ("1.5MB", 1_572_864),
        ("2GiB", 2 << 30),
        ("1T", 1 << 40),
    ] {
        assert_eq!(parse_size(text), Some(want), "{text}");
    }
    for bad in ["", "x", "1X", "-1", "1..2", "99999999EB", "1 MB"] {
        assert_eq!(parse_size(bad), None, "{bad}");
    }
}

#[test]
fn escaped_names_are_decoded() {
    for (name, want) in [
        ("U__service_2e_name", "service.name"),
        ("U__a_20_b", "a b"),
        ("U__a__b", "a_b"),
        ("U__", ""),
        ("U___1f980_", "🦀"),
        ("U___1F980_x", "🦀x"),
        ("plain", "plain"),
        ("U__bad_", "U__bad_"),
        ("U__bad_zz_", "U__bad_zz_"),
        ("U__bad_1234567_", "U__bad_1234567_"),
        ("U__bad_01f980_", "U__bad_01f980_"),
        ("U__bad_d800_", "U__bad_d800_"),
        ("U__bad_110000_", "U__bad_110000_"),
        ("U__bad", "bad"),
    ] {
        assert_eq!(unescape_name(name), want, "{name}");
    }
}

/// Texts that look like parameters, and parts of them cut and joined.
fn texts() -> Vec<String> {
    let parts = [
        "1",
        "5m",
        "-",
        "+",
        ".",
        "e",
        "0x",
        "p",
        "_",
        "Inf",
        "NaN",
        "T",
        ":",
        "Z",
        "2023-11-15",
        "01:20:00",
        "h",
        "y",
        "99999999999999999999",
        "\u{0}",
        "ü",
        "U__",
        "_2e_",
        "KB",
        "",
        " ",
        "true",
        "\"",
        "\n",
    ];
    let mut seed = 7u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    (0..20_000)
        .map(|_| {
            (0..next() % 6)
                .map(|_| parts[next() % parts.len()])
                .collect()
        })
        .collect()
}

#[test]
fn no_text_panics_and_what_is_taken_is_sane() {
    for text in texts() {
        if let Ok(moment) = parse_time(&text) {
            assert!(moment.nanos < 1_000_000_000);
            let _ = (moment.query_ms(), moment.storage_ms());
            let _ = moment.nanos_since(time::MIN_TIME);
        }
        let _ = time::parse_relative(
            &text,
            Moment {
                seconds: 0,
                nanos: 0,
            },
        );
        if let Some(nanos) = parse_model_duration(&text) {
            assert!(nanos >= 0);
            assert_eq!(nanos % 1_000_000, 0);
        }
        let _ = (
            parse_duration(&text),
            parse_limit(&text),
            parse_int32(&text),
            parse_bool(&text),
        );
        let _ = (parse_size(&text), unescape_name(&text));
    }
}
