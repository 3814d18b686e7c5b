//! The committed state as the state machine reads it.
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use cairn_kernel::Store;
use cairn_store::View;

use super::Fault;

/// A view whose failures are kept: a handler cannot tell a failing disk from an absent key, so whoever ran it asks
/// [`Committed::check`] before a result leaves the node.
pub(super) struct Committed<'a> {
    view: View<'a>,
    failure: OnceLock<cairn_store::Error>,
    /// Of a query: when it reads nothing more, and whether it came to that.
    deadline: Option<Instant>,
    late: AtomicBool,
}

impl<'a> Committed<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        Self::until(view, None)
    }
    /// For a query: from `deadline` on everything reads as absent, so that a handler ends, and [`Committed::is_late`] says so.
    pub(super) fn until(view: View<'a>, deadline: Option<Instant>) -> Self {
        Self { view, failure: OnceLock::new(), deadline, late: AtomicBool::new(false) }
    }
    /// Whether something was not read because of the deadline: then what came out is worth nothing.
    pub(super) fn is_late(&self) -> bool {
        self.late.load(Relaxed)
    }
    fn in_time(&self) -> bool {
        let Some(deadline) = self.deadline else { return true };
        let late = self.is_late() || Instant::now() >= deadline;
        if late {
            self.late.store(true, Relaxed);
        }
        !late
    }
    pub(super) fn view(&self) -> &View<'a> {
        &self.view
    }
    /// Whether everything that was read could be read.
    pub(super) fn check(self) -> Result<(), Fault> {
        self.failure.into_inner().map_or(Ok(()), |e| Err(e.into()))
    }
    fn note<T>(&self, read: cairn_store::Result<Option<T>>) -> Option<T> {
        read.unwrap_or_else(|error| {
            tracing::error!(target: "store", %error, "the state cannot be read");
            // The first failure is the one to report.
            drop(self.failure.set(error));
            None
        })
    }
}

impl Store for Committed<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.in_time().then(|| self.note(self.view.read(key))).flatten()
    }
    fn put(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.view.put(key, value);
    }
    fn next(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.in_time().then(|| self.note(self.view.first(from, to))).flatten()
    }
    fn prev(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.in_time().then(|| self.note(self.view.last(from, to))).flatten()
    }
}
