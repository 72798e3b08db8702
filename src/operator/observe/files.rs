//! Lists of checksums in a ConfigMap: read as the acting account at each look, so that a corrected list is followed at once.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use crate::api::problem::said;
use crate::catalog::Version;
use crate::download::checksum_list;

use crate::operator::account::Acting;
use crate::operator::files::given;
use crate::planner::Desired;
use crate::planner::desired::{Artifact, Checksums};
use crate::planner::observed::Listed;

/// What lists say of the files of a release.
pub(super) async fn listed(
    acting: Result<&Acting, &String>,
    desired: &Desired,
    release: Option<Version>,
) -> BTreeMap<Artifact, Listed> {
    let mut listed = BTreeMap::new();
    let source = release.and_then(|release| desired.source(release));
    for artifact in source.iter().flat_map(|source| &source.artifacts) {
        let Some(Checksums::ConfigMap { name, key }) = &artifact.checksums else { continue };
        let text = match acting {
            Ok(acting) => read(acting, name, key).await,
            Err(why) => Err(why.clone()),
        };
        let said = text.and_then(|text| sums(artifact, &text));
        listed.insert(artifact.clone(), said.unwrap_or_else(Listed::Unusable));
    }
    listed
}

async fn read(acting: &Acting, name: &str, key: &str) -> Result<String, String> {
    let api: Api<ConfigMap> = Api::namespaced(acting.client.clone(), &acting.account.namespace);
    let found = api
        .get_opt(name)
        .await
        .map_err(|error| format!("ConfigMap {name} could not be read: {}", said(&error)))?;
    let map = found.ok_or_else(|| format!("there is no ConfigMap {name}"))?;
    let text = map.data.and_then(|mut data| data.remove(key));
    text.ok_or_else(|| format!("ConfigMap {name} lacks the key {key}"))
}

fn sums(artifact: &Artifact, text: &str) -> Result<Listed, String> {
    let said = checksum_list::find(text, artifact.name()).map_err(|error| error.to_string())?;
    let both = given(artifact).and(&said).map_err(|error| error.to_string())?;
    Ok(Listed::Sums {
        md5: both.md5.map(|sum| sum.to_string()),
        sha256: both.sha256.map(|sum| sum.to_string()),
    })
}
