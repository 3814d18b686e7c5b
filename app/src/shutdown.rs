//! How a node is told to stop, and where it writes down why it cannot go on.
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::Exit;

/// A signal that all parts of a node share. Asked to stop, each part finishes the call it is in and returns.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    fault: Arc<OnceLock<(Exit, String)>>,
}

impl Shutdown {
    /// Asks every part to stop.
    pub fn request(&self) {
        self.token.cancel();
    }
    /// Stops because the state machine cannot go on; the first reason is kept.
    pub fn fail(&self, reason: impl Into<String>) {
        self.fail_as(Exit::Consensus, reason);
    }
    /// Stops because the node cannot go on, to end with the code `exit`; the first reason is kept.
    pub fn fail_as(&self, exit: Exit, reason: impl Into<String>) {
        let reason = reason.into();
        tracing::error!(target: "node", %reason, "the node cannot go on");
        // A later fault is a consequence of the first: it has been logged, that is enough.
        drop(self.fault.set((exit, reason)));
        self.token.cancel();
    }
    /// Why the node cannot go on, if it cannot.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(|(_, reason)| reason.as_str())
    }
    /// The code to end with, if the node cannot go on.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        self.fault.get().map(|(exit, _)| *exit)
    }
    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.token.is_cancelled()
    }
    /// Returns once a stop was asked for.
    pub async fn requested(&self) {
        self.token.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_is_kept() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.is_requested() && shutdown.fault().is_none());
        let other = shutdown.clone();
        other.fail("disk");
        other.fail("later");
        assert!(shutdown.is_requested());
        assert_eq!((shutdown.fault(), shutdown.exit()), (Some("disk"), Some(Exit::Consensus)));
        let full = Shutdown::default();
        full.fail_as(Exit::DiskFull, "disk");
        assert_eq!(full.exit(), Some(Exit::DiskFull));
    }

    #[tokio::test]
    async fn a_clean_stop_has_no_fault() {
        let shutdown = Shutdown::default();
        shutdown.request();
        shutdown.requested().await;
        assert!(shutdown.fault().is_none() && shutdown.exit().is_none());
    }
}
