//! How a story begins: its servers, devices and releases, and the world made of them.

use std::collections::BTreeMap;

use super::backups::Backups;
use super::hooks::Hooks;
use super::jobs::Jobs;
use super::outcome::CrashPoint;
use super::process::{Clocks, Process};
use super::record::Record;
use super::state::Run;
use crate::api::{CodeRelease, CodeReleaseSpec};
use crate::catalog::merge::Layer;
use crate::catalog::{Catalog, Version};
use crate::planner::observed::Finalizer;
use crate::simulator::scenario::{
    ClusterType, DeviceGroup, Minutes, Power, Scenario, ScenarioOrganisation, ScenarioServer,
};
use crate::simulator::script::cluster::Cluster;
use crate::simulator::script::mirrors::Mirrors;
use crate::simulator::script::object::Object;
use crate::simulator::script::timeline::Timeline;
use crate::simulator::script::verb::{Line, Verb};
use crate::simulator::settings::Settings;
use crate::simulator::world::World;
use crate::translate;

/// The verbs that set the stage, before the first that plays.
pub(super) struct Setting {
    scenario: Scenario,
    releases: Vec<String>,
    shipped: bool,
}

impl Setting {
    pub(super) fn read(lines: &[Line]) -> Result<(Self, &[Line]), String> {
        let mut scenario = Scenario {
            start: "2016-03-01T08:00:00Z".parse().map_err(|error: jiff::Error| error.to_string())?,
            seed: 1,
            utc_offset_hours: 0,
            authority: server("authority", None),
            storage: Vec::new(),
            providers: Vec::new(),
            organisations: vec![ScenarioOrganisation { name: "Default".into(), children: Vec::new() }],
            devices: Vec::new(),
            settings: Settings::default(),
            migration: Minutes::default(),
            cluster: ClusterType::Enterprise,
        };
        scenario.settings.device_auto_upgrade = false;
        scenario.settings.auto_upgrade = false;
        let mut setting = Self { scenario, releases: Vec::new(), shipped: true };
        for (index, line) in lines.iter().enumerate() {
            if !setting.take(&line.verb) {
                return Ok((setting, &lines[index..]));
            }
        }
        Ok((setting, &[]))
    }

    pub(super) fn take(&mut self, verb: &Verb) -> bool {
        let scenario = &mut self.scenario;
        match verb {
            Verb::Start(at) => scenario.start = *at,
            Verb::Seed(seed) => scenario.seed = *seed,
            Verb::Authority(name, version) => scenario.authority = server(name, Some(*version)),
            Verb::Storage(name, version) => scenario.storage.push(server(name, Some(*version))),
            Verb::Provider(name, version) => scenario.providers.push(server(name, Some(*version))),
            Verb::Organisation(name) => {
                scenario
                    .organisations
                    .push(ScenarioOrganisation { name: name.clone(), children: Vec::new() });
            }
            Verb::Devices(devices) => scenario.devices.push(group(devices)),
            Verb::Edition(edition) => scenario.cluster = *edition,
            Verb::Offset(hours) => scenario.utc_offset_hours = *hours,
            Verb::Migration(minutes) => scenario.migration = *minutes,
            Verb::NoCatalog => self.shipped = false,
            Verb::Release(body) => self.releases.push(body.clone()),
            _ => return false,
        }
        true
    }

    pub(super) fn begin(self, crash_at: Option<CrashPoint>) -> Result<Run, String> {
        let (catalog, catalog_problems) = read_catalog(self.shipped, &self.releases)?;
        let world = World::new(&self.scenario, catalog.clone()).map_err(|error| error.to_string())?;
        let storage: Vec<String> = self.scenario.storage.iter().map(|server| server.name.0.clone()).collect();
        let mut cluster = Cluster::default();
        for listed in world.servers() {
            if let Some(version) = listed.version {
                cluster.add(&listed.name.0, listed.guid, version);
            }
        }
        let object = Object::new(&self.scenario.authority.name.0, &storage, &catalog);
        let mut timeline = Timeline::default();
        timeline.begin(self.scenario.start);
        Ok(Run {
            now: self.scenario.start,
            world,
            catalog,
            catalog_problems,
            cluster,
            object,
            process: Process::begin(self.scenario.start, &crate::planner::Memory::default()),
            clocks: Clocks::default(),
            rival: None,
            backup: Backups::default(),
            hooks: Hooks::default(),
            jobs: Jobs::default(),
            mirrors: Mirrors::default(),
            proofs: BTreeMap::new(),
            wrong_access: None,
            finalizer: Finalizer::Absent,
            timeline,
            failures: Vec::new(),
            boundaries: 0,
            crash_at,
            was_killed: false,
            last: None,
            asked: Vec::new(),
            events: Vec::new(),
            record: Record::default(),
            situations: Vec::new(),
            decisions: 0,
            news_at: self.scenario.start,
            disturbed_at: None,
        })
    }
}

pub(super) fn server(name: &str, version: Option<Version>) -> ScenarioServer {
    ScenarioServer { name: name.into(), guid: None, version, power: Power::On }
}

pub(super) fn group(devices: &crate::simulator::script::verb::Devices) -> DeviceGroup {
    DeviceGroup {
        count: devices.count,
        product: devices.product,
        os: devices.os,
        version: devices.version,
        organisation: devices.organisation.clone(),
        online_percent: devices.online_percent,
        hours: devices.hours,
        state: crate::fleet::DeviceState::Active,
        behaviour: devices.behaviour,
        exceptions: devices.exceptions.clone(),
    }
}

pub(super) fn read_catalog(shipped: bool, own: &[String]) -> Result<(Catalog, Vec<String>), String> {
    let mut objects: Vec<(Layer, CodeRelease)> = Vec::new();
    if shipped {
        objects.extend(translate::catalog::shipped().into_iter().map(|release| (Layer::Shipped, release)));
    }
    for (index, body) in own.iter().enumerate() {
        let spec: CodeReleaseSpec = serde_saphyr::from_str(body).map_err(|error| error.to_string())?;
        objects.push((Layer::User, CodeRelease::new(&format!("story-{index}"), spec)));
    }
    Ok(translate::catalog::catalog_from(objects))
}
