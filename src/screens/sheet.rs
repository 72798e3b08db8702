//! A screen while it is being written: lines, folded at the edge of the paper, never cut.

use super::paper::{Paper, Tone};

/// How wide the words in front of a line are.
const LABEL: usize = 12;

/// A screen while it is being written.
pub(super) struct Sheet<'a> {
    pub(super) paper: &'a Paper,
    lines: Vec<String>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(paper: &'a Paper) -> Self {
        Self { paper, lines: Vec::new() }
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.lines.push(text.as_ref().trim_end().to_owned());
    }

    /// An empty line between two parts.
    pub(super) fn space(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// The heading of a part.
    pub(super) fn heading(&mut self, text: &str) {
        self.space();
        let text = self.paper.toned(Tone::Strong, text);
        self.lines.push(text);
    }

    /// A word and what is said of it, folded beside it.
    pub(super) fn said(&mut self, label: &str, tone: Tone, text: &str) {
        self.hanging("  ", label, tone, LABEL, text);
    }

    /// A text, folded, as far in as what is said of a word.
    pub(super) fn more(&mut self, text: &str) {
        self.said("", Tone::Plain, text);
    }

    /// A first word of a given width, and a text folded beside it. A word that is too wide stands on a line of its own.
    pub(super) fn hanging(&mut self, indent: &str, label: &str, tone: Tone, width: usize, text: &str) {
        let left = indent.chars().count() + width;
        let room = self.paper.columns.saturating_sub(left).max(20);
        let is_wide = label.chars().count() + 1 > width && !label.is_empty();
        let shown = self.paper.toned(tone, label);
        let pad = " ".repeat(width.saturating_sub(label.chars().count()));
        let mut lines = folded(text, room).into_iter();
        if is_wide {
            self.line(format!("{indent}{shown}"));
        } else {
            let first = lines.next().unwrap_or_default();
            self.line(format!("{indent}{shown}{pad}{first}"));
        }
        for line in lines {
            self.line(format!("{}{line}", " ".repeat(left)));
        }
    }

    /// What somebody may type: never folded, so that it can be copied as it is.
    pub(super) fn command(&mut self, indent: usize, text: &str) {
        self.line(format!("{}{text}", " ".repeat(indent)));
    }

    /// How many lines of the paper it takes: one that is too long takes several.
    pub(super) fn height(&self) -> usize {
        let columns = self.paper.columns.max(1);
        self.lines.iter().map(|line| visible(line).div_ceil(columns).max(1)).sum()
    }

    /// The text, cut at the height of the paper: what stands above matters more.
    pub(super) fn into_text(mut self) -> String {
        if let Some(rows) = self.paper.rows.filter(|rows| *rows > 1 && self.lines.len() > *rows) {
            let left_out = self.lines.len() - (rows - 1);
            self.lines.truncate(rows - 1);
            let more = self.paper.toned(Tone::Faint, &format!("{left_out} more lines"));
            self.lines.push(more);
        }
        self.lines.push(String::new());
        self.lines.join("\n")
    }
}

/// How many characters of a line are seen: escapes are not.
fn visible(line: &str) -> usize {
    let mut in_escape = false;
    let is_seen = |letter: &char| {
        let was_in_escape = in_escape;
        in_escape = *letter == '\x1b' || (in_escape && *letter != 'm');
        !was_in_escape && !in_escape
    };
    line.chars().filter(is_seen).count()
}

/// Words in lines that are no longer than the room, where a word is not longer by itself.
fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let more = word.chars().count();
        if length > 0 && length + 1 + more > room {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += more;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_folded_and_never_cut() {
        assert_eq!(folded("a bc def", 4), ["a bc", "def"]);
        assert_eq!(folded("longer than that", 3), ["longer", "than", "that"]);
        assert_eq!(folded("", 3), [""]);
        assert_eq!(visible("\x1b[1mab\x1b[0mc"), 3);
    }

    #[test]
    fn what_stands_above_is_kept_where_the_paper_ends() {
        let paper = Paper { rows: Some(3), ..Paper::plain(80) };
        let mut sheet = Sheet::new(&paper);
        (1..=5).for_each(|number| sheet.line(number.to_string()));
        assert_eq!(sheet.into_text(), "1\n2\n3 more lines\n");
    }
}
