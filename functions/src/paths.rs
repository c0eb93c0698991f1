//! Where two ways lead to one answer: which of them is taken.
//!
//! Measurement says which is quicker. To test both, a build takes one of them
//! everywhere: `RUSTFLAGS='--cfg quarrel_paths="fast"'`, or `"plain"`.

/// Whether the fast way is taken, `measured` being what pays.
#[inline]
pub(crate) const fn takes_fast(measured: bool) -> bool {
    if cfg!(quarrel_paths = "fast") {
        true
    } else if cfg!(quarrel_paths = "plain") {
        false
    } else {
        measured
    }
}
