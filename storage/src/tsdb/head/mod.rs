//! The head: head chunks, WAL and WBL.
