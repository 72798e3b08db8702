//! One row in a table of cluster tests: a sentence and the asynchronous function that shows it.

use std::sync::Arc;

use futures::future::{Future, FutureExt, LocalBoxFuture};
use libtest_mimic::Failed;

use super::environment::Environment;

/// What a test returns: `?` works on every error, and an `assert!` that panics fails the test too.
pub(crate) type Outcome = Result<(), Failed>;

/// A named test.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) test: Box<dyn FnOnce(Arc<Environment>) -> LocalBoxFuture<'static, Outcome> + Send>,
    /// Whether it takes minutes and is run by `make bench` alone.
    pub(crate) is_measurement: bool,
}

impl Case {
    /// The same, run by `make bench` alone.
    pub(crate) fn measured(self) -> Self {
        Self { is_measurement: true, ..self }
    }
}

/// Puts a test into a table. Its name says what holds, in snake case.
pub(crate) fn case<F, T>(name: &'static str, test: F) -> Case
where
    F: FnOnce(Arc<Environment>) -> T + Send + 'static,
    T: Future<Output = Outcome> + 'static,
{
    Case { name, test: Box::new(move |environment| test(environment).boxed_local()), is_measurement: false }
}
