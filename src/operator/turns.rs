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
//! A place is for looks that work. One that waits for a call that hangs (a webhook, a node that is gone) does no work, and every
//! call to the API server ends by its deadline; so after [`PLACE_FOR`] a look leaves its place to the next and goes on
//! without one. It is not cut off: an object whose looks always take so long would never come to the end of one. A sick
//! object holds up others for that moment only, and itself for as long as its calls take.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::clock;
use super::shutdown::Stop;

/// A look keeps its place for at most this long, in real time: far longer than one that nothing hinders.
pub const PLACE_FOR: Duration = Duration::from_secs(2);

/// The places of looks under way, and the queue before them.
#[derive(Debug)]
pub struct Turns {
    /// First come, first served: a permit goes to whoever has waited longest.
    places: Semaphore,
    place_for: Duration,
    stop: Stop,
}

impl Turns {
    /// So many places (at least one), each kept for at most so long.
    pub fn new(places: u16, place_for: Duration, stop: Stop) -> Self {
        Self { places: Semaphore::new(usize::from(places.max(1))), place_for, stop }
    }

    /// Waits for its turn, then does it. `None` where the operator is to end before: whoever still waits then is not begun.
    pub async fn take<T>(&self, look: impl Future<Output = T>) -> Option<T> {
        let place = tokio::select! {
            biased;
            () = self.stop.clone().asked() => return None,
            place = self.places.acquire() => place.ok()?,
        };
        let mut look = pin!(look);
        tokio::select! {
            outcome = &mut look => return Some(outcome),
            () = clock::sleep(self.place_for) => drop(place),
        }
        Some(look.await)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::future::{join_all, pending};

    use super::*;
    use crate::operator::shutdown::{self, Stopper};

    fn turns(places: u16, place_for: Duration) -> (Stopper, Turns) {
        let (stopper, stop) = shutdown::stop();
        (stopper, Turns::new(places, place_for, stop))
    }

    #[tokio::test]
    async fn who_came_first_is_first() {
        let (_stopper, turns) = turns(2, Duration::from_secs(3_600));
        let order: Arc<Mutex<Vec<usize>>> = Arc::default();
        let look = |number| {
            let order = Arc::clone(&order);
            turns.take(async move {
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
            })
        };
        join_all((0..100).map(look)).await;
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn looks_that_hang_leave_their_places() {
        let (_stopper, turns) = turns(2, Duration::from_millis(1));
        let hanging = join_all((0..20).map(|_| turns.take(pending::<()>())));
        let mut hanging = pin!(hanging);
        let healthy = async {
            tokio::task::yield_now().await;
            join_all((0..20).map(|number| turns.take(async move { number }))).await
        };
        let looked_at = tokio::select! {
            _ = &mut hanging => Vec::new(),
            looked_at = healthy => looked_at,
        };
        assert_eq!(looked_at, (0..20).map(Some).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_look_without_its_place_comes_to_its_end() {
        let (_stopper, turns) = turns(1, Duration::ZERO);
        let slow = async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            "done"
        };
        assert_eq!(turns.take(slow).await, Some("done"));
    }

    #[tokio::test]
    async fn nobody_begins_when_all_is_to_end() {
        let (stopper, turns) = turns(1, Duration::from_secs(3_600));
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
