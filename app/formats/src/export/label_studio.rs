//! Label Studio's JSON: the answer as annotation, its probability as prediction, everything else under `meta.cairn`.
use serde::{Serialize, Serializer};

use super::{Done, Exporter, Out, row::About, sink::Sink};
use crate::{
    error::{Error, Result},
    model::{Answer, BoxShape, Item, ItemKind, Job, JobKind, Polygon, Size, Span, part},
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
        self.sink.write(&task(&self.job, item)?)
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

#[derive(Serialize)]
struct Task<'a> {
    id: u64,
    data: Data<'a>,
    annotations: Vec<Annotation<'a>>,
    predictions: Vec<Prediction<'a>>,
    meta: Meta<'a>,
}

/// `item`, its name, and under the kind of item its content: a text itself, of others the name.
struct Data<'a> {
    key: &'static str,
    name: &'a str,
    content: &'a str,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map([("item", self.name), (self.key, self.content)])
    }
}

#[derive(Serialize)]
struct Annotation<'a> {
    id: u64,
    result: &'a [Region<'a>],
    was_cancelled: bool,
    ground_truth: bool,
}

#[derive(Serialize)]
struct Prediction<'a> {
    model_version: String,
    score: f64,
    result: &'a [Region<'a>],
}

#[derive(Serialize)]
struct Meta<'a> {
    cairn: About<'a>,
}

#[derive(Serialize)]
struct Region<'a> {
    id: String,
    from_name: &'static str,
    to_name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    value: RegionValue<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original_height: Option<u32>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RegionValue<'a> {
    Choices { choices: Vec<&'a str> },
    Text { text: [&'a str; 1] },
    Span { start: u32, end: u32, text: Option<String>, labels: [&'a str; 1] },
    Box { x: f64, y: f64, width: f64, height: f64, rotation: u8, rectanglelabels: [&'a str; 1] },
    Polygon { points: Vec<[f64; 2]>, closed: bool, polygonlabels: [&'a str; 1] },
}

impl RegionValue<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Choices { .. } => "choices",
            Self::Text { .. } => "textarea",
            Self::Span { .. } => "labels",
            Self::Box { .. } => "rectanglelabels",
            Self::Polygon { .. } => "polygonlabels",
        }
    }
}

/// A task as JSON.
fn task(job: &Job, item: &Item) -> Result<Vec<u8>> {
    let id = u64::from(item.task).saturating_add(1);
    let content = item.text.as_ref().filter(|_| job.item_kind == ItemKind::Text).unwrap_or(&item.name);
    let regions = item.answer.as_ref().map(|a| regions(job, item, a)).transpose()?;
    let ground_truth = item.gold.is_some() && item.gold == item.answer;
    let annotation = |result| Annotation { id, result, was_cancelled: false, ground_truth };
    let prediction = |(result, score)| Prediction { model_version: format!("cairn {}", job.model), score, result };
    let task = Task {
        id,
        data: Data { key: job.item_kind.word(), name: &item.name, content },
        annotations: regions.as_deref().map(annotation).into_iter().collect(),
        predictions: regions.as_deref().zip(item.confidence()).map(prediction).into_iter().collect(),
        meta: Meta { cairn: About::of(job, item) },
    };
    serde_json::to_vec(&task).map_err(|e| Error::Refused(e.to_string()))
}

/// The name of the control in the configuration.
const CONTROL: &str = "answer";

/// The answer as Label Studio's regions.
fn regions<'a>(job: &'a Job, item: &'a Item, answer: &'a Answer) -> Result<Vec<Region<'a>>> {
    let region = |(n, value): (usize, RegionValue<'a>)| Region {
        id: format!("{}-{n}", item.task),
        from_name: CONTROL,
        to_name: job.item_kind.word(),
        kind: value.kind(),
        value,
        original_width: item.size.map(|s| s.width),
        original_height: item.size.map(|s| s.height),
    };
    Ok(values(job, item, answer)?.into_iter().enumerate().map(region).collect())
}

/// Geometry is in per cent of the picture, so the picture's size is needed.
fn values<'a>(job: &'a Job, item: &Item, answer: &'a Answer) -> Result<Vec<RegionValue<'a>>> {
    let size = || item.size.ok_or_else(|| Error::lacks(&format!("the size of {} is not known", item.name)));
    Ok(match answer {
        Answer::Class(class) => vec![RegionValue::Choices { choices: vec![job.class(*class)] }],
        Answer::Set(set) if set.is_empty() => Vec::new(),
        Answer::Set(set) => vec![RegionValue::Choices { choices: set.iter().map(|c| job.class(*c)).collect() }],
        Answer::Text(text) => vec![RegionValue::Text { text: [text] }],
        Answer::Spans(spans) => spans.iter().map(|s| span_value(job, item, s)).collect(),
        Answer::Boxes(boxes) if boxes.is_empty() => Vec::new(),
        Answer::Polygons(polygons) if polygons.is_empty() => Vec::new(),
        Answer::Boxes(boxes) => {
            let size = size()?;
            boxes.iter().map(|b| box_value(job, size, b)).collect()
        }
        Answer::Polygons(polygons) => {
            let size = size()?;
            polygons.iter().map(|p| polygon_value(job, size, p)).collect()
        }
    })
}

fn span_value<'a>(job: &'a Job, item: &Item, s: &Span) -> RegionValue<'a> {
    let text = item.text.as_ref().map(|t| part(t, s.start, s.end));
    RegionValue::Span { start: s.start, end: s.end, text, labels: [job.class(s.class)] }
}

fn box_value<'a>(job: &'a Job, size: Size, b: &BoxShape) -> RegionValue<'a> {
    RegionValue::Box {
        x: percent(b.x, size.width),
        y: percent(b.y, size.height),
        width: percent(b.width, size.width),
        height: percent(b.height, size.height),
        rotation: 0,
        rectanglelabels: [job.class(b.class)],
    }
}

fn polygon_value<'a>(job: &'a Job, size: Size, p: &Polygon) -> RegionValue<'a> {
    let points = p.points.iter().map(|(x, y)| [percent(*x, size.width), percent(*y, size.height)]).collect();
    RegionValue::Polygon { points, closed: true, polygonlabels: [job.class(p.class)] }
}

fn percent(part: u32, whole: u32) -> f64 {
    f64::from(part) * 100.0 / f64::from(whole)
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
        "<View>\n  <{object} name=\"{word}\" value=\"${word}\"/>\n\
         \x20 <{control} name=\"{CONTROL}\" toName=\"{word}\"{options}>\n{children}  </{control}>\n</View>\n"
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
