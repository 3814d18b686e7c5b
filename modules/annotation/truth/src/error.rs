//! What can go wrong: hostile labels, damaged pages, impossible parameters.

use crate::Page;

/// Why the library refused or stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A parameter lies outside its range.
    #[error("{what} is {found}, expected {least} to {most}")]
    Parameter {
        /// Name of the parameter.
        what: &'static str,
        /// The value given.
        found: i64,
        /// The smallest allowed.
        least: i64,
        /// The largest allowed.
        most: i64,
    },
    /// A label or gold answer names a task that the job does not have.
    #[error("task {task} of a job with {tasks} tasks")]
    NoSuchTask {
        /// The task named.
        task: u32,
        /// Tasks of the job (numbered from 0).
        tasks: u32,
    },
    /// A gold answer was given for a task of another chunk.
    #[error("task {task} does not lie in chunk {chunk}")]
    OtherChunk {
        /// The task named.
        task: u32,
        /// The chunk that was to be written.
        chunk: u32,
    },
    /// A label or gold answer names a class that the job does not have.
    #[error("class {class} of a job with {classes} classes")]
    NoSuchClass {
        /// The class named.
        class: u16,
        /// Classes of the job (numbered from 0).
        classes: u16,
    },
    /// A set names a label that the job does not have.
    #[error("the set {set:#x} of a job with {labels} labels")]
    NoSuchLabel {
        /// The set, one bit a label.
        set: u64,
        /// Labels of the job (numbered from 0).
        labels: u16,
    },
    /// The bytes of a set are not as many as its labels need.
    #[error("a set of {found} bytes, expected {expected}")]
    SetLength {
        /// Bytes given.
        found: usize,
        /// One for each 8 labels.
        expected: usize,
    },
    /// A pair names an item that the job does not have, or one twice.
    #[error("items {left} and {right} of a job with {items} items")]
    NoSuchPair {
        /// The item on the left.
        left: u32,
        /// The item on the right.
        right: u32,
        /// Items of the job (numbered from 0).
        items: u32,
    },
    /// A worker number is not below the number of workers.
    #[error("worker {worker} of a job with {workers} workers")]
    NoSuchWorker {
        /// The worker named.
        worker: u32,
        /// Workers of the job (numbered from 0).
        workers: u32,
    },
    /// A worker may label a task once.
    #[error("worker {worker} labelled task {task} twice")]
    Repeated {
        /// The worker.
        worker: u32,
        /// The task.
        task: u32,
    },
    /// A task may have one gold answer.
    #[error("two gold answers for task {task}")]
    RepeatedGold {
        /// The task.
        task: u32,
    },
    /// A page is missing or does not follow its format.
    #[error("page {page:?} is damaged: {reason}")]
    Damaged {
        /// The page.
        page: Page,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The record of an inference does not follow its format.
    #[error("the record of the inference is damaged")]
    DamagedRecord,
    /// A result was asked for before the inference had ended.
    #[error("the inference has not ended")]
    Unfinished,
    /// A number points outside of its table: the pages do not belong together.
    #[error("a number points outside of its table")]
    Inconsistent,
    /// A number left its range.
    #[error("arithmetic overflow")]
    Overflow,
}

/// Why a step failed: the store behind the pages, or the library itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure<E> {
    /// The pages could not be read or written.
    #[error("pages: {0}")]
    Pages(E),
    /// The library refused.
    #[error(transparent)]
    Truth(#[from] Error),
}
