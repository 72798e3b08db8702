//! The organisations of a simulated environment, flat and numbered.

use super::scenario::{ScenarioError, ScenarioOrganisation};

/// The id of the first organisation, as in the recorded answers.
const FIRST_ID: u32 = 2;

/// One organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub id: u32,
    /// Its lasting id.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The names from the top of the tree, joined with `/`.
    pub path: String,
    /// The one above.
    pub parent: Option<u32>,
}

/// All organisations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisations(Vec<Organisation>);

impl Organisations {
    /// Numbers a tree from the top. An empty tree has one organisation, `Default`.
    pub(super) fn number(tree: &[ScenarioOrganisation]) -> Self {
        let mut all = Self(Vec::new());
        if tree.is_empty() {
            all.add(&ScenarioOrganisation { name: "Default".to_owned(), children: Vec::new() }, None);
        }
        for top in tree {
            all.add(top, None);
        }
        all
    }

    fn add(&mut self, organisation: &ScenarioOrganisation, parent: Option<(u32, &str)>) {
        let id = FIRST_ID + u32::try_from(self.0.len()).unwrap_or(u32::MAX - FIRST_ID);
        let path = match parent {
            Some((_, above)) => format!("{above}/{}", organisation.name),
            None => organisation.name.clone(),
        };
        self.0.push(Organisation {
            id,
            // The recorded answer has the name in lower case, without spaces.
            uid: path.to_lowercase().replace([' ', '/'], ""),
            name: organisation.name.clone(),
            path: path.clone(),
            parent: parent.map(|(above, _)| above),
        });
        for child in &organisation.children {
            self.add(child, Some((id, &path)));
        }
    }

    /// Moves one under another: its id stays, its path and those below it change.
    pub(super) fn move_under(&mut self, path: &str, under: &str) -> Result<(), ScenarioError> {
        let (moved, parent) = (self.id_of(Some(path))?, self.id_of(Some(under))?);
        let new = self.0.iter().find(|organisation| organisation.id == moved);
        let new = new.map(|organisation| format!("{under}/{}", organisation.name)).unwrap_or_default();
        let below = format!("{path}/");
        for organisation in &mut self.0 {
            if organisation.id == moved {
                organisation.parent = Some(parent);
                organisation.path.clone_from(&new);
            } else if let Some(rest) = organisation.path.strip_prefix(&below) {
                organisation.path = format!("{new}/{rest}");
            }
        }
        Ok(())
    }

    /// All of them, by id.
    pub fn all(&self) -> &[Organisation] {
        &self.0
    }

    /// The one with this id.
    pub fn find(&self, id: u32) -> Option<&Organisation> {
        self.0.iter().find(|organisation| organisation.id == id)
    }

    /// The id of the organisation at a path; of the first one for no path.
    pub(super) fn id_of(&self, path: Option<&str>) -> Result<u32, ScenarioError> {
        let Some(path) = path else { return Ok(FIRST_ID) };
        self.0
            .iter()
            .find(|organisation| organisation.path == path)
            .map(|organisation| organisation.id)
            .ok_or_else(|| ScenarioError::UnknownOrganisation(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_numbered_from_the_top() {
        let leaf = |name: &str| ScenarioOrganisation { name: name.to_owned(), children: Vec::new() };
        let tree = [
            ScenarioOrganisation { name: "Board".to_owned(), children: vec![leaf("Berlin"), leaf("Oslo")] },
            leaf("IT"),
        ];
        let all = Organisations::number(&tree);
        let listed: Vec<_> = all.all().iter().map(|one| (one.id, one.path.as_str(), one.parent)).collect();
        assert_eq!(
            listed,
            [(2, "Board", None), (3, "Board/Berlin", Some(2)), (4, "Board/Oslo", Some(2)), (5, "IT", None)]
        );
        assert_eq!(all.id_of(Some("Board/Oslo")), Ok(4));
        assert!(all.id_of(Some("Oslo")).is_err());
        assert_eq!(Organisations::number(&[]).all().len(), 1);
    }
}
