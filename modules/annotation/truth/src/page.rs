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
}

impl Page {
    /// The page's name as numbers (kind, model, index), for use in a key; different pages have different ones.
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
