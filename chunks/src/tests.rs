use proptest::prelude::*;

use super::*;
use crate::floats::{Columns, decode_plain, decode_with_lane};
use crate::xor::XorReader;
use crate::xor2::Xor2Reader;

/// Timestamps and values, usual and unusual ones.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let gap = prop_oneof![
        8 => Just(15_000i64),
        4 => 14_900i64..15_100,
        1 => 0i64..2_000_000,
        1 => any::<i64>(),
    ];
    let value = prop_oneof![
        4 => (0i64..1_000_000).prop_map(|v| v as f64),
        4 => Just(1.0),
        2 => any::<f64>(),
        1 => Just(f64::from_bits(xor2::STALE_NAN)),
        1 => any::<u64>().prop_map(f64::from_bits),
    ];
    (
        any::<i32>(),
        proptest::collection::vec((gap, value), 0..150),
    )
        .prop_map(|(start, steps)| {
            let mut t = i64::from(start);
            steps
                .into_iter()
                .map(|(gap, value)| {
                    t = t.wrapping_add(gap);
                    (t, value)
                })
                .collect()
        })
}

fn round_trip(mut encoder: impl FloatEncoder, samples: &[(i64, f64)]) -> (Vec<i64>, Vec<u64>) {
    for &(t, v) in samples {
        assert!(encoder.append(t, v));
    }
    let (mut timestamps, mut values) = (vec![7], vec![7.0]);
    decode_floats(
        encoder.encoding(),
        encoder.bytes(),
        &mut timestamps,
        &mut values,
    )
    .unwrap();
    (
        timestamps.split_off(1),
        values.split_off(1).iter().map(|v| v.to_bits()).collect(),
    )
}

/// What decoding gave: an error, or the bits of the samples behind what the
/// columns held.
type Decoded = Result<Vec<(i64, u64)>, ChunkError>;

fn decoded(
    decode: impl Fn(&mut Vec<i64>, &mut Vec<f64>) -> Result<(), ChunkError>,
) -> Result<Decoded, TestCaseError> {
    let (mut timestamps, mut values) = (vec![7], vec![7.0]);
    let result = decode(&mut timestamps, &mut values);
    prop_assert_eq!(timestamps.len(), values.len());
    prop_assert_eq!((timestamps[0], values[0]), (7, 7.0));
    if result.is_err() {
        prop_assert_eq!(timestamps.len(), 1, "columns are as they were");
    }
    let samples = timestamps
        .into_iter()
        .zip(values.into_iter().map(f64::to_bits));
    Ok(result.map(|()| samples.skip(1).collect()))
}

fn plain(encoding: Encoding, bytes: &[u8], until: i64) -> Result<Decoded, TestCaseError> {
    decoded(|timestamps, values| {
        let mut columns = Columns { timestamps, values };
        let result = match encoding {
            Encoding::Xor => decode_plain::<XorReader<'_>>(bytes, until, &mut columns),
            _ => decode_plain::<Xor2Reader<'_>>(bytes, until, &mut columns),
        };
        if result.is_err() {
            columns.truncate([1, 1]);
        }
        result.map(|_| ())
    })
}

/// Decoding gives the samples and errors of the plain way, up to any time.
fn as_plain(encoding: Encoding, bytes: &[u8], time: i64) -> Result<(), TestCaseError> {
    for until in [i64::MIN, time, i64::MAX - 1, i64::MAX] {
        let fast = decoded(|t, v| decode_floats_until(encoding, bytes, until, t, v))?;
        prop_assert_eq!(fast, plain(encoding, bytes, until)?);
    }
    let all = decoded(|t, v| decode_floats(encoding, bytes, t, v))?;
    let with_start = decoded(|t, v| decode_floats_with_start(encoding, bytes, &mut vec![], t, v))?;
    prop_assert_eq!(&all, &plain(encoding, bytes, i64::MAX)?);
    prop_assert_eq!(with_start, all);
    Ok(())
}

proptest! {
    #[test]
    fn lanes_decode_as_the_plain_way(
        samples in samples(),
        pick in any::<prop::sample::Index>(),
        starts in prop_oneof![3 => Just(0i64), 1 => 1i64..3],
    ) {
        let (mut xor, mut xor2) = (XorEncoder::new(), Xor2Encoder::new());
        for (i, &(t, v)) in samples.iter().enumerate() {
            xor.append(t, v);
            let start = if i as i64 % 40 < starts { t.wrapping_sub(9) } else { 0 };
            xor2.append_with_start(start, t, v);
        }
        let time = samples.get(pick.index(samples.len().max(1))).map_or(0, |sample| sample.0);
        for (encoding, bytes) in [(Encoding::Xor, xor.bytes()), (Encoding::Xor2, xor2.bytes())] {
            as_plain(encoding, bytes, time)?;
            for length in 0..bytes.len() {
                if samples.len() < 20 || length % 13 == 0 {
                    as_plain(encoding, &bytes[..length], time)?;
                }
            }
        }
        if samples.len() > 2 {
            let (mut timestamps, mut values) = (vec![], vec![]);
            let mut columns = Columns { timestamps: &mut timestamps, values: &mut values };
            let read = [
                decode_with_lane::<XorReader<'_>>(xor.bytes(), i64::MAX, &mut columns),
                decode_with_lane::<Xor2Reader<'_>>(xor2.bytes(), i64::MAX, &mut columns),
            ];
            let read = read.map(|start| start.is_some());
            prop_assert_eq!(read, [true, true], "lanes read what encoders write");
        }
    }

    #[test]
    fn lanes_decode_damaged_chunks_as_the_plain_way(
        samples in samples(),
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 1..4),
        joint in any::<bool>(),
        time in any::<i64>(),
    ) {
        let (mut xor, mut xor2) = (XorEncoder::new(), Xor2Encoder::new());
        for &(t, v) in &samples {
            xor.append(t, v);
            xor2.append(t, v);
        }
        let (encoding, mut bytes) = match joint {
            true => (Encoding::Xor2, xor2.bytes().to_vec()),
            false => (Encoding::Xor, xor.bytes().to_vec()),
        };
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        as_plain(encoding, &bytes, time)?;
    }

    #[test]
    fn lanes_decode_random_bytes_as_the_plain_way(
        count in 0u8..100,
        mut bytes in proptest::collection::vec(any::<u8>(), 2..300),
        time in any::<i64>(),
    ) {
        // More samples than that do not fit random bytes.
        bytes[..2].copy_from_slice(&[0, count]);
        for encoding in [Encoding::Xor, Encoding::Xor2] {
            as_plain(encoding, &bytes, time)?;
        }
    }

    #[test]
    fn encoded_samples_are_decoded(samples in samples()) {
        let want: (Vec<i64>, Vec<u64>) = samples.iter().map(|s| (s.0, s.1.to_bits())).unzip();
        prop_assert_eq!(round_trip(XorEncoder::new(), &samples), want.clone());
        prop_assert_eq!(round_trip(Xor2Encoder::new(), &samples), want);
    }

    #[test]
    fn start_timestamps_are_decoded(samples in samples(), starts in proptest::collection::vec(0i64..5, 150)) {
        let mut encoder = Xor2Encoder::new();
        let start_of = |i: usize, t: i64| if starts[i] == 0 { 0 } else { t.wrapping_sub(starts[i] * 1000) };
        for (i, &(t, v)) in samples.iter().enumerate() {
            encoder.append_with_start(start_of(i, t), t, v);
        }
        let (mut s, mut t, mut v) = (Vec::new(), Vec::new(), Vec::new());
        decode_floats_with_start(Encoding::Xor2, encoder.bytes(), &mut s, &mut t, &mut v).unwrap();
        let want: Vec<i64> = samples.iter().enumerate().map(|(i, x)| start_of(i, x.0)).collect();
        prop_assert_eq!(s, want);
    }

    #[test]
    fn damaged_chunks_give_an_error_or_samples_but_never_a_panic(
        samples in samples(),
        cut in any::<prop::sample::Index>(),
        flips in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        joint in any::<bool>(),
    ) {
        let (mut xor, mut xor2) = (XorEncoder::new(), Xor2Encoder::new());
        for &(t, v) in &samples {
            xor.append(t, v);
            xor2.append_with_start(t.wrapping_sub(5), t, v);
        }
        let mut bytes = if joint { xor2.bytes().to_vec() } else { xor.bytes().to_vec() };
        for flip in flips {
            let bit = flip.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let encoding = if joint { Encoding::Xor2 } else { Encoding::Xor };
        let (mut t, mut v) = (vec![1], vec![1.0]);
        if decode_floats(encoding, &bytes, &mut t, &mut v).is_err() {
            prop_assert_eq!((t.len(), v.len()), (1, 1), "columns are as they were");
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for encoding in [Encoding::Xor, Encoding::Xor2, Encoding::Histogram] {
            let _ = decode_floats(encoding, &bytes, &mut Vec::new(), &mut Vec::new());
        }
    }
}

#[test]
fn a_truncated_chunk_names_the_sample() {
    let mut encoder = XorEncoder::new();
    for i in 0..10 {
        encoder.append(i * 1000, i as f64 * 0.1);
    }
    let bytes = encoder.bytes();
    let error = decode_floats(
        Encoding::Xor,
        &bytes[..bytes.len() - 2],
        &mut vec![],
        &mut vec![],
    );
    assert_eq!(
        error,
        Err(ChunkError::Truncated {
            sample: 9,
            samples: 10
        })
    );
    assert_eq!(
        num_samples(Encoding::Xor, &[1]),
        Err(ChunkError::NoHeader(1))
    );
    assert!(Encoding::try_from(9).is_err());
}
