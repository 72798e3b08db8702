//! A value for each app that the devices of a fleet run: an app is looked up a million times, and there are a few dozen.

use std::collections::BTreeMap;

use crate::catalog::{Os, Product, Version};

/// An app on an operating system, in a version.
pub type App = (Product, Os, Version);

/// Values by app.
#[derive(Clone, Debug)]
pub struct PerApp<T> {
    values: Vec<T>,
    apps: Vec<App>,
    places: BTreeMap<App, usize>,
    /// Where an app probably is, by a few bits of it: nearly always right, and checked.
    guesses: [usize; GUESSES],
}

const GUESSES: usize = 256;

impl<T> Default for PerApp<T> {
    fn default() -> Self {
        Self { values: Vec::new(), apps: Vec::new(), places: BTreeMap::new(), guesses: [0; GUESSES] }
    }
}

impl<T> PerApp<T> {
    /// The value of an app, made where there is none yet.
    pub fn of(&mut self, app: App, make: impl FnOnce() -> T) -> &mut T {
        let guess = &mut self.guesses[slot(app)];
        if self.apps.get(*guess) != Some(&app) {
            *guess = *self.places.entry(app).or_insert_with(|| {
                self.apps.push(app);
                self.values.push(make());
                self.apps.len() - 1
            });
        }
        &mut self.values[*guess]
    }

    /// All values, in the order of their apps.
    pub fn iter(&self) -> impl Iterator<Item = (App, &T)> {
        self.places.iter().map(|(app, place)| (*app, &self.values[*place]))
    }
}

fn slot((product, os, version): App) -> usize {
    let [major, minor, patch, build] = version.parts().map(usize::from);
    let mixed = major * 5 + minor * 17 + patch * 67 + build * 131 + product as usize * 29 + os as usize * 41;
    mixed % GUESSES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_app_has_its_own_value_and_they_come_in_order() {
        let mut counts = PerApp::default();
        let app = |number: u16| {
            (
                Product::CrashPlan,
                Os::ALL[usize::from(number % 3)],
                Version::new([4, number / 300, number % 300, 0]),
            )
        };
        for _ in 0..2 {
            for number in 0..3_000 {
                *counts.of(app(number), || 0_u32) += u32::from(number);
            }
        }
        assert!(counts.iter().map(|(app, _)| app).is_sorted());
        assert_eq!(counts.iter().count(), 3_000);
        assert_eq!(*counts.of(app(77), || 9), 154);
    }
}
