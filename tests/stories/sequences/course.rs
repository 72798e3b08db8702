//! A course: an environment, what happens to it, and how all troubles are mended in the end.

use std::collections::BTreeMap;

use super::dice::Dice;

/// Where every environment begins, and where it is to go.
pub(super) const OLD: &str = "4.2.3.1";
/// The release of the article.
pub(super) const NEW: &str = "4.3.5.3";

/// One course.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// The seed of the world's own chances.
    pub(super) seed: u64,
    /// Its storage servers.
    pub(super) storage: Vec<String>,
    /// Lines of the setting beside the servers.
    pub(super) setting: Vec<String>,
    /// What happens: each of a verb and the time that passes after it.
    pub(super) acts: Vec<Act>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) struct Act {
    /// The verb.
    pub(super) verb: String,
    /// How long until the next.
    pub(super) then: &'static str,
}

impl Act {
    /// As lines of a story.
    pub(super) fn lines(&self) -> String {
        format!("{}\nrun {}\n", self.verb, self.then)
    }
}

impl Course {
    /// The course of a seed.
    pub(super) fn draw(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let storage = (1..=dice.below(4)).map(|number| format!("storage-{number:02}")).collect();
        let mut course = Self { seed: dice.below(1_000), storage, setting: Vec::new(), acts: Vec::new() };
        course.draw_setting(&mut dice);
        let acts = 2 + dice.below(14);
        course.acts.push(Act { verb: format!("want {NEW}"), then: course.pause(&mut dice) });
        for _ in 0..acts {
            let act = Act { verb: course.draw_verb(&mut dice), then: course.pause(&mut dice) };
            course.acts.push(act);
        }
        course
    }

    fn draw_setting(&mut self, dice: &mut Dice) {
        let devices = dice.one_of(&[0, 1, 3, 12, 30]);
        if devices > 0 {
            let os = dice.one_of(&["Windows", "Mac", "Linux"]);
            let hours = dice.one_of(&["", "", " office"]);
            self.setting.push(format!("devices {devices} CrashPlan 4.2.0 {os}{hours}"));
        }
        if dice.percent(60) {
            self.setting.push("waited".to_owned());
        }
        if dice.percent(25) {
            self.setting.push("set backup {volumeSnapshotClass: csi}".to_owned());
        }
        if dice.percent(15) {
            self.setting.push("set approvals {servers: Manual}".to_owned());
        }
        if dice.percent(15) {
            let window =
                "{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], start: \"20:00\", duration: 8h, timeZone: UTC}";
            self.setting.push(format!("set windows {{servers: [{window}]}}"));
        }
        if dice.percent(25) {
            self.setting.push("set devices.waves [1, 50%, 100%]".to_owned());
            self.setting.push(format!("set devices.pause {}", dice.one_of(&["1h", "1d"])));
        }
        if dice.percent(25) {
            for server in self.servers() {
                let path = match server.as_str() {
                    "authority" => "authority.imageFrom".to_owned(),
                    name => format!("storage.{name}.imageFrom"),
                };
                self.setting.push(format!("set {path} Git"));
            }
        }
    }

    #[expect(clippy::unused_self, reason = "reads as the other draws do")]
    fn pause(&self, dice: &mut Dice) -> &'static str {
        dice.one_of(&["1m", "1m", "3m", "10m", "10m", "30m", "2h", "7h", "26h"])
    }

    /// All servers, the authority first.
    pub(super) fn servers(&self) -> Vec<String> {
        let authority = "authority".to_owned();
        std::iter::once(authority).chain(self.storage.iter().cloned()).collect()
    }

    fn draw_verb(&self, dice: &mut Dice) -> String {
        let servers = self.servers();
        let server = &servers[usize::try_from(dice.below(servers.len() as u64)).unwrap()];
        let version = dice.one_of(&[OLD, NEW]);
        match dice.below(40) {
            0 => "want nothing".to_owned(),
            1 => format!("want {OLD}"),
            2..=4 => format!("want {NEW}"),
            5 => format!("set paused {}", dice.one_of(&["true", "false"])),
            6 => format!("order {}", dice.one_of(&["Pause", "Pause now", "Resume", "Resume"])),
            7 => format!("order {}", dice.one_of(&["Abandon", "Retry", "Adopt", "Adopt"])),
            8 => format!("order Approve {OLD}->{NEW} servers"),
            9 | 10 => format!("offline {server}"),
            11 | 12 => format!("online {server}"),
            13 => format!("restore {server} {OLD}"),
            14 => format!("hand {server} {NEW}"),
            15..=17 => format!("pod {server} restarts"),
            18 => format!("catch {server} opens"),
            19 => format!("scale {server} {}", dice.one_of(&["0", "1"])),
            20..=22 => format!("commit {server} {version}"),
            23..=25 => {
                format!(
                    "workload {server} {}",
                    dice.one_of(&["broken", "missing", "unfit", "denied", "well"])
                )
            }
            26 => format!(
                "access {}",
                dice.one_of(&["Refused", "Unreachable", "SecretMissing", "AccountNotUsable", "Untrusted"])
            ),
            27 => {
                let resource = dice.one_of(&["Server", "Computer", "serverSettings", "all"]);
                format!(
                    "fault {resource} {}",
                    dice.one_of(&["Html", "TimeOut", "Unauthorised", "HalfAnswer"])
                )
            }
            28 | 29 => "heal".to_owned(),
            30 => format!("image {NEW} {}", dice.one_of(&["cannot be pulled", "can be pulled"])),
            31 => format!("backup {}", dice.one_of(&["fails the class is gone", "hangs", "works"])),
            32 => format!("switch {}", dice.one_of(&["on", "off"])),
            33..=35 => "crash".to_owned(),
            36 => format!("operator down {}", dice.one_of(&["10m", "3h", "30h"])),
            37 => dice.one_of(&["claimed by other/one", "claim released"]).to_owned(),
            38 => format!("set devices.waves {}", dice.one_of(&["[100%]", "[1, 100%]", "[2, 20%, 100%]"])),
            _ => format!(
                "clock {} {}",
                dice.one_of(&["api", "authority"]),
                dice.one_of(&["+2h", "-2h", "+50h"])
            ),
        }
    }

    /// The servers and the object, before anything happens.
    pub(super) fn beginning(&self) -> String {
        let mut lines = vec![format!("seed {}", self.seed), format!("authority authority {OLD}")];
        lines.extend(self.storage.iter().map(|name| format!("storage {name} {OLD}")));
        let (devices, object): (Vec<&String>, Vec<&String>) =
            self.setting.iter().partition(|line| line.starts_with("devices"));
        lines.extend(devices.into_iter().chain(object).cloned());
        lines.join("\n") + "\n"
    }

    /// Everything that happens.
    pub(super) fn middle(&self) -> String {
        self.acts.iter().map(Act::lines).collect()
    }

    /// All troubles end.
    pub(super) fn mending(&self) -> String {
        let mut lines: Vec<String> =
            ["heal", "backup works", "switch off", "claim released", "set paused false"]
                .map(str::to_owned)
                .to_vec();
        lines.push(format!("image {NEW} can be pulled"));
        for server in self.servers() {
            lines.push(format!("workload {server} well"));
            lines.push(format!("scale {server} 1"));
            lines.push(format!("online {server}"));
        }
        lines.extend(self.clocks_back());
        lines.push("order Resume".to_owned());
        lines.push(format!("want {NEW}"));
        lines.join("\n") + "\n"
    }

    /// Clocks that were wrong are set right.
    fn clocks_back(&self) -> Vec<String> {
        let mut shifts: BTreeMap<&str, i64> = BTreeMap::new();
        for act in &self.acts {
            if let Some((witness, hours)) =
                act.verb.strip_prefix("clock ").and_then(|rest| rest.split_once(' '))
            {
                *shifts.entry(witness).or_default() += hours.trim_end_matches('h').parse::<i64>().unwrap();
            }
        }
        shifts
            .into_iter()
            .filter(|(_, hours)| *hours != 0)
            .map(|(witness, hours)| format!("clock {witness} {:+}h", -hours))
            .collect()
    }
}
