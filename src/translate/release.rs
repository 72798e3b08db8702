//! A `CodeRelease` becomes a release of the catalog.

use std::collections::BTreeSet;

use super::reading::Reading;
use crate::api::code_release::{AcceptedVersionSpec, CodeReleaseSpec, CompatibilityRowSpec, RiskSpec};
use crate::catalog::release::Components;
use crate::catalog::{AcceptedVersion, CompatibilityRow, Release, Risk};
use crate::planner::desired::Problem;

/// The release that a spec describes.
///
/// # Errors
/// Everything that cannot be read, by its path. A description with an error counts for nothing: half of it could lack the very wait or
/// the refusal that matters.
pub fn release(spec: &CodeReleaseSpec) -> Result<Release, Vec<Problem>> {
    // Without `..`, so that a new field cannot be forgotten here.
    let CodeReleaseSpec {
        version,
        upgrades_from,
        post_upgrade_wait,
        compatibility,
        components,
        risks,
        links: _,
    } = spec;
    let mut reading = Reading::default();
    let version = reading.version("spec.version", version);
    let release = version.map(|version| Release {
        version,
        upgrades_from: patterns(&mut reading, "spec.upgradesFrom", upgrades_from),
        post_upgrade_wait: post_upgrade_wait
            .as_deref()
            .and_then(|text| reading.duration("spec.postUpgradeWait", text)),
        compatibility: compatibility.as_ref().map(|rows| matrix(&mut reading, rows)),
        components: components.as_ref().map(|components| Components {
            upgraded: components.upgraded.clone(),
            not_upgraded: components.not_upgraded.clone(),
        }),
        risks: risks.iter().enumerate().map(|(index, given)| risk(&mut reading, index, given)).collect(),
    });
    reading.unique("spec.risks", ".name", risks.iter().map(|risk| &risk.name));
    match release {
        Some(release) if reading.is_clean() => Ok(release),
        Some(_) | None => Err(reading.into_problems()),
    }
}

fn patterns(reading: &mut Reading, field: &str, texts: &[String]) -> Vec<crate::catalog::Pattern> {
    let read = |(index, text): (usize, &String)| reading.pattern(&format!("{field}[{index}]"), text);
    texts.iter().enumerate().filter_map(read).collect()
}

fn matrix(reading: &mut Reading, rows: &[CompatibilityRowSpec]) -> Vec<CompatibilityRow> {
    let rows = rows.iter().enumerate();
    rows.map(|(index, row)| {
        let field = format!("spec.compatibility[{index}].versions");
        if row.versions.iter().filter(|entry| entry.bundled).count() > 1 {
            let mend = "keep bundled: true at one entry, or split the row by os";
            reading.note(field.as_str(), format!("{} has more than one bundled version", row.product), mend);
        }
        let entries = row.versions.iter().enumerate();
        CompatibilityRow {
            product: row.product,
            os: row.os.iter().flatten().copied().collect::<BTreeSet<_>>(),
            versions: entries
                .filter_map(|(index, entry)| accepted(reading, &format!("{field}[{index}].match"), entry))
                .collect(),
        }
    })
    .collect()
}

fn accepted(reading: &mut Reading, field: &str, entry: &AcceptedVersionSpec) -> Option<AcceptedVersion> {
    let pattern = reading.pattern(field, &entry.r#match)?;
    if entry.bundled && pattern.exact().is_none() {
        let mend = "write the one version that the release carries";
        reading.note(field, format!("the series {pattern} cannot be bundled"), mend);
    }
    Some(AcceptedVersion { pattern, bundled: entry.bundled, support: entry.support.unwrap_or_default() })
}

fn risk(reading: &mut Reading, index: usize, risk: &RiskSpec) -> Risk {
    Risk {
        name: risk.name.clone(),
        message: risk.message.clone(),
        url: risk.url.clone(),
        from: patterns(reading, &format!("spec.risks[{index}].from"), &risk.from),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(spec: serde_json::Value) -> Result<Release, Vec<String>> {
        let spec: CodeReleaseSpec = serde_json::from_value(spec).unwrap();
        let text = |problem: Problem| format!("{}: {}", problem.field, problem.message);
        release(&spec).map_err(|problems| problems.into_iter().map(text).collect())
    }

    #[test]
    fn every_problem_is_told_by_its_path() {
        let problems = read(json!({
            "version": "4.3.5.3",
            "upgradesFrom": ["4.2.3.1", "4.2.*"],
            "postUpgradeWait": "1w",
            "compatibility": [
                {"product": "CrashPlan", "versions": [{"match": "4.3.x", "bundled": true}, {"match": "four"}]},
                {"product": "SharePlan", "versions": [{"match": "4.2", "bundled": true}, {"match": "4.3", "bundled": true}]},
            ],
            "risks": [{"name": "One", "message": "m", "from": ["x"]}, {"name": "One", "message": "m"}],
        }))
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "spec.upgradesFrom[1]: \"4.2.*\" is not a version or pattern: '*' is not a digit at character 5",
                "spec.postUpgradeWait: \"1w\" is not a duration such as 24h, 1d12h or 90m",
                "spec.compatibility[0].versions[0].match: the series 4.3.x cannot be bundled",
                "spec.compatibility[0].versions[1].match: \"four\" is not a version or pattern: 'f' is not a digit at character 1",
                "spec.compatibility[1].versions: SharePlan has more than one bundled version",
                "spec.risks[0].from[0]: \"x\" is not a version or pattern: at least one number must stand before the x at character 1",
                "spec.risks[1].name: One stands in spec.risks more than once",
            ]
        );
        assert_eq!(
            read(json!({"version": "4.70000"})).unwrap_err(),
            ["spec.version: \"4.70000\" is not a version: a part is larger than 65535 at character 3"]
        );
    }

    #[test]
    fn a_bare_release_has_no_facts() {
        let version = "8.2.6".parse().unwrap();
        assert_eq!(read(json!({"version": "8.2.6"})), Ok(Release::bare(version)));
    }
}
