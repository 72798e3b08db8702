//! The folders are the architecture: a room imports only the rooms listed for it, and the pure ones know no
//! Kubernetes, no runtime, no clock and no environment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may import. What is not listed here does not compile in the reader's head either.
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    ("catalog", &[]),
    ("fleet", &["catalog"]),
    ("planner", &["catalog", "fleet"]),
    ("observing", &["catalog", "fleet", "planner"]),
    ("connection", &[]),
    ("code42", &["connection"]),
    ("download", &["connection"]),
    ("api", &["catalog", "connection", "fleet", "planner"]),
    ("translate", &["api", "catalog", "fleet", "planner"]),
    ("methods", &["api", "catalog", "fleet", "planner"]),
    ("screens", &["api", "catalog", "fleet", "planner"]),
    ("simulator", &["api", "catalog", "fleet", "observing", "planner", "translate"]),
    ("playground", &["api", "catalog", "fleet", "planner", "simulator", "translate"]),
    (
        "operator",
        &["api", "catalog", "code42", "download", "fleet", "methods", "observing", "planner", "translate"],
    ),
    (
        "cli",
        &[
            "api",
            "catalog",
            "code42",
            "download",
            "fleet",
            "operator",
            "planner",
            "playground",
            "screens",
            "simulator",
            "translate",
        ],
    ),
];

/// Rooms in which nothing but the language, time arithmetic and serialisation may be used.
const PURE: [&str; 5] = ["catalog", "fleet", "planner", "observing", "simulator"];

/// What a pure room must never name.
const IMPURE: [&str; 12] = [
    "kube::",
    "k8s_openapi",
    "tokio",
    "reqwest",
    "axum",
    "tracing",
    "std::env",
    "std::fs",
    "std::net",
    "std::time",
    "Timestamp::now",
    "Zoned::now",
];

pub(super) fn files_of(room: &str) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = vec![source.join(format!("{room}.rs"))];
    let mut folders = vec![source.join(room)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.retain(|path| path.exists());
    found
}

/// Code without comments; tests in a file count as the file.
pub(super) fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn rooms_named_in(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let inside = group.split('}').next().unwrap_or_default();
            let names = inside.split(',').map(|name| name.trim().split("::").next().unwrap_or_default());
            found.extend(names.map(str::to_owned));
        } else {
            let name: String =
                rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn a_room_imports_only_the_rooms_inside_it() {
    let mut broken = Vec::new();
    for (room, allowed) in MAY_IMPORT {
        for path in files_of(room) {
            for named in rooms_named_in(&code(&path)) {
                let is_room = MAY_IMPORT.iter().any(|(other, _)| *other == named);
                if is_room && named != room && !allowed.contains(&named.as_str()) {
                    broken.push(format!("{} imports {named}", path.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "imports point inward only:\n{}", broken.join("\n"));
}

#[test]
fn the_pure_rooms_know_no_kubernetes_runtime_clock_or_environment() {
    let mut broken = Vec::new();
    for room in PURE {
        for path in files_of(room) {
            let code = code(&path);
            // A test may look at a file; the room itself may not.
            let code = code.split("#[cfg(test)]").next().unwrap_or_default();
            broken.extend(
                IMPURE
                    .iter()
                    .filter(|word| code.contains(**word))
                    .map(|word| format!("{}: {word}", path.display())),
            );
        }
    }
    assert!(broken.is_empty(), "pure rooms are pure:\n{}", broken.join("\n"));
}

#[test]
fn every_room_is_listed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let known =
            MAY_IMPORT.iter().any(|(room, _)| *room == name) || ["lib", "main"].contains(&name.as_str());
        assert!(known, "src/{name} is in no line of MAY_IMPORT: say what it may import");
    }
}
