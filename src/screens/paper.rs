//! What a screen is written on: how wide it is, whether it bears colours, and which signs it can show.

/// What a screen is written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paper {
    /// How many characters a line has.
    pub columns: usize,
    /// How many lines there are; `None` where it scrolls.
    pub rows: Option<usize>,
    /// Whether it bears colours.
    pub paint: Paint,
    /// Which signs it can show.
    pub glyphs: Glyphs,
    /// Whether what is as it should be is folded together.
    pub fold: Fold,
}

/// Whether it bears colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// It does not.
    Plain,
    /// It understands the escapes of terminals.
    Coloured,
}

/// Which signs it can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Any.
    Unicode,
    /// Letters, digits and what typewriters have.
    Ascii,
}

/// Whether what is as it should be is folded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Where there is much of it.
    Fitting,
    /// Never.
    Nothing,
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it stands.
    Plain,
    /// What to look at first.
    Strong,
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// A person is asked.
    Asking,
    /// Wrong.
    Bad,
    /// Beside the point.
    Faint,
}

impl Paper {
    /// Plain paper of a width, without end.
    pub const fn plain(columns: usize) -> Self {
        Self { columns, rows: None, paint: Paint::Plain, glyphs: Glyphs::Unicode, fold: Fold::Fitting }
    }

    /// A text in its tone.
    pub fn toned(&self, tone: Tone, text: &str) -> String {
        let code = match (self.paint, tone) {
            (Paint::Plain, _) | (Paint::Coloured, Tone::Plain) => return text.to_owned(),
            (Paint::Coloured, Tone::Strong) => "1",
            (Paint::Coloured, Tone::Good) => "32",
            (Paint::Coloured, Tone::Busy) => "36",
            (Paint::Coloured, Tone::Asking) => "33",
            (Paint::Coloured, Tone::Bad) => "31",
            (Paint::Coloured, Tone::Faint) => "2",
        };
        if text.is_empty() { String::new() } else { format!("\x1b[{code}m{text}\x1b[0m") }
    }

    /// The sign of a tone.
    pub fn sign(&self, tone: Tone) -> &'static str {
        match (self.glyphs, tone) {
            (Glyphs::Unicode, Tone::Good) => "✔",
            (Glyphs::Unicode, Tone::Busy) => "◌",
            (Glyphs::Unicode, Tone::Asking) => "‼",
            (Glyphs::Unicode, Tone::Bad) => "✖",
            (Glyphs::Unicode, Tone::Plain | Tone::Strong | Tone::Faint) => "·",
            (Glyphs::Ascii, Tone::Good) => "+",
            (Glyphs::Ascii, Tone::Busy) => "~",
            (Glyphs::Ascii, Tone::Asking) => "!",
            (Glyphs::Ascii, Tone::Bad) => "x",
            (Glyphs::Ascii, Tone::Plain | Tone::Strong | Tone::Faint) => "-",
        }
    }
}
