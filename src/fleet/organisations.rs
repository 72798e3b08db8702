//! Organisations by the path of their names.

use std::collections::{BTreeMap, BTreeSet};

/// One organisation, as the authority lists it. Names are untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The organisation it belongs to; `None` at the top.
    pub parent: Option<u32>,
}

/// All organisations, by id.
pub(super) struct Tree {
    /// The names from the top down.
    paths: BTreeMap<u32, Vec<String>>,
    children: BTreeMap<u32, Vec<u32>>,
}

const MEND: &str = "write the path of an organisation, such as IT or Sales/Berlin, or its id";

/// Deeper than any organisation is: ends a listing in which organisations contain each other.
const MAX_DEPTH: usize = 64;

impl Tree {
    pub(super) fn new(organisations: &[Organisation]) -> Self {
        let by_id: BTreeMap<u32, &Organisation> =
            organisations.iter().map(|organisation| (organisation.id, organisation)).collect();
        let path = |organisation: &Organisation| {
            let mut names = vec![organisation.name.clone()];
            let mut parent = organisation.parent;
            while let Some(next) = parent.and_then(|id| by_id.get(&id)).filter(|_| names.len() < MAX_DEPTH) {
                names.push(next.name.clone());
                parent = next.parent;
            }
            names.reverse();
            names
        };
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for organisation in by_id.values() {
            if let Some(parent) = organisation.parent {
                children.entry(parent).or_default().push(organisation.id);
            }
        }
        Self {
            paths: by_id.values().map(|organisation| (organisation.id, path(organisation))).collect(),
            children,
        }
    }

    /// The organisations that an item of `orgs` stands for; else what is wrong with it and what to write instead.
    pub(super) fn resolve(&self, item: &str) -> Result<BTreeSet<u32>, (String, String)> {
        let (path, below_only) = match item.strip_suffix("/*") {
            Some(path) => (path, true),
            None => (item, false),
        };
        let root = self.find(path)?;
        let mut found = self.with_all_below(root);
        if below_only {
            found.remove(&root);
        }
        Ok(found)
    }

    fn find(&self, path: &str) -> Result<u32, (String, String)> {
        let shown: String = path.chars().take(64).flat_map(char::escape_debug).collect();
        let (anchored, names) = match path.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, path),
        };
        let names: Vec<&str> = names.split('/').collect();
        let mut candidates: Vec<u32> = self
            .paths
            .iter()
            .filter(|(_, path)| if anchored { path.len() == names.len() } else { path.len() >= names.len() })
            .filter(|(_, path)| path.iter().rev().zip(names.iter().rev()).all(|(one, other)| one == other))
            .map(|(id, _)| *id)
            .collect();
        let id = path.parse::<u32>().ok().filter(|_| path.bytes().all(|byte| byte.is_ascii_digit()));
        candidates.extend(id.filter(|id| self.paths.contains_key(id) && !candidates.contains(id)));
        match (candidates.as_slice(), id) {
            ([only], _) => Ok(*only),
            ([], Some(id)) => Err((format!("there is no organisation with id {id}"), MEND.to_owned())),
            ([], None) => Err((format!("there is no organisation {shown}"), MEND.to_owned())),
            (several, _) => {
                let path = |id| self.paths.get(id).map(|names| format!("/{}", names.join("/")));
                let paths: Vec<String> = several.iter().filter_map(path).take(3).collect();
                let message = format!("{shown} could be {}", paths.join(" or "));
                Err((message, "write one of them, or its id".to_owned()))
            }
        }
    }

    fn with_all_below(&self, root: u32) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.children.get(&id).into_iter().flatten());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organisation(id: u32, name: &str, parent: Option<u32>) -> Organisation {
        Organisation { id, name: name.to_owned(), parent }
    }

    fn ids(tree: &Tree, item: &str) -> Result<Vec<u32>, String> {
        tree.resolve(item).map(|ids| ids.into_iter().collect()).map_err(|(message, _)| message)
    }

    #[test]
    fn an_organisation_is_found_by_its_path_or_id() {
        let tree = Tree::new(&[
            organisation(2, "IT", None),
            organisation(3, "IT", Some(4)),
            organisation(4, "Sales", None),
            organisation(5, "Berlin", Some(3)),
            organisation(6, "2016", None),
        ]);
        for (item, found) in [
            ("/IT", Ok(vec![2])),
            ("Sales", Ok(vec![3, 4, 5])),
            ("Sales/IT", Ok(vec![3, 5])),
            ("/Sales/IT/*", Ok(vec![5])),
            ("IT/Berlin", Ok(vec![5])),
            ("/IT/Berlin", Err("there is no organisation /IT/Berlin")),
            ("4", Ok(vec![3, 4, 5])),
            ("4/*", Ok(vec![3, 5])),
            ("2016", Ok(vec![6])),
            ("IT", Err("IT could be /IT or /Sales/IT")),
            ("it", Err("there is no organisation it")),
            ("", Err("there is no organisation ")),
            ("7", Err("there is no organisation with id 7")),
        ] {
            assert_eq!(ids(&tree, item), found.map_err(str::to_owned), "{item}");
        }
    }

    #[test]
    fn organisations_that_contain_each_other_end_nothing() {
        let tree = Tree::new(&[organisation(1, "a", Some(2)), organisation(2, "b", Some(1))]);
        assert!(ids(&tree, "1").is_ok_and(|ids| ids == [1, 2]));
    }
}
