//! What an annotator fills in: a table for answers of one class, JSON Lines for all others. Read and checked as a whole before anything is
//! committed, against the items that lie beside it.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_annotation::formats::{self, Side};
use cairn_formats::{Answer, Fields, ItemKind, JobKind, sniff};
use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::Label;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::cli::{
    bounds,
    reply::{Reply, answer_in_cell},
};

/// Largest draft of a TEXT or AUDIO job, as large as gateways take by default.
const MAX_DRAFT: u64 = 64 << 20;

/// What is said of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Skipped,
    /// What the chain is told.
    Reply(Reply),
    /// TEXT, AUDIO: the content of a draft.
    Content {
        /// Such as `text/plain`.
        media_type: &'static str,
        /// Its bytes.
        content: Vec<u8>,
    },
}

impl Said {
    /// What the chain is told, and what is to be uploaded for that: its hash, and the bytes that bind it to its producer.
    pub(crate) fn told(self, producer: &Address) -> Result<(Option<Reply>, Option<Vec<u8>>)> {
        Ok(match self {
            Self::Skipped => (None, None),
            Self::Reply(reply) => (Some(reply), None),
            Self::Content { media_type, content } => {
                let draft =
                    formats::draft(producer, &Side { media_type, content: &content }).context("a media type has at most 255 bytes")?;
                (Some(Reply::Draft(Sha256::digest(&draft).into())), Some(draft))
            }
        })
    }
}

/// What a commitment holds of a reply; a skipped task has one, too.
pub(crate) fn payload(reply: Option<&Reply>, kind: JobKind, classes: usize) -> Result<Vec<u8>> {
    match reply {
        Some(reply) => reply.payload(classes),
        None if kind.is_one_class() => Ok(formats::class_payload(formats::SKIPPED).to_vec()),
        None => Ok(Vec::new()),
    }
}

/// As it is revealed.
pub(crate) fn label(task: u32, reply: Option<&Reply>, kind: JobKind, classes: usize) -> Result<Label> {
    match reply {
        Some(reply) => reply.label(task, classes),
        None if kind.is_one_class() => Ok(Label { task, class: formats::SKIPPED.into(), ..Label::default() }),
        None => Ok(Label { task, ..Label::default() }),
    }
}

/// The file to fill in: its name, and what it begins with. `known` are classes that are clear already.
pub(crate) fn template(kind: JobKind, tasks: &[u32], known: &BTreeMap<u32, &str>) -> (&'static str, String) {
    if kind.is_one_class() {
        let line = |task: &u32| format!("{task},{}\n", known.get(task).unwrap_or(&""));
        return ("labels.csv", ["task,class\n".to_owned()].into_iter().chain(tasks.iter().map(line)).collect());
    }
    ("labels.jsonl", tasks.iter().map(|task| format!("{{\"task\":{task}}}\n")).collect())
}

/// How a line of the file is filled in, for people.
pub(crate) fn example(kind: JobKind, classes: &[String]) -> String {
    let class = classes.first().map_or("", String::as_str);
    let quoted = serde_json::Value::from(class);
    match kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Verify => format!("4,{class}"),
        JobKind::MultiLabel => format!("{{\"task\":4,\"classes\":[{quoted}]}}"),
        JobKind::Box => format!("{{\"task\":4,\"boxes\":[{{\"class\":{quoted},\"x\":3,\"y\":4,\"width\":10,\"height\":20}}]}}   (pixels)"),
        JobKind::Polygon => {
            format!("{{\"task\":4,\"polygons\":[{{\"class\":{quoted},\"points\":[[0,0],[9,0],[9,9]]}}]}}   (pixels)")
        }
        JobKind::Span => {
            format!("{{\"task\":4,\"spans\":[{{\"class\":{quoted},\"start\":0,\"end\":4}}]}}   (characters, end outside)")
        }
        JobKind::Text => "{\"task\":4,\"transcript\":\"what is said\"}   or {\"task\":4,\"file\":\"4-draft.txt\"}".into(),
        JobKind::Audio => "{\"task\":4,\"file\":\"4-draft.wav\"}".into(),
    }
}

/// A line of JSON, once its fields are known to be those of the job.
#[derive(Debug, Deserialize)]
struct Line {
    task: u32,
    file: Option<PathBuf>,
    #[serde(flatten)]
    fields: Fields,
}

/// Reads what is said, exactly one line for each task. Contents of `file` are taken from beside the table.
pub(crate) fn read_all(path: &Path, tasks: &[u32], kind: JobKind, classes: &[String]) -> Result<Vec<(u32, Said)>> {
    let wanted: BTreeSet<u32> = tasks.iter().copied().collect();
    let given = read(path, &wanted, kind, classes)?;
    if let Some(missing) = tasks.iter().find(|t| !given.contains_key(t)) {
        bail!("{} has no line for task {missing}; leave its answer out to skip it", path.display());
    }
    if given.values().all(|said| *said == Said::Skipped) {
        bail!("{} has no label; to give the lease back with its bond, use 'cairnd tx annotation skip-tasks'", path.display());
    }
    Ok(given.into_iter().collect())
}

/// Reads what is said of some of `tasks`, none twice.
pub(crate) fn read(path: &Path, tasks: &BTreeSet<u32>, kind: JobKind, classes: &[String]) -> Result<BTreeMap<u32, Said>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut given: BTreeMap<u32, Said> = BTreeMap::new();
    let mut add = |line: u64, task: u32, said: Result<Said>| {
        let place = || format!("{} line {line}", path.display());
        if !tasks.contains(&task) {
            bail!("{}: task {task} is not asked for here", place());
        }
        let said = said.with_context(|| format!("{}, task {task}", place()))?;
        if given.insert(task, said).is_some() {
            bail!("{}: task {task} stands there twice", place());
        }
        Ok(())
    };
    if path.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson") {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        for (number, line) in (1_u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let (task, line) = parse(line, kind).with_context(|| format!("{} line {number}", path.display()))?;
            add(number, task, said(line, kind, classes, folder))?;
        }
        return Ok(given);
    }
    if !kind.is_one_class() && kind != JobKind::MultiLabel {
        bail!("{}: answers of {kind} jobs are given in JSON Lines, in a file that ends in .jsonl", path.display());
    }
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (number, row) in (2_u64..).zip(reader.records()) {
        let row = row.with_context(|| format!("{} line {number}", path.display()))?;
        let task = row.get(0).unwrap_or("").trim().parse();
        let task: u32 = task.with_context(|| format!("{} line {number}: no task number", path.display()))?;
        let cell = row.get(1).unwrap_or("").trim();
        let answer = answer_in_cell(cell, kind, classes);
        add(number, task, answer.and_then(|answer| answer.as_ref().map_or(Ok(Said::Skipped), |a| Reply::of(a).map(Said::Reply))))?;
    }
    Ok(given)
}

/// A line that names a task and nothing that means nothing: a misspelt field must not pass for a skipped task.
fn parse(line: &str, kind: JobKind) -> Result<(u32, Line)> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).context("no JSON object")?;
    let drafts = matches!(kind, JobKind::Text | JobKind::Audio);
    let known = |name: &str| name == "task" || name == kind.field() || (drafts && name == "file");
    if let Some(other) = object.keys().find(|name| !known(name)) {
        bail!("the field {other:?} means nothing here; expected \"task\" and \"{}\"", kind.field());
    }
    let line: Line = serde_json::from_value(object.into()).with_context(|| format!("it does not tell task and {}", kind.field()))?;
    Ok((line.task, line))
}

fn said(line: Line, kind: JobKind, classes: &[String], folder: &Path) -> Result<Said> {
    if let Some(file) = line.file {
        if line.fields.transcript.is_some() {
            bail!("a draft is a transcript or a file, not both");
        }
        return content(&folder.join(file), kind);
    }
    match line.fields.answer(kind, classes).map_err(|why| anyhow::anyhow!(why))? {
        None => Ok(Said::Skipped),
        Some(Answer::Text(_)) if kind == JobKind::Audio => bail!("a recording is asked for; name its file under \"file\""),
        Some(Answer::Text(text)) => Ok(Said::Content { media_type: "text/plain", content: text.into_bytes() }),
        Some(answer) => {
            check_bounds(&answer, folder, line.task)?;
            Reply::of(&answer).map(Said::Reply)
        }
    }
}

/// The content of a draft from a file, of the kind that the job asks for.
fn content(path: &Path, kind: JobKind) -> Result<Said> {
    let cannot = || format!("cannot read {}", path.display());
    let bytes = fs::metadata(path).with_context(cannot)?.len();
    if bytes == 0 || bytes > MAX_DRAFT {
        bail!("{} has {bytes} bytes; a draft has 1 to {MAX_DRAFT}", path.display());
    }
    let content = fs::read(path).with_context(cannot)?;
    let media_type = match (kind, sniff(&content)) {
        (JobKind::Audio, Some(media)) if media.kind() == ItemKind::Audio => media.media_type(),
        (JobKind::Audio, _) => bail!("{} is no recording: expected WAV, FLAC, MP3, Ogg or M4A", path.display()),
        _ if std::str::from_utf8(&content).is_ok() => "text/plain",
        _ => bail!("{} is no UTF-8 text", path.display()),
    };
    Ok(Said::Content { media_type, content })
}

/// Refuses shapes that leave the item, where its file lies in the folder.
fn check_bounds(answer: &Answer, folder: &Path, task: u32) -> Result<()> {
    if !matches!(answer, Answer::Boxes(_) | Answer::Polygons(_) | Answer::Spans(_)) {
        return Ok(());
    }
    item(folder, task)?.map_or(Ok(()), |content| bounds::check(answer, &content))
}

/// The item of a task as `annotate fetch` wrote it, if it is there.
fn item(folder: &Path, task: u32) -> Result<Option<Vec<u8>>> {
    let Ok(entries) = fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }) else { return Ok(None) };
    let name = task.to_string();
    for entry in entries {
        let path = entry?.path();
        if path.file_stem().is_some_and(|stem| stem == name.as_str()) && path.is_file() {
            return Ok(Some(fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PETS: [&str; 2] = ["cat", "dog"];

    struct Desk(tempfile::TempDir);

    impl Desk {
        fn read(&self, name: &str, text: &str, kind: JobKind) -> std::result::Result<Vec<(u32, Said)>, String> {
            let path = self.0.path().join(name);
            fs::write(&path, text).unwrap();
            let classes = if matches!(kind, JobKind::Text | JobKind::Audio) { vec![] } else { PETS.map(str::to_owned).to_vec() };
            read_all(&path, &[4, 7], kind, &classes).map_err(|e| format!("{e:#}"))
        }
        fn refusal(&self, name: &str, text: &str, kind: JobKind, why: &str) {
            let error = self.read(name, text, kind).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    fn desk() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    #[test]
    fn a_table_must_answer_exactly_the_tasks_of_the_lease() {
        let desk = desk();
        let classes = |text| desk.read("labels.csv", text, JobKind::Classify);
        assert_eq!(classes("task,class\n7,dog\n4,\n").unwrap(), [(4, Said::Skipped), (7, Said::Reply(Reply::Class(1)))]);
        for (text, why) in [
            ("task,class\n7,\n4,\n", "has no label"),
            ("task,class\n7,dog\n", "no line for task 4"),
            ("task,class\n7,cow\n4,\n", "none of the classes cat, dog"),
            ("task,class\n7,dog\n7,cat\n4,cat\n", "twice"),
            ("task,class\n5,dog\n", "not asked for"),
            ("task,class\nx,dog\n", "no task number"),
        ] {
            desk.refusal("labels.csv", text, JobKind::Classify, why);
        }
    }

    #[test]
    fn sets_are_told_in_lines_or_in_a_table() {
        let desk = desk();
        let expected = [(4, Said::Reply(Reply::Set(0))), (7, Said::Reply(Reply::Set(3)))];
        assert_eq!(
            desk.read("l.jsonl", "{\"task\":4,\"classes\":[]}\n\n{\"task\":7,\"classes\":[\"dog\",\"cat\"]}", JobKind::MultiLabel).unwrap(),
            expected
        );
        assert_eq!(desk.read("l.csv", "task,classes\n4,[]\n7,\"[\"\"dog\"\",\"\"cat\"\"]\"\n", JobKind::MultiLabel).unwrap(), expected);
    }

    #[test]
    fn shapes_are_checked_against_the_item() {
        let desk = desk();
        fs::write(desk.0.path().join("4.txt"), "Äpfel").unwrap();
        let spans = |end: u32| format!("{{\"task\":4,\"spans\":[{{\"class\":\"cat\",\"start\":0,\"end\":{end}}}]}}\n{{\"task\":7}}\n");
        assert!(matches!(
            &desk.read("l.jsonl", &spans(5), JobKind::Span).unwrap()[..],
            [(4, Said::Reply(Reply::Shapes(_))), (7, Said::Skipped)]
        ));
        desk.refusal("l.jsonl", &spans(6), JobKind::Span, "ends at 6, but the text has 5 characters");
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 0, 8, 0, 0, 0, 6, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
        fs::write(desk.0.path().join("7.png"), png).unwrap();
        let boxes = |x: u32| {
            format!("{{\"task\":7,\"boxes\":[{{\"class\":\"dog\",\"x\":{x},\"y\":0,\"width\":4,\"height\":6}}]}}\n{{\"task\":4}}\n")
        };
        assert!(desk.read("l.jsonl", &boxes(4), JobKind::Box).is_ok());
        desk.refusal("l.jsonl", &boxes(5), JobKind::Box, "reaches to (9, 6), but the picture has 8 by 6 pixels");
        desk.refusal("l.jsonl", "{\"task\":4,\"boxs\":[]}\n{\"task\":7}", JobKind::Box, "\"boxs\" means nothing");
        desk.refusal("l.jsonl", "{\"task\":4,\"boxes\":3}\n{\"task\":7}", JobKind::Box, "line 1");
        desk.refusal("l.csv", "task,boxes\n4,[]\n", JobKind::Box, "JSON Lines");
    }

    #[test]
    fn drafts_are_texts_or_recordings_bound_to_their_producer() {
        let desk = desk();
        fs::write(desk.0.path().join("seven.txt"), "seven").unwrap();
        fs::write(desk.0.path().join("seven.wav"), b"RIFF\x24\0\0\0WAVEfmt ").unwrap();
        let given =
            desk.read("l.jsonl", "{\"task\":4,\"transcript\":\"four\"}\n{\"task\":7,\"file\":\"seven.txt\"}", JobKind::Text).unwrap();
        let (me, you) = (Address::new(&[1; 20]).unwrap(), Address::new(&[2; 20]).unwrap());
        let (reply, draft) = given[1].1.clone().told(&me).unwrap();
        let draft = draft.unwrap();
        let (producer, side) = formats::read_draft(&draft).unwrap();
        assert_eq!((producer, side.media_type, side.content), (me, "text/plain", b"seven".as_slice()));
        assert_eq!(reply, Some(Reply::Draft(Sha256::digest(&draft).into())));
        assert_ne!(given[1].1.clone().told(&you).unwrap().0, reply);
        let given = desk.read("l.jsonl", "{\"task\":4}\n{\"task\":7,\"file\":\"seven.wav\"}", JobKind::Audio).unwrap();
        assert!(matches!(given[1].1, Said::Content { media_type: "audio/wav", .. }));
        desk.refusal("l.jsonl", "{\"task\":4}\n{\"task\":7,\"file\":\"seven.txt\"}", JobKind::Audio, "no recording");
        desk.refusal("l.jsonl", "{\"task\":4}\n{\"task\":7,\"transcript\":\"x\"}", JobKind::Audio, "a recording is asked for");
        desk.refusal("l.jsonl", "{\"task\":4,\"transcript\":\"x\",\"file\":\"y\"}\n{\"task\":7}", JobKind::Text, "not both");
        desk.refusal("l.jsonl", "{\"task\":4,\"file\":\"none.txt\"}\n{\"task\":7}", JobKind::Text, "cannot read");
    }

    #[test]
    fn skipped_tasks_are_told_by_their_type() {
        assert_eq!(payload(None, JobKind::Verify, 2).unwrap(), formats::class_payload(formats::SKIPPED));
        assert_eq!(payload(None, JobKind::Box, 2).unwrap(), Vec::<u8>::new());
        assert_eq!(label(4, None, JobKind::Verify, 2).unwrap().class, u32::from(formats::SKIPPED));
        assert_eq!(label(4, None, JobKind::MultiLabel, 2).unwrap(), Label { task: 4, ..Label::default() });
        let (name, text) = template(JobKind::Verify, &[4, 7], &BTreeMap::from([(7, "reject")]));
        assert_eq!((name, text.as_str()), ("labels.csv", "task,class\n4,\n7,reject\n"));
        assert_eq!(template(JobKind::Span, &[4], &BTreeMap::new()).1, "{\"task\":4}\n");
    }
}
