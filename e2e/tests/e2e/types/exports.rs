//! Results as the chain tells them, in every format that holds them: refused before there is one, written from the chain and the gateway alone.
use std::{fs, path::Path};

use cairn_formats::{ItemKind, JobKind, export::Format};
use serde_json::Value;

use super::{Work, desk};

/// What the items of a job are.
fn item_kind(kind: JobKind) -> ItemKind {
    match kind {
        JobKind::Classify | JobKind::Box | JobKind::Polygon => ItemKind::Image,
        JobKind::Text => ItemKind::Audio,
        JobKind::Pairwise => ItemKind::Pair,
        JobKind::MultiLabel | JobKind::Verify | JobKind::Span | JobKind::Audio => ItemKind::Text,
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A job that is going on has no result, unless somebody insists.
pub(super) fn check_unsettled(work: &Work<'_>, job: u64) {
    let number = job.to_string();
    let told = work.network.cairnd_refused(&["job", "export", &number]);
    assert!(told.contains("is not settled") && told.contains("OPEN") && told.contains("--partial"), "{told}");
    let rows = lines(&work.network.cairnd(&["job", "export", &number, "--partial"]));
    assert!(!rows.is_empty() && rows.iter().all(|row| row["settled"] == false && row["confidence"].is_null()), "{} job {job}", work.kind);
}

/// Every format that holds the job is written, with contents from the gateway; others name those that can.
pub(super) fn check(work: &Work<'_>, job: u64) {
    let (folder, number, gateway) = (work.folder("exports"), job.to_string(), work.network.gateway());
    let (kind, items) = (work.kind, item_kind(work.kind));
    fs::create_dir_all(&folder).unwrap();
    let drafts = folder.join("drafts");
    for format in Format::ALL {
        let out = folder.join(format.name());
        let place = ["--out", out.to_str().unwrap(), "--from", "requester", "--gateway", &gateway, "--drafts", drafts.to_str().unwrap()];
        let what = ["job", "export", &number, "--format", format.name(), "--licence", "https://creativecommons.org/publicdomain/zero/1.0/"];
        let args = [&what[..], &place[..]].concat();
        if format.holds(kind, items) {
            let _told = work.network.cairnd(&args);
            assert!(out.exists(), "{kind} as {format}");
        } else {
            let told = work.network.cairnd_refused(&args);
            assert!(told.contains("these formats can: jsonl, csv"), "{kind} as {format}: {told}");
            assert!(!out.exists());
        }
    }
    let rows = lines(&fs::read_to_string(folder.join("jsonl")).unwrap());
    assert_eq!(rows.len(), if kind == JobKind::Pairwise { 28 } else { 20 });
    for row in &rows {
        let common = row["settled"] == true && !row["model"].as_str().unwrap().is_empty() && !row["votes"].as_array().unwrap().is_empty();
        assert!(common && row["confidence"].as_f64().unwrap() > 0.5 && !row["labels"].as_array().unwrap().is_empty(), "{kind}: {row}");
    }
    match kind {
        JobKind::Pairwise => ranking(work, &number),
        _ => rows.iter().for_each(|row| right(kind, row, &drafts)),
    }
    if kind == JobKind::Span {
        let tokens = fs::read_to_string(folder.join("conll/data.conll")).unwrap();
        assert_eq!(tokens.matches(" B-word\n").count(), 20, "{tokens}");
    }
    if matches!(kind, JobKind::Box | JobKind::Polygon) {
        assert_eq!(fs::read_dir(folder.join("yolo/images/train")).unwrap().count(), 20, "pictures from the gateway");
    }
}

/// The answer of a row is what its item says.
fn right(kind: JobKind, row: &Value, drafts: &Path) {
    let n = row["item"].as_str().unwrap()[..2].parse().unwrap();
    if kind == JobKind::Audio {
        let recording = fs::read(drafts.join(row["transcript"].as_str().unwrap())).unwrap();
        assert!(recording.starts_with(b"RIFF") && desk::number(&recording) == n, "{row}");
        return;
    }
    let (field, value) = desk::right(kind, n);
    assert_eq!(row[field], value, "{kind}: {row}");
    if desk::produces(kind) {
        let labels = row["labels"].as_array().unwrap();
        assert!(labels.len() == 2 && labels.iter().any(|label| label["reason"] == "ACCEPTED"), "{row}");
    }
}

/// The contestants by name, the strongest first.
fn ranking(work: &Work<'_>, number: &str) {
    let table = work.network.cairnd(&["job", "export", number, "--format", "ranking"]);
    let names: Vec<&str> = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    let expected: Vec<String> = (0..desk::CONTESTANTS).rev().map(|n| format!("{n:02}.png")).collect();
    assert_eq!(names, expected, "{table}");
}
