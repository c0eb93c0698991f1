//! quarrel-chunks
