//! Label Studio's JSON: the answer as annotation, its probability as prediction, everything else under `meta.cairn`.
use serde_json::{Value, json};

use super::{
    Done, Exporter, Out,
    row::{labels, posterior},
    sink::Sink,
};
use crate::{
    error::{Error, Result},
    model::{Answer, Item, ItemKind, Job, JobKind, Size},
};

pub(super) struct LabelStudio {
    job: Job,
    sink: Sink,
    /// The labelling configuration; a stream has none.
    config: Option<Sink>,
    any: bool,
}

impl LabelStudio {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        let config = match &out {
            Out::Stream(_) => None,
            Out::Path(path) => Some(Sink::open(Out::Path(path.with_extension("config.xml")))?),
        };
        let mut sink = Sink::open(out)?;
        sink.write(b"[")?;
        Ok(Self { job: job.clone(), sink, config, any: false })
    }
}

impl Exporter for LabelStudio {
    fn item(&mut self, item: &Item) -> Result<()> {
        self.sink.write(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        let task = task(&self.job, item)?;
        self.sink.write(&serde_json::to_vec(&task).map_err(|e| Error::Refused(e.to_string()))?)
    }
    fn finish(mut self: Box<Self>) -> Result<Done> {
        self.sink.write(b"\n]\n")?;
        let mut done = Done { written: self.sink.finish()?.into_iter().collect(), notes: Vec::new() };
        if let Some(mut config) = self.config.take() {
            config.write(config_xml(&self.job).as_bytes())?;
            done.written.extend(config.finish()?);
            done.notes.push("set up the Label Studio project with the configuration in the .config.xml file".into());
        }
        Ok(done)
    }
}

fn task(job: &Job, item: &Item) -> Result<Value> {
    let id = u64::from(item.task).saturating_add(1);
    let content = item.text.as_ref().filter(|_| job.item_kind == ItemKind::Text).unwrap_or(&item.name);
    let result = item.answer.as_ref().map(|a| regions(job, item, a)).transpose()?;
    let annotations = match &result {
        Some(result) => {
            json!([{ "id": id, "result": result, "was_cancelled": false, "ground_truth": item.gold.is_some() && item.gold == item.answer }])
        }
        None => json!([]),
    };
    let predictions = match (&result, item.confidence()) {
        (Some(result), Some(score)) => json!([{ "model_version": format!("cairn {}", job.model), "score": score, "result": result }]),
        _ => json!([]),
    };
    let truth = item.gold.as_ref().map(|a| crate::Fields::of(a, &job.classes));
    Ok(json!({
        "id": id,
        "data": { "item": item.name, (job.item_kind.word()): content },
        "annotations": annotations,
        "predictions": predictions,
        "meta": { "cairn": {
            "chain": job.chain, "job": job.id, "task": item.task, "model": job.model,
            "posterior": posterior(job, item), "votes": item.votes, "gold": item.gold.is_some(), "truth": truth,
            "labels": labels(job, item), "sha256": item.sha256, "bytes": item.bytes,
            "width": item.size.map(|s| s.width), "height": item.size.map(|s| s.height),
        } },
    }))
}

/// The name of the control in the configuration.
const CONTROL: &str = "answer";

/// The answer as Label Studio's regions. Geometry is in per cent of the picture, so the picture's size is needed.
fn regions(job: &Job, item: &Item, answer: &Answer) -> Result<Vec<Value>> {
    let region = |n: usize, kind: &str, value: Value| {
        let mut region = json!({ "id": format!("{}-{n}", item.task), "from_name": CONTROL, "to_name": job.item_kind.word(), "type": kind, "value": value });
        if let (Some(size), Some(fields)) = (item.size, region.as_object_mut()) {
            fields.insert("original_width".into(), size.width.into());
            fields.insert("original_height".into(), size.height.into());
        }
        region
    };
    let size = || {
        item.size.ok_or_else(|| Error::Refused(format!("the size of {} is not known; name the folder of items with --items", item.name)))
    };
    Ok(match answer {
        Answer::Class(class) => vec![region(0, "choices", json!({ "choices": [job.class(*class)] }))],
        Answer::Set(set) if set.is_empty() => Vec::new(),
        Answer::Set(set) => vec![region(0, "choices", json!({ "choices": set.iter().map(|c| job.class(*c)).collect::<Vec<_>>() }))],
        Answer::Text(text) => vec![region(0, "textarea", json!({ "text": [text] }))],
        Answer::Spans(spans) => {
            let one = |(n, s): (usize, &crate::Span)| {
                let text: Option<String> = item.text.as_ref().map(|t| part(t, s.start, s.end));
                region(n, "labels", json!({ "start": s.start, "end": s.end, "text": text, "labels": [job.class(s.class)] }))
            };
            spans.iter().enumerate().map(one).collect()
        }
        Answer::Boxes(boxes) if boxes.is_empty() => Vec::new(),
        Answer::Polygons(polygons) if polygons.is_empty() => Vec::new(),
        Answer::Boxes(boxes) => {
            let Size { width, height } = size()?;
            let one = |(n, b): (usize, &crate::BoxShape)| {
                let value = json!({
                    "x": percent(b.x, width), "y": percent(b.y, height), "width": percent(b.width, width), "height": percent(b.height, height),
                    "rotation": 0, "rectanglelabels": [job.class(b.class)],
                });
                region(n, "rectanglelabels", value)
            };
            boxes.iter().enumerate().map(one).collect()
        }
        Answer::Polygons(polygons) => {
            let Size { width, height } = size()?;
            let one = |(n, p): (usize, &crate::Polygon)| {
                let points: Vec<_> = p.points.iter().map(|(x, y)| [percent(*x, width), percent(*y, height)]).collect();
                region(n, "polygonlabels", json!({ "points": points, "closed": true, "polygonlabels": [job.class(p.class)] }))
            };
            polygons.iter().enumerate().map(one).collect()
        }
    })
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) * 100.0 / f64::from(whole)
}

/// Characters `start` to `end` of a text.
pub(super) fn part(text: &str, start: u32, end: u32) -> String {
    let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    text.chars().skip(place(start)).take(place(end.saturating_sub(start))).collect()
}

/// The labelling configuration that such tasks belong to.
fn config_xml(job: &Job) -> String {
    let object = match job.item_kind {
        ItemKind::Image => "Image",
        ItemKind::Audio => "Audio",
        ItemKind::Text | ItemKind::Pair => "Text",
    };
    let word = job.item_kind.word();
    let (control, options, child) = match job.kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Verify => ("Choices", " choice=\"single\"", "Choice"),
        JobKind::MultiLabel => ("Choices", " choice=\"multiple\"", "Choice"),
        JobKind::Box => ("RectangleLabels", "", "Label"),
        JobKind::Polygon => ("PolygonLabels", "", "Label"),
        JobKind::Span => ("Labels", "", "Label"),
        JobKind::Text | JobKind::Audio => ("TextArea", "", ""),
    };
    let children: String = if child.is_empty() {
        String::new()
    } else {
        job.classes.iter().map(|c| format!("    <{child} value=\"{}\"/>\n", escaped(c))).collect()
    };
    format!(
        "<View>\n  <{object} name=\"{word}\" value=\"${word}\"/>\n  <{control} name=\"{CONTROL}\" toName=\"{word}\"{options}>\n{children}  </{control}>\n</View>\n"
    )
}

/// Text within XML. What XML cannot hold at all (control characters) becomes a replacement character.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}
