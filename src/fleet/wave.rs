//! The waves of a group, in their order.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which of a group's waves. Stored from 0, as a place in the list; people count from 1, and so does what is printed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Wave(u32);

impl Wave {
    /// The first.
    pub const FIRST: Self = Self(0);

    /// The wave at a place in the list.
    pub fn at(place: usize) -> Self {
        Self(u32::try_from(place).unwrap_or(u32::MAX))
    }

    /// Its place in the list, from 0.
    pub fn place(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// As people count, from 1.
    pub const fn number(self) -> u32 {
        self.0.saturating_add(1)
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_count_from_one_and_memory_from_none() {
        let second = Wave::FIRST.next();
        assert_eq!((second.to_string().as_str(), second.place(), second), ("2", 1, Wave::at(1)));
        assert_eq!(serde_json::to_string(&second).unwrap(), "1");
    }
}
