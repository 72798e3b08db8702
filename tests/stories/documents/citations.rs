//! Follows every citation in code, tests, charts, examples and documents.
//!
//! `ARCHITECTURE.md, rule 6` (or `rules 2, 5 and 6`) must be a rule there, `ARCHITECTURE.md, rollouts` a section,
//! `FACTS.md, upgrade-order` a fact, and whatever ends in `.md` a document of this repository. Rules and sections are
//! not cited in any other form, so that a search finds them all; a citation stays on one line for the same reason.
//! This file alone is not read: it has citations that lead nowhere, to see that they are told.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{FACTS, document, root, rows, section};

const RULES: &str = "ARCHITECTURE.md";

/// This file.
const HERE: &str = "tests/stories/documents/citations.rs";

/// Where citations are looked for, beside the documents at the top.
const FOLDERS: [&str; 5] = ["src", "tests", "benches", "charts", "examples"];

/// What is read there.
const EXTENSIONS: [&str; 7] = ["md", "py", "rs", "sh", "toml", "txt", "yaml"];

/// What can be cited.
struct Citable {
    rules: BTreeSet<u32>,
    sections: BTreeSet<String>,
    facts: BTreeSet<String>,
}

impl Citable {
    fn read() -> Self {
        let architecture = document(RULES);
        let titles = architecture.lines().filter(|line| line.starts_with('#'));
        Self {
            rules: rules(&architecture),
            sections: titles.map(|title| title.trim_start_matches('#').trim().to_lowercase()).collect(),
            facts: facts().into_iter().collect(),
        }
    }

    /// What is wrong with the citations in a line of a file.
    fn complaints(&self, file: &Path, line: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        wrong.extend(places(line, RULES).filter_map(|place| self.in_architecture(place).err()));
        wrong.extend(places(line, FACTS).filter_map(|place| self.in_facts(place).err()));
        wrong.extend(self.bare_rules(file, line));
        wrong.extend(sections_by_number(line));
        wrong.extend(
            documents_named(line)
                .filter(|name| !is_here(file, name))
                .map(|name| format!("{name} is not in the repository")),
        );
        wrong
    }

    fn in_architecture(&self, place: &str) -> Result<(), String> {
        if let Some(numbers) = place.strip_prefix("rules ").or_else(|| place.strip_prefix("rule ")) {
            return self.have_rules(numbers);
        }
        let lower = place.to_lowercase();
        let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
        let is_section =
            self.sections.iter().any(|title| lower.strip_prefix(title.as_str()).is_some_and(ends));
        if is_section {
            Ok(())
        } else {
            Err(format!("{RULES} has no rule or section \"{}\"", start_of(place)))
        }
    }

    fn have_rules(&self, numbers: &str) -> Result<(), String> {
        let found = numbers_in(numbers);
        if found.is_empty() {
            return Err(format!("\"{}\" is no number of a rule", start_of(numbers)));
        }
        match found.into_iter().find(|number| !self.rules.contains(number)) {
            None => Ok(()),
            Some(number) => Err(format!("{RULES} has no rule {number}")),
        }
    }

    fn in_facts(&self, place: &str) -> Result<(), String> {
        let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
        let name = place.split(|letter| !is_of_a_name(letter)).next().unwrap_or_default();
        let name = name.trim_end_matches('.');
        if self.facts.contains(name) { Ok(()) } else { Err(format!("{FACTS} has no fact \"{name}\"")) }
    }

    /// Rules that are cited without saying where: only the document itself may speak of them so.
    fn bare_rules(&self, file: &Path, line: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for word in ["rule ", "rules "] {
            for (at, _) in line.match_indices(word) {
                let (before, numbers) = (&line[..at], &line[at + word.len()..]);
                let is_a_word = !before.ends_with(char::is_alphanumeric);
                if !is_a_word
                    || !numbers.starts_with(|letter: char| letter.is_ascii_digit())
                    || before.ends_with(&format!("{RULES}, "))
                {
                    continue;
                }
                if file == Path::new(RULES) {
                    wrong.extend(self.have_rules(numbers).err());
                } else {
                    wrong.push(format!("\"{word}{}\" is cited as \"{RULES}, rule …\"", start_of(numbers)));
                }
            }
        }
        wrong
    }
}

/// The numbers of the rules that a text states.
pub(super) fn rules(architecture: &str) -> BTreeSet<u32> {
    let titles = architecture.lines().filter_map(|line| line.strip_prefix("### Rule "));
    titles.map(|title| title.split(':').next().unwrap_or_default().parse().unwrap()).collect()
}

/// The name of every fact.
fn facts() -> Vec<String> {
    let text = document("tests/fixtures/FACTS.md");
    rows(&text).into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect()
}

/// What stands behind the name of a document and a comma: where in it.
fn places<'a>(line: &'a str, document: &str) -> impl Iterator<Item = &'a str> {
    line.match_indices(document).filter_map(move |(at, name)| {
        let place = line[at + name.len()..].strip_prefix(',')?.trim_start();
        let first = place.split(' ').next().unwrap_or_default();
        // A list of documents cites nothing in them.
        (!documents_named(first).any(|_| true)).then_some(place)
    })
}

/// `2, 5 and 6) hold`: 2, 5 and 6.
fn numbers_in(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for word in text.split(' ').filter(|word| *word != "and") {
        let Ok(number) = word.trim_matches(|letter: char| !letter.is_ascii_digit()).parse() else { break };
        found.push(number);
        if !word.ends_with(|letter: char| letter.is_ascii_digit() || letter == ',') {
            break;
        }
    }
    found
}

/// Sections of documents that are cited by number; those of an RFC have one.
fn sections_by_number(line: &str) -> Option<String> {
    let (before, after) = line.split_once("section ")?;
    let is_numbered = after.starts_with(|letter: char| letter.is_ascii_digit());
    let is_of_an_rfc = before.rsplit("RFC ").next().is_some_and(|number| {
        before.contains("RFC ")
            && number.trim_end_matches([',', ' ']).chars().all(|letter| letter.is_ascii_digit())
    });
    (is_numbered && !is_of_an_rfc).then(|| "a section is cited by its name, not by a number".to_owned())
}

/// Names of Markdown files in a line, but for those on other hosts.
fn documents_named(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices(".md").filter_map(|(at, ending)| {
        let end = at + ending.len();
        let is_of_a_path = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
        let start = line[..at].rfind(|letter| !is_of_a_path(letter)).map_or(0, |before| before + 1);
        let is_whole = !line[end..].starts_with(|letter: char| letter.is_ascii_alphanumeric());
        (is_whole && start < at && !line[start..].starts_with("//")).then(|| &line[start..end])
    })
}

/// Whether a document that a file names is there: from the top, beside the file, or by its short name.
fn is_here(file: &Path, name: &str) -> bool {
    let beside = file.parent().unwrap_or(Path::new(""));
    name == FACTS || root().join(name).is_file() || root().join(beside).join(name).is_file()
}

fn start_of(text: &str) -> String {
    text.chars().take(24).collect()
}

/// Every file in which something may be cited, from the top.
fn files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    let at_the_top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(at_the_top.filter(|path| path.is_file() && is_read(path)));
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            // What a link leads to is read where it is.
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if is_read(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    let from_the_top = found.iter().map(|path| path.strip_prefix(root()).unwrap().to_owned());
    from_the_top.filter(|path| path != Path::new(HERE)).collect()
}

fn is_read(path: &Path) -> bool {
    path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|ending| *ending == extension))
}

#[test]
fn every_citation_finds_what_it_cites() {
    let citable = Citable::read();
    let files = files();
    assert!(files.len() > 300, "only {} files were read", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(root().join(&file)).unwrap();
        for (index, line) in text.lines().enumerate() {
            let complaints = citable.complaints(&file, line);
            wrong.extend(
                complaints.into_iter().map(|what| format!("{}:{}: {what}", file.display(), index + 1)),
            );
        }
    }
    assert!(wrong.is_empty(), "citations lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn every_fact_has_a_name_of_its_own_and_a_public_link() {
    let text = document("tests/fixtures/FACTS.md");
    let known = &text[..text.find("\n## Unknown\n").unwrap()];
    let sources: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once("]: http"))
        .map(|(key, _)| key)
        .collect();
    let mut used = BTreeSet::new();
    for row in rows(known) {
        let keys: Vec<&str> = row[2].split(", ").map(|key| key.trim_matches(['[', ']'])).collect();
        for key in keys {
            assert!(sources.contains(key), "{} has the source \"{key}\", which has no link", row[0]);
            used.insert(key);
        }
    }
    assert_eq!(used, sources, "every link is some fact's");
    let names = facts();
    let distinct: BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "two facts share a name");
    let unknown = rows(section(&text, "## Unknown"));
    assert!(unknown.iter().all(|row| row[0].starts_with("`unknown-")), "what is unknown says so in its name");
}

#[test]
fn a_citation_that_leads_nowhere_is_told() {
    let citable = Citable {
        rules: BTreeSet::from([1, 2]),
        sections: BTreeSet::from(["rollouts".to_owned(), "where to change what".to_owned()]),
        facts: BTreeSet::from(["upgrade-order".to_owned(), "path-4.3.5.3".to_owned()]),
    };
    let cited = |place: &str| format!("/// Something ({RULES}, {place}).");
    let fact = |place: &str| format!("# Something ({FACTS}, {place}). More.");
    for good in [
        cited("rule 1"),
        cited("rules 1 and 2"),
        cited("rollouts"),
        cited("where to change what"),
        fact("upgrade-order"),
        fact("path-4.3.5.3"),
        format!("{FACTS}, path-4.3.5.3."),
        format!("README.md, {RULES}, CHANGELOG.md"),
        "/// RFC 3986, section 2.3".to_owned(),
        "a md5 of x.md5, https://example.org/a/b.md, *.md".to_owned(),
        "rulers 7, the rule of 3".to_owned(),
    ] {
        assert_eq!(citable.complaints(Path::new("src/lib.rs"), &good), [""; 0], "{good}");
    }
    for (bad, told) in [
        (cited("rule 3"), "has no rule 3"),
        (cited("rules 1, 2 and 14"), "has no rule 14"),
        (cited("rule one"), "is no number of a rule"),
        (cited("rollout"), "has no rule or section \"rollout).\""),
        (cited("where to go"), "has no rule or section"),
        (format!("/// Something ({RULES},"), "has no rule or section \"\""),
        (fact("upgrade-orders"), "has no fact \"upgrade-orders\""),
        (fact("path-4.3.5"), "has no fact \"path-4.3.5\""),
        ("/// As rule 1 says".to_owned(), "is cited as"),
        ("/// As the plan has it, section 7".to_owned(), "by its name"),
        ("/// See domain.md.".to_owned(), "domain.md is not in the repository"),
        ("/// See docs/README.md.".to_owned(), "docs/README.md is not in the repository"),
    ] {
        let complaints = citable.complaints(Path::new("src/lib.rs"), &bad);
        assert!(complaints.len() == 1 && complaints[0].contains(told), "{bad}: {complaints:?}");
    }
    let own = citable.complaints(Path::new(RULES), "as rule 9 has it");
    assert_eq!(own, [format!("{RULES} has no rule 9")]);
}
