//! That the documents speak of what is there: files, reasons, make targets.

use std::fs;
use std::path::Path;

use codeupgrade::planner::Reason;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn is_path(word: &str) -> bool {
    let is_source = Path::new(word).extension().is_some_and(|extension| extension == "rs");
    is_source || (word.ends_with('/') && !word.contains('*'))
}

#[test]
fn every_reason_has_its_mend_in_the_readme() {
    let readme = document("README.md");
    let missing: Vec<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.name())
        .filter(|reason| {
            !readme.lines().any(|line| line.starts_with("| ") && line.contains(&format!("`{reason}`")))
        })
        .collect();
    assert!(missing.is_empty(), "the README's table of reasons lacks {missing:?}");
}

#[test]
fn every_file_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = document(name);
        let paths = quoted(&text).filter(|word| is_path(word));
        let links =
            text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap_or_default());
        for path in paths.chain(links).filter(|path| !path.contains("://")) {
            let found = root.join(path).exists() || root.join("src").join(path).exists();
            assert!(found, "{name} names {path}, which does not exist");
        }
    }
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = document("Makefile");
    for name in ["README.md", "CONTRIBUTING.md"] {
        let text = document(name);
        for target in quoted(&text)
            .filter_map(|word| word.strip_prefix("make ").and_then(|rest| rest.split(' ').next()))
        {
            assert!(makefile.contains(&format!("\n{target}:")), "{name} names make {target}");
        }
    }
}
