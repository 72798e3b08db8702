//! What the operator counts: few names, and labels whose values are bounded by the number of objects or by an enum.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::planner::report::{Phase, Report};

/// Every phase, so that a gauge of each can be set and unset.
const PHASES: [Phase; 8] = [
    Phase::Observing,
    Phase::Checking,
    Phase::Waiting,
    Phase::Upgrading,
    Phase::RollingOut,
    Phase::Done,
    Phase::Suspended,
    Phase::Stalled,
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    what: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ObjectLabels {
    namespace: String,
    name: String,
}

impl ObjectLabels {
    fn of(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PhaseLabels {
    namespace: String,
    name: String,
    phase: &'static str,
}

/// The operator's metrics. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciles: Family<OutcomeLabels, Counter>,
    reconcile_seconds: Histogram,
    wait_seconds: Histogram,
    looks: Family<ObjectLabels, Counter>,
    effects: Family<OutcomeLabels, Counter>,
    readings: Family<OutcomeLabels, Counter>,
    listing_seconds: Histogram,
    phase: Family<PhaseLabels, Gauge>,
    backups_interrupted: Family<ObjectLabels, Gauge>,
    leading: Gauge,
}

/// Registers a metric and gives it back.
fn registered<M: Clone + Metric>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Registry::with_prefix("codeupgrade");
        let reconcile_seconds = Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        let wait_seconds = Histogram::new([0.01, 0.1, 1.0, 3.0, 10.0, 30.0, 100.0]);
        let listing_seconds = Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0]);
        Self {
            reconciles: registered(
                &mut all,
                "reconciles",
                "Reconciles, by how they ended",
                Family::default(),
            ),
            reconcile_seconds: registered(
                &mut all,
                "reconcile_duration_seconds",
                "How long a reconcile takes",
                reconcile_seconds,
            ),
            wait_seconds: registered(
                &mut all,
                "look_wait_seconds",
                "How long an object waits for its turn to be looked at",
                wait_seconds,
            ),
            looks: registered(&mut all, "looks", "How often an object was looked at", Family::default()),
            effects: registered(
                &mut all,
                "effects",
                "Effects, by step and by how they ended",
                Family::default(),
            ),
            readings: registered(
                &mut all,
                "readings",
                "Readings of authorities, by how they ended",
                Family::default(),
            ),
            listing_seconds: registered(
                &mut all,
                "device_listing_duration_seconds",
                "How long a complete listing of devices takes",
                listing_seconds,
            ),
            phase: registered(&mut all, "phase", "1 for the phase that an object is in", Family::default()),
            backups_interrupted: registered(
                &mut all,
                "servers_without_backup",
                "Storage servers that cannot take backups while a hop is under way",
                Family::default(),
            ),
            leading: registered(&mut all, "leading", "Whether this process acts", Gauge::default()),
            registry: Arc::new(all),
        }
    }
}

impl Metrics {
    /// Counts a reconcile and how long it took. `what` is its kind of end.
    pub fn observe_reconcile(&self, outcome: &'static str, took: Duration) {
        self.reconciles.get_or_create(&OutcomeLabels { what: "reconcile", outcome }).inc();
        self.reconcile_seconds.observe(took.as_secs_f64());
    }

    /// Notes how long an object waited for its turn.
    pub fn observe_wait(&self, waited: Duration) {
        self.wait_seconds.observe(waited.as_secs_f64());
    }

    /// Counts a look at an object.
    pub fn count_look(&self, namespace: &str, name: &str) {
        self.looks.get_or_create(&ObjectLabels::of(namespace, name)).inc();
    }

    /// Counts an effect.
    pub fn count_effect(&self, step: &'static str, outcome: &'static str) {
        self.effects.get_or_create(&OutcomeLabels { what: step, outcome }).inc();
    }

    /// Counts a reading of an authority.
    pub fn count_reading(&self, what: &'static str, good: bool) {
        let outcome = if good { "good" } else { "failed" };
        self.readings.get_or_create(&OutcomeLabels { what, outcome }).inc();
    }

    /// Notes how long a listing of devices took.
    pub fn observe_listing(&self, took: Duration) {
        self.listing_seconds.observe(took.as_secs_f64());
    }

    /// Notes whether this process acts.
    pub fn set_leading(&self, leading: bool) {
        self.leading.set(i64::from(leading));
    }

    /// Shows a report.
    pub fn show(&self, namespace: &str, name: &str, report: &Report) {
        for phase in PHASES {
            let labels =
                PhaseLabels { namespace: namespace.to_owned(), name: name.to_owned(), phase: phase.name() };
            self.phase.get_or_create(&labels).set(i64::from(phase == report.phase));
        }
        let labels = ObjectLabels::of(namespace, name);
        let servers = report.backups_interrupted.as_ref().map_or(0, |interrupted| interrupted.servers);
        self.backups_interrupted.get_or_create(&labels).set(i64::from(servers));
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        for phase in PHASES {
            let labels =
                PhaseLabels { namespace: namespace.to_owned(), name: name.to_owned(), phase: phase.name() };
            self.phase.remove(&labels);
        }
        let labels = ObjectLabels::of(namespace, name);
        self.backups_interrupted.remove(&labels);
        self.looks.remove(&labels);
    }

    /// All of it in the text format of Prometheus.
    ///
    /// # Errors
    /// A value could not be written as text.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_text() {
        let metrics = Metrics::default();
        metrics.observe_reconcile("done", Duration::from_millis(5));
        metrics.count_effect("UpgradeServer", "changed");
        metrics.set_leading(true);
        let text = metrics.text().unwrap();
        for line in [
            "codeupgrade_reconciles_total{what=\"reconcile\",outcome=\"done\"} 1",
            "codeupgrade_effects_total{what=\"UpgradeServer\",outcome=\"changed\"} 1",
            "codeupgrade_leading 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
