//! Revealed labels: staged by bucket while reveals come in, packed into chunks of 1,024 tasks when no more can come.
//!
//! A bucket's page is small, so that a reveal reads, writes and pays for little; the inference reads chunks.
use borsh::{BorshDeserialize, BorshSerialize};
use cairn_kernel::{Ctx, Error as KernelError, Map, Result};
use cairn_truth::{Failure, Page, Pages, ReadPages};

use crate::{
    Error,
    state::{PAGES, STAGED},
};

/// A label of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub(crate) struct Staged {
    pub(crate) task: u32,
    pub(crate) worker: u32,
    pub(crate) class: u16,
}

/// An answer that is staged by bucket, sorted by task and worker.
pub(crate) trait InBucket: Copy + Ord + BorshSerialize + BorshDeserialize {
    /// Where the answers of a job's bucket lie.
    const TABLE: Map<(u64, u32), Vec<u8>>;
    /// What is said of a page that is damaged.
    const UNREADABLE: &'static str;
}

impl InBucket for Staged {
    const TABLE: Map<(u64, u32), Vec<u8>> = STAGED;
    const UNREADABLE: &'static str = "the labels of a bucket cannot be read";
}

/// The answers of a bucket so far, by task and worker.
pub(crate) fn staged<T: InBucket>(ctx: &Ctx, job: u64, bucket: u32) -> Result<Vec<T>> {
    match T::TABLE.get(ctx, &(job, bucket))? {
        Some(bytes) => Ok(borsh::from_slice(&bytes).map_err(|_| Error::Broken(T::UNREADABLE))?),
        None => Ok(Vec::new()),
    }
}

/// Adds answers to a bucket.
pub(crate) fn stage<T: InBucket>(ctx: &mut Ctx, job: u64, bucket: u32, answers: &[T]) -> Result<()> {
    let mut all = staged::<T>(ctx, job, bucket)?;
    all.extend(answers);
    all.sort_unstable();
    let bytes = borsh::to_vec(&all).map_err(|_| Error::Broken("answers cannot be written"))?;
    T::TABLE.set(ctx, &(job, bucket), &bytes)
}

/// Takes a bucket's answers out, to be packed.
pub(crate) fn unstage<T: InBucket>(ctx: &mut Ctx, job: u64, bucket: u32) -> Result<Vec<T>> {
    let answers = staged(ctx, job, bucket)?;
    T::TABLE.remove(ctx, &(job, bucket))?;
    Ok(answers)
}

/// The pages of a job's inference, to be changed.
pub(crate) struct JobPages<'a, 'c> {
    ctx: &'a mut Ctx<'c>,
    job: u64,
}

impl<'a, 'c> JobPages<'a, 'c> {
    pub(crate) fn new(ctx: &'a mut Ctx<'c>, job: u64) -> Self {
        Self { ctx, job }
    }
}

impl ReadPages for JobPages<'_, '_> {
    type Error = KernelError;

    fn read(&self, page: Page) -> Result<Option<Vec<u8>>> {
        PAGES.get(self.ctx, &key(self.job, page))
    }
}

impl Pages for JobPages<'_, '_> {
    fn write(&mut self, page: Page, bytes: Vec<u8>) -> Result<()> {
        PAGES.set(self.ctx, &key(self.job, page), &bytes)
    }
    fn remove(&mut self, page: Page) -> Result<()> {
        PAGES.remove(self.ctx, &key(self.job, page))
    }
}

/// The pages of a job's inference, to be read.
pub(crate) struct PagesView<'a, 'c> {
    ctx: &'a Ctx<'c>,
    job: u64,
}

impl<'a, 'c> PagesView<'a, 'c> {
    pub(crate) fn new(ctx: &'a Ctx<'c>, job: u64) -> Self {
        Self { ctx, job }
    }
}

impl ReadPages for PagesView<'_, '_> {
    type Error = KernelError;

    fn read(&self, page: Page) -> Result<Option<Vec<u8>>> {
        PAGES.get(self.ctx, &key(self.job, page))
    }
}

fn key(job: u64, page: Page) -> (u64, u8, u8, u32) {
    let (kind, model, index) = page.parts();
    (job, kind, model, index)
}

/// What stopped the inference, as a refusal of this module.
pub(crate) fn failed(failure: Failure<KernelError>) -> KernelError {
    match failure {
        Failure::Pages(error) => error,
        Failure::Truth(error) => Error::Truth(error).into(),
    }
}
