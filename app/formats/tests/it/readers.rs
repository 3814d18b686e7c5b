//! Formats that are not lists of items are read back by small readers written here, from what their tools document.
use std::{collections::BTreeMap, fs};

use cairn_formats::{
    Answer, BoxShape, Fields, Item, ItemKind, Job, JobKind, Polygon, Size, Span,
    export::{Format, Out, Row},
};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::RowAccessor,
};
use sha2::{Digest, Sha256};

use crate::{generate, round_trips::export};

/// A job with files below `items`, exported to `out`.
struct Exported {
    folder: tempfile::TempDir,
    job: Job,
    items: Vec<Item>,
}

impl Exported {
    fn new(format: Format, kind: JobKind, seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let job = generate::job(kind, generate::item_kind(kind));
        let items = generate::items(&job, 60, seed, &folder.path().join("items"));
        export(format, &job, &items, &folder.path().join("out"));
        Self { folder, job, items }
    }
    fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }
    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.out().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
    }
    /// The list beside the files holds every item whole.
    fn check_list(&self) {
        let text = self.read("items.jsonl");
        let rows: Vec<Item> = text.lines().map(|l| serde_json::from_str::<Row>(l).unwrap().item(&self.job).unwrap()).collect();
        let without_path: Vec<Item> = self.items.iter().map(|i| Item { path: None, ..i.clone() }).collect();
        assert_eq!(rows, without_path);
    }
    /// Items by the hash of their contents: names are changed where file systems would refuse them.
    fn by_hash(&self, place: &str) -> BTreeMap<String, (String, &Item)> {
        let mut out = BTreeMap::new();
        for entry in fs::read_dir(self.out().join(place)).unwrap() {
            let entry = entry.unwrap();
            let hash = hex::encode(Sha256::digest(fs::read(entry.path()).unwrap()));
            let item = self.items.iter().find(|i| i.sha256.as_ref() == Some(&hash)).unwrap();
            out.insert(entry.file_name().into_string().unwrap(), (hash, item));
        }
        out
    }
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".png").unwrap()
}

#[test]
fn yolo_boxes_and_polygons_come_back_to_the_pixel() {
    for (kind, seed) in [(JobKind::Box, 1), (JobKind::Polygon, 2)] {
        let out = Exported::new(Format::Yolo, kind, seed);
        out.check_list();
        let pictures = out.by_hash("images/train");
        assert_eq!(pictures.len(), out.items.iter().filter(|i| i.answer.is_some()).count());
        assert_eq!(fs::read_dir(out.out().join("labels/train")).unwrap().count(), pictures.len());
        assert_eq!(out.by_hash("unlabelled").len(), 6);
        for (file, (_, item)) in &pictures {
            let text = out.read(&format!("labels/train/{}.txt", stem(file)));
            let size = item.size.unwrap();
            let found = match kind {
                JobKind::Box => Answer::Boxes(text.lines().map(|l| yolo_box(l, size)).collect()),
                _ => Answer::Polygons(text.lines().map(|l| yolo_polygon(l, size)).collect()),
            };
            assert_eq!(Some(&found), item.answer.as_ref(), "{file}");
        }
        let yaml = out.read("data.yaml");
        assert!(yaml.contains("  1: \"dog, big\"\n") && yaml.contains("  4: \"never used\"\n"), "{yaml}");
    }
}

fn numbers(line: &str) -> (u16, Vec<f64>) {
    let (class, rest) = line.split_once(' ').unwrap();
    (class.parse().unwrap(), rest.split(' ').map(|n| n.parse().unwrap()).collect())
}

fn yolo_box(line: &str, size: Size) -> BoxShape {
    let (class, n) = numbers(line);
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    let whole = |x: f64| x.round() as u32;
    BoxShape {
        class,
        x: whole((n[0] - n[2] / 2.0) * w),
        y: whole((n[1] - n[3] / 2.0) * h),
        width: whole(n[2] * w),
        height: whole(n[3] * h),
    }
}

fn yolo_polygon(line: &str, size: Size) -> Polygon {
    let (class, n) = numbers(line);
    let whole = |part: f64, of: u32| (part * f64::from(of)).round() as u32;
    Polygon { class, points: n.chunks(2).map(|c| (whole(c[0], size.width), whole(c[1], size.height))).collect() }
}

#[test]
fn yolo_classes_are_folders_also_those_nobody_chose() {
    let out = Exported::new(Format::Yolo, JobKind::Classify, 3);
    out.check_list();
    let names: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&out.read("classes.json")).unwrap();
    assert_eq!(names.len(), out.job.classes.len());
    let mut seen = 0;
    for (folder, class) in &names {
        for (_, item) in out.by_hash(&format!("train/{folder}")).values() {
            assert_eq!(Fields::of(item.answer.as_ref().unwrap(), &out.job.classes).class.as_deref(), class.as_str());
            seen += 1;
        }
    }
    assert_eq!((seen, out.by_hash("unlabelled").len()), (54, 6));
    assert_eq!(fs::read_dir(out.out().join("train/never used")).unwrap().count(), 0);
}

#[test]
fn voc_boxes_come_back() {
    let out = Exported::new(Format::Voc, JobKind::Box, 4);
    out.check_list();
    let listed = out.read("ImageSets/Main/trainval.txt");
    let pictures = out.by_hash("JPEGImages");
    assert_eq!((pictures.len(), listed.lines().count(), out.read("ImageSets/Main/unlabelled.txt").lines().count()), (60, 54, 6));
    for (file, (_, item)) in pictures.iter().filter(|(f, _)| listed.lines().any(|l| l == stem(f))) {
        let xml = out.read(&format!("Annotations/{}.xml", stem(file)));
        let boxes = xml.split("<object>").skip(1).map(|object| {
            let number = |tag: &str| within(object, tag).parse::<u32>().unwrap();
            let (x, y) = (number("xmin"), number("ymin"));
            let class = out.job.classes.iter().position(|c| *c == unescaped(within(object, "name"))).unwrap() as u16;
            BoxShape { class, x, y, width: number("xmax") - x, height: number("ymax") - y }
        });
        assert_eq!(Some(Answer::Boxes(boxes.collect())), item.answer, "{xml}");
        assert_eq!(unescaped(within(&xml, "filename")), *file);
    }
}

fn within<'a>(xml: &'a str, tag: &str) -> &'a str {
    xml.split_once(&format!("<{tag}>")).unwrap().1.split_once(&format!("</{tag}>")).unwrap().0
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn conll_passages_come_back_without_the_blanks_at_their_edges() {
    let out = Exported::new(Format::Conll, JobKind::Span, 5);
    out.check_list();
    let names: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&out.read("classes.json")).unwrap();
    let class = |tag: &str| out.job.classes.iter().position(|c| Some(c.as_str()) == names[tag].as_str()).unwrap() as u16;
    let text = out.read("data.conll");
    let documents: Vec<&str> = text.split("-DOCSTART- -X- -X- O\n").skip(1).collect();
    let answered: Vec<&Item> = out.items.iter().filter(|i| i.answer.is_some()).collect();
    assert_eq!(documents.len(), answered.len());
    for (document, item) in documents.iter().zip(answered) {
        let content: Vec<char> = item.text.as_ref().unwrap().chars().collect();
        let (mut at, mut found): (usize, Vec<Span>) = (0, Vec::new());
        for line in document.lines().filter(|l| !l.is_empty()) {
            let columns: Vec<&str> = line.split(' ').collect();
            let [token, "-X-", "-X-", tag] = columns[..] else { panic!("four columns: {line}") };
            let token: Vec<char> = token.chars().collect();
            while content[at..at + token.len()] != token[..] {
                at += 1;
            }
            let (start, end) = (at as u32, (at + token.len()) as u32);
            match tag.split_once('-') {
                Some(("B", name)) => found.push(Span { class: class(name), start, end }),
                Some(("I", _)) => found.last_mut().unwrap().end = end,
                _ => assert_eq!(tag, "O"),
            }
            at += token.len();
        }
        let Some(Answer::Spans(spans)) = &item.answer else { panic!("spans") };
        let trimmed: Vec<Span> = spans.iter().filter_map(|s| trimmed(s, &content)).collect();
        assert_eq!(found, trimmed, "{:?}", item.text);
    }
}

/// A passage without blanks at its edges; none of blanks alone.
fn trimmed(span: &Span, content: &[char]) -> Option<Span> {
    let letter = |i: &u32| !content[*i as usize].is_whitespace();
    let start = (span.start..span.end).find(letter)?;
    let end = (span.start..span.end).rev().find(letter)? + 1;
    Some(Span { class: span.class, start, end })
}

#[test]
fn parquet_holds_every_column_of_every_kind() {
    for (kind, seed) in JobKind::ALL.into_iter().zip(200_u64..) {
        let out = Exported::new(Format::Parquet, kind, seed);
        let reader = SerializedFileReader::new(fs::File::open(out.out()).unwrap()).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), out.items.len());
        for (row, item) in rows.iter().zip(&out.items) {
            assert_eq!((row.get_uint(0).unwrap(), row.get_string(1).unwrap()), (item.task, &item.name));
            assert_eq!(row.get_string(2).ok().map(|text| answer(&out.job, text)), item.answer);
            let posteriors: Vec<u16> = match row.get_list(4) {
                Ok(list) => (0..list.len())
                    .map(|i| (parquet::record::ListAccessor::get_double(list, i).unwrap() * 65_535.0).round() as u16)
                    .collect(),
                Err(e) => panic!("{e}"),
            };
            assert_eq!(posteriors, item.posterior);
            let labels = row.get_list(8).unwrap();
            assert_eq!(labels.len(), item.labels.len());
            for (i, label) in item.labels.iter().enumerate() {
                let group = parquet::record::ListAccessor::get_group(labels, i).unwrap();
                assert_eq!(group.get_string(0).unwrap(), &label.worker);
                assert_eq!(answer(&out.job, group.get_string(1).unwrap()), label.answer);
                assert_eq!((group.get_bool(2).unwrap(), group.get_bool(3).unwrap()), (label.late, label.paid));
            }
            assert_eq!(row.get_string(9).ok(), item.sha256.as_ref());
            assert_eq!(row.get_string(13).ok(), item.text.as_ref());
            assert_eq!((row.get_long(15).unwrap(), row.get_string(16).unwrap().as_str()), (7, "dawid-skene"));
        }
    }
}

/// An answer from a cell: a class or a text as it is, else JSON.
fn answer(job: &Job, cell: &str) -> Answer {
    let mut fields = Fields::default();
    match job.kind {
        JobKind::Text | JobKind::Audio => fields.transcript = Some(cell.into()),
        JobKind::MultiLabel => fields.classes = Some(serde_json::from_str(cell).unwrap()),
        JobKind::Box => fields.boxes = Some(serde_json::from_str(cell).unwrap()),
        JobKind::Polygon => fields.polygons = Some(serde_json::from_str(cell).unwrap()),
        JobKind::Span => fields.spans = Some(serde_json::from_str(cell).unwrap()),
        _ => fields.class = Some(cell.into()),
    }
    fields.answer(job.kind, &job.classes).unwrap().unwrap()
}

#[test]
fn croissant_describes_the_files_that_are_there() {
    let out = Exported::new(Format::Croissant, JobKind::Classify, 6);
    let described: serde_json::Value = serde_json::from_str(&out.read("croissant.json")).unwrap();
    for file in described["distribution"].as_array().unwrap() {
        let content = out.read(file["contentUrl"].as_str().unwrap());
        assert_eq!(file["sha256"], hex::encode(Sha256::digest(&content)));
        assert_eq!(file["contentSize"], format!("{} B", content.len()));
        let set = described["recordSet"]
            .as_array()
            .unwrap()
            .iter()
            .find(|s| format!("{}.csv", s["name"].as_str().unwrap()) == file["name"])
            .unwrap();
        let columns: Vec<&str> =
            set["field"].as_array().unwrap().iter().map(|f| f["source"]["extract"]["column"].as_str().unwrap()).collect();
        assert_eq!(columns.join(","), content.lines().next().unwrap());
    }
    assert_eq!(described["@id"], "urn:cairn:cairn-test-1:asset:3");
    assert_eq!(described["cairn:lineage"]["cairn:job"], 7);
    let labels: usize = out.items.iter().map(|i| i.labels.len()).sum();
    assert_eq!(out.read("labels.csv").lines().count(), labels + 1);
    let unlicensed = Job { licence: String::new(), ..out.job.clone() };
    let refused = cairn_formats::export::open(Format::Croissant, &unlicensed, Out::Path(out.folder.path().join("other")));
    assert!(refused.err().unwrap().to_string().contains("--licence"));
}

#[test]
fn what_a_format_lacks_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let bare = |kind, item_kind, answer| {
        let job = generate::job(kind, item_kind);
        let made = generate::items(&job, 1, 1, &folder.path().join("items")).remove(0);
        (job, Item { size: None, path: None, text: None, answer: Some(answer), ..made })
    };
    let boxes = || Answer::Boxes(vec![BoxShape { class: 0, x: 0, y: 0, width: 1, height: 1 }]);
    for (format, (job, item)) in [
        (Format::Yolo, bare(JobKind::Box, ItemKind::Image, boxes())),
        (Format::Voc, bare(JobKind::Box, ItemKind::Image, boxes())),
        (Format::LabelStudio, bare(JobKind::Box, ItemKind::Image, boxes())),
        (Format::Yolo, bare(JobKind::Classify, ItemKind::Image, Answer::Class(0))),
        (Format::Conll, bare(JobKind::Span, ItemKind::Text, Answer::Spans(vec![]))),
    ] {
        let mut exporter = cairn_formats::export::open(format, &job, Out::Path(folder.path().join("out"))).unwrap();
        assert!(exporter.item(&item).unwrap_err().to_string().contains("--items"), "{format}");
        drop(exporter);
        assert!(!folder.path().join("out").exists());
    }
}
