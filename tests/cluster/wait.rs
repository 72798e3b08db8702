//! Waiting until something is so. Patience is counted in answers and in the site's own time, not in seconds: a machine that is busy
//! answers later, and is waited for longer.

use std::time::Duration;

use codeupgrade::api::{CodeUpgrade, CodeUpgradeStatus};
use codeupgrade::operator::clock::{self, Clock};
use codeupgrade::playground::site::Site;
use kube::{Api, Client, ResourceExt};

use super::environment::{Error, UPGRADE};

/// So many answers that show nothing new are enough.
const ANSWERS: u32 = 1_200;

/// Between an answer and the next question, in real time.
const PAUSE: Duration = Duration::from_millis(50);

/// An object may rest for so long, in real time as its clock grants it: nearly four days of a shared site, whose longest wait is one.
const REST: Duration = Duration::from_secs(180);

/// An object that changed so often and was never as wanted goes round in circles.
const CHANGES: u32 = 2_000;

/// Asks until there is an answer and returns it. `what` completes the sentence "there was never …".
pub(crate) async fn eventually<T>(
    what: &str,
    ask: impl AsyncFn() -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    for _ in 0..ANSWERS {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        clock::sleep(PAUSE).await;
    }
    Err(format!("there was never {what} in {ANSWERS} answers").into())
}

/// Waits until the status of a site's object is as wanted, and returns it; fails when the object has not changed for a long time by
/// this clock, and says what it came to instead.
pub(crate) async fn until_status(
    client: &Client,
    clock: &Clock,
    site: &Site,
    wanted: impl Fn(&CodeUpgradeStatus) -> bool,
) -> Result<CodeUpgradeStatus, Error> {
    let upgrades: Api<CodeUpgrade> = Api::namespaced(client.clone(), &site.namespace);
    let (mut known, mut since, mut answers, mut changes) = (None, clock.now(), 0, 0);
    loop {
        let object = upgrades.get(UPGRADE).await?;
        if let Some(status) = object.status.as_ref().filter(|status| wanted(status)) {
            return Ok(status.clone());
        }
        let now = clock.now();
        if known == object.resource_version() {
            answers += 1;
        } else {
            (known, since, answers, changes) = (object.resource_version(), now, 0, changes + 1);
        }
        let rests = answers > ANSWERS && clock.real(now.duration_since(since)) > REST;
        if rests || changes > CHANGES {
            let came_to = object.status.map_or_else(
                || "no status".to_owned(),
                |status| format!("{} ({}): {}", status.phase, status.reason, status.message),
            );
            let how = if rests { "it stays at" } else { "it goes round in circles, now" };
            return Err(format!("{}: {how} {came_to}", site.namespace).into());
        }
        clock::sleep(PAUSE).await;
    }
}
