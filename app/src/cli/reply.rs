//! What somebody says of a task, in the form that the chain counts: an annotator's label, or the requester's truth of a gold task. And its
//! plain notation, the fields of `cairn_formats::Fields`.
use anyhow::{Context, Result, bail};
use cairn_annotation::formats;
use cairn_formats::{Answer, BoxShape, Fields, JobKind, Polygon, Span};
use cairn_proto::cairn::annotation::v1::{JobType, Label};
use cairn_truth::{Draft, DraftKind, Rect, Shapes};
use serde::{Deserialize, Serialize};

/// What is said of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reply {
    /// The class, from 0.
    Class(u16),
    /// MULTI_LABEL: bit l says that class l holds.
    Set(u64),
    /// BOX, POLYGON, SPAN: the draft in its canonical bytes.
    Shapes(#[serde(with = "hex")] Vec<u8>),
    /// TEXT, AUDIO: SHA-256 of the draft that its producer uploads.
    Draft(#[serde(with = "hex")] [u8; 32]),
}

impl Reply {
    /// An answer as the chain counts it.
    ///
    /// # Errors
    /// Shapes that the chain would refuse; a text, of which the chain only knows the hash.
    pub(crate) fn of(answer: &Answer) -> Result<Self> {
        Ok(match answer {
            Answer::Class(class) => Self::Class(*class),
            Answer::Set(set) => Self::Set(set.iter().fold(0, |bits, class| bits | 1_u64.checked_shl((*class).into()).unwrap_or(0))),
            Answer::Boxes(_) | Answer::Polygons(_) | Answer::Spans(_) => {
                let bytes = draft_of(answer)?.encode();
                if bytes.len() > cairn_truth::MAX_DRAFT_BYTES {
                    bail!("the shapes take {} bytes, at most {} are allowed: leave some out", bytes.len(), cairn_truth::MAX_DRAFT_BYTES);
                }
                Self::Shapes(bytes)
            }
            Answer::Text(_) => bail!("a text is known to the chain by its hash only"),
        })
    }
    /// What commitments and gold leaves hold, in a job of so many classes.
    pub(crate) fn payload(&self, classes: usize) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Class(class) => formats::class_payload(*class).to_vec(),
            Self::Set(set) => cairn_truth::set_to_bytes(u16::try_from(classes)?, *set).map_err(|e| anyhow::anyhow!("{e}"))?,
            Self::Shapes(bytes) => formats::shapes_payload(bytes).to_vec(),
            Self::Draft(hash) => hash.to_vec(),
        })
    }
    /// As it is opened.
    pub(crate) fn label(&self, task: u32, classes: usize) -> Result<Label> {
        Ok(match self {
            Self::Class(class) => Label { task, class: (*class).into(), ..Label::default() },
            Self::Set(_) => Label { task, set: self.payload(classes)?, ..Label::default() },
            Self::Shapes(bytes) => Label { task, draft: bytes.clone(), ..Label::default() },
            Self::Draft(hash) => Label { task, draft: hash.to_vec(), ..Label::default() },
        })
    }
}

/// The kind of a job on the chain.
pub(crate) fn kind_of(job_type: JobType) -> Result<JobKind> {
    let name = job_type.as_str_name().trim_start_matches("JOB_TYPE_");
    JobKind::of_name(name).with_context(|| format!("this program knows no {name} jobs"))
}

/// What drafts of such jobs are, where they are told in the clear.
pub(crate) fn draws(kind: JobKind) -> Option<DraftKind> {
    match kind {
        JobKind::Box => Some(DraftKind::Boxes),
        JobKind::Polygon => Some(DraftKind::Polygons),
        JobKind::Span => Some(DraftKind::Spans),
        JobKind::Classify | JobKind::MultiLabel | JobKind::Pairwise | JobKind::Verify | JobKind::Text | JobKind::Audio => None,
    }
}

/// Whether annotators of such a job make drafts, which others verify.
pub(crate) fn produces(kind: JobKind) -> bool {
    draws(kind).is_some() || matches!(kind, JobKind::Text | JobKind::Audio)
}

/// The answer in a cell of a table: a class by its name, anything else as JSON. An empty cell is none.
pub(crate) fn answer_in_cell(cell: &str, kind: JobKind, classes: &[String]) -> Result<Option<Answer>> {
    if cell.is_empty() {
        return Ok(None);
    }
    let value = if kind.is_one_class() || matches!(kind, JobKind::Text | JobKind::Audio) {
        cell.into()
    } else {
        serde_json::from_str(cell).with_context(|| format!("{cell:?} is no JSON list"))?
    };
    let object = serde_json::Map::from_iter([(kind.field().to_owned(), value)]);
    let fields: Fields = serde_json::from_value(object.into()).with_context(|| format!("{cell:?} does not tell {}", kind.field()))?;
    fields.answer(kind, classes).map_err(|why| anyhow::anyhow!(why))
}

/// The draft that an answer in shapes is.
pub(crate) fn draft_of(answer: &Answer) -> Result<Draft> {
    let corner = |at: u32, size: u32| at.checked_add(size).context("a box leaves the picture");
    match answer {
        Answer::Boxes(boxes) => {
            let one = |b: &BoxShape| {
                Ok((b.class, Rect::new(b.x, b.y, corner(b.x, b.width)?, corner(b.y, b.height)?).map_err(|e| refused(b, &e))?))
            };
            Draft::boxes(boxes.iter().map(one).collect::<Result<_>>()?)
        }
        Answer::Polygons(polygons) => {
            for polygon in polygons {
                cairn_truth::Polygon::new(polygon.points.clone()).map_err(|e| refused(polygon, &e))?;
            }
            Draft::polygons(polygons.iter().map(|p| (p.class, p.points.clone())).collect())
        }
        Answer::Spans(spans) => {
            let one = |s: &Span| cairn_truth::Span::new(s.start, s.end, s.class).map_err(|e| refused(s, &e));
            Draft::spans(spans.iter().map(one).collect::<Result<_>>()?)
        }
        Answer::Class(_) | Answer::Set(_) | Answer::Text(_) => bail!("the answer has no shapes"),
    }
    .map_err(|e| anyhow::anyhow!("{e}"))
}

fn refused(shape: &impl std::fmt::Debug, why: &cairn_truth::DraftError) -> anyhow::Error {
    anyhow::anyhow!("{why}: {shape:?}")
}

/// The answer that a draft tells.
pub(crate) fn answer_of(draft: &Draft) -> Answer {
    match draft.shapes() {
        Shapes::Boxes(boxes) => {
            let one = |(class, rect): &(u16, Rect)| {
                let [x, y, x1, y1] = rect.corners();
                BoxShape { class: *class, x, y, width: x1.saturating_sub(x), height: y1.saturating_sub(y) }
            };
            Answer::Boxes(boxes.iter().map(one).collect())
        }
        Shapes::Polygons(polygons) => {
            let one = |(class, polygon): &(u16, cairn_truth::Polygon)| Polygon { class: *class, points: polygon.corners().to_vec() };
            Answer::Polygons(polygons.iter().map(one).collect())
        }
        Shapes::Spans(spans) => {
            let one = |span: &cairn_truth::Span| Span { class: span.label(), start: span.bounds().0, end: span.bounds().1 };
            Answer::Spans(spans.iter().map(one).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(n: usize) -> Vec<String> {
        (0..n).map(|n| format!("c{n}")).collect()
    }

    #[test]
    fn shapes_are_told_and_found_again() {
        let cells = [
            (JobKind::Box, r#"[{"class":"c1","x":3,"y":4,"width":10,"height":20},{"class":"c0","x":0,"y":0,"width":1,"height":1}]"#),
            (JobKind::Polygon, r#"[{"class":"c1","points":[[9,9],[0,0],[9,0]]}]"#),
            (JobKind::Span, r#"[{"class":"c1","start":3,"end":9},{"class":"c0","start":0,"end":2}]"#),
            (JobKind::Box, "[]"),
        ];
        for (kind, cell) in cells {
            let answer = answer_in_cell(cell, kind, &classes(2)).unwrap().unwrap();
            let reply = Reply::of(&answer).unwrap();
            let Reply::Shapes(bytes) = &reply else { panic!("{reply:?}") };
            let draft = Draft::decode(draws(kind).unwrap(), bytes).unwrap();
            assert_eq!(Reply::of(&answer_of(&draft)).unwrap(), reply, "one canonical form");
            assert_eq!(reply.payload(2).unwrap(), formats::shapes_payload(bytes));
            assert_eq!(&reply.label(7, 2).unwrap().draft, bytes);
            let kept = serde_json::to_string(&reply).unwrap();
            assert_eq!(serde_json::from_str::<Reply>(&kept).unwrap(), reply);
        }
    }

    #[test]
    fn what_the_chain_would_refuse_is_refused_with_the_shape() {
        for (kind, cell, why) in [
            (JobKind::Polygon, r#"[{"class":"c0","points":[[0,0],[9,9],[9,0],[0,9]]}]"#, "crosses itself"),
            (JobKind::Box, r#"[{"class":"c0","x":16777216,"y":0,"width":9,"height":9}]"#, "16777225"),
            (JobKind::Span, r#"[{"class":"c0","start":0,"end":2},{"class":"c0","start":0,"end":2}]"#, "twice"),
        ] {
            let answer = answer_in_cell(cell, kind, &classes(1)).unwrap().unwrap();
            let error = Reply::of(&answer).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(answer_in_cell("c2", JobKind::MultiLabel, &classes(3)).unwrap_err().to_string().contains("JSON list"));
        assert!(answer_in_cell("[3]", JobKind::Box, &classes(3)).unwrap_err().to_string().contains("does not tell boxes"));
        assert_eq!(answer_in_cell("", JobKind::Box, &classes(3)).unwrap(), None);
        let many = (0..500).map(|n| Span { class: 0, start: n, end: 900 }).collect();
        assert!(Reply::of(&Answer::Spans(many)).unwrap_err().to_string().contains("at most 256"));
    }

    #[test]
    fn drafts_are_told_by_their_hash() {
        let reply = Reply::Draft([7; 32]);
        assert_eq!(reply.payload(0).unwrap(), [7; 32]);
        assert_eq!(reply.label(3, 0).unwrap(), Label { task: 3, draft: vec![7; 32], ..Label::default() });
        assert_eq!(serde_json::from_str::<Reply>(&serde_json::to_string(&reply).unwrap()).unwrap(), reply);
        assert!(Reply::of(&Answer::Text("x".into())).is_err());
    }
}
