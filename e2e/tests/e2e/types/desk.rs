//! Items whose content says what is right, and the hands that read it: what a requester lists, what an annotator fills in, what a verifier
//! finds.
use std::{fmt::Write as _, fs, path::Path};

use cairn_formats::JobKind;
use serde_json::{Value, json};

/// Items of a job.
pub(super) const ITEMS: u32 = 20;
/// Contestants of the PAIRWISE job: all of them are compared with one another.
pub(super) const CONTESTANTS: u32 = 8;

/// How the description names a kind.
pub(super) fn word(kind: JobKind) -> String {
    kind.name().to_lowercase().replace('_', "-")
}

/// Whether annotators make drafts.
pub(super) fn produces(kind: JobKind) -> bool {
    matches!(kind, JobKind::Box | JobKind::Polygon | JobKind::Span | JobKind::Text | JobKind::Audio)
}

fn png(n: u32, job: &str) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    out.extend([0, 0, 0, 128, 0, 0, 0, 128, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(said(n, job));
    out
}

fn wav(n: u32, job: &str) -> Vec<u8> {
    [b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), said(n, job)].concat()
}

fn said(n: u32, job: &str) -> Vec<u8> {
    format!("item of {job} number #{n:02}").into_bytes()
}

/// The number that a content ends with.
pub(super) fn number(content: &[u8]) -> u32 {
    String::from_utf8_lossy(&content[content.len() - 2..]).parse().expect("a content ends with its number")
}

/// The file's name and content of item `n`.
fn item(kind: JobKind, n: u32) -> (String, Vec<u8>) {
    let job = word(kind);
    match kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Box | JobKind::Polygon => (format!("{n:02}.png"), png(n, &job)),
        JobKind::Text => (format!("{n:02}.wav"), wav(n, &job)),
        JobKind::MultiLabel | JobKind::Verify | JobKind::Span | JobKind::Audio => (format!("{n:02}.txt"), said(n, &job)),
    }
}

/// The field with the right answer for item `n`.
pub(super) fn right(kind: JobKind, n: u32) -> (&'static str, Value) {
    let x = n * 2;
    match kind {
        JobKind::Classify => ("class", json!(if n.is_multiple_of(2) { "even" } else { "odd" })),
        JobKind::Verify => ("class", json!(if n.is_multiple_of(2) { "accept" } else { "reject" })),
        JobKind::MultiLabel => {
            let holds = [("two", 2), ("three", 3), ("five", 5)].into_iter().filter(|(_, by)| n.is_multiple_of(*by));
            ("classes", holds.map(|(name, _)| name).collect())
        }
        JobKind::Box => ("boxes", json!([{ "class": "dot", "x": x, "y": n, "width": 20, "height": 30 }])),
        JobKind::Polygon => ("polygons", json!([{ "class": "dot", "points": [[x, n], [x + 20, n], [x + 20, n + 30]] }])),
        JobKind::Span => ("spans", json!([{ "class": "word", "start": 0, "end": 4 + n % 4 }])),
        JobKind::Text => ("transcript", json!(format!("I hear {n:02}"))),
        JobKind::Pairwise | JobKind::Audio => panic!("told otherwise"),
    }
}

/// What a producer makes who does not care.
fn wrong(kind: JobKind, n: u32) -> (&'static str, Value) {
    match kind {
        JobKind::Box => ("boxes", json!([{ "class": "dot", "x": 90, "y": 90, "width": 9, "height": 9 + n }])),
        JobKind::Polygon => ("polygons", json!([{ "class": "dot", "points": [[90, 90], [99, 90], [99, 99 + n]] }])),
        JobKind::Span => ("spans", json!([{ "class": "word", "start": 14, "end": 16 + n % 4 }])),
        JobKind::Text => ("transcript", json!(format!("noise {n}"))),
        _ => panic!("no draft"),
    }
}

/// Writes the folder of a job: items, what is known of them, the description.
pub(super) fn write_job(folder: &Path, kind: JobKind) {
    fs::create_dir_all(folder).unwrap();
    let count = if kind == JobKind::Pairwise { CONTESTANTS } else { ITEMS };
    for (name, content) in (0..count).map(|n| item(kind, n)) {
        fs::write(folder.join(name), content).unwrap();
    }
    let mut more = String::new();
    match kind {
        JobKind::Text | JobKind::Audio => {}
        JobKind::Pairwise => {
            let mut gold = "left,right,class\n".to_owned();
            for n in 0..10 {
                let (low, high) = (n % 5, 5 + n % 3);
                let (left, right, class) = if n < 5 { (low, high, "right") } else { (high, low, "left") };
                let _ = writeln!(gold, "{left:02}.png,{right:02}.png,{class}");
            }
            fs::write(folder.join("gold.csv"), gold).unwrap();
            more.push_str("gold = 'gold.csv'\n");
        }
        _ => {
            let line = |n: u32| {
                let (field, value) = right(kind, n);
                format!("{}\n", json!({ "item": item(kind, n).0, field: value }))
            };
            fs::write(folder.join("gold.jsonl"), (0..10).map(line).collect::<String>()).unwrap();
            more.push_str("gold = 'gold.jsonl'\n");
        }
    }
    more.push_str(match kind {
        JobKind::Classify => "classes = ['even', 'odd']\n",
        JobKind::MultiLabel => "classes = ['two', 'three', 'five']\nitem_kind = 'text'\n",
        JobKind::Box | JobKind::Polygon => "classes = ['dot']\n",
        JobKind::Span => "classes = ['word']\n",
        JobKind::Text => "item_kind = 'audio'\n",
        JobKind::Verify | JobKind::Audio => "item_kind = 'text'\n",
        JobKind::Pairwise => "",
    });
    let labels = if produces(kind) { 2 } else { 3 };
    let mut text = format!(
        "title = 'a {0} job'\ntype = '{0}'\nprice = '10000ucairn'\noverlap = {labels}\nbucket_size = 28\n\
         gold_per_bucket = 10\nduration = 3000\n{more}",
        word(kind)
    );
    if kind == JobKind::Pairwise {
        text.push_str("[pairs]\neach = 7\n");
    }
    if produces(kind) {
        text.push_str("[verification]\nprice = '2000ucairn'\nverdicts = 3\n");
    }
    fs::write(folder.join("job.toml"), text).unwrap();
}

/// The tasks of a folder that `annotate claim --out` or `job judge --out` wrote.
fn tasks(folder: &Path, table: &str) -> Vec<u32> {
    let text = fs::read_to_string(folder.join(table)).unwrap();
    if table.ends_with(".jsonl") {
        let task = |line: &str| serde_json::from_str::<Value>(line).unwrap()["task"].as_u64().unwrap();
        return text.lines().map(|line| u32::try_from(task(line)).unwrap()).collect();
    }
    text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
}

/// The content of the file `NAME.*` of a folder, such as `4.left` or `4`.
fn read(folder: &Path, name: &str) -> Vec<u8> {
    for ending in ["png", "txt", "wav", "json"] {
        if let Ok(content) = fs::read(folder.join(format!("{name}.{ending}"))) {
            return content;
        }
    }
    panic!("{} holds no {name}", folder.display())
}

/// Fills in the labels of a lease: from the items, rightly unless the annotator does not care.
pub(super) fn fill(folder: &Path, kind: JobKind, cares: bool) {
    let table = if matches!(kind, JobKind::Classify | JobKind::Pairwise | JobKind::Verify) { "labels.csv" } else { "labels.jsonl" };
    let mut out = if table == "labels.csv" { "task,class\n".to_owned() } else { String::new() };
    for task in tasks(folder, table) {
        let content = |name: &str| number(&read(folder, &format!("{task}{name}")));
        let (field, value) = match kind {
            JobKind::Pairwise => ("class", json!(if content(".left") > content(".right") { "left" } else { "right" })),
            JobKind::Audio => {
                let name = format!("{task}-read.wav");
                fs::write(folder.join(&name), wav(content(""), if cares { "reading" } else { "noise" })).unwrap();
                ("file", json!(name))
            }
            _ if cares => right(kind, content("")),
            _ => wrong(kind, content("")),
        };
        let _ = match value.as_str().filter(|_| field == "class") {
            Some(class) => writeln!(out, "{task},{class}"),
            None => writeln!(out, "{}", json!({ "task": task, field: value })),
        };
    }
    fs::write(folder.join(table), out).unwrap();
}

/// Fills in the opposite of what is right: whoever does so agrees with nobody.
pub(super) fn contradict(folder: &Path) {
    fill(folder, JobKind::Classify, true);
    let table = folder.join("labels.csv");
    let text = fs::read_to_string(&table).unwrap();
    fs::write(table, text.replace("even", "x").replace("odd", "even").replace(",x", ",odd")).unwrap();
}

/// Fills in which drafts are good, from what lies in the folder.
pub(super) fn judge(folder: &Path, kind: JobKind, table: &str) {
    let mut out = "task,class\n".to_owned();
    for task in tasks(folder, table) {
        let n = number(&read(folder, &task.to_string()));
        let is_good = match kind {
            JobKind::Text => read(folder, &format!("{task}.draft")) == format!("I hear {n:02}").as_bytes(),
            JobKind::Audio => read(folder, &format!("{task}.draft")) == wav(n, "reading"),
            _ => {
                let draft: Value = serde_json::from_slice(&fs::read(folder.join(format!("{task}.draft.json"))).unwrap()).unwrap();
                let (field, value) = right(kind, n);
                draft[field] == value
            }
        };
        let _ = writeln!(out, "{task},{}", if is_good { "accept" } else { "reject" });
    }
    fs::write(folder.join(table), out).unwrap();
}
