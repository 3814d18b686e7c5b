//! What a result is made of: a job, its items, the answers to them.
use std::{fmt, path::PathBuf};

/// What annotators were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// One class of a closed list.
    Classify,
    /// Any number of classes of a closed list.
    MultiLabel,
    /// Which of two items is better: classes `left`, `right` and perhaps `tie`.
    Pairwise,
    /// Boxes in a picture.
    Box,
    /// Polygons in a picture.
    Polygon,
    /// Marked passages of a text.
    Span,
    /// A text written for an item.
    Text,
    /// What a recording says, in writing.
    Audio,
    /// Whether a draft is good: classes `reject` and `accept`.
    Verify,
}

impl JobKind {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Classify, Self::MultiLabel, Self::Pairwise, Self::Box, Self::Polygon, Self::Span, Self::Text, Self::Audio, Self::Verify];
    /// Its name on the chain, without the prefix `JOB_TYPE_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classify => "CLASSIFY",
            Self::MultiLabel => "MULTI_LABEL",
            Self::Pairwise => "PAIRWISE",
            Self::Box => "BOX",
            Self::Polygon => "POLYGON",
            Self::Span => "SPAN",
            Self::Text => "TEXT",
            Self::Audio => "AUDIO",
            Self::Verify => "VERIFY",
        }
    }
    /// The kind of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
    /// The name of the field, or column, that holds its answers.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Classify | Self::Pairwise | Self::Verify => "class",
            Self::MultiLabel => "classes",
            Self::Box => "boxes",
            Self::Polygon => "polygons",
            Self::Span => "spans",
            Self::Text | Self::Audio => "transcript",
        }
    }
    /// Whether an answer is one class.
    #[must_use]
    pub fn is_one_class(self) -> bool {
        matches!(self, Self::Classify | Self::Pairwise | Self::Verify)
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// A picture.
    Image,
    /// A text.
    Text,
    /// A recording.
    Audio,
    /// Two items in one container.
    Pair,
}

impl ItemKind {
    /// `image`, `text`, `audio`, `pair`: as in a job description, and as the key of an item's content in Label Studio's tasks.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Text => "text",
            Self::Audio => "audio",
            Self::Pair => "pair",
        }
    }
}

/// Width and height of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A box in pixels from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxShape {
    /// What it shows.
    pub class: u16,
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// A polygon in pixels from the upper left corner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polygon {
    /// What it shows.
    pub class: u16,
    /// Its corners in order, at least three.
    pub points: Vec<(u32, u32)>,
}

/// A passage of a text, counted in characters (Unicode scalar values) from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// What it is.
    pub class: u16,
    /// The first character.
    pub start: u32,
    /// The first character after it.
    pub end: u32,
}

/// Characters `start` to `end` of a text.
pub(crate) fn part(text: &str, start: u32, end: u32) -> String {
    let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    text.chars().skip(place(start)).take(place(end.saturating_sub(start))).collect()
}

/// An answer to a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// CLASSIFY, PAIRWISE, VERIFY.
    Class(u16),
    /// MULTI_LABEL: the classes that hold, ascending; none is an answer too.
    Set(Vec<u16>),
    /// BOX.
    Boxes(Vec<BoxShape>),
    /// POLYGON.
    Polygons(Vec<Polygon>),
    /// SPAN.
    Spans(Vec<Span>),
    /// TEXT, AUDIO.
    Text(String),
}

/// One annotator's label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The annotator's pseudonym (`Pseudonyms`).
    pub worker: String,
    /// What it said.
    pub answer: Answer,
    /// Whether it came in the late round, after the first inference.
    pub late: bool,
    /// Whether it was paid for.
    pub paid: bool,
    /// Reason code of the pay; empty before the settlement.
    pub reason: String,
}

/// An item with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Number of the task.
    pub task: u32,
    /// Its name in the requester's folder or list; the task's number where that is not known.
    pub name: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: Option<String>,
    /// Size of the content.
    pub bytes: Option<u64>,
    /// Of a picture.
    pub size: Option<Size>,
    /// The content of a text.
    pub text: Option<String>,
    /// Where its content lies.
    pub path: Option<PathBuf>,
    /// The inferred or accepted answer; absent where nobody labelled it.
    pub answer: Option<Answer>,
    /// In units of 1/65,535. One class: the probability of each class. MULTI_LABEL: of each class that it holds. Else: one number, that
    /// the answer is good. Empty before the inference.
    pub posterior: Vec<u16>,
    /// Accepted labels a class, in the order of `posterior`; of a draft the verdicts that accept it and those that reject it.
    pub votes: Vec<u32>,
    /// The requester's truth, where the task was opened as gold.
    pub gold: Option<Answer>,
    /// The accepted labels.
    pub labels: Vec<Label>,
}

impl Item {
    /// How probable the answer is: of a set of classes the least sure one. Absent without an inference.
    #[must_use]
    pub fn confidence(&self) -> Option<f64> {
        match self.answer.as_ref()? {
            Answer::Class(class) => self.posterior.get(usize::from(*class)).map(|p| share(*p)),
            Answer::Set(_) => self.posterior.iter().map(|p| (*p).max(u16::MAX.saturating_sub(*p))).min().map(share),
            _ => self.posterior.first().map(|p| share(*p)),
        }
    }
}

/// A stored probability, of 65,535, with six decimals: enough to find the stored one again.
#[must_use]
pub fn share(p: u16) -> f64 {
    (f64::from(p) * 1e6 / 65_535.0).round() / 1e6
}

/// A job, as far as an export tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The chain.
    pub chain: String,
    /// Its number there.
    pub id: u64,
    /// Name for people.
    pub title: String,
    /// Instructions for annotators.
    pub description: String,
    /// What they were asked for.
    pub kind: JobKind,
    /// What the items are.
    pub item_kind: ItemKind,
    /// Names of the classes, class 0 first.
    pub classes: Vec<String>,
    /// Number of tasks.
    pub tasks: u32,
    /// Labels a task at most.
    pub overlap: u32,
    /// Annotators that had a lease.
    pub workers: u32,
    /// Where it stood when the export was made, as the chain names it: `CLOSED`.
    pub state: String,
    /// Whether its result is settled. Of another job an export holds what is known so far.
    pub settled: bool,
    /// The model chosen at the settlement; empty before.
    pub model: String,
    /// The settlement's digest, hexadecimal; empty before.
    pub digest: String,
    /// Root of the items' manifest, hexadecimal.
    pub manifest_root: String,
    /// Root over the paid labels, hexadecimal; empty before the settlement.
    pub contributors_root: String,
    /// Who paid.
    pub requester: String,
    /// The data set asset; 0 when there is none.
    pub asset: u64,
    /// Media type of the items.
    pub media_type: String,
    /// Licence of the result, as a URL; empty when none is named.
    pub licence: String,
    /// Where the items can be had.
    pub gateways: Vec<String>,
    /// Day of the export, as `2026-01-31`.
    pub date: String,
}

impl Job {
    /// A class's name.
    #[must_use]
    pub fn class(&self, class: u16) -> &str {
        self.classes.get(usize::from(class)).map_or("", String::as_str)
    }
}
