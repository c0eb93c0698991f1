//! What the services know of a call beside its message.

use tokio::time::Instant;

use crate::api::CancelSlot;
use crate::trace::Trace;

/// The largest request, bytes. A query's text has at most a mebibyte, but Thanos
/// sends its plan beside it.
pub(super) const MAX_REQUEST: usize = 16 << 20;

/// What the services learn of a call beside its message.
#[derive(Clone)]
pub(super) struct CallInfo {
    /// Takes what is to be canceled if the client leaves.
    pub(super) cancel: CancelSlot,
    /// When the client stops to wait.
    pub(super) deadline: Option<Instant>,
    /// Whose it is.
    pub(super) tenant: String,
    /// Its trace.
    pub(super) trace: Trace,
}
