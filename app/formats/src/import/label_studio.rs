//! Label Studio's JSON: a list of tasks with data, and annotations whose truth is taken over.
use std::{fs::File, io::BufReader, path::Path};

use serde::{Deserialize, de::DeserializeSeed};
use serde_json::{Map, Value};

use super::{Collector, Entry, seq::Each};
use crate::{
    answer::{box_shape, class_of, polygon, set, span},
    error::{Error, Result},
    model::{Answer, ItemKind, JobKind, part},
};

#[derive(Deserialize)]
struct Task {
    data: Map<String, Value>,
    #[serde(default, alias = "completions")]
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    result: Vec<Region>,
    #[serde(default)]
    was_cancelled: bool,
    #[serde(default)]
    ground_truth: bool,
}

#[derive(Deserialize)]
struct Region {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    value: RegionValue,
    original_width: Option<u32>,
    original_height: Option<u32>,
}

/// Every kind of region's fields; those of the type are there.
#[derive(Deserialize, Default)]
struct RegionValue {
    #[serde(default)]
    choices: Vec<String>,
    #[serde(default)]
    rectanglelabels: Vec<String>,
    #[serde(default)]
    polygonlabels: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    text: Value,
    #[serde(default)]
    points: Vec<(f64, f64)>,
    x: Option<f64>,
    y: Option<f64>,
    width: Option<f64>,
    height: Option<f64>,
    rotation: Option<f64>,
    start: Option<Value>,
    end: Option<Value>,
}

/// Reads the tasks one by one.
pub(super) fn read(path: &Path, into: &mut Collector<'_>) -> Result<Vec<String>> {
    let file = BufReader::new(File::open(path).map_err(Error::io("read", path))?);
    let mut json = serde_json::Deserializer::from_reader(file);
    let (mut number, mut undecided, mut failed) = (0_u64, 0_u64, None);
    let mut handle = |task: Task| {
        number = number.saturating_add(1);
        let (kind, item_kind) = (into.source.job_kind, into.source.item_kind);
        let at = ("task", number);
        let (name, text) = content(&task.data, item_kind);
        let answer = match truth(&task.annotations) {
            Truth::None => None,
            Truth::Undecided => {
                undecided = undecided.saturating_add(1);
                None
            }
            Truth::One(annotation) => match answer(annotation, kind, into.source.classes, text.as_deref()) {
                Ok(answer) => Some(answer),
                Err(why) => {
                    into.problems.add(format!("{} task {number}: {why}", path.display()));
                    None
                }
            },
        };
        into.add(at, Entry { name, text, answer }).map_err(|e| {
            let told = e.to_string();
            failed = Some(e);
            told
        })
    };
    let read = Each::<Task, _>::new(&mut handle).deserialize(&mut json).and_then(|()| json.end());
    if let Some(failed) = failed {
        return Err(failed);
    }
    read.map_err(|e| Error::list(path, format!("line {}", e.line()), format!("{e} (in task {})", number.saturating_add(1))))?;
    Ok(if undecided == 0 {
        Vec::new()
    } else {
        vec![format!("{undecided} tasks have several annotations and none marked as ground truth: their truth is taken as unknown")]
    })
}

enum Truth<'a> {
    None,
    One(&'a Annotation),
    Undecided,
}

/// The annotation marked as ground truth, or else the only one.
fn truth(annotations: &[Annotation]) -> Truth<'_> {
    let mut standing = annotations.iter().filter(|a| !a.was_cancelled);
    if let Some(marked) = annotations.iter().find(|a| a.ground_truth && !a.was_cancelled) {
        return Truth::One(marked);
    }
    match (standing.next(), standing.next()) {
        (None, _) => Truth::None,
        (Some(one), None) => Truth::One(one),
        (Some(_), Some(_)) => Truth::Undecided,
    }
}

/// The item's name and, for a text, its content. The key is the item's kind, or `item`, or the only one that is a text.
fn content(data: &Map<String, Value>, kind: ItemKind) -> (Option<String>, Option<String>) {
    let texts = || data.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    let of = |key: &str| texts().find(|(k, _)| *k == key).map(|(_, v)| v.to_owned());
    let only = || Some(texts().next()?.1.to_owned()).filter(|_| texts().count() == 1);
    match (kind, of("item"), of(kind.word())) {
        (ItemKind::Text, name, Some(text)) => (name, Some(text)),
        (ItemKind::Text, Some(name), None) => (Some(name), None),
        (ItemKind::Text, None, None) => (None, only()),
        (_, Some(name), _) | (_, None, Some(name)) => (Some(name), None),
        (_, None, None) => (only(), None),
    }
}

/// An annotation as an answer. No region: no class chosen is no answer to a question for one, but it is an empty set.
fn answer(annotation: &Annotation, kind: JobKind, classes: &[String], text: Option<&str>) -> std::result::Result<Answer, String> {
    let regions = || annotation.result.iter();
    let class = |names: &[String]| match names {
        [one] => class_of(one, classes),
        _ => Err(format!("expected one label, found {}", names.len())),
    };
    match kind {
        JobKind::Classify | JobKind::Pairwise | JobKind::Verify => {
            let chosen: Vec<String> = regions().filter(|r| r.kind == "choices").flat_map(|r| r.value.choices.clone()).collect();
            class(&chosen).map(Answer::Class)
        }
        JobKind::MultiLabel => {
            let chosen = regions().filter(|r| r.kind == "choices").flat_map(|r| &r.value.choices);
            set(chosen.map(|c| class_of(c, classes)).collect::<std::result::Result<_, _>>()?)
        }
        JobKind::Box => {
            let boxes = regions().filter(|r| r.kind == "rectanglelabels");
            let one = |r: &Region| {
                if r.value.rotation.is_some_and(|turn| turn != 0.0) {
                    return Err("a box that is turned cannot be taken over".to_owned());
                }
                let (width, height) = pixels(r)?;
                let of = |part: Option<f64>, whole| unscale(part.ok_or("a box without x, y, width or height")?, whole);
                box_shape(
                    class(&r.value.rectanglelabels)?,
                    of(r.value.x, width)?,
                    of(r.value.y, height)?,
                    of(r.value.width, width)?,
                    of(r.value.height, height)?,
                )
            };
            boxes.map(one).collect::<std::result::Result<_, _>>().map(Answer::Boxes)
        }
        JobKind::Polygon => {
            let polygons = regions().filter(|r| r.kind == "polygonlabels");
            let one = |r: &Region| {
                let (width, height) = pixels(r)?;
                let corner = |(x, y): &(f64, f64)| Ok::<_, String>((unscale(*x, width)?, unscale(*y, height)?));
                polygon(class(&r.value.polygonlabels)?, r.value.points.iter().map(corner).collect::<std::result::Result<_, _>>()?)
            };
            polygons.map(one).collect::<std::result::Result<_, _>>().map(Answer::Polygons)
        }
        JobKind::Span => {
            let spans = regions().filter(|r| r.kind == "labels");
            let one = |r: &Region| {
                let bounds = (place(r.value.start.as_ref())?, place(r.value.end.as_ref())?);
                let (start, end) = match (text, r.value.text.as_str()) {
                    (Some(text), Some(passage)) => found(text, passage, bounds)?,
                    _ => bounds,
                };
                span(class(&r.value.labels)?, start, end)
            };
            spans.map(one).collect::<std::result::Result<_, _>>().map(Answer::Spans)
        }
        JobKind::Text | JobKind::Audio => match regions().find(|r| r.kind == "textarea").map(|r| &r.value.text) {
            Some(Value::String(text)) => Ok(Answer::Text(text.clone())),
            Some(Value::Array(lines)) => Ok(Answer::Text(lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"))),
            _ => Err("no text area".into()),
        },
    }
}

/// The characters of a passage that a region quotes. Label Studio has counted them in UTF-16 before it counted characters, so that everything
/// after an emoji is one off: where the quotation shows that, they are counted anew.
fn found(text: &str, passage: &str, (start, end): (u32, u32)) -> std::result::Result<(u32, u32), String> {
    // Line ends are quoted in more than one way.
    let plain = |text: &str| text.replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let is_there = |from: u32, to: u32| plain(&part(text, from, to)) == plain(passage);
    if is_there(start, end) {
        return Ok((start, end));
    }
    match (characters(text, start), characters(text, end)) {
        (Some(from), Some(to)) if is_there(from, to) => Ok((from, to)),
        _ => Err(format!("the passage from {start} to {end} is {:?}, the region quotes {passage:?}", part(text, start, end))),
    }
}

/// How many characters so many UTF-16 units of a text are.
fn characters(text: &str, units: u32) -> Option<u32> {
    let (mut left, mut count) = (units, 0_u32);
    for sign in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(u32::try_from(sign.len_utf16()).ok()?)?;
        count = count.checked_add(1)?;
    }
    (left == 0).then_some(count)
}

/// The picture's size, which Label Studio's percentages need.
fn pixels(region: &Region) -> std::result::Result<(u32, u32), String> {
    match (region.original_width, region.original_height) {
        (Some(width @ 1..), Some(height @ 1..)) => Ok((width, height)),
        _ => Err("a region without original_width and original_height".into()),
    }
}

/// A percentage of a length as whole pixels.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to lie within the length just above")]
fn unscale(percent: f64, whole: u32) -> std::result::Result<u32, String> {
    let pixels = (percent * f64::from(whole) / 100.0).round();
    if (0.0..=f64::from(whole)).contains(&pixels) { Ok(pixels as u32) } else { Err(format!("{percent} % lies outside of the picture")) }
}

/// Offsets stand as numbers, in old exports as texts.
fn place(value: Option<&Value>) -> std::result::Result<u32, String> {
    let number = match value {
        Some(Value::Number(n)) => n.as_u64(),
        Some(Value::String(s)) => s.parse().ok(),
        _ => None,
    };
    number.and_then(|n| u32::try_from(n).ok()).ok_or_else(|| "a passage without start and end".to_owned())
}
