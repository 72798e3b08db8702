//! No file imports, around any corner, one that imports it: each can be read and changed with what it imports alone.
//!
//! What a file only hands on (`pub use`) it does not import; whoever names it imports the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::rooms::{code, files_of};

/// Rooms without circles. One word adds another.
const WITHOUT_CIRCLES: [&str; 12] = [
    "api",
    "catalog",
    "cli",
    "code42",
    "download",
    "fleet",
    "methods",
    "observing",
    "planner",
    "playground",
    "simulator",
    "translate",
];

/// A module by its names from `src` on, such as `code42`, `client`.
type Module = Vec<String>;

/// What one file says of others.
#[derive(Debug, Default)]
struct File {
    /// Its submodules.
    children: BTreeSet<String>,
    /// Paths that its code names.
    named: Vec<Module>,
    /// Paths that it hands on.
    handed_on: Vec<Module>,
    /// The code without imports.
    body: String,
}

/// All files of a room but those of tests.
fn read(room: &str) -> BTreeMap<Module, File> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let texts: BTreeMap<Module, String> = files_of(room)
        .iter()
        .map(|path| {
            let module = path.strip_prefix(&source).unwrap().with_extension("");
            let module = module.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
            (module, code(path))
        })
        .collect();
    let is_test = |module: &Module| {
        let (name, parent) = module.split_last().unwrap();
        let declared = format!("#[cfg(test)]\nmod {name};");
        texts.get(parent).is_some_and(|text| text.contains(&declared))
    };
    let kept = texts.iter().filter(|(module, _)| !is_test(module));
    kept.map(|(module, text)| (module.clone(), File::read(module, text))).collect()
}

impl File {
    fn read(module: &Module, text: &str) -> Self {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let mut file = Self::default();
        for statement in text.split_inclusive([';', '{', '}']) {
            let declared = statement.trim_end_matches(';').trim().rsplit_once("mod ");
            if let (true, Some((_, name))) = (statement.ends_with(';'), declared) {
                file.children.insert(name.to_owned());
            }
        }
        let mut rest = text;
        while let Some((before, is_handed_on, tree, after)) = next_use(rest) {
            file.body.push_str(before);
            for path in branches(tree) {
                let path = absolute(module, &file.children, &path);
                if is_handed_on { &mut file.handed_on } else { &mut file.named }.extend(path);
            }
            rest = after;
        }
        file.body.push_str(rest);
        let body: Vec<&str> = file.body.lines().filter(|line| !is_declaration(line)).collect();
        file.body = body.join("\n");
        let inline = paths_in(&file.body);
        let inline = inline.iter().filter_map(|path| absolute(module, &file.children, path));
        file.named.extend(inline.collect::<Vec<_>>());
        file
    }

    fn mentions(&self, name: &str) -> bool {
        words(&self.body).any(|word| word == name)
    }
}

fn is_declaration(line: &str) -> bool {
    line.ends_with(';') && line.trim_end_matches(';').rsplit_once("mod ").is_some()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}

/// The next import: the text before it, whether it is handed on, its tree, and the text after it.
fn next_use(text: &str) -> Option<(&str, bool, &str, &str)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find("use ")?;
        let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = text[line..at].trim();
        if before.is_empty() || before.starts_with("pub") && !before.contains(';') {
            let end = at + text[at..].find(';')?;
            return Some((&text[..line], !before.is_empty(), &text[at + 4..end], &text[end + 1..]));
        }
        from = at + 4;
    }
}

/// The paths of an import: `a::{b, c::{d, e}}` has three.
fn branches(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((stem, inner)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or_default().trim().to_owned()];
    };
    let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[from..]);
    let parts = parts.into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(branches).map(|branch| format!("{}{branch}", stem.trim())).collect()
}

/// Every path in a text, such as `super::hop::advance`.
fn paths_in(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':')
        .filter(|path| path.contains("::"))
        .map(|path| path.trim_matches(':').to_owned())
        .collect()
}

/// A path from `src` on; `None` for one that leads out of the crate.
fn absolute(module: &Module, children: &BTreeSet<String>, path: &str) -> Option<Module> {
    let mut names = path.split("::").map(str::to_owned).collect::<Vec<_>>();
    let mut base = match names.first().map(String::as_str) {
        Some("crate") => Vec::new(),
        Some("self" | "super") => module.clone(),
        Some(name) if children.contains(name) => module.clone(),
        _ => return None,
    };
    while let Some("crate" | "self" | "super") = names.first().map(String::as_str) {
        if names.remove(0) == "super" {
            base.pop();
        }
    }
    base.extend(names);
    Some(base)
}

/// The file that defines what a path names, through those that hand it on.
fn defining(files: &BTreeMap<Module, File>, path: &Module) -> Option<Module> {
    let module = (1..=path.len()).rev().map(|length| path[..length].to_vec());
    let module = module.into_iter().find(|module| files.contains_key(module))?;
    let Some(item) = path.get(module.len()) else { return Some(module) };
    let handed_on = files[&module].handed_on.iter().find(|other| other.last() == Some(item));
    match handed_on {
        Some(other) if other != path => defining(files, other),
        Some(_) | None => Some(module),
    }
}

fn imports(files: &BTreeMap<Module, File>) -> BTreeMap<Module, BTreeSet<Module>> {
    let of = |module: &Module, file: &File| {
        let used = file.handed_on.iter().filter(|path| path.last().is_some_and(|name| file.mentions(name)));
        let found = file.named.iter().chain(used).filter_map(|path| defining(files, path));
        found.filter(|found| found != module).collect()
    };
    files.iter().map(|(module, file)| (module.clone(), of(module, file))).collect()
}

/// The files that can be reached from one, itself only around a corner.
fn reachable(imports: &BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut open = vec![from.clone()];
    while let Some(module) = open.pop() {
        let next = imports[&module].iter().filter(|next| found.insert((*next).clone())).cloned();
        open.extend(next.collect::<Vec<_>>());
    }
    found
}

#[test]
fn no_files_import_each_other() {
    let mut circles = Vec::new();
    for room in WITHOUT_CIRCLES {
        let files = read(room);
        let imports = imports(&files);
        for module in files.keys() {
            let reached = reachable(&imports, module);
            if reached.contains(module) {
                let back = imports[module].iter().filter(|next| reachable(&imports, next).contains(module));
                let back: Vec<String> = back.map(|next| next.join("::")).collect();
                circles.push(format!("{} -> {}", module.join("::"), back.join(", ")));
            }
        }
    }
    assert!(circles.is_empty(), "files that import each other:\n{}", circles.join("\n"));
}

#[test]
fn what_a_file_imports_is_found() {
    let module: Module = ["code42", "client"].map(str::to_owned).to_vec();
    let text = "
mod inner;
use super::error::{Error, Mismatch as Other};
pub use super::options::Options;
use std::fmt;
fn one() -> Result<inner::Thing, Error> { crate::code42::call::of(text::none()) }
#[cfg(test)]
mod tests {
    use super::super::nothing;
}
";
    let file = File::read(&module, text);
    let joined = |paths: &[Module]| paths.iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        joined(&file.named),
        [
            "code42::error::Error",
            "code42::error::Mismatch",
            "code42::client::inner::Thing",
            "code42::call::of"
        ]
    );
    assert_eq!(joined(&file.handed_on), ["code42::options::Options"]);
    assert!(file.mentions("Error") && !file.mentions("Options") && !file.mentions("inner;"));
}
