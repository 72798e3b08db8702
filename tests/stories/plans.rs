//! What `codeupgrade plan` prints without a cluster: each folder of `tests/plans` is an upgrade, an environment and what
//! is expected of them.

use std::fs;
use std::path::Path;
use std::process::Command;

fn plan(folder: &Path, output: &str) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codeupgrade"));
    command.args(["plan", "--output", output]);
    command.arg("--file").arg(folder.join("upgrade.yaml"));
    command.arg("--environment").arg(folder.join("environment.yaml"));
    if folder.join("catalog").is_dir() {
        command.arg("--catalog").arg(folder.join("catalog"));
    }
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn every_plan_reads_as_written() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the test itself")]
    let update = std::env::var_os("UPDATE_SCRIPTS").is_some();
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans")).unwrap();
    let mut seen = 0;
    for folder in folders {
        let folder = folder.unwrap().path();
        let (success, text, problem) = plan(&folder, "text");
        assert!(success, "{}: {problem}", folder.display());
        let golden = folder.join("plan.out");
        if update {
            fs::write(&golden, &text).unwrap();
        }
        similar(&fs::read_to_string(&golden).unwrap_or_default(), &text, &folder);
        let (_, json, _) = plan(&folder, "json");
        let (_, yaml, _) = plan(&folder, "yaml");
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json, serde_saphyr::from_str::<serde_json::Value>(&yaml).unwrap());
        let is_numbered =
            |line: &&str| line.get(2..4).is_some_and(|number| number.trim().parse::<u8>().is_ok());
        assert_eq!(json["plan"].as_array().map_or(0, Vec::len), text.lines().filter(is_numbered).count());
        seen += 1;
    }
    assert!(seen >= 3, "{seen} plans");
}

fn similar(expected: &str, found: &str, folder: &Path) {
    assert!(expected == found, "{}:\n--- expected\n{expected}\n--- found\n{found}", folder.display());
}

#[test]
fn bad_input_is_told_with_its_place() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans/article");
    let broken = tempfile::tempdir().unwrap();
    for (file, text, said) in [
        ("upgrade.yaml", "kind: Pod\n", "no document in it is of kind CodeUpgrade"),
        ("upgrade.yaml", "kind: CodeUpgrade\nspec: {authority: 3}\n", "upgrade.yaml: "),
        ("environment.yaml", "authority: {version: new}\n", "environment.yaml: "),
    ] {
        for name in ["upgrade.yaml", "environment.yaml"] {
            fs::copy(folder.join(name), broken.path().join(name)).unwrap();
        }
        fs::write(broken.path().join(file), text).unwrap();
        let (success, _, problem) = plan(broken.path(), "text");
        assert!(!success && problem.contains(said), "{problem}");
    }
}
