//! quarrel-examples
