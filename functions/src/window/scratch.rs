//! The buffers of window kernels.

use super::areas::Areas;
use super::moments::Moments;
use super::ranks::Ranks;
use super::trend::Products;
use crate::kahan::Sum;

/// Buffers that kernels need between input and output. Keep one for each
/// thread, so that they are allocated once.
#[derive(Debug, Default)]
pub struct WindowScratch {
    pub(super) indices: Vec<u32>,
    pub(super) numbers: Vec<f64>,
    pub(super) keys: Vec<i64>,
    pub(super) ranks: Ranks,
    pub(super) places: Vec<(f64, u32)>,
    pub(super) areas: Vec<Areas>,
    pub(super) sums: Vec<Sum>,
    pub(super) moments: Vec<Moments>,
    pub(super) products: Vec<Products>,
}
