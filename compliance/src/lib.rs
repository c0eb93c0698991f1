//! quarrel-compliance
