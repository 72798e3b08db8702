//! Ending cleanly: the effect under way is finished, nothing new begins, the lease is given back.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whether the operator is to end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: watch::Receiver<bool>,
}

/// Asks the operator to end.
#[derive(Debug)]
pub struct Stopper {
    ask: watch::Sender<bool>,
}

/// A stop and the one who asks for it. Dropping the latter asks too.
pub fn stop() -> (Stopper, Stop) {
    let (ask, asked) = watch::channel(false);
    (Stopper { ask }, Stop { asked })
}

impl Stopper {
    /// Asks to end.
    pub fn stop(&self) {
        self.ask.send_replace(true);
    }
}

impl Stop {
    /// A stop asked for by SIGTERM or SIGINT.
    ///
    /// # Errors
    /// The signals cannot be listened for.
    pub fn on_signal() -> std::io::Result<Self> {
        let (stopper, stop) = stop();
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("asked to end");
            stopper.stop();
        });
        Ok(stop)
    }

    /// Whether it was asked.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow() || self.asked.has_changed().is_err()
    }

    /// Waits until it is asked.
    pub async fn asked(mut self) {
        let _ = self.asked.wait_for(|asked| *asked).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_asked_by_a_call_or_by_nobody_being_left_to_ask() {
        let (stopper, asked) = stop();
        assert!(!asked.is_asked());
        stopper.stop();
        assert!(asked.is_asked());
        asked.asked().await;
        let (stopper, asked) = stop();
        drop(stopper);
        assert!(asked.is_asked());
        asked.asked().await;
    }
}
