//! The API server as a witness of time: its `Date` header, carried forward by our monotonic clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{Request, header};
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;

use super::clock::{self, Clock, Offset};
use crate::fleet::instants;

/// Asked this often, in real time.
const EVERY: Duration = Duration::from_secs(60);

/// The `Date` header shows whole seconds.
const GRANULARITY: SignedDuration = SignedDuration::from_secs(1);

/// What the API server's clock shows. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ApiServerClock {
    offset: Arc<Mutex<Option<Offset>>>,
}

impl ApiServerClock {
    /// What it shows when our monotonic witness shows `monotonic`; `None` before it was asked.
    pub fn at(&self, monotonic: Timestamp) -> Option<Timestamp> {
        let offset = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        offset.map(|offset| offset.apply(monotonic))
    }

    /// Asks again and again.
    pub async fn follow(self, client: Client, clock: Clock) {
        loop {
            let before = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
            match ask(&client, &clock, before).await {
                Ok(Some(offset)) => {
                    *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = Some(offset);
                }
                Ok(None) => tracing::debug!("the API server sends no Date"),
                Err(error) => tracing::warn!(%error, "the API server could not be asked for its time"),
            }
            clock::sleep(EVERY).await;
        }
    }
}

/// One question: `/version`, which every account may read.
async fn ask(client: &Client, clock: &Clock, before: Option<Offset>) -> Result<Option<Offset>, kube::Error> {
    let request = Request::get("/version").body(Body::empty()).map_err(kube::Error::HttpError)?;
    let asked = clock::instant();
    let response = client.send(request).await?;
    let exchange = clock.exchange(asked);
    let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).and_then(parse_date);
    let Some(date) = date else { return Ok(None) };
    let latest = instants::after(date, GRANULARITY);
    Ok(Some(Offset::proven(before, exchange, clock.of_api_server(date), clock.of_api_server(latest))))
}

fn parse_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_header_is_read() {
        assert_eq!(parse_date("Wed, 25 Nov 2026 04:08:00 GMT"), "2026-11-25T04:08:00Z".parse().ok());
        assert_eq!(parse_date("yesterday"), None);
    }
}
