//! The leaf: decodes the samples of selected series and runs a window
//! function over them in one pass.

mod samples;
