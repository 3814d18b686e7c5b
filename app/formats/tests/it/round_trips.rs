//! Export, then import: the same items, the same answers.
use std::{collections::BTreeMap, fs, path::Path};

use cairn_formats::{
    Answer, Error, Item, ItemKind, Job, JobKind,
    export::{self, Done, Format, Out, Row},
    import::{self, Source},
};

use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::generate;

/// Writes all items and tells what was written.
pub(crate) fn export(format: Format, job: &Job, items: &[Item], out: &Path) -> Done {
    let mut exporter = export::open(format, job, Out::Path(out.to_owned())).unwrap();
    items.iter().for_each(|item| exporter.item(item).unwrap());
    exporter.finish().unwrap()
}

/// Name, hash and answer of what an import of the list finds.
fn import(job: &Job, folder: &Path, list: &Path) -> BTreeMap<String, (String, Option<Answer>)> {
    let source = Source {
        folder,
        list: Some(list),
        apart: &[],
        item_kind: job.item_kind,
        job_kind: job.kind,
        classes: &job.classes,
        item_bytes: 1 << 20,
    };
    let found = import::import(&source, &mut |_| {}).unwrap();
    found.items.into_iter().map(|i| (i.name.into(), (hex::encode(i.sha256), i.answer.map(|a| *a)))).collect()
}

fn expected(items: &[Item]) -> BTreeMap<String, (String, Option<Answer>)> {
    items.iter().map(|i| (i.name.clone(), (i.sha256.clone().unwrap(), i.answer.clone()))).collect()
}

/// Formats that are lists of items too.
const LISTS: [(Format, &str); 4] =
    [(Format::Jsonl, "out.jsonl"), (Format::Csv, "out.csv"), (Format::LabelStudio, "out.json"), (Format::Coco, "out.json")];

#[test]
fn what_is_exported_is_imported_again() {
    for (kind, seed) in JobKind::ALL.into_iter().zip(1_u64..) {
        let job = generate::job(kind, generate::item_kind(kind));
        let folder = tempfile::tempdir().unwrap();
        let items = generate::items(&job, 60, seed, &folder.path().join("items"));
        for (format, name) in LISTS.into_iter().filter(|(f, _)| f.holds(kind, job.item_kind)) {
            let list = folder.path().join(name);
            let done = export(format, &job, &items, &list);
            assert_eq!(done.written[0], list);
            assert_eq!(import(&job, &folder.path().join("items"), &list), expected(&items), "{format} of {kind}");
        }
    }
}

#[test]
fn json_lines_hold_everything_but_where_the_content_lies() {
    for (kind, seed) in JobKind::ALL.into_iter().zip(100_u64..) {
        let job = generate::job(kind, generate::item_kind(kind));
        let folder = tempfile::tempdir().unwrap();
        let items = generate::items(&job, 60, seed, &folder.path().join("items"));
        let path = folder.path().join("out.jsonl");
        export(Format::Jsonl, &job, &items, &path);
        let text = fs::read_to_string(&path).unwrap();
        let back: Vec<Item> = text.lines().map(|line| serde_json::from_str::<Row>(line).unwrap().item(&job).unwrap()).collect();
        let without_path: Vec<Item> = items.into_iter().map(|item| Item { path: None, ..item }).collect();
        assert_eq!(back, without_path, "{kind}");
    }
}

#[test]
fn an_export_of_nothing_is_a_file_that_readers_open() {
    let folder = tempfile::tempdir().unwrap();
    let job = generate::job(JobKind::Box, ItemKind::Image);
    for (format, name) in LISTS {
        let out = folder.path().join(name);
        export(format, &job, &[], &out);
        let text = fs::read_to_string(&out).unwrap();
        match format {
            Format::Jsonl => assert_eq!(text, ""),
            Format::Csv => assert_eq!(text.lines().count(), 1),
            _ => drop(serde_json::from_str::<serde_json::Value>(&text).unwrap()),
        }
    }
}

#[test]
fn a_format_without_place_for_the_answers_names_those_that_have_one() {
    let refused = |format: Format, kind, items| {
        let Err(err) = format.check(&generate::job(kind, items)) else { panic!("{format} takes {kind}") };
        assert!(matches!(err, Error::Unfit { .. }));
        err.to_string()
    };
    let text = refused(Format::Coco, JobKind::Span, ItemKind::Text);
    assert!(
        text.starts_with("coco cannot hold the answers of SPAN jobs over these items; these formats can: jsonl, csv, label-studio"),
        "{text}"
    );
    for (format, kind, items) in [
        (Format::Coco, JobKind::Classify, ItemKind::Text),
        (Format::Yolo, JobKind::MultiLabel, ItemKind::Image),
        (Format::Voc, JobKind::Polygon, ItemKind::Image),
        (Format::Conll, JobKind::Text, ItemKind::Text),
    ] {
        refused(format, kind, items);
    }
}

#[test]
fn damaged_lists_are_refused_or_read_and_never_panic() {
    let mut rng = StdRng::seed_from_u64(9);
    for (kind, seed) in JobKind::ALL.into_iter().zip(300_u64..) {
        let job = generate::job(kind, generate::item_kind(kind));
        let folder = tempfile::tempdir().unwrap();
        let items = generate::items(&job, 10, seed, &folder.path().join("items"));
        for (format, name) in LISTS.into_iter().filter(|(f, _)| f.holds(kind, job.item_kind)) {
            let list = folder.path().join(name);
            export(format, &job, &items, &list);
            let whole = fs::read(&list).unwrap();
            for _ in 0..25 {
                let mut bytes = whole.clone();
                for _ in 0..rng.gen_range(1..4) {
                    let at = rng.gen_range(0..bytes.len());
                    match rng.gen_range(0..3) {
                        0 => bytes[at] = rng.r#gen(),
                        1 => drop(bytes.remove(at)),
                        _ => bytes.truncate(at.max(1)),
                    }
                }
                fs::write(&list, &bytes).unwrap();
                let folder = folder.path().join("items");
                let (item_kind, job_kind) = (job.item_kind, job.kind);
                let source = Source {
                    folder: &folder,
                    list: Some(&list),
                    apart: &[],
                    item_kind,
                    job_kind,
                    classes: &job.classes,
                    item_bytes: 1 << 20,
                };
                match import::import(&source, &mut |_| {}) {
                    Ok(found) => assert!(!found.items.is_empty()),
                    Err(refused) => assert!(!refused.to_string().is_empty()),
                }
            }
        }
    }
}
