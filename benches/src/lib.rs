//! quarrel-benches
