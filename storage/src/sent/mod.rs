//! Series as servers send them: collected while they arrive, with chunks that stay
//! encoded, and united to one answer.

pub(crate) mod chunk;
pub(crate) mod collect;
pub(crate) mod merge;
pub(crate) mod source;
