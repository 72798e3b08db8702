//! Texts from outside, made harmless: bounded in length, without characters that act on a terminal or a log.

/// Longest name or other text that a record keeps, in characters.
pub(super) const MAX_TEXT: usize = 256;

/// Longest excerpt of an answer that an error shows, in characters.
pub(super) const MAX_EXCERPT: usize = 80;

/// Ends a text that was longer.
const CUT_MARK: char = '…';

/// At most `limit` characters of a text, the last being the mark where it was longer; control characters and
/// those that change the direction of writing are escaped.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    let mut length = 0;
    for character in text.chars() {
        let start = kept.len();
        if acts(character) {
            kept.extend(character.escape_default());
        } else {
            kept.push(character);
        }
        length += kept[start..].chars().count();
        if length > limit {
            let keep = kept.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(index, _)| index);
            kept.truncate(keep);
            kept.push(CUT_MARK);
            break;
        }
    }
    kept
}

/// What an error may show of an answer.
pub(super) fn excerpt(text: &str) -> String {
    bounded(text.trim(), MAX_EXCERPT)
}

/// Whether a character does something instead of showing something.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_and_long_ones_end_in_a_mark() {
        for (text, limit, expected) in [
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("äöüß", 4, "äöüß"),
            ("äöüßx", 4, "äöü…"),
            ("a\nb", 10, "a\\nb"),
            ("ab\n", 3, "ab…"),
            ("\u{202e}evil", 20, "\\u{202e}evil"),
            ("\u{1b}[2J", 20, "\\u{1b}[2J"),
        ] {
            assert_eq!(bounded(text, limit), expected, "{text:?}");
        }
    }

    #[test]
    fn an_excerpt_never_exceeds_its_limit() {
        for text in ["x".repeat(1000), "\0".repeat(1000), "é".repeat(1000), " \n ".repeat(1000)] {
            assert!(excerpt(&text).chars().count() <= MAX_EXCERPT);
        }
    }
}
