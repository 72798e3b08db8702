//! `doctor`: what was looked at, what was found, and what mends it.

use serde::Serialize;

use super::paper::{Paper, Tone};
use super::sheet::Sheet;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Of what: `you`, `operator` or the environment.
    pub about: String,
    /// How it is.
    pub result: FindingResult,
    /// What was found, as a sentence.
    pub text: String,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

/// How a thing is that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum FindingResult {
    /// As it should be.
    Good,
    /// Something will not work, and nothing is broken.
    Warning,
    /// It is broken.
    Bad,
}

impl Finding {
    /// As it should be.
    pub fn good(about: &str, text: impl Into<String>) -> Self {
        Self { about: about.to_owned(), result: FindingResult::Good, text: text.into(), mend: None }
    }

    /// Something that will not work.
    pub fn warning(about: &str, text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            about: about.to_owned(),
            result: FindingResult::Warning,
            text: text.into(),
            mend: Some(mend.into()),
        }
    }

    /// Something that is broken.
    pub fn bad(about: &str, text: impl Into<String>, mend: impl Into<String>) -> Self {
        let finding = Self::warning(about, text, mend);
        Self { result: FindingResult::Bad, ..finding }
    }
}

/// The whole screen; with `is_short` only what is not as it should be.
pub fn render(findings: &[Finding], is_short: bool, paper: &Paper) -> String {
    let mut sheet = Sheet::new(paper);
    let mut about = "";
    let shown = findings.iter().filter(|finding| !is_short || finding.result != FindingResult::Good);
    for finding in shown {
        if finding.about != about {
            about = &finding.about;
            sheet.heading(about);
        }
        let tone = match finding.result {
            FindingResult::Good => Tone::Good,
            FindingResult::Warning => Tone::Asking,
            FindingResult::Bad => Tone::Bad,
        };
        sheet.hanging("  ", paper.sign(tone), tone, 2, &finding.text);
        if let Some(mend) = &finding.mend {
            sheet.hanging("      ", "you", Tone::Faint, 5, mend);
        }
    }
    let count = |result| findings.iter().filter(|finding| finding.result == result).count();
    sheet.space();
    let (good, warnings, bad) =
        (count(FindingResult::Good), count(FindingResult::Warning), count(FindingResult::Bad));
    sheet.line(format!("{good} as they should be, {warnings} to know of, {bad} to mend"));
    sheet.into_text()
}

/// Whether nothing is broken.
pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.result != FindingResult::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_broken_is_told_with_its_mend() {
        let findings = [
            Finding::good("you", "cluster answers (v1.36.4)"),
            Finding::bad("operator", "nobody leads", "look at its pods"),
        ];
        assert_eq!(
            render(&findings, false, &Paper::plain(80)),
            "you\n  ✔ cluster answers (v1.36.4)\n\noperator\n  ✖ nobody leads\n      you  look at its pods\n\n\
             1 as they should be, 0 to know of, 1 to mend\n"
        );
        assert!(!render(&findings, true, &Paper::plain(80)).contains("answers"));
        assert!(!is_well(&findings));
    }
}
