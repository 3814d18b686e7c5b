//! From a job's result to files, an item at a time.
mod coco;
mod conll;
mod croissant;
mod csv;
mod jsonl;
mod label_studio;
mod parquet;
mod places;
mod row;
mod sink;
mod voc;
mod yolo;

use std::{fmt, io::Write, path::PathBuf};

use crate::{
    error::{Error, Result},
    model::{Item, ItemKind, Job, JobKind},
};

pub use row::{LabelRow, Row};
pub use sink::Sink;

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a task.
    Jsonl,
    /// One row a task.
    Csv,
    /// Label Studio's tasks, with a labelling configuration beside them.
    LabelStudio,
    /// COCO's pictures, categories and annotations.
    Coco,
    /// A folder for YOLO: a text file a picture, or a folder a class.
    Yolo,
    /// A folder in the layout of Pascal VOC.
    Voc,
    /// A folder with tokens and tags as in CoNLL-2003.
    Conll,
    /// One row a task, in columns.
    Parquet,
    /// A folder of tables with their Croissant 1.1 description.
    Croissant,
}

/// What a format must have of the items' contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The sizes of pictures.
    Size,
    /// The contents themselves.
    Content,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Jsonl, Self::Csv, Self::LabelStudio, Self::Coco, Self::Yolo, Self::Voc, Self::Conll, Self::Parquet, Self::Croissant];
    /// As the command line names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::LabelStudio => "label-studio",
            Self::Coco => "coco",
            Self::Yolo => "yolo",
            Self::Voc => "voc",
            Self::Conll => "conll",
            Self::Parquet => "parquet",
            Self::Croissant => "croissant",
        }
    }
    /// Whether it has a place for such answers about such items.
    #[must_use]
    pub fn holds(self, kind: JobKind, items: ItemKind) -> bool {
        let picture = items == ItemKind::Image;
        match self {
            Self::Jsonl | Self::Csv | Self::LabelStudio | Self::Parquet | Self::Croissant => true,
            Self::Yolo => picture && matches!(kind, JobKind::Classify | JobKind::Box | JobKind::Polygon),
            Self::Voc => picture && kind == JobKind::Box,
            Self::Conll => items == ItemKind::Text && kind == JobKind::Span,
            Self::Coco => picture && matches!(kind, JobKind::Classify | JobKind::MultiLabel | JobKind::Box | JobKind::Polygon),
        }
    }
    /// What it must have of the items' contents.
    #[must_use]
    pub fn needs(self, kind: JobKind, items: ItemKind) -> Needs {
        let draws = items == ItemKind::Image && matches!(kind, JobKind::Box | JobKind::Polygon);
        match self {
            Self::Yolo | Self::Voc | Self::Conll => Needs::Content,
            Self::LabelStudio if items == ItemKind::Text => Needs::Content,
            Self::LabelStudio if draws => Needs::Size,
            Self::Coco => Needs::Size,
            Self::LabelStudio | Self::Jsonl | Self::Csv | Self::Parquet | Self::Croissant => Needs::Nothing,
        }
    }
    /// Whether it is a folder of files.
    #[must_use]
    pub fn is_folder(self) -> bool {
        match self {
            Self::Jsonl | Self::Csv | Self::LabelStudio | Self::Coco | Self::Parquet => false,
            Self::Yolo | Self::Voc | Self::Conll | Self::Croissant => true,
        }
    }
    /// Refuses what it cannot hold, naming the formats that can.
    ///
    /// # Errors
    /// [`Error::Unfit`].
    pub fn check(self, job: &Job) -> Result<()> {
        if self.holds(job.kind, job.item_kind) {
            return Ok(());
        }
        let able = Self::ALL.into_iter().filter(|f| f.holds(job.kind, job.item_kind)).map(Self::name).collect();
        Err(Error::Unfit { format: self, kind: job.kind, able })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a result goes.
pub enum Out {
    /// Straight out, such as to a pipe.
    Stream(Box<dyn Write>),
    /// A file or folder that is there when it is complete, and not before.
    Path(PathBuf),
}

/// What was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Files and folders, under their final names.
    pub written: Vec<PathBuf>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Takes items in the order of tasks. Dropped before its end it leaves nothing under the final name.
pub trait Exporter {
    /// Writes one.
    ///
    /// # Errors
    /// A file that cannot be written, or an item that the format cannot hold without what it lacks (its size, its content).
    fn item(&mut self, item: &Item) -> Result<()>;
    /// Completes the files and gives them their names.
    ///
    /// # Errors
    /// A file that cannot be written.
    fn finish(self: Box<Self>) -> Result<Done>;
}

/// Begins an export.
///
/// # Errors
/// A format that cannot hold the job's answers; a file or folder that cannot be made; a folder asked of a stream.
pub fn open(format: Format, job: &Job, out: Out) -> Result<Box<dyn Exporter>> {
    format.check(job)?;
    Ok(match format {
        Format::Jsonl => Box::new(jsonl::Jsonl::open(job, out)?),
        Format::Csv => Box::new(csv::Csv::open(job, out)?),
        Format::LabelStudio => Box::new(label_studio::LabelStudio::open(job, out)?),
        Format::Coco => Box::new(coco::Coco::open(job, out)?),
        Format::Yolo => Box::new(yolo::Yolo::open(job, out)?),
        Format::Voc => Box::new(voc::Voc::open(job, out)?),
        Format::Conll => Box::new(conll::Conll::open(job, out)?),
        Format::Parquet => Box::new(parquet::Parquet::open(job, out)?),
        Format::Croissant => Box::new(croissant::Croissant::open(job, out)?),
    })
}
