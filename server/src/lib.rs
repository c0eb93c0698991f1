//! quarrel-server
