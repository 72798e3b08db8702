//! What each verb of a story does to the world, the object and the people around it.

use jiff::SignedDuration;

use super::process::Process;
use super::setting::group;
use super::state::{Run, shifted};
use crate::api::CodeReleaseSpec;
use crate::catalog::merge::Layer;
use crate::catalog::{Product, Version};
use crate::fleet::{DeviceState, Guid};
use crate::planner::observed::{AccessFailure, Catch, Finalizer, ProofFinding, ProvenRelease};
use crate::simulator::device::ReportedVersion;
use crate::simulator::fault::Fault;
use crate::simulator::script::verb::{Line, Proven, Pull, Verb};
use crate::simulator::script::workload::{Ailment, Workload};
use crate::simulator::settings::SettingsChange;
use crate::translate;

impl Run {
    /// The guids of so many devices with an app, of those in a state.
    fn some_devices(
        &self,
        count: u32,
        product: Product,
        version: Version,
        is_wanted: impl Fn(DeviceState) -> bool,
    ) -> Vec<u64> {
        let version = ReportedVersion::Version(version);
        let devices = self.world.devices().filter(|device| {
            device.product == product && device.version == version && is_wanted(device.state)
        });
        devices.take(usize::try_from(count).unwrap_or(usize::MAX)).map(|device| device.guid).collect()
    }

    pub(super) fn play(&mut self, line: &Line) -> Result<(), String> {
        match &line.verb {
            Verb::Expect(expectation) => {
                self.decide_once()?;
                if let Some(found) = self.unmet(expectation) {
                    self.failures.push(format!("line {}: {}: {found}", line.number, line.text));
                }
                return Ok(());
            }
            Verb::Run(_) | Verb::RunUntil(_) => {}
            _ => {
                self.timeline.verb(self.now, &line.text);
                self.disturbed_at = Some(self.now);
                self.news_at = self.now;
            }
        }
        let named = |run: &Self, name: &str| {
            run.world.server_guid(name).ok_or_else(|| format!("line {}: no server {name}", line.number))
        };
        let told = |outcome: Result<(), crate::simulator::world::CommandError>| {
            outcome.map_err(|error| format!("line {}: {error}", line.number))
        };
        self.record.line(self.now, line.number);
        match &line.verb {
            Verb::Run(length) => {
                let until = self.now.checked_add(*length).map_err(|error| error.to_string())?;
                self.run_to(until, |_| false)?;
            }
            Verb::RunUntil(what) => self.run_until(line, what)?,
            Verb::Want(version) => self.object.want(Some(version)),
            Verb::WantNothing => self.object.want(None),
            Verb::Set(path, value) => {
                let value = serde_saphyr::from_str(value).map_err(|error| error.to_string())?;
                self.object.set(path, value);
            }
            Verb::Unset(path) => self.object.unset(path),
            Verb::Delete => self.object.delete(self.now),
            Verb::Waited => {
                let release = self.world.authority().version.map_or_else(String::new, |at| at.to_string());
                let finished_at = shifted(self.now, SignedDuration::from_hours(-24 * 30)).to_string();
                let last = serde_json::json!({"release": release, "finishedAt": finished_at});
                self.object.set("lastUpgrade", last);
            }
            Verb::Recreate => {
                self.object.recreate();
                self.finalizer = Finalizer::Absent;
                self.process = Process::begin(self.operators_now(), &self.object.memory);
            }
            Verb::Pause(what) => self.object.pause(Some(what.clone())),
            Verb::Unpause => self.object.pause(None),
            Verb::ServerSwitch(on) => {
                self.world
                    .set_setting(SettingsChange { auto_upgrade: Some(*on), ..SettingsChange::default() });
            }
            Verb::Backup(fate) => self.backup.fare(fate, self.now),
            Verb::Proof(name, proven) => {
                let finding = match proven {
                    Proven::Nothing => ProofFinding::Read(Vec::new()),
                    Proven::Unreadable => ProofFinding::Unreadable("it may not be read".into()),
                    Proven::Release(release, devices) => {
                        let (release, since, devices) = (*release, self.now, *devices);
                        ProofFinding::Read(vec![ProvenRelease { release, since, until: None, devices }])
                    }
                };
                self.proofs.insert(name.clone(), finding);
            }
            Verb::Order(action, subject) => self.give_order(action, subject.as_deref())?,
            Verb::Restore(name, to) => {
                told(self.world.restore(&named(self, name)?, *to).map(drop))?;
                self.workload(line, name)?.set_by_hand(*to);
            }
            Verb::Hand(name, to) => {
                told(self.world.upgrade_by_hand(&named(self, name)?, *to).map(drop))?;
                self.workload(line, name)?.set_by_hand(*to);
            }
            Verb::Offline(name) => told(self.world.take_offline(&named(self, name)?))?,
            Verb::Online(name) => told(self.world.bring_back(&named(self, name)?))?,
            Verb::Rename(name, new) => {
                told(self.world.rename_server(&named(self, name)?, new.as_str().into()))?;
            }
            Verb::Replace(name) => {
                let guid = named(self, name)?;
                let new = Guid(format!("9{}", &guid.0[1..]));
                told(self.world.replace_guid(&guid, new.clone()))?;
                self.workload(line, name)?.guid = new;
            }
            Verb::Switch(on) => {
                self.world.set_setting(SettingsChange {
                    device_auto_upgrade: Some(*on),
                    ..SettingsChange::default()
                });
            }
            Verb::Dump(at) => {
                let daily = Some(at.clone());
                self.world.set_setting(SettingsChange {
                    daily_accounting_time: daily,
                    ..SettingsChange::default()
                });
            }
            Verb::Fault(resource, kind) => {
                let fault: Fault = serde_json::from_value(serde_json::Value::from(kind.as_str()))
                    .map_err(|error| format!("line {}: {error}", line.number))?;
                self.world.faults_mut().set((resource != "all").then_some(resource.as_str()), fault);
            }
            Verb::Heal => {
                self.world.faults_mut().clear_all();
                self.wrong_access = None;
            }
            Verb::Access(failure) => self.wrong_access = Some(access_failure(failure)?),
            Verb::ClaimedBy(other) => self.rival.clone_from(other),
            Verb::Workload(name, state) => self.workload(line, name)?.ailment = ailment(state)?,
            Verb::Commit(name, version) => self.workload(line, name)?.template = *version,
            Verb::Pod(name) => {
                let workload = self.cluster.get_mut(name).ok_or_else(|| no_workload(line, name))?;
                workload.delete_pod(&mut self.world);
            }
            Verb::CatchOpens(name) => self.workload(line, name)?.catch = Catch::Open,
            Verb::Scale(name, replicas) => self.workload(line, name)?.replicas = *replicas,
            Verb::Pull(version, Pull::Fails) => self.cluster.images.withhold(*version),
            Verb::Pull(version, Pull::Works) => self.cluster.images.give(*version),
            Verb::ImageIs(version, software) => self.cluster.images.hold(*version, *software),
            Verb::Clock(witness, by) => self.shift(witness, *by)?,
            Verb::Crash => self.process = Process::begin(self.operators_now(), &self.object.memory),
            Verb::OperatorDown(length) => self.operator_down(*length)?,
            Verb::OperatorFormat(format) => self.object.memory.format_version = *format,
            Verb::Hook(name, end) => self.hooks.set(name, *end),
            Verb::Job(name, fate) => self.jobs.fare(name, *fate),
            Verb::JobDeleted(name) => self.jobs.delete(name),
            Verb::Mirror(part, fate) => self.mirrors.fare(part, *fate),
            Verb::List(name, sum) => self.mirrors.list(name, sum.clone()),
            Verb::Offer(product, version, os) => self.world.offer(*product, *os, *version),
            Verb::Remove(count, product, version) => {
                for guid in self.some_devices(*count, *product, *version, |_| true) {
                    told(self.world.remove_device(guid))?;
                }
            }
            Verb::Standing(state, count, product, version) => {
                let is_other =
                    |is: DeviceState| (is == DeviceState::Active) != (*state == DeviceState::Active);
                for guid in self.some_devices(*count, *product, *version, is_other) {
                    told(self.world.set_device_state(guid, *state))?;
                }
            }
            Verb::MoveOrganisation(path, to) => told(self.world.move_organisation(path, to))?,
            Verb::Release(body) => self.learn(body)?,
            Verb::Devices(devices) => told(self.world.add_devices(&group(devices)))?,
            Verb::Start(_)
            | Verb::Seed(_)
            | Verb::Authority(..)
            | Verb::Storage(..)
            | Verb::Provider(..)
            | Verb::Organisation(_)
            | Verb::Edition(_)
            | Verb::Offset(_)
            | Verb::Migration(_)
            | Verb::NoCatalog => {
                return Err(format!("line {}: this belongs before the first verb that plays", line.number));
            }
            Verb::Expect(_) => {}
        }
        self.settle();
        Ok(())
    }

    fn workload(&mut self, line: &Line, name: &str) -> Result<&mut Workload, String> {
        self.cluster.get_mut(name).ok_or_else(|| no_workload(line, name))
    }

    fn shift(&mut self, witness: &str, by: SignedDuration) -> Result<(), String> {
        match witness {
            "operator" => self.clocks.operator += by,
            "monotonic" => self.clocks.monotonic += by,
            "api" => self.clocks.api = Some(self.clocks.api.unwrap_or_default() + by),
            "authority" => self.clocks.authority = Some(self.clocks.authority.unwrap_or_default() + by),
            other => return Err(format!("there is no witness {other}")),
        }
        Ok(())
    }

    /// A user's `CodeRelease` in the middle of a story.
    fn learn(&mut self, body: &str) -> Result<(), String> {
        let spec: CodeReleaseSpec = serde_saphyr::from_str(body).map_err(|error| error.to_string())?;
        let release = translate::release::release(&spec).map_err(|problems| format!("{problems:?}"))?;
        let version = release.version;
        let known = self.catalog.releases().cloned().map(|release| (shipped_origin(), release));
        let added = (crate::catalog::Origin { layer: Layer::User, object: "story".into() }, release);
        let (catalog, _) = crate::catalog::merge(known.chain([added]));
        self.catalog = catalog;
        self.world.set_catalog(self.catalog.clone());
        self.object.add_source(version);
        Ok(())
    }

    fn give_order(&mut self, action: &str, subject: Option<&str>) -> Result<(), String> {
        let mut spec = serde_json::json!({"action": action, "reason": "a story", "by": "someone"});
        match subject {
            Some("now") => spec["now"] = true.into(),
            Some(subject) => spec["for"] = subject.into(),
            None => {}
        }
        self.object.give(spec, self.now)
    }

    /// No operator runs; the world goes on.
    fn operator_down(&mut self, length: SignedDuration) -> Result<(), String> {
        let until = self.now.checked_add(length).map_err(|error| error.to_string())?;
        while self.now < until {
            let event = self.world.next_event().filter(|event| *event > self.now);
            self.advance_to(event.unwrap_or(until).min(until));
        }
        self.process = Process::begin(self.operators_now(), &self.object.memory);
        Ok(())
    }
}

fn no_workload(line: &Line, name: &str) -> String {
    format!("line {}: no workload {name}", line.number)
}

fn access_failure(name: &str) -> Result<AccessFailure, String> {
    Ok(match name {
        "SecretMissing" => AccessFailure::SecretMissing,
        "SecretIncomplete" => AccessFailure::SecretIncomplete,
        "SecretForbidden" => AccessFailure::SecretForbidden,
        "CertificateAuthorityMissing" => AccessFailure::CertificateAuthorityMissing,
        "SecretForOtherHost" => AccessFailure::SecretForOtherHost,
        "AccountNotUsable" => AccessFailure::AccountNotUsable,
        "HostDenied" => AccessFailure::HostDenied,
        "Unreachable" => AccessFailure::Unreachable,
        "Untrusted" => AccessFailure::Untrusted,
        "Refused" => AccessFailure::Refused,
        "Forbidden" => AccessFailure::Forbidden,
        "Unexpected" => AccessFailure::Unexpected,
        "TooMuch" => AccessFailure::TooMuch,
        other => return Err(format!("there is no access failure {other}")),
    })
}

fn ailment(name: &str) -> Result<Ailment, String> {
    Ok(match name {
        "well" => Ailment::Well,
        "broken" => Ailment::Broken,
        "missing" => Ailment::Missing,
        "unfit" => Ailment::Unfit,
        "denied" => Ailment::Denied,
        "hidden" => Ailment::Hidden,
        other => return Err(format!("a workload cannot be {other}")),
    })
}

fn shipped_origin() -> crate::catalog::Origin {
    crate::catalog::Origin { layer: Layer::Shipped, object: "catalog".into() }
}
