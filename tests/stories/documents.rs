//! That the documents speak of what is there: files, reasons, make targets, stories; and that whatever cites them finds
//! it there.

#[path = "documents/citations.rs"]
mod citations;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codeupgrade::planner::Reason;

/// Where what is known about Code42 is written down, by its short name.
const FACTS: &str = "FACTS.md";

/// Documents that name files.
const DOCUMENTS: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "charts/codeupgrade/README.md",
    "docs/alerts.md",
    "docs/gitops.md",
    "docs/install.md",
    "docs/releases.md",
    "docs/runbook.md",
    "tests/fixtures/README.md",
];

/// What files that are named end with.
const EXTENSIONS: [&str; 8] = ["json", "md", "py", "rs", "sh", "toml", "txt", "yaml"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Where links lead to.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("](").map(|(at, _)| text[at + 2..].split(')').next().unwrap_or_default())
}

fn is_path(word: &str) -> bool {
    let has_ending = Path::new(word)
        .extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|ending| *ending == extension));
    let is_plain = !word.contains([' ', '*', '<', '{', '$']);
    is_plain && (has_ending || word.ends_with('/') || word.starts_with("tests/") || word.starts_with("src/"))
}

/// Whether a document that names this path means something that is there: from the top, from `src`, or from beside it.
fn is_there(document: &str, path: &str) -> bool {
    let beside = root().join(document).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    [root().to_owned(), root().join("src"), beside].iter().any(|folder| folder.join(path).exists())
}

/// The names that the titles of a document have in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let titles = text.lines().filter(|line| line.starts_with('#'));
    let plain = |title: &str| {
        let kept = title.trim_start_matches('#').trim().to_lowercase();
        kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter)).collect::<String>()
    };
    titles.map(|title| plain(title).replace(' ', "-")).collect()
}

/// The text under a title, to the next title of the same rank or a higher one.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let at = text.find(&format!("\n{title}\n")).unwrap_or_else(|| panic!("there is no section {title}"));
    let rest = &text[at + title.len() + 1..];
    let rank = title.chars().take_while(|letter| *letter == '#').count();
    let ends = (1..=rank).filter_map(|rank| rest.find(&format!("\n{} ", "#".repeat(rank))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The rows of the tables in a text, without those that say what the columns are.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let mut rows = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_head = lines.peek().is_some_and(|next| next.starts_with("|---"));
        if line.starts_with("| ") && !is_head {
            rows.push(line.trim_matches('|').split('|').map(str::trim).collect());
        }
    }
    rows
}

/// The name of every story.
fn stories() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("tests/scripts")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
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
fn every_reason_has_its_section_in_the_runbook() {
    let titles = anchors(&document("docs/runbook.md"));
    let missing: Vec<&str> = Reason::ALL
        .iter()
        .map(|reason| reason.name())
        .filter(|reason| !titles.contains(&reason.to_lowercase()))
        .collect();
    assert!(missing.is_empty(), "docs/runbook.md has no section for {missing:?}");
}

/// The lines of code that a document has people type and that are for our own program.
fn commands(text: &str) -> Vec<Vec<&str>> {
    let is_ours = |line: &&str| line.trim_start_matches("$ ").starts_with("codeupgrade ");
    let mut commands = Vec::new();
    for (index, block) in text.split("\n```").enumerate() {
        if index % 2 == 1 && (block.starts_with("sh\n") || block.starts_with("console\n")) {
            let lines = block.lines().filter(is_ours);
            commands.extend(lines.map(|line| line.trim_start_matches("$ ").split_whitespace().collect()));
        }
    }
    commands
}

#[test]
fn every_command_that_is_named_can_be_read() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    for name in DOCUMENTS {
        for command in commands(&document(name)) {
            // What stands before a request for help is read as usual, and nothing is done.
            let output = Command::new(env!("CARGO_BIN_EXE_codeupgrade"))
                .args(&command[1..])
                .arg("--help")
                .output()
                .unwrap();
            read += 1;
            if !output.status.success() {
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!("{name}: {}\n{why}", command.join(" ")));
            }
        }
    }
    assert!(read > 10, "only {read} commands were found");
    assert!(wrong.is_empty(), "commands that cannot be read:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_that_is_named_exists() {
    let mut missing = Vec::new();
    for name in DOCUMENTS {
        for (index, line) in document(name).lines().enumerate() {
            let paths = quoted(line).filter(|word| is_path(word));
            let targets = links(line).filter(|target| !target.contains("://"));
            for path in paths.chain(targets.map(|target| target.split('#').next().unwrap_or_default())) {
                let path = if path == FACTS { "tests/fixtures/FACTS.md" } else { path };
                if !is_there(name, path) {
                    missing.push(format!("{name}:{}: {path} does not exist", index + 1));
                }
            }
        }
    }
    assert!(missing.is_empty(), "documents name what is not there:\n{}", missing.join("\n"));
}

#[test]
fn every_link_to_a_title_finds_it() {
    let mut missing = Vec::new();
    for name in DOCUMENTS.into_iter().chain(["tests/fixtures/FACTS.md"]) {
        let text = document(name);
        for (index, line) in text.lines().enumerate() {
            for target in links(line).filter(|target| !target.contains("://")) {
                let Some((file, title)) = target.split_once('#') else { continue };
                let there = Path::new(name).parent().map_or_else(PathBuf::new, |folder| folder.join(file));
                let found = if file.is_empty() {
                    anchors(&text)
                } else {
                    anchors(&document(&there.to_string_lossy()))
                };
                if !found.contains(title) {
                    missing.push(format!("{name}:{}: nothing is called #{title}", index + 1));
                }
            }
        }
    }
    assert!(missing.is_empty(), "links lead nowhere:\n{}", missing.join("\n"));
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

#[test]
fn who_wants_to_change_something_is_sent_to_a_file() {
    let text = document("ARCHITECTURE.md");
    for (table, least) in [("## Where to change what", 20), ("## Where to begin to add one more", 8)] {
        let rows = rows(section(&text, table));
        assert!(rows.len() > least, "{table}: the table was not read");
        for row in rows {
            assert!(quoted(row[1]).any(is_path), "{table}: \"{}\" names no file", row[0]);
        }
    }
}

#[test]
fn every_rule_says_where_it_lives_and_what_proves_it() {
    let text = document("ARCHITECTURE.md");
    let rows = rows(section(&text, "### Where each rule lives"));
    let stories = stories();
    let rules: Vec<String> = citations::rules(&text).iter().map(ToString::to_string).collect();
    let listed: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(listed, rules, "the table has a row for each rule");
    for row in rows {
        let [rule, lives_in, told, tested] = row[..] else { panic!("{row:?} has not four columns") };
        assert!(quoted(lives_in).any(is_path), "rule {rule} lives in no file");
        assert!(quoted(tested).any(is_path), "rule {rule} has no test");
        for story in quoted(told) {
            assert!(
                stories.contains(story),
                "rule {rule} is proven by the story {story}, which does not exist"
            );
        }
    }
}
