//! How a part of the operator makes the reconciler look at an object.

use std::fmt;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::ObjectRef;

use crate::api::CodeUpgrade;

/// An object as the controller knows it: one that cannot be read is told apart, and holds up no other.
pub type Guarded = DeserializeGuard<CodeUpgrade>;

/// Wakes the reconciler about one object.
#[derive(Clone, Debug)]
pub struct Waker {
    object: ObjectRef<Guarded>,
    uid: String,
    sender: UnboundedSender<ObjectRef<Guarded>>,
}

/// Where wakers send to, and where the controller listens.
pub fn channel() -> (UnboundedSender<ObjectRef<Guarded>>, UnboundedReceiver<ObjectRef<Guarded>>) {
    // Unbounded, since the scheduler behind it keeps one entry an object at most.
    unbounded()
}

impl Waker {
    /// A waker for the object of this name and uid.
    pub fn new(namespace: &str, name: &str, uid: &str, sender: UnboundedSender<ObjectRef<Guarded>>) -> Self {
        Self { object: ObjectRef::new(name).within(namespace), uid: uid.to_owned(), sender }
    }

    /// Has the object reconciled. Does nothing once the controller has ended.
    pub fn wake(&self) {
        let _ = self.sender.unbounded_send(self.object.clone());
    }

    /// A text that is another for every object, also of the same name.
    pub fn seed(&self) -> String {
        self.uid.clone()
    }
}

impl fmt::Display for Waker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.object.namespace.as_deref().unwrap_or_default(), self.object.name)
    }
}
