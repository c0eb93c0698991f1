//! quarrel-matchers
