//! JSON Lines: a [`Row`] a task.
use super::{Done, Exporter, Out, row::Row, sink::Sink};
use crate::{
    error::Result,
    model::{Item, Job},
};

pub(super) struct Jsonl {
    job: Job,
    sink: Sink,
}

impl Jsonl {
    pub(super) fn open(job: &Job, out: Out) -> Result<Self> {
        Ok(Self { job: job.clone(), sink: Sink::open(out)? })
    }
}

impl Exporter for Jsonl {
    fn item(&mut self, item: &Item) -> Result<()> {
        self.sink.line(&Row::of(&self.job, item))
    }
    fn finish(self: Box<Self>) -> Result<Done> {
        Ok(Done { written: self.sink.finish()?.into_iter().collect(), notes: Vec::new() })
    }
}
