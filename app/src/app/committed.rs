//! The committed state as the state machine reads it.
use std::sync::OnceLock;

use cairn_kernel::Store;
use cairn_store::View;

use super::Fault;

/// A view whose failures are kept: a handler cannot tell a failing disk from an absent key, so whoever ran it asks
/// [`Committed::check`] before a result leaves the node.
pub(super) struct Committed<'a> {
    view: View<'a>,
    failure: OnceLock<cairn_store::Error>,
}

impl<'a> Committed<'a> {
    pub(super) fn new(view: View<'a>) -> Self {
        Self { view, failure: OnceLock::new() }
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
            tracing::error!(%error, "the state cannot be read");
            // The first failure is the one to report.
            drop(self.failure.set(error));
            None
        })
    }
}

impl Store for Committed<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.note(self.view.read(key))
    }
    fn put(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.view.put(key, value);
    }
    fn next(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.note(self.view.first(from, to))
    }
    fn prev(&self, from: &[u8], to: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        self.note(self.view.last(from, to))
    }
}
