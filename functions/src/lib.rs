//! quarrel-functions
