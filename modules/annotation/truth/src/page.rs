//! Pages: the units in which the state of an inference is read and written.

use std::{collections::BTreeMap, convert::Infallible};

use crate::Model;

/// Tasks in a chunk. Part of the result: the class shares and the workers' matrices are refreshed once per chunk.
pub const CHUNK: u32 = 1_024;

/// Names one page of a job. Formats are in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Page {
    /// Labels of the tasks of a chunk.
    Labels {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Opened gold answers of a chunk.
    Gold {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Posteriors of the tasks of a chunk under a model.
    Posteriors {
        /// The model that found them.
        model: Model,
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Labels and gold answers counted per worker.
    Tallies {
        /// Worker number / workers per sheet.
        sheet: u32,
    },
    /// Confusion counts per worker under a model.
    Counts {
        /// The model whose posteriors are counted.
        model: Model,
        /// Worker number / workers per sheet.
        sheet: u32,
    },
    /// Sums for pay per worker.
    Scores {
        /// Worker number / workers per sheet.
        sheet: u32,
    },
    /// What the workers are paid by.
    Results {
        /// Worker number / workers per sheet.
        sheet: u32,
    },
    /// Late labels of the tasks of a chunk.
    LateLabels {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Sets of labels given to the tasks of a chunk.
    Sets {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Late sets of labels given to the tasks of a chunk.
    LateSets {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Opened gold sets of a chunk.
    GoldSets {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// What the labels of a set add up to per worker.
    Pools {
        /// Worker number / workers per sheet.
        sheet: u32,
    },
    /// Which items the tasks of a chunk compare.
    Pairs {
        /// Task number / 1,024.
        chunk: u32,
    },
    /// Items of a ranking under work.
    Items {
        /// Item number / 256.
        sheet: u32,
    },
    /// Strengths of ranked items.
    Strengths {
        /// Item number / 256.
        sheet: u32,
    },
    /// A page of the inference of one label of the sets, by the parts of its name in a job of that label alone.
    OfLabel {
        /// The label, below 64.
        label: u8,
        /// The kind of the page.
        kind: u8,
        /// The number of the model.
        model: u8,
        /// Chunk or sheet.
        index: u32,
    },
}

/// Kinds of pages of one label lie so far above those of a whole job.
const LABEL_KINDS: u8 = 16;
/// Numbers of models fit into so many bits, those of labels above them.
const MODEL_BITS: u32 = 2;

impl Page {
    /// The page's name as numbers (kind, model, index), for use in a key; different pages of a job have different ones.
    pub fn parts(self) -> (u8, u8, u32) {
        match self {
            Page::Labels { chunk } => (1, 0, chunk),
            Page::Gold { chunk } => (2, 0, chunk),
            Page::Posteriors { model, chunk } => (3, model.number(), chunk),
            Page::Tallies { sheet } => (4, 0, sheet),
            Page::Counts { model, sheet } => (5, model.number(), sheet),
            Page::Scores { sheet } => (6, 0, sheet),
            Page::Results { sheet } => (7, 0, sheet),
            Page::LateLabels { chunk } => (8, 0, chunk),
            Page::Sets { chunk } => (9, 0, chunk),
            Page::LateSets { chunk } => (10, 0, chunk),
            Page::GoldSets { chunk } => (11, 0, chunk),
            Page::Pools { sheet } => (12, 0, sheet),
            Page::Pairs { chunk } => (13, 0, chunk),
            Page::Items { sheet } => (14, 0, sheet),
            Page::Strengths { sheet } => (15, 0, sheet),
            Page::OfLabel { label, kind, model, index } => (LABEL_KINDS | kind, (label << MODEL_BITS) | model, index),
        }
    }
}

/// Reads the pages of one job.
pub trait ReadPages {
    /// Why the store behind the pages failed.
    type Error;
    /// The bytes last written, or nothing where nothing was written or the page was removed.
    fn read(&self, page: Page) -> Result<Option<Vec<u8>>, Self::Error>;
}

/// Reads and writes the pages of one job.
pub trait Pages: ReadPages {
    /// Replaces the page.
    fn write(&mut self, page: Page, bytes: Vec<u8>) -> Result<(), Self::Error>;
    /// Removes the page; a missing one is no error.
    fn remove(&mut self, page: Page) -> Result<(), Self::Error>;
}

/// Pages in memory, for work off the chain.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Memory {
    pages: BTreeMap<Page, Vec<u8>>,
}

impl Memory {
    /// All pages that exist, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Page, &Vec<u8>)> {
        self.pages.iter()
    }
}

impl ReadPages for Memory {
    type Error = Infallible;

    fn read(&self, page: Page) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.pages.get(&page).cloned())
    }
}

impl Pages for Memory {
    fn write(&mut self, page: Page, bytes: Vec<u8>) -> Result<(), Infallible> {
        self.pages.insert(page, bytes);
        Ok(())
    }

    fn remove(&mut self, page: Page) -> Result<(), Infallible> {
        self.pages.remove(&page);
        Ok(())
    }
}
