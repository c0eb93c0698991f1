//! Chunks. The first byte picks the encoding.

use quarrel_chunks::histogram::decode_histogram_totals;
use quarrel_chunks::{
    Encoding, HistogramColumns, aggregate, decode_floats, decode_floats_until,
    decode_floats_with_start, decode_histograms, num_samples,
};

/// All ways to decode a float chunk give the same samples, as many as the header
/// says, or those until a time.
pub(crate) fn floats(data: &[u8]) {
    let Some((&pick, bytes)) = data.split_first() else {
        return;
    };
    let encoding = [Encoding::Xor, Encoding::Xor2][usize::from(pick % 2)];
    let (mut times, mut values) = (vec![7], vec![7.0]);
    let plain = decode_floats(encoding, bytes, &mut times, &mut values);
    let (mut starts, mut times2, mut values2) = (vec![7], vec![7], vec![7.0]);
    let with_start =
        decode_floats_with_start(encoding, bytes, &mut starts, &mut times2, &mut values2);
    assert_eq!(plain, with_start);
    assert_eq!((&times, starts.len()), (&times2, times.len()));
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&values), bits(&values2));
    until(encoding, bytes, plain.is_ok(), (&times[1..], &values[1..]));
    match plain {
        Ok(()) => assert_eq!(Ok(times.len() - 1), num_samples(encoding, bytes)),
        Err(_) => assert_eq!(
            (times.as_slice(), values.as_slice()),
            ([7].as_slice(), [7.0].as_slice())
        ),
    }
}

/// Until a time of the chunk, its samples are the first of all.
fn until(encoding: Encoding, bytes: &[u8], whole: bool, (times, values): (&[i64], &[f64])) {
    let end = times.get(times.len() / 2).copied().unwrap_or_default();
    let (mut some_times, mut some_values) = (Vec::new(), Vec::new());
    let some = decode_floats_until(encoding, bytes, end, &mut some_times, &mut some_values);
    assert_eq!(some_times.len(), some_values.len());
    if whole {
        let count = times.iter().take_while(|&&t| t <= end).count();
        assert_eq!((some, &some_times[..]), (Ok(()), &times[..count]));
        let pairs = some_values.iter().zip(values);
        pairs.for_each(|(some, all)| assert_eq!(some.to_bits(), all.to_bits()));
    }
}

/// A histogram chunk decodes to as many samples as the header says, or to none.
pub(crate) fn histograms(data: &[u8]) {
    let Some((&pick, bytes)) = data.split_first() else {
        return;
    };
    let encodings = [
        Encoding::Histogram,
        Encoding::FloatHistogram,
        Encoding::HistogramSt,
        Encoding::FloatHistogramSt,
    ];
    let encoding = encodings[usize::from(pick % 4)];
    let mut columns = HistogramColumns::default();
    let (mut totals, mut ends) = (HistogramColumns::default(), HistogramColumns::default());
    let some = decode_histogram_totals(encoding, bytes, &mut totals, Some(&mut ends));
    match decode_histograms(encoding, bytes, &mut columns) {
        Ok(()) => {
            assert_eq!(Ok(columns.len()), num_samples(encoding, bytes));
            let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!((&some, &totals.timestamps), (&Ok(()), &columns.timestamps));
            assert_eq!(bits(&totals.counts), bits(&columns.counts));
            assert_eq!(bits(&totals.sums), bits(&columns.sums));
        }
        Err(_) => assert!(columns.is_empty()),
    }
    if some.is_err() {
        assert!(totals.is_empty() && ends.is_empty());
    }
}

/// A downsampled chunk is split into parts that lie in it, and joins to the same
/// parts; each of them is decoded, or refused.
pub(crate) fn downsampled(data: &[u8]) {
    let Ok(parts) = aggregate::split(data) else {
        return;
    };
    let parts = parts.map(|part| part.map(|part| (part.encoding, &data[part.bytes])));
    let joined = aggregate::join(parts);
    let again = aggregate::split(&joined).expect("what was joined");
    let again = again.map(|part| part.map(|part| (part.encoding, &joined[part.bytes])));
    assert_eq!(parts, again);
    for (encoding, bytes) in parts.into_iter().flatten() {
        if encoding.is_histogram() {
            let mut columns = HistogramColumns::default();
            let decoded = decode_histograms(encoding, bytes, &mut columns);
            assert!(decoded.is_ok() || columns.is_empty());
        } else {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            let decoded = decode_floats(encoding, bytes, &mut times, &mut values);
            assert_eq!(times.len(), values.len());
            assert!(decoded.is_ok() || times.is_empty());
        }
    }
}
