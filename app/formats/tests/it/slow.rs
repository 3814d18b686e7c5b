//! A million items: how long, and that memory does not grow with them. `cargo test -p cairn-formats --release slow -- --ignored --nocapture`
use std::{
    fs,
    io::Write,
    time::{Duration, Instant},
};

use cairn_formats::{
    Item, ItemKind, JobKind,
    export::{self, Format, Out},
    import::{self, Source},
};

use crate::generate;

const ITEMS: u32 = 1_000_000;

/// The most memory that this process ever had, in MB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

#[test]
#[ignore = "a million items, some minutes"]
fn a_million_items_are_exported_in_constant_memory_slow() {
    let folder = tempfile::tempdir().unwrap();
    let job = generate::job(JobKind::Classify, ItemKind::Image);
    let made: Vec<Item> = generate::items(&job, 1_000, 1, &folder.path().join("items"));
    for format in [Format::Jsonl, Format::Csv, Format::LabelStudio, Format::Coco, Format::Parquet, Format::Croissant] {
        let (began, before) = (Instant::now(), peak());
        let mut exporter = export::open(format, &job, Out::Path(folder.path().join(format.name()))).unwrap();
        for task in 0..ITEMS {
            let mut item = made[task as usize % made.len()].clone();
            item.task = task;
            item.name = format!("{task:07}.png");
            exporter.item(&item).unwrap();
        }
        exporter.finish().unwrap();
        let (took, grown) = (began.elapsed(), peak() - before);
        println!("{format}: {ITEMS} items in {:.1} s, memory grew by {grown} MB to {} MB", took.as_secs_f64(), peak());
        assert!(took < Duration::from_secs(60), "{format} took {took:?}");
        assert!(grown < 150, "{format} needed {grown} MB");
    }
}

#[test]
#[ignore = "a million items, some minutes"]
fn a_million_items_are_imported_in_bounded_memory_slow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("items.jsonl");
    let mut list = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    let filling = "word ".repeat(200);
    for n in 0..ITEMS {
        writeln!(list, "{{\"item\":\"text {n}\",\"text\":\"{n} {filling}\"}}").unwrap();
    }
    list.into_inner().unwrap();
    let (began, before) = (Instant::now(), peak());
    let classes = ["a".to_owned(), "b".to_owned()];
    let source = Source {
        folder: folder.path(),
        list: None,
        apart: &[],
        item_kind: ItemKind::Text,
        job_kind: JobKind::Classify,
        classes: &classes,
        item_bytes: 1 << 20,
    };
    let mut told = 0;
    let found = import::import(&source, &mut |p| told = p.items).unwrap();
    let grown = peak() - before;
    println!("imported {} texts of 1 kB in {:.1} s, memory grew by {grown} MB", found.items.len(), began.elapsed().as_secs_f64());
    assert_eq!((found.items.len(), told), (ITEMS as usize, ITEMS as usize));
    assert!(grown < 600, "{grown} MB for a gigabyte of texts");
}
