//! What is wrong with a YAML text.

use serde_saphyr::Error;

/// The line, 0 if none is known, and the problem without its place: an
/// [`Origin`](super::Origin) says that.
pub(super) fn fault(error: &Error) -> (u64, String) {
    let line = error.location().map_or(0, |at| at.line());
    let mut problem = error.without_snippet().to_string();
    if let Some((bare, _)) = problem.rsplit_once(" at line ") {
        problem.truncate(bare.len());
    }
    (line, problem)
}
