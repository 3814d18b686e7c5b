//! The commands for models, on pictures and labels of a folder.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// Bars that lie, and bars that stand, each in four places with four shades.
fn write(folder: &Path) {
    let mut labels = String::new();
    for number in 0..32_u8 {
        let (class, place, shade) = (number % 2, number / 2 % 4, 255 - number / 8 * 40);
        let pixel = |at: u8| if [at / 4, at % 4][usize::from(class)] == place { shade } else { 0 };
        let name = format!("{number}.png");
        let mut encoder = png::Encoder::new(File::create(folder.join(&name)).unwrap(), 4, 4);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&(0..16).map(pixel).collect::<Vec<_>>()).unwrap();
        let class = ["lies", "stands"][usize::from(class)];
        labels += &format!("{{\"item\":\"{name}\",\"class\":\"{class}\",\"confidence\":0.9}}\n");
    }
    fs::write(folder.join("labels.jsonl"), labels).unwrap();
}

/// Runs the program in a folder: what it prints, or what it says it cannot do.
fn agent(folder: &Path, command: &str) -> Result<String, String> {
    let out = Command::new(env!("CARGO_BIN_EXE_cairn-agent")).current_dir(folder).args(command.split(' ')).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if out.status.success() { Ok(text(out.stdout)) } else { Err(text(out.stderr)) }
}

#[test]
fn models_are_trained_inspected_rated_and_asked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| agent(folder.path(), command);
    write(folder.path());
    for kind in ["mlp", "cnn"] {
        assert_eq!(fs::remove_file(folder.path().join("m.safetensors")).is_ok(), kind == "cnn");
        let train = format!(
            "models train --items . --labels labels.jsonl --kind {kind} --out m.safetensors --network {kind}.safetensors --held-out 0.25 --name bars"
        );
        let report: serde_json::Value = serde_json::from_str(&run(&train).unwrap()).unwrap();
        assert_eq!((&report["learnt_from"], &report["held_out"]["integers"]["of"]), (&24.into(), &8.into()), "{report}");
        assert!(run(&train).unwrap_err().contains("is there already"));
        let told: serde_json::Value = serde_json::from_str(&run("models inspect m.safetensors").unwrap()).unwrap();
        assert_eq!((&told["hash"], &told["program"]), (&report["hash"], &report["program"]));
        assert_eq!((&told["card"]["name"], &told["card"]["classes"]), (&"bars".into(), &serde_json::json!(["lies", "stands"])));
        let rated = run("models accuracy m.safetensors --items . --labels labels.jsonl").unwrap();
        assert_eq!(rated.trim(), r#"{"right":32,"of":32}"#);
        let quantise =
            format!("models quantise {kind}.safetensors --items . --labels labels.jsonl --out {kind}.8.safetensors --held-out 0.25");
        let again: serde_json::Value = serde_json::from_str(&run(&quantise).unwrap()).unwrap();
        assert_eq!(again["held_out"]["integers"], serde_json::json!({"right": 8, "of": 8}));
        assert!(run(&format!("{quantise} --classes one,two")).unwrap_err().contains("is there already"));
        let named = format!("models quantise {kind}.safetensors --items . --labels labels.jsonl --out none --classes");
        assert!(run(&format!("{named} one,two")).unwrap_err().contains("no class \"lies\""));
        assert!(run(&format!("{named} one")).unwrap_err().contains("2 outputs for 1 classes"));
        for device in ["reference", "flex"] {
            let found = run(&format!("models run m.safetensors 0.png 1.png --device {device}")).unwrap();
            assert_eq!(found, "0.png lies\n1.png stands\n");
        }
    }
    assert!(run("models run m.safetensors 0.png --device cuda").unwrap_err().contains("there is no device cuda"));
    assert!(run("models run m.safetensors labels.jsonl").unwrap_err().contains("labels.jsonl"));
    fs::write(folder.path().join("other.jsonl"), "{\"item\":\"0.png\",\"class\":\"leans\"}\n").unwrap();
    assert!(run("models accuracy m.safetensors --items . --labels other.jsonl").unwrap_err().contains("no class \"leans\""));
    fs::write(folder.path().join("m.safetensors"), "no model").unwrap();
    assert!(run("models inspect m.safetensors").is_err());
    fs::write(folder.path().join("n.onnx"), "no network").unwrap();
    assert!(run("models quantise n.onnx --items . --labels labels.jsonl --out none").unwrap_err().contains("n.onnx"));
}
