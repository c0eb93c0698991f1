//! Chunks. The first byte picks the encoding.

use quarrel_chunks::{
    Encoding, HistogramColumns, decode_floats, decode_floats_with_start, decode_histograms,
    num_samples,
};

/// Both ways to decode a float chunk give the same samples, as many as the
/// header says.
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
    match plain {
        Ok(()) => assert_eq!(Ok(times.len() - 1), num_samples(encoding, bytes)),
        Err(_) => assert_eq!(
            (times.as_slice(), values.as_slice()),
            ([7].as_slice(), [7.0].as_slice())
        ),
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
    match decode_histograms(encoding, bytes, &mut columns) {
        Ok(()) => assert_eq!(Ok(columns.len()), num_samples(encoding, bytes)),
        Err(_) => assert!(columns.is_empty()),
    }
}
