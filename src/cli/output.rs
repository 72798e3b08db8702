//! Writing to people: the only place that prints.

use std::io::Write as _;
use std::process::ExitCode;

/// Writes data to standard output. A reader that went away, such as `head`, is no error.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    let _ = std::io::stdout().lock().flush();
}

/// Tells people something beside the data.
pub(super) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Tells of a failure, with what to do about it where that is known.
pub(super) fn fail(error: impl std::fmt::Display, hint: Option<&str>) -> ExitCode {
    tell(&format!("error: {error}"));
    if let Some(hint) = hint {
        tell(&format!("hint: {hint}"));
    }
    ExitCode::FAILURE
}
