//! Answers as fields of a JSON object: the one notation that our own lists and exports share.
use serde::{Deserialize, Serialize};

use crate::{
    form::composed,
    model::{Answer, BoxShape, JobKind, Polygon, Span},
};

/// An answer's fields; at most one is there. Classes stand by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// CLASSIFY, PAIRWISE, VERIFY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// MULTI_LABEL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// BOX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes: Option<Vec<BoxFields>>,
    /// POLYGON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polygons: Option<Vec<PolygonFields>>,
    /// SPAN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spans: Option<Vec<SpanFields>>,
    /// TEXT, AUDIO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxFields {
    class: String,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// A polygon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolygonFields {
    class: String,
    points: Vec<(u32, u32)>,
}

/// A passage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpanFields {
    class: String,
    start: u32,
    end: u32,
}

impl Fields {
    /// The fields of an answer.
    #[must_use]
    pub fn of(answer: &Answer, classes: &[String]) -> Self {
        let name = |class: u16| classes.get(usize::from(class)).cloned().unwrap_or_default();
        match answer {
            Answer::Class(class) => Self { class: Some(name(*class)), ..Self::default() },
            Answer::Set(set) => Self { classes: Some(set.iter().map(|c| name(*c)).collect()), ..Self::default() },
            Answer::Boxes(boxes) => {
                let one = |b: &BoxShape| BoxFields { class: name(b.class), x: b.x, y: b.y, width: b.width, height: b.height };
                Self { boxes: Some(boxes.iter().map(one).collect()), ..Self::default() }
            }
            Answer::Polygons(polygons) => {
                let one = |p: &Polygon| PolygonFields { class: name(p.class), points: p.points.clone() };
                Self { polygons: Some(polygons.iter().map(one).collect()), ..Self::default() }
            }
            Answer::Spans(spans) => {
                let one = |s: &Span| SpanFields { class: name(s.class), start: s.start, end: s.end };
                Self { spans: Some(spans.iter().map(one).collect()), ..Self::default() }
            }
            Answer::Text(text) => Self { transcript: Some(text.clone()), ..Self::default() },
        }
    }
    /// The answer that they tell in a job of that kind; none if the field of that kind is absent.
    ///
    /// # Errors
    /// A class that is not listed, a shape that cannot be, or a field of another kind of job: the reason as text.
    pub fn answer(&self, kind: JobKind, classes: &[String]) -> Result<Option<Answer>, String> {
        if let Some(field) = self.foreign(kind) {
            return Err(format!("the field '{field}' does not belong to {kind} jobs"));
        }
        let class = |name: &str| class_of(name, classes);
        Ok(match kind {
            JobKind::Classify | JobKind::Pairwise | JobKind::Verify => self.class.as_deref().map(class).transpose()?.map(Answer::Class),
            JobKind::MultiLabel => match &self.classes {
                Some(names) => Some(set(names.iter().map(|n| class(n)).collect::<Result<_, _>>()?)?),
                None => None,
            },
            JobKind::Box => self.boxes.as_ref().map(|b| boxes(b, class)).transpose()?,
            JobKind::Polygon => self.polygons.as_ref().map(|p| polygons(p, class)).transpose()?,
            JobKind::Span => self.spans.as_ref().map(|s| spans(s, class)).transpose()?,
            JobKind::Text | JobKind::Audio => self.transcript.clone().map(Answer::Text),
        })
    }
    /// A field that is there and means nothing in a job of that kind.
    fn foreign(&self, kind: JobKind) -> Option<&'static str> {
        let there = [
            ("class", self.class.is_some(), kind.is_one_class()),
            ("classes", self.classes.is_some(), kind == JobKind::MultiLabel),
            ("boxes", self.boxes.is_some(), kind == JobKind::Box),
            ("polygons", self.polygons.is_some(), kind == JobKind::Polygon),
            ("spans", self.spans.is_some(), kind == JobKind::Span),
            ("transcript", self.transcript.is_some(), matches!(kind, JobKind::Text | JobKind::Audio)),
        ];
        there.into_iter().find(|(_, there, fits)| *there && !fits).map(|(name, ..)| name)
    }
}

/// The number of a class.
pub(crate) fn class_of(name: &str, classes: &[String]) -> Result<u16, String> {
    let same = |c: &String| composed(c) == composed(name);
    let at = classes.iter().position(|c| c == name).or_else(|| classes.iter().position(same));
    at.and_then(|i| u16::try_from(i).ok()).ok_or_else(|| format!("{name:?} is none of the classes {}", classes.join(", ")))
}

/// A set of classes.
pub(crate) fn set(mut classes: Vec<u16>) -> Result<Answer, String> {
    classes.sort_unstable();
    let named = classes.len();
    classes.dedup();
    if classes.len() == named { Ok(Answer::Set(classes)) } else { Err("a class stands there twice".into()) }
}

/// A box that has an area.
pub(crate) fn box_shape(class: u16, x: u32, y: u32, width: u32, height: u32) -> Result<BoxShape, String> {
    if width == 0 || height == 0 || x.checked_add(width).is_none() || y.checked_add(height).is_none() {
        return Err(format!("a box of {width} by {height} pixels at ({x}, {y}) cannot be"));
    }
    Ok(BoxShape { class, x, y, width, height })
}

/// A polygon with at least three corners.
pub(crate) fn polygon(class: u16, points: Vec<(u32, u32)>) -> Result<Polygon, String> {
    if points.len() < 3 {
        return Err(format!("a polygon has at least 3 corners, found {}", points.len()));
    }
    Ok(Polygon { class, points })
}

/// A passage that is not empty.
pub(crate) fn span(class: u16, start: u32, end: u32) -> Result<Span, String> {
    if start >= end { Err(format!("a passage from {start} to {end} is empty")) } else { Ok(Span { class, start, end }) }
}

fn boxes(fields: &[BoxFields], class: impl Fn(&str) -> Result<u16, String>) -> Result<Answer, String> {
    let one = |b: &BoxFields| box_shape(class(&b.class)?, b.x, b.y, b.width, b.height);
    fields.iter().map(one).collect::<Result<_, _>>().map(Answer::Boxes)
}

fn polygons(fields: &[PolygonFields], class: impl Fn(&str) -> Result<u16, String>) -> Result<Answer, String> {
    let one = |p: &PolygonFields| polygon(class(&p.class)?, p.points.clone());
    fields.iter().map(one).collect::<Result<_, _>>().map(Answer::Polygons)
}

fn spans(fields: &[SpanFields], class: impl Fn(&str) -> Result<u16, String>) -> Result<Answer, String> {
    let one = |s: &SpanFields| span(class(&s.class)?, s.start, s.end);
    fields.iter().map(one).collect::<Result<_, _>>().map(Answer::Spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_answer_is_refused_with_its_reason() {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let read = |text: &str, kind| serde_json::from_str::<Fields>(text).unwrap().answer(kind, &classes);
        assert_eq!(read("{}", JobKind::Classify), Ok(None));
        assert_eq!(read(r#"{"classes":[]}"#, JobKind::MultiLabel), Ok(Some(Answer::Set(vec![]))));
        for (text, kind, why) in [
            (r#"{"class":"cow"}"#, JobKind::Classify, "none of the classes"),
            (r#"{"boxes":[]}"#, JobKind::Classify, "does not belong to CLASSIFY"),
            (r#"{"classes":["cat","cat"]}"#, JobKind::MultiLabel, "twice"),
            (r#"{"boxes":[{"class":"cat","x":1,"y":1,"width":0,"height":2}]}"#, JobKind::Box, "cannot be"),
            (r#"{"boxes":[{"class":"cat","x":4294967295,"y":1,"width":1,"height":2}]}"#, JobKind::Box, "cannot be"),
            (r#"{"polygons":[{"class":"cat","points":[[1,2],[3,4]]}]}"#, JobKind::Polygon, "at least 3"),
            (r#"{"spans":[{"class":"cat","start":3,"end":3}]}"#, JobKind::Span, "empty"),
        ] {
            let err = read(text, kind).unwrap_err();
            assert!(err.contains(why), "{err}");
        }
    }
}
