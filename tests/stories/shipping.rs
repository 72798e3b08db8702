//! What is shipped beside the program: the chart, by helm; the alerts, by promtool; health and actions for Argo CD and Flux, by what those
//! run, over the statuses that the stories tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use codeupgrade::operator::metrics::documented;
use codeupgrade::planner::Reason;
use serde_json::{Value, json};

use crate::scripts;

const CHART: &str = "charts/codeupgrade";
const ALERTS: &str = "charts/codeupgrade/files/alerts.yaml";
const DASHBOARD: &str = "charts/codeupgrade/files/dashboards/codeupgrade.json";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Where the programs are that judge; built once where they are not yet, and the script says what to do if it cannot.
static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(root().join("tests/tools/build.sh")).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "tests/tools/build.sh failed: it says why above");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
});

/// One of them.
fn tool(name: &str) -> Command {
    Command::new(TOOLS.join(name))
}

/// What a command prints, and whether it ended well.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.current_dir(root()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// A file for a program to read.
fn scratch(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

fn alerts() -> Value {
    serde_saphyr::from_str(&read(ALERTS)).unwrap()
}

fn rules(alerts: &Value) -> &Vec<Value> {
    alerts["groups"][0]["rules"].as_array().unwrap()
}

/// The names of metrics in an expression.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    expression
        .split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("codeupgrade_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word).to_owned())
        .collect()
}

#[test]
fn alerts_fire_when_they_should_and_not_before() {
    let (valid, said) = run(tool("promtool").args(["check", "rules", ALERTS]));
    assert!(valid, "{said}");
    // Annotations are for people; what is tested is when an alert fires, for whom, and how grave it is.
    let mut bare = alerts();
    for rule in bare["groups"][0]["rules"].as_array_mut().unwrap() {
        rule.as_object_mut().unwrap().remove("annotations");
    }
    let rules = scratch("alerts.yaml", &bare.to_string());
    let tests = read("tests/alerts/alerts_test.yaml").replace("[RULES]", &json!([rules]).to_string());
    let (passed, said) =
        run(tool("promtool").args(["test", "rules"]).arg(scratch("alerts_test.yaml", &tests)));
    assert!(passed, "{said}");
}

#[test]
fn every_alert_has_tests_a_command_and_a_place_to_read_on() {
    let (alerts, tests, documents) =
        (alerts(), read("tests/alerts/alerts_test.yaml"), read("docs/alerts.md"));
    assert_eq!(rules(&alerts).len(), 13);
    for rule in rules(&alerts) {
        let name = rule["alert"].as_str().unwrap();
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} has no test");
        let text = |key: &str| rule["annotations"][key].as_str().unwrap_or_default().to_owned();
        assert!(text("command").starts_with("kubectl "), "{name} has no command");
        assert!(!text("summary").is_empty() && !text("description").is_empty(), "{name} says nothing");
        assert_eq!(text("runbook_url"), format!("docs/alerts.md#{}", name.to_lowercase()));
        assert!(documents.contains(&format!("\n## {name}\n")), "docs/alerts.md has no section {name}");
    }
}

#[test]
fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
    let known: BTreeSet<String> = documented().into_iter().map(|metric| metric.name).collect();
    let alerts = alerts();
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions = rules(&alerts).iter().chain(targets).map(|item| item["expr"].as_str().unwrap());
    for expression in expressions {
        let asked = metrics_in(expression);
        assert!(!asked.is_empty(), "{expression} asks for nothing");
        let missing: Vec<&String> = asked.difference(&known).collect();
        assert!(missing.is_empty(), "{expression} asks for {missing:?}, which nobody tells");
    }
    assert!(panels.len() > 10);
}

#[test]
fn dashboard_expressions_can_be_read() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let rules: Vec<Value> = targets
        .enumerate()
        .map(|(index, target)| json!({"record": format!("panel_{index}"), "expr": target["expr"]}))
        .collect();
    let file =
        scratch("dashboard.yaml", &json!({"groups": [{"name": "panels", "rules": rules}]}).to_string());
    let (valid, said) = run(tool("promtool").args(["check", "rules", "--lint=none"]).arg(file));
    assert!(valid, "{said}");
}

/// Reasons that no story of a simulated environment tells.
const UNTOLD: [&str; 9] = [
    "CertificateAuthorityMissing",
    "DefinitionTooOld",
    "FactsStale",
    "HandingBack",
    "ListTooLong",
    "MemoryUnreadable",
    "StepFailed",
    "WorkloadUnknown",
    "WorkloadUnsettled",
];

#[test]
fn argo_flux_and_kstatus_say_of_every_status_what_the_phase_says() {
    let statuses = scripts::statuses();
    let told: BTreeSet<&str> = statuses.iter().map(|status| status.reason.as_str()).collect();
    let untold = |reason: &&str| !told.contains(reason) && !UNTOLD.contains(reason);
    let missing: Vec<&str> = Reason::ALL.iter().map(|reason| reason.name()).filter(untold).collect();
    assert!(missing.is_empty(), "no story tells {missing:?}");
    let objects: Vec<Value> = statuses
        .into_iter()
        .map(|mut status| {
            status.memory = None;
            json!({
                "apiVersion": "codeupgrade.dev/v1alpha1",
                "kind": "CodeUpgrade",
                "metadata": {"name": "story", "namespace": "stories", "uid": "0", "generation": status.observed_generation},
                "spec": {"version": "4.3.5.3"},
                "status": status,
            })
        })
        .collect();
    let recorded = scratch("statuses.json", &serde_json::to_string(&objects).unwrap());
    let (right, said) = run(tool("gitops").arg("examples/gitops").arg(recorded));
    assert!(right, "{said}");
}

#[test]
fn the_chart_is_rendered_for_every_set_of_values() {
    let (clean, said) = run(tool("helm").args(["lint", "--strict", CHART]));
    assert!(clean, "{said}");
    let everything = "networkPolicy.enabled=true,podMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true,\
                      policies.orderBy=true,policies.deleteInHop=true,priorityClassName=high,prometheusRule.alerts.Slow.for=1h";
    for (values, kinds) in [
        ("", "CustomResourceDefinition Deployment PodDisruptionBudget Service ClusterRole Job"),
        (everything, "NetworkPolicy PodMonitor PrometheusRule ConfigMap ValidatingAdmissionPolicyBinding"),
        ("replicas=1,crds.keep=false,handBack=false,metrics.authorization=false", "Deployment"),
    ] {
        let (rendered, said) = template(values);
        assert!(rendered, "{values}: {said}");
        for kind in kinds.split(' ') {
            assert!(said.contains(&format!("\nkind: {kind}\n")), "{values}: there is no {kind}");
        }
        let documents: Vec<Value> = serde_saphyr::from_multiple(&said).unwrap();
        assert!(documents.iter().all(|object| object.is_null() || object["kind"].is_string()), "{values}");
        assert_eq!(said.contains("helm.sh/resource-policy: keep"), !values.contains("crds.keep=false"));
        assert_eq!(said.contains("kind: PodDisruptionBudget"), !values.contains("replicas=1"));
    }
}

#[test]
fn values_that_contradict_each_other_fail_in_one_sentence() {
    for (values, sentence) in [
        (
            "podMonitor.enabled=true,serviceMonitor.enabled=true",
            "podMonitor.enabled and serviceMonitor.enabled are both true",
        ),
        (
            "policies.orderByExceptions={a}",
            "policies.orderByExceptions names users while policies.orderBy is false",
        ),
        (
            "networkPolicy.egress[0].ports[0].port=443",
            "networkPolicy.egress has rules while networkPolicy.enabled is false",
        ),
        ("prometheusRule.alerts.Sloww.enabled=true", "prometheusRule.alerts names Sloww, which is no alert"),
        ("replicas=many", "replicas"),
        ("image.digest=latest", "image"),
        ("imagge.tag=1", "imagge"),
    ] {
        let (rendered, said) = template(values);
        assert!(!rendered && said.contains(sentence), "{values}: {said}");
    }
}

fn template(values: &str) -> (bool, String) {
    let set = ["--set", values];
    let set = if values.is_empty() { &[][..] } else { &set[..] };
    run(tool("helm")
        .args(["template", "codeupgrade", CHART, "--namespace", "codeupgrade", "--kube-version", "1.33.0"])
        .args(set))
}

#[test]
fn versions_agree() {
    let version = env!("CARGO_PKG_VERSION");
    let chart = read("charts/codeupgrade/Chart.yaml");
    for line in [format!("\nversion: {version}\n"), format!("\nappVersion: {version}\n")] {
        assert!(chart.contains(&line), "Chart.yaml does not say {}", line.trim());
    }
    for name in ["README.md", "docs/install.md", "examples/in-place-upgrade.yaml"] {
        for (at, image) in read(name).match_indices("registry.example/codeupgrade:") {
            let text = read(name);
            let tag = text[at + image.len()..]
                .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.');
            assert_eq!(tag.map(|tag| tag.trim_end_matches('.')).next(), Some(version), "{name}");
        }
    }
    let changes = read("CHANGELOG.md");
    assert!(
        changes.contains("\n## Unreleased\n") || changes.contains(&format!("\n## {version}")),
        "CHANGELOG.md"
    );
}
