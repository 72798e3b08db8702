//! What the operator counts and shows: few names, and labels whose values are bounded by the number of objects or by an enum.
//!
//! What it counts of itself is here; what it shows of each object, `objects.rs`.

mod objects;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::api::CodeUpgradeStatus;

pub use objects::Sight;
use objects::{Kind, Objects};

/// Steps and what may become of each, so that every series is there before anything happens: what is counted first would be missed by
/// whoever asks for an increase.
const STEPS: [&str; 10] = [
    "HoldFinalizer",
    "ReleaseFinalizer",
    "HoldCatch",
    "OpenCatch",
    "UpgradeServer",
    "RunUpgradeJob",
    "TakeBackup",
    "TurnOffDeviceAutoUpgrade",
    "RunHook",
    "FlagDevices",
];
const STEP_OUTCOMES: [&str; 4] = ["changed", "already_so", "not_allowed", "failed"];
const RECONCILE_OUTCOMES: [&str; 5] = ["done", "invalid", "read_failed", "unsafe", "commit_failed"];

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
struct BuildLabels {
    version: &'static str,
    api: &'static str,
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
    objects: Objects,
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
        let objects = Objects::default();
        all.register_collector(Box::new(objects.clone()));
        let build: Family<BuildLabels, Gauge> = registered(
            &mut all,
            "build_info",
            "1, with the version of the operator and of its API",
            Family::default(),
        );
        build
            .get_or_create(&BuildLabels { version: env!("CARGO_PKG_VERSION"), api: crate::api::VERSION })
            .set(1);
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
            leading: registered(&mut all, "leading", "Whether this process acts", Gauge::default()),
            objects,
            registry: Arc::new(all),
        }
        .seeded()
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

    /// Everything that can be counted, at 0.
    fn seeded(self) -> Self {
        for outcome in RECONCILE_OUTCOMES {
            let _ = self.reconciles.get_or_create(&OutcomeLabels { what: "reconcile", outcome });
        }
        for what in STEPS {
            for outcome in STEP_OUTCOMES {
                let _ = self.effects.get_or_create(&OutcomeLabels { what, outcome });
            }
        }
        for what in ["servers", "devices"] {
            for outcome in ["good", "failed"] {
                let _ = self.readings.get_or_create(&OutcomeLabels { what, outcome });
            }
        }
        self
    }

    /// Shows an object as it is seen now.
    pub fn show(&self, namespace: &str, name: &str, sight: Sight<'_>) {
        self.objects.show(namespace, name, sight);
    }

    /// Counts the hop that one status tells and the one before it did not.
    pub fn count_hop(
        &self,
        namespace: &str,
        name: &str,
        before: Option<&CodeUpgradeStatus>,
        after: Option<&CodeUpgradeStatus>,
    ) {
        let last =
            |status: Option<&CodeUpgradeStatus>| status.and_then(|status| status.history.first().cloned());
        if let Some(hop) = last(after).filter(|hop| last(before).as_ref() != Some(hop)) {
            self.objects.count_hop(namespace, name, hop.adopted);
        }
    }

    /// Counts an order that was answered.
    pub fn count_order(&self, namespace: &str, name: &str, action: &'static str, outcome: &'static str) {
        self.objects.count_order(namespace, name, action, outcome);
    }

    /// Forgets an object that is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.objects.forget(namespace, name);
        self.looks.remove(&ObjectLabels::of(namespace, name));
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

/// A metric as the reference lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documented {
    /// Its name, as Prometheus has it.
    pub name: String,
    /// What it is: a gauge, a counter or a histogram.
    pub kind: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What it says.
    pub help: String,
}

/// Every metric, sorted by name.
pub fn documented() -> Vec<Documented> {
    let of_objects = objects::FAMILIES.iter().map(|family| {
        let labels = ["namespace", "name"].iter().chain(family.labels);
        let (kind, ending) = match family.kind {
            Kind::Gauge => ("gauge", ""),
            Kind::Counter => ("counter", "_total"),
        };
        Documented {
            name: format!("codeupgrade_{}{ending}", family.name),
            kind: kind.to_owned(),
            labels: labels.map(|&label| label.to_owned()).collect(),
            help: family.help.to_owned(),
        }
    });
    let metrics = Metrics::default();
    metrics.count_look("namespace", "name");
    let text = metrics.text().unwrap_or_default();
    let mut all: Vec<Documented> = of_objects.collect();
    for (name, help) in text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split_once(' ')) {
        let kind = text.lines().find_map(|line| line.strip_prefix(&format!("# TYPE {name} ")));
        let ending = if kind == Some("counter") { "_total" } else { "" };
        let full = format!("{name}{ending}");
        if all.iter().any(|known| known.name == full) {
            continue;
        }
        let series = text.lines().find_map(|line| line.strip_prefix(&format!("{full}{{")));
        let labels = series.and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels);
        let names =
            labels.split(',').filter_map(|label| label.split_once('=')).map(|(key, _)| key.to_owned());
        all.push(Documented {
            name: full,
            kind: kind.unwrap_or_default().to_owned(),
            labels: names.collect(),
            help: help.trim_end_matches('.').to_owned(),
        });
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
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
        assert!(
            text.contains("codeupgrade_effects_total{what=\"TakeBackup\",outcome=\"failed\"} 0"),
            "{text}"
        );
        for line in [
            "codeupgrade_reconciles_total{what=\"reconcile\",outcome=\"done\"} 1",
            "codeupgrade_effects_total{what=\"UpgradeServer\",outcome=\"changed\"} 1",
            "codeupgrade_leading 1",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }

    #[test]
    fn every_metric_is_documented_once() {
        let all = documented();
        assert!(all.len() > 30, "{all:?}");
        assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name), "{all:?}");
        let leading = all.iter().find(|metric| metric.name == "codeupgrade_leading").unwrap();
        assert_eq!((leading.kind.as_str(), leading.help.as_str()), ("gauge", "Whether this process acts"));
        let effects = all.iter().find(|metric| metric.name == "codeupgrade_effects_total").unwrap();
        assert_eq!(effects.labels, ["what", "outcome"]);
    }
}
