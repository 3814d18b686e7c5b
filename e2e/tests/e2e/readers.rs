//! Exports opened by the tools they are made for: Label Studio's converter, pycocotools, globox, pandas, NLTK, mlcroissant.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use cairn_e2e::root;
use cairn_formats::{
    Answer, BoxShape, Fields, Item, ItemKind, Job, JobKind, Label, Polygon, Size, Span,
    export::{self, Format, Out},
};
use serde_json::{Value, json};

const NAMES: [&str; 6] = ["plain", "two words", "comma, \"quote\" & <angle>", "Grüße 数字", "sub folder/deep", "=1+1;x"];
const TEXT: &str = "Größe: Anna Lee of Acme Corp., Bonn (数字) met Bob.";

#[test]
fn every_format_is_opened_by_its_own_tools() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    let mut expected = serde_json::Map::new();
    for kind in JobKind::ALL {
        let job = job(kind);
        let items: Vec<Item> = (0..12).map(|task| item(&job, task, &folder.path().join("items"))).collect();
        for format in Format::ALL.into_iter().filter(|f| f.check(&job).is_ok()) {
            let name = if format == Format::LabelStudio { "tasks.json" } else { format.name() };
            write(format, &job, &items, &folder.path().join(kind.name()).join(name));
        }
        expected.insert(kind.name().to_owned(), expectation(&job, &items));
    }
    fs::write(folder.path().join("expected.json"), Value::Object(expected).to_string()).unwrap();
    let out = Command::new(python).arg(root().join("e2e/readers/check.py")).arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(said.lines().filter(|l| l.starts_with("ok ")).count(), 8, "{said}");
}

/// The Python that has the readers, and cosmpy.
pub(crate) fn python() -> PathBuf {
    let cache = std::env::var("CAIRN_CACHE").expect("CAIRN_CACHE names the cache; run the tests with 'make test'");
    let python = Path::new(&cache).join("readers/bin/python");
    assert!(python.exists(), "{} is not there; 'localnet/tools.sh test' installs the readers of exports", python.display());
    python
}

fn write(format: Format, job: &Job, items: &[Item], out: &Path) {
    fs::create_dir_all(out.parent().unwrap()).unwrap();
    let mut exporter = export::open(format, job, Out::Path(out.to_owned())).unwrap();
    items.iter().for_each(|item| exporter.item(item).unwrap());
    exporter.finish().unwrap();
}

fn job(kind: JobKind) -> Job {
    let classes: &[&str] = match kind {
        JobKind::Pairwise => &["left", "right", "tie"],
        JobKind::Verify => &["reject", "accept"],
        JobKind::Span => &["PER", "ORG", "LOC"],
        _ => &["cat", "dog & \"co\"", "Vögel", "never used"],
    };
    let item_kind = match kind {
        JobKind::Classify | JobKind::MultiLabel | JobKind::Box | JobKind::Polygon => ItemKind::Image,
        JobKind::Audio => ItemKind::Audio,
        JobKind::Pairwise | JobKind::Span | JobKind::Text | JobKind::Verify => ItemKind::Text,
    };
    Job {
        chain: "cairn-test-1".into(),
        id: 7,
        title: "A job".into(),
        description: "What is it?".into(),
        kind,
        item_kind,
        classes: classes.iter().map(|c| (*c).to_owned()).collect(),
        tasks: 12,
        overlap: 3,
        workers: 5,
        state: "CLOSED".into(),
        settled: true,
        model: "dawid-skene".into(),
        digest: "ab".repeat(32),
        manifest_root: "cd".repeat(32),
        contributors_root: "ef".repeat(32),
        requester: "cairn1requester".into(),
        asset: 3,
        media_type: "image/png".into(),
        licence: "https://creativecommons.org/licenses/by/4.0/".into(),
        gateways: vec!["https://gateway.example".into()],
        date: "2026-11-22".into(),
    }
}

/// Task 11 was labelled by nobody; the answers of task 10 are empty where they can be.
fn item(job: &Job, task: u32, folder: &Path) -> Item {
    let size = Size { width: 20 + task, height: 30 - task };
    let name = format!("{} {task}", NAMES[task as usize % NAMES.len()]);
    let is_image = job.item_kind == ItemKind::Image;
    let name = if is_image { format!("{name}.png") } else { name };
    let path = folder.join(&name);
    if is_image {
        picture(&path, size);
    }
    let answer = (task != 11).then(|| answer(job, task, size));
    let options = if job.kind.is_one_class() || job.kind == JobKind::MultiLabel { job.classes.len() } else { 1 };
    let known = if answer.is_some() { options } else { 0 };
    Item {
        task,
        name,
        sha256: None,
        bytes: None,
        size: is_image.then_some(size),
        text: (job.item_kind == ItemKind::Text).then(|| TEXT.to_owned()),
        path: is_image.then_some(path),
        posterior: (0..known).map(|n| u16::try_from(n * 1_000).unwrap() + u16::try_from(task).unwrap()).collect(),
        votes: (0..known).map(|n| u32::try_from(n).unwrap()).collect(),
        gold: answer.clone().filter(|_| task == 0),
        labels: answer
            .iter()
            .map(|a| Label { worker: format!("{task:032x}"), answer: a.clone(), late: false, paid: true, reason: "SKILL".into() })
            .collect(),
        answer,
    }
}

fn answer(job: &Job, task: u32, size: Size) -> Answer {
    let empty = task == 10;
    let class = u16::try_from(task % 3).unwrap().min(u16::try_from(job.classes.len()).unwrap() - 1);
    match job.kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Verify => Answer::Class(class),
        JobKind::MultiLabel if empty => Answer::Set(vec![]),
        JobKind::MultiLabel => Answer::Set((0..=class).collect()),
        JobKind::Box if empty => Answer::Boxes(vec![]),
        JobKind::Box => Answer::Boxes(vec![
            BoxShape { class, x: task, y: 2, width: 3, height: 4 },
            BoxShape { class: 1, x: 0, y: 0, width: size.width, height: size.height },
        ]),
        JobKind::Polygon if empty => Answer::Polygons(vec![]),
        JobKind::Polygon => Answer::Polygons(vec![Polygon { class, points: vec![(0, 0), (9, 1), (size.width, size.height), (2, 8)] }]),
        JobKind::Span if empty => Answer::Spans(vec![]),
        JobKind::Span => Answer::Spans(vec![
            Span { class: 0, start: 7, end: 15 },
            Span { class: 1, start: 19, end: 29 },
            Span { class: 2, start: 31, end: 35 },
        ]),
        JobKind::Text | JobKind::Audio => Answer::Text(format!("line {task}, \"quoted\"\nsecond line <b> ü")),
    }
}

fn picture(path: &Path, size: Size) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), size.width, size.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&vec![7; (size.width * size.height) as usize]).unwrap();
}

/// What the readers must find.
fn expectation(job: &Job, items: &[Item]) -> Value {
    let answer = |item: &Item| {
        let fields = serde_json::to_value(Fields::of(item.answer.as_ref()?, &job.classes)).unwrap();
        fields.as_object().unwrap().values().next().cloned()
    };
    let row = |item: &Item| {
        json!({
            "item": item.name, "answer": answer(item), "votes": item.votes, "posterior": item.posterior, "text": item.text,
            "size": item.size.map(|s| [s.width, s.height]), "workers": item.labels.iter().map(|l| &l.worker).collect::<Vec<_>>(),
            "stem": item.name.trim_end_matches(".png").replace(['/', '"', '<', '>'], "_"),
        })
    };
    json!({ "field": job.kind.field(), "classes": job.classes, "items": items.iter().map(row).collect::<Vec<_>>() })
}
