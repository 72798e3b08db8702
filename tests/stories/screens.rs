//! Every screen over what stories came to say: the statuses are those of the planner, played by the simulator, and none is written by hand.
//!
//! `UPDATE_SCREENS=1 cargo test --test stories screens` writes the pictures under `tests/screens/` anew; look at them before they are committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use codeupgrade::api::CodeUpgrade;
use codeupgrade::screens::{
    Environment, Glyphs, Outcome, Paint, Paper, environments, explain, history, releases, status,
};
use codeupgrade::simulator::script::{Script, Situation, run};
use serde_json::json;

/// What a picture is called, and in which story it comes about with which phase and reason.
const SITUATIONS: [(&str, &str, &str, &str); 36] = [
    ("observing", "observe-only", "Observing", "Observing"),
    ("verifying", "article", "Checking", "NotYetObserved"),
    ("waiting-for-24-hours", "article", "Waiting", "PostUpgradeWait"),
    ("upgrading", "several-storage-servers", "Upgrading", "Upgrading"),
    ("rolling-out", "waves-and-pauses", "RollingOut", "RollingOut"),
    ("first-device", "article", "RollingOut", "FirstDeviceAwaited"),
    ("pause-between-waves", "waves-and-pauses", "RollingOut", "WavePause"),
    ("done", "article", "Done", "Done"),
    ("window-closed", "window-waits", "Waiting", "OutsideWindow"),
    ("frozen", "freeze", "Waiting", "Frozen"),
    ("files-are-read", "files-before-the-hop", "Waiting", "FileAwaited"),
    ("backup-is-made", "backup-before-the-hop", "Waiting", "BackupAwaited"),
    ("not-yet-proven", "proven-elsewhere", "Waiting", "NotYetProven"),
    ("server-offline", "server-offline", "Waiting", "ServerOffline"),
    ("approval-of-servers", "approval-bound-to-the-hop", "Suspended", "ApprovalNeeded"),
    ("approval-of-devices", "approval-of-devices", "Suspended", "ApprovalNeeded"),
    ("paused-by-order", "pause-in-hop", "Suspended", "Paused"),
    ("by-hand", "manual-authority", "Suspended", "ManualStep"),
    ("adoption", "moved-from-outside", "Suspended", "AdoptionNeeded"),
    ("risk", "matrix-degraded", "Suspended", "RiskNotAccepted"),
    ("wave-overdue", "rollout-wave-overdue", "Suspended", "WaveOverdue"),
    ("no-path", "missing-edge", "Stalled", "NoPath"),
    ("group-halted", "group-halts", "Stalled", "GroupHalted"),
    ("storage-broken", "broken-storage", "Stalled", "ServerFailing"),
    ("job-failed", "job-fails", "Stalled", "ServerFailing"),
    ("deadline", "slow-then-overdue", "Stalled", "DeadlinePassed"),
    ("hook-said-no", "hook-after-a-server-says-no", "Stalled", "HookFailed"),
    ("backup-failed", "backup-by-a-job-fails", "Stalled", "BackupFailed"),
    ("restored-by-hand", "restore-at-three", "Stalled", "RestoredByHand"),
    ("storage-ahead", "storage-ahead", "Stalled", "StorageAhead"),
    ("wrong-password", "access-wrong-password", "Stalled", "CredentialsRefused"),
    ("unreachable", "access-unreachable", "Stalled", "AuthorityUnreachable"),
    ("file-wrong", "files-wrong-sum", "Stalled", "FileWrong"),
    ("rights-missing", "workload-rights", "Stalled", "RightsMissing"),
    ("other-authority", "other-authority", "Stalled", "OtherAuthority"),
    ("devices-refused", "path-no-matrix-row-for-3.7", "Stalled", "DevicesRefused"),
];

/// What a story's object came to say.
fn situations_of(story: &str) -> Vec<Situation> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scripts/{story}.txt"));
    let script = Script::parse(&fs::read_to_string(path).unwrap()).unwrap();
    run(&script, None).unwrap().situations
}

/// Whether the pictures are to be written anew.
fn update() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
    let update = std::env::var_os("UPDATE_SCREENS").is_some();
    update
}

/// The situations of the stories, each played once.
fn situations() -> Vec<(&'static str, Situation)> {
    let mut stories: Vec<&str> = SITUATIONS.iter().map(|(_, story, ..)| *story).collect();
    stories.sort_unstable();
    stories.dedup();
    let queue = Mutex::new(stories);
    let played = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(story) = queue.lock().unwrap().pop() else { return };
                    let situations = situations_of(story);
                    played.lock().unwrap().insert(story, situations);
                }
            });
        }
    });
    let played = played.into_inner().unwrap();
    SITUATIONS
        .iter()
        .map(|(name, story, phase, reason)| {
            let is_this = |found: &&Situation| found.status.phase == *phase && found.status.reason == *reason;
            let found = played[story].iter().find(is_this).cloned();
            (*name, found.unwrap_or_else(|| panic!("{story} never says {phase} {reason}")))
        })
        .collect()
}

fn environment(situation: &Situation) -> Environment {
    let object = json!({
        "metadata": {"name": "production", "namespace": "code42", "generation": 1},
        "spec": {"authority": {"url": "https://code42.example:4285", "credentials": "code42-api"}},
    });
    let mut object: CodeUpgrade = serde_json::from_value(object).unwrap();
    let mut status = situation.status.clone();
    status.observed_generation = Some(1);
    object.status = Some(status);
    Environment::of(&object)
}

const COLOURED: Paper = Paper { paint: Paint::Coloured, ..Paper::plain(80) };

/// All screens of one situation.
fn picture(situation: &Situation) -> String {
    let (shown, now) = (environment(situation), situation.at);
    let mut text = format!("== kubectl get\n{} {}\n", situation.status.phase, situation.status.message);
    for columns in [80, 140] {
        let paper = Paper::plain(columns);
        write!(text, "\n== status, {columns} columns\n{}", status::render(&shown, &paper, now)).unwrap();
        write!(text, "\n== explain, {columns} columns\n{}", explain::render(&shown, &paper, now)).unwrap();
    }
    let coloured = status::render(&shown, &COLOURED, now).replace("\x1b[", "<").replace("<0m", "<>");
    write!(text, "\n== status in colour, 80 columns\n{coloured}").unwrap();
    text
}

#[test]
fn screens_show_what_stories_came_to_say() {
    let mut wrong = Vec::new();
    for (name, situation) in situations() {
        let found = picture(&situation);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
        if update() {
            fs::write(&path, &found).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(format!("== {name}\n{found}"));
        }
        agree(name, &situation);
    }
    assert!(wrong.is_empty(), "screens that show something else than before:\n{}", wrong.join("\n"));
}

/// `kubectl get`, `status` and `explain` say one sentence, to the word; colours and signs change nothing of it; what a person must do is
/// in both; a picture that is folded to a height fits it and keeps the sentence.
fn agree(name: &str, situation: &Situation) {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, now) = (environment(situation), situation.at);
    let (sentence, mend) = (flat(&situation.status.message), situation.status.mend.as_deref().map(flat));
    for columns in [60, 80, 140] {
        let paper = Paper::plain(columns);
        let screens = [status::render(&shown, &paper, now), explain::render(&shown, &paper, now)];
        for screen in &screens {
            assert!(flat(screen).contains(&sentence), "{name}: {sentence}\n{screen}");
            assert!(
                mend.as_ref().is_none_or(|mend| flat(screen).contains(mend)),
                "{name}: {mend:?}\n{screen}"
            );
        }
        let several = environments::render(std::slice::from_ref(&shown), &paper, now);
        assert!(flat(&several).contains(&sentence), "{name}: {sentence}\n{several}");
        for ask in &situation.status.asks {
            assert!(flat(&screens[1]).contains(&shown.command(ask)), "{name}: {ask:?}\n{}", screens[1]);
        }
    }
    let plain = status::render(&shown, &Paper::plain(80), now);
    assert!(!plain.contains('\x1b'), "{name}: {plain}");
    let mut bare = status::render(&shown, &COLOURED, now);
    for code in ["0", "1", "2", "31", "32", "33", "36"] {
        bare = bare.replace(&format!("\x1b[{code}m"), "");
    }
    assert_eq!(bare, plain, "{name}");
    let ascii = Paper { glyphs: Glyphs::Ascii, ..Paper::plain(80) };
    let ascii = status::render(&shown, &ascii, now);
    assert!(
        ascii.chars().all(|letter| letter.is_ascii() || situation.status.message.contains(letter)),
        "{ascii}"
    );
    for rows in [12, 16, 24] {
        let low = status::render(&shown, &Paper { rows: Some(rows), ..Paper::plain(80) }, now);
        assert!(low.lines().count() <= rows, "{name}: {low}");
        assert!(flat(&low).contains(&sentence), "{name}: {low}");
    }
    // What has no content is no error either.
    let _ =
        (history::render(&shown, &[], &Paper::plain(80), now), releases::render(&shown, &Paper::plain(80)));
}

/// Stories whose last status answers a change ticket, and what it says of the hop.
const TICKETS: [(&str, &str); 4] = [
    ("approval-bound-to-the-hop", "approved  by someone"),
    ("backup-before-the-hop", "backup    of "),
    ("matrix-degraded", "Degraded: CHG-5"),
    ("several-storage-servers", " without backups"),
];

#[test]
fn history_answers_a_change_ticket() {
    let mut found = String::new();
    for (story, said) in TICKETS {
        let last = situations_of(story).pop().unwrap();
        let screen = history::render(&environment(&last), &[], &Paper::plain(80), last.at);
        assert!(screen.contains(said), "{story}: {screen}");
        write!(found, "== {story}\n{screen}\n").unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/history.txt");
    if update() {
        fs::write(&path, &found).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), found);
}

#[test]
fn an_object_that_nobody_has_looked_at_is_under_way() {
    let object = json!({
        "metadata": {"name": "production", "namespace": "code42", "generation": 2},
        "spec": {"authority": {"url": "https://code42.example:4285", "credentials": "code42-api"}},
    });
    let mut object: CodeUpgrade = serde_json::from_value(object).unwrap();
    let unseen = Environment::of(&object);
    assert_eq!(unseen.outcome, Outcome::UnderWay);
    let now = "2016-03-01T08:00:00Z".parse().unwrap();
    assert!(status::render(&unseen, &Paper::plain(80), now).contains("has not looked at it yet"));
    object.status =
        serde_json::from_value(json!({"observedGeneration": 1, "phase": "Done", "message": "done"})).unwrap();
    let edited = Environment::of(&object);
    assert_eq!(edited.outcome, Outcome::UnderWay);
    assert!(status::render(&edited, &Paper::plain(80), now).contains("the last edit of the spec"));
}

#[test]
fn the_worst_environment_is_shown_first() {
    let wanted = ["done", "group-halted", "approval-of-servers", "waiting-for-24-hours"];
    let found: Vec<(&str, Situation)> =
        situations().into_iter().filter(|(name, _)| wanted.contains(name)).collect();
    let at = found[0].1.at;
    let environments: Vec<Environment> = found
        .iter()
        .map(|(name, situation)| Environment { name: (*name).to_owned(), ..environment(situation) })
        .collect();
    let screen = environments::render(&environments, &Paper::plain(80), at);
    let order: Vec<&str> =
        screen.lines().filter_map(|line| line.split("code42/").nth(1)?.split(' ').next()).collect();
    assert_eq!(order, ["group-halted", "approval-of-servers", "waiting-for-24-hours", "done"], "{screen}");
    let sum = "4 environments: 1 stalled, 1 waiting for a person, 1 under way, 1 as wanted";
    assert!(screen.ends_with(&format!("{sum}\n")), "{screen}");
}
