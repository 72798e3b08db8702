//! What the terminal is: its size, whether it bears colours and signs, and the live picture on it.

use std::io::IsTerminal as _;

use super::output::print;
use crate::screens::{Fold, Glyphs, Paint, Paper};

/// How wide a line is where nobody can say.
const COLUMNS: u16 = 100;

/// Options of everything that is shown to people.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Screen {
    /// Whether to use colours.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    // What the environment says of the terminal; not for the command line.
    #[arg(long, env = "NO_COLOR", hide = true, hide_env = true, default_value = "")]
    no_color: String,
    #[arg(long, env = "TERM", hide = true, hide_env = true, default_value = "")]
    term: String,
    #[arg(long, env = "LC_ALL", hide = true, hide_env = true, default_value = "")]
    lc_all: String,
    #[arg(long, env = "LANG", hide = true, hide_env = true, default_value = "")]
    lang: String,
    #[arg(long, env = "COLUMNS", hide = true, hide_env = true, default_value = "")]
    columns: String,
}

/// Whether to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Colour {
    /// On a terminal that bears them, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For people, with nothing folded.
    Wide,
    /// The value behind it, as JSON.
    Json,
    /// The value behind it, as YAML.
    Yaml,
}

impl Screen {
    /// The paper that is there: as wide as the terminal, without end.
    pub(super) fn paper(&self, output: Output) -> Paper {
        let is_terminal = is_terminal();
        let bears_colours = is_terminal && self.no_color.is_empty() && self.term != "dumb";
        let is_coloured = match self.color {
            Colour::Auto => bears_colours,
            Colour::Always => true,
            Colour::Never => false,
        };
        let said = self.columns.parse().ok().filter(|columns| *columns > 0);
        let columns = size().map(|(columns, _)| columns).or(said).unwrap_or(COLUMNS);
        let locale = if self.lc_all.is_empty() { &self.lang } else { &self.lc_all };
        let is_ascii = !locale.is_empty() && !locale.to_ascii_uppercase().replace('-', "").contains("UTF8");
        Paper {
            columns: usize::from(columns),
            rows: None,
            paint: if is_coloured { Paint::Coloured } else { Paint::Plain },
            glyphs: if is_ascii { Glyphs::Ascii } else { Glyphs::Unicode },
            fold: if output == Output::Wide { Fold::Nothing } else { Fold::Fitting },
        }
    }
}

/// Whether people look at standard output.
pub(super) fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Columns and rows of the terminal, where there is one.
pub(super) fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// A value as text.
pub(super) fn written(value: &impl serde::Serialize, output: Output) -> Result<String, String> {
    match output {
        Output::Yaml => serde_saphyr::to_string(value).map_err(|error| error.to_string()),
        Output::Json | Output::Text | Output::Wide => {
            serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|error| error.to_string())
        }
    }
}

/// A picture that is drawn over on a screen of its own; what it showed last stays behind.
#[derive(Debug, Default)]
pub(super) struct Live {
    is_open: bool,
    last: String,
}

impl Live {
    /// Draws a picture, unless it is there already.
    pub(super) fn draw(&mut self, picture: &str) {
        if self.is_open && self.last == picture {
            return;
        }
        let mut text = String::new();
        if !self.is_open {
            // Another screen, without a cursor: what was typed before stays where it is.
            text.push_str("\x1b[?1049h\x1b[?25l");
            self.is_open = true;
        }
        // In one piece, line over line: nothing flickers.
        text.push_str("\x1b[?2026h\x1b[H");
        let lines: Vec<String> = picture.lines().map(|line| format!("{line}\x1b[K")).collect();
        text.push_str(&lines.join("\r\n"));
        text.push_str("\x1b[J\x1b[?2026l");
        print(&text);
        picture.clone_into(&mut self.last);
    }

    /// Gives the screen back.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.is_open) {
            print("\x1b[?25h\x1b[?1049l");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}
