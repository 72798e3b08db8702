//! Whose turn it is: objects are looked at in the order in which something asked for them, so many at once.
//!
//! kube's controller can bound how many looks run at once, but it takes the next object out of a hash set: while more objects
//! wait than there are places, some are passed over again and again. So it runs without a bound, and every look queues here.
//!
//! An object stands in the queue once. The controller runs one look at an object at a time, and whatever wakes it meanwhile (its
//! own change, an order, its collector, the catalog, which wakes all at once) makes one look more, behind everybody who
//! waits by then. Nothing is debounced: kube's debouncing begins anew at every wake, so that an object that is woken all the
//! time would wait for ever. An object that is deleted while it waits is looked for in its turn, and not found.
//!
//! Every call to the API server ends by its deadline. A look that waits for one which hangs leaves its place meanwhile
//! ([`places`](super::places)): it holds up itself alone, for as long as its calls take.

use std::future::Future;
use std::time::Duration;

use super::places::Places;
use super::shutdown::Stop;

/// The places of looks under way, until the operator is to end.
#[derive(Debug)]
pub struct Turns {
    places: Places,
    stop: Stop,
}

impl Turns {
    /// So many looks at once, each of which keeps its place for at most so long.
    pub fn new(looks_at_once: u16, kept_for: Duration, stop: Stop) -> Self {
        Self { places: Places::new(looks_at_once, kept_for), stop }
    }

    /// Waits for its turn, then looks. `None` where the operator is to end before: whoever still waits then is not begun.
    pub async fn take<T>(&self, look: impl Future<Output = T>) -> Option<T> {
        let place = tokio::select! {
            biased;
            () = self.stop.clone().asked() => return None,
            place = self.places.wait() => place,
        };
        Some(place.work(look).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::shutdown;

    #[tokio::test]
    async fn nobody_begins_when_all_is_to_end() {
        let (stopper, stop) = shutdown::stop();
        let turns = Turns::new(1, Duration::from_secs(3_600), stop);
        let (entered, is_entered) = tokio::sync::oneshot::channel();
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let first = turns.take(async {
            entered.send(()).unwrap();
            released.await.unwrap();
        });
        let second = turns.take(async { panic!("it was begun") });
        let end = async {
            is_entered.await.unwrap();
            stopper.stop();
            tokio::task::yield_now().await;
            release.send(()).unwrap();
        };
        let (first, second, ()) = tokio::join!(first, second, end);
        assert_eq!((first, second), (Some(()), None::<()>));
    }
}
