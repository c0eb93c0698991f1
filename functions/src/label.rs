//! The pure parts of `label_replace` and `label_join`.

/// Whether Prometheus takes a text as a label name (UTF-8 names: any text
/// that is not empty).
pub fn is_valid_label_name(name: &str) -> bool {
    !name.is_empty()
}
