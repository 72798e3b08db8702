//! How far a download is: a bar on a terminal, a line every ten seconds elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cli::output::tell;
use crate::operator::clock;

/// A bar is drawn at most this often.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// A line is written this often where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Cells of the bar.
const CELLS: u64 = 30;

/// How far a download is.
pub(super) struct Progress {
    on_terminal: bool,
    began: Instant,
    shown: Mutex<Shown>,
}

struct Shown {
    at: Instant,
    /// What this process did not receive itself.
    first: Option<u64>,
    bar: bool,
}

impl Progress {
    pub(super) fn begin() -> Self {
        let now = clock::instant();
        let shown = Mutex::new(Shown { at: now, first: None, bar: false });
        Self { on_terminal: std::io::stderr().is_terminal(), began: now, shown }
    }

    /// Shows how many bytes are there, as often as it is worth it.
    pub(super) fn show(&self, got: u64, length: Option<u64>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *shown.first.get_or_insert(got);
        let now = clock::instant();
        let every = if self.on_terminal { BAR_EVERY } else { LINE_EVERY };
        if now.duration_since(shown.at) < every {
            return;
        }
        shown.at = now;
        let seconds = now.duration_since(self.began).as_secs().max(1);
        let line = line(got, length, got.saturating_sub(first) / seconds);
        if self.on_terminal {
            shown.bar = true;
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K{line}");
        } else {
            tell(&line);
        }
    }

    /// Tells something between.
    pub(super) fn interrupt(&self, text: &str) {
        self.end();
        tell(text);
    }

    /// Leaves what was shown last.
    pub(super) fn end(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut shown.bar) {
            tell("");
        }
    }
}

fn line(got: u64, length: Option<u64>, rate: u64) -> String {
    let mib = |bytes: u64| format!("{}.{}", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20);
    let Some(length) = length.filter(|length| *length > 0) else {
        return format!("{} MiB, {} MiB/s", mib(got), mib(rate));
    };
    let share = |of: u64| u64::try_from(u128::from(got) * u128::from(of) / u128::from(length)).unwrap_or(of);
    let full = usize::try_from(share(CELLS)).unwrap_or_default();
    let empty = usize::try_from(CELLS).unwrap_or_default().saturating_sub(full);
    let left = (length - got.min(length))
        .checked_div(rate)
        .map_or_else(String::new, |left| format!(", {left} s left"));
    format!(
        "[{}{}] {:>3} %  {} of {} MiB, {} MiB/s{left}",
        "#".repeat(full),
        ".".repeat(empty),
        share(100),
        mib(got),
        mib(length),
        mib(rate)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_long() {
        assert_eq!(
            line(512 << 20, Some(1 << 30), 64 << 20),
            "[###############...............]  50 %  512.0 of 1024.0 MiB, 64.0 MiB/s, 8 s left"
        );
        assert_eq!(line(1 << 19, None, 0), "0.5 MiB, 0.0 MiB/s");
        assert_eq!(line(0, Some(10), 0), "[..............................]   0 %  0.0 of 0.0 MiB, 0.0 MiB/s");
    }
}
