//! Jobs and items made from a seed, odd names, empty answers and unlabelled items among them.
use std::{fs, path::Path};

use cairn_formats::{Answer, BoxShape, Item, ItemKind, Job, JobKind, Label, Polygon, Size, Span};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use sha2::{Digest, Sha256};

const NAMES: [&str; 10] =
    ["a b", "comma, quote\" and 'this", "Grüße ÄÖ", "数字", "sub/folder/x", "100% & <more>", "-dash", "=1+1", "tab{}[]", "dots..in...it"];

/// Class names with what formats must escape.
pub(crate) fn classes() -> Vec<String> {
    ["cat", "dog, big", "a \"b\" & <c>", "Vögel", "never used"].map(str::to_owned).to_vec()
}

pub(crate) fn job(kind: JobKind, item_kind: ItemKind) -> Job {
    let classes = match kind {
        JobKind::Pairwise => vec!["left".into(), "right".into(), "tie".into()],
        JobKind::Verify => vec!["reject".into(), "accept".into()],
        _ => classes(),
    };
    Job {
        chain: "cairn-test-1".into(),
        id: 7,
        title: "A \"job\" & more".into(),
        description: "What is it?".into(),
        kind,
        item_kind,
        classes,
        tasks: 60,
        overlap: 5,
        workers: 9,
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
        gateways: vec!["http://127.0.0.1:8780".into()],
        date: "2026-11-22".into(),
    }
}

/// What each kind of job is about in these tests.
pub(crate) fn item_kind(kind: JobKind) -> ItemKind {
    match kind {
        JobKind::Span | JobKind::Text | JobKind::Pairwise | JobKind::Verify => ItemKind::Text,
        JobKind::Audio => ItemKind::Audio,
        _ => ItemKind::Image,
    }
}

fn answer(rng: &mut StdRng, job: &Job, size: Size, length: u32) -> Answer {
    // The last class of five is never used.
    let most = if job.classes.len() == 5 { 4 } else { job.classes.len() as u16 };
    let boxes = |rng: &mut StdRng| {
        let (x, y) = (rng.gen_range(0..size.width), rng.gen_range(0..size.height));
        BoxShape {
            class: rng.gen_range(0..most),
            x,
            y,
            width: rng.gen_range(1..=size.width - x),
            height: rng.gen_range(1..=size.height - y),
        }
    };
    match job.kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Verify => Answer::Class(rng.gen_range(0..most)),
        JobKind::MultiLabel => Answer::Set((0..most).filter(|_| rng.gen_bool(0.3)).collect()),
        JobKind::Box => Answer::Boxes((0..rng.gen_range(0..4)).map(|_| boxes(rng)).collect()),
        JobKind::Polygon => {
            let mut corner = || (rng.gen_range(0..=size.width), rng.gen_range(0..=size.height));
            let points: Vec<_> = (0..5).map(|_| corner()).collect();
            Answer::Polygons((0..rng.gen_range(0..3)).map(|_| Polygon { class: rng.gen_range(0..most), points: points.clone() }).collect())
        }
        JobKind::Span => {
            let mut spans = Vec::new();
            let mut at = 0;
            while at + 1 < length && rng.gen_bool(0.7) {
                let start = rng.gen_range(at..length - 1);
                let end = rng.gen_range(start + 1..=length);
                spans.push(Span { class: rng.gen_range(0..most), start, end });
                at = end;
            }
            Answer::Spans(spans)
        }
        JobKind::Text | JobKind::Audio => {
            Answer::Text(["one", "line\nline", "\"quoted\", <b>&", "Ünï cödé 数"].choose(rng).unwrap().to_string())
        }
    }
}

/// Items and, in `folder`, their files.
pub(crate) fn items(job: &Job, count: u32, seed: u64, folder: &Path) -> Vec<Item> {
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|task| item(&mut rng, job, task, folder)).collect()
}

fn item(rng: &mut StdRng, job: &Job, task: u32, folder: &Path) -> Item {
    let size = Size { width: rng.gen_range(1..2_000), height: rng.gen_range(1..2_000) };
    let words = ["Anna", "lives,", "in", "New-York.", "Größe", "数字", "\"x\"", "it's", "(3.5%)", "\n"];
    let text = (0..rng.gen_range(1..12)).map(|_| *words.choose(rng).unwrap()).collect::<Vec<_>>().join(" ") + &format!(" {task}");
    let stem = format!("{} {task}", NAMES.choose(rng).unwrap());
    let (name, content) = match job.item_kind {
        ItemKind::Image => (format!("{stem}.png"), png(size, task)),
        ItemKind::Audio => (format!("{stem}.wav"), [b"RIFF\0\0\0\0WAVEfmt ".as_slice(), &task.to_be_bytes()].concat()),
        _ => (format!("{stem}.txt"), text.clone().into_bytes()),
    };
    let path = folder.join(&name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &content).unwrap();
    let length = text.chars().count() as u32;
    // A tenth of the items was labelled by nobody.
    let answered = task % 10 < 9;
    let answer = answered.then(|| self::answer(rng, job, size, length));
    let options = if answered { probabilities(job) } else { 0 };
    Item {
        task,
        name,
        sha256: Some(hex::encode(Sha256::digest(&content))),
        bytes: Some(content.len() as u64),
        size: (job.item_kind == ItemKind::Image).then_some(size),
        text: (job.item_kind == ItemKind::Text).then_some(text),
        path: Some(path),
        answer: answer.clone(),
        posterior: (0..options).map(|_| rng.r#gen()).collect(),
        votes: (0..options).map(|_| rng.gen_range(0..6)).collect(),
        gold: answer.clone().filter(|_| task.is_multiple_of(20)),
        labels: answer.map_or_else(Vec::new, |_| labels(rng, job, size, length)),
    }
}

/// How many probabilities the answers of a job have.
fn probabilities(job: &Job) -> usize {
    if job.kind.is_one_class() || job.kind == JobKind::MultiLabel { job.classes.len() } else { 1 }
}

fn labels(rng: &mut StdRng, job: &Job, size: Size, length: u32) -> Vec<Label> {
    let one = |rng: &mut StdRng| Label {
        worker: format!("{:032x}", rng.r#gen::<u128>()),
        answer: answer(rng, job, size, length),
        late: rng.gen_bool(0.1),
        paid: rng.gen_bool(0.9),
        reason: "SKILL".into(),
    };
    (0..rng.gen_range(1..4)).map(|_| one(rng)).collect()
}

/// A PNG as far as its header tells.
pub(crate) fn png(size: Size, unique: u32) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &size.width.to_be_bytes(), &size.height.to_be_bytes(), &unique.to_be_bytes()].concat()
}
