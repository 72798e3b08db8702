//! Texts as long as an object can bear them.

/// Longest text, in characters. What servers and devices report is untrusted, and an object must stay small.
pub(super) const MAX_TEXT: usize = 512;

/// Cuts a text at a character, with a mark.
pub(super) fn bounded(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    let cut: String = text.chars().take(MAX_TEXT - 1).collect();
    format!("{}…", cut.trim_end())
}
