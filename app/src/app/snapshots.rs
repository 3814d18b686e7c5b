//! Snapshots of the state: taken beside blocks, offered to peers, and restored from them.
use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use cairn_store::{Error, Part, Restore, Snapshot, Snapshots};

use super::{App, Fault};

/// Where snapshots lie and when they are taken.
#[derive(Debug, Clone)]
pub struct Snapshotting {
    /// Their folder.
    pub folder: PathBuf,
    /// One is taken every so many heights; 0: none.
    pub interval: u64,
    /// How many stay; 0: all.
    pub keep_recent: u32,
}

/// What a node knows of its snapshots while it runs.
#[derive(Default)]
pub(super) struct Keeper {
    at: Option<Snapshots>,
    busy: AtomicBool,
    stopped: AtomicBool,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    figures: crate::metrics::Snapshots,
    restoring: Mutex<Option<Restoring>>,
}

/// A restoration from peers.
struct Restoring {
    restore: Restore,
    /// The chunks, kept so that this node can offer them in turn.
    part: Option<Part>,
    /// Whoever sent a chunk has offered this snapshot.
    senders: BTreeSet<String>,
}

/// What is wrong with a chunk that a peer sent, or with all of them.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    /// The chunk is not the announced one: another sender may have it.
    #[error("{why}; it came from {sender}")]
    Chunk {
        /// Who sent it.
        sender: String,
        /// What is wrong.
        why: Error,
    },
    /// The snapshot itself is no state with the trusted app hash; these peers have offered it.
    #[error("{why}; it was offered by {senders:?}")]
    Snapshot {
        /// Who sent chunks of it.
        senders: Vec<String>,
        /// What is wrong.
        why: Error,
    },
    /// A chunk is missing, or no snapshot was offered before: it must be offered anew.
    #[error("{0}")]
    Lost(String),
}

impl Keeper {
    /// Of the folder in `settings`; what a crash left there half done is removed.
    pub(super) fn new(settings: Option<&Snapshotting>) -> Result<Self, Fault> {
        let at = settings.map(|s| Snapshots::new(&s.folder));
        if let Some(snapshots) = &at {
            snapshots.clean()?;
        }
        Ok(Self { at, ..Self::default() })
    }

    fn restoring(&self) -> MutexGuard<'_, Option<Restoring>> {
        self.restoring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// The snapshots of this node, if it keeps any.
    #[must_use]
    pub fn snapshots(&self) -> Option<&Snapshots> {
        self.0.keeper.at.as_ref()
    }

    /// Figures of snapshots, for metrics.
    pub(crate) fn snapshot_figures(&self) -> &crate::metrics::Snapshots {
        &self.0.keeper.figures
    }

    /// Whether a snapshot is being written now.
    #[must_use]
    pub fn is_taking_snapshot(&self) -> bool {
        self.0.keeper.busy.load(Ordering::Acquire)
    }

    /// Gives up the snapshot that is being written, if one is, and takes no further ones; returns when its thread has let go of the state.
    pub fn stop_snapshots(&self) {
        self.0.keeper.stopped.store(true, Ordering::Release);
        let running = self.0.keeper.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if running.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(target: "store", "the thread that takes snapshots panicked");
        }
    }

    /// Begins a snapshot of the newest state where one is due. Returns once it has its view of the state; the rest is done beside the blocks.
    pub(super) fn snapshot_if_due(&self, height: u64) {
        let Some((settings, snapshots)) = self.0.settings.snapshots.as_ref().zip(self.snapshots()) else { return };
        if self.0.keeper.stopped.load(Ordering::Acquire) || settings.interval == 0 || height.checked_rem(settings.interval) != Some(0) {
            return;
        }
        if self.0.keeper.busy.swap(true, Ordering::AcqRel) {
            tracing::warn!(target: "store", height, "no snapshot: the last one is still being written");
            return;
        }
        let (app, snapshots, keep_recent) = (self.clone(), snapshots.clone(), settings.keep_recent);
        let (ready, taken) = mpsc::sync_channel(1);
        let work = move || {
            let _busy = Busy(&app.0.keeper.busy);
            let began = Instant::now();
            let view = app.0.store.view();
            if ready.send(()).is_err() {
                tracing::warn!(target: "store", height, "nobody waited for the snapshot to begin");
            }
            let done = view.and_then(|view| {
                let proceed = || !app.0.keeper.stopped.load(Ordering::Acquire);
                let snapshot = snapshots.create_while(&view, &app.0.store.chain_id().unwrap_or_default(), proceed)?;
                snapshots.keep(keep_recent)?;
                Ok(snapshot)
            });
            match done {
                Ok(snapshot) => {
                    app.0.keeper.figures.took(began.elapsed());
                    let (hash, chunks) = (hex::encode(snapshot.hash()), snapshot.chunks());
                    tracing::info!(target: "store", height = snapshot.height, chunks, hash, millis = began.elapsed().as_millis(), "snapshot taken");
                }
                Err(Error::GivenUp) => tracing::info!(target: "store", height, "a snapshot was given up"),
                Err(error) => {
                    app.0.keeper.figures.failed();
                    tracing::error!(target: "store", height, %error, "a snapshot could not be taken");
                }
            }
        };
        match thread::Builder::new().name("snapshot".into()).spawn(work) {
            Ok(thread) => {
                *self.0.keeper.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
                if taken.recv().is_err() {
                    tracing::error!(target: "store", height, "a snapshot ended before it had its view of the state");
                }
            }
            Err(error) => {
                self.0.keeper.busy.store(false, Ordering::Release);
                tracing::error!(target: "store", height, %error, "a snapshot could not be begun");
            }
        }
    }

    /// Begins to restore a snapshot that a peer offers, where `app_hash` is what consensus trusts. A restoration that was under way is given up.
    ///
    /// # Errors
    /// [`Fault::Store`]: [`Error::Metadata`] if it is of another chain or state, [`Error::HasBlocks`] if this node has a state of its own, others if
    /// the disk refuses.
    pub fn offer_snapshot(&self, snapshot: Snapshot, app_hash: &[u8]) -> Result<(), Fault> {
        let inner = &self.0;
        let mut restoring = inner.keeper.restoring();
        restoring.take();
        if snapshot.app_hash != *app_hash {
            return Err(Error::Metadata("it names another app hash than the trusted one".to_owned()).into());
        }
        if inner.settings.chain_id.as_ref().is_some_and(|id| *id != snapshot.chain_id) {
            return Err(Error::Metadata(format!("it is of chain {:?}", snapshot.chain_id)).into());
        }
        let restore = inner.store.begin_restore(snapshot)?;
        inner.pending().take();
        inner.clear_tip();
        let part = self.snapshots().map(|snapshots| snapshots.receive(restore.snapshot())).transpose()?;
        *restoring = Some(Restoring { restore, part, senders: BTreeSet::new() });
        Ok(())
    }

    /// Takes a chunk of the snapshot that was offered last. With the last one the state is there, its app hash the trusted one, or it is refused and
    /// there is none.
    ///
    /// # Errors
    /// [`Fault`], if the disk refuses. What peers did wrong is an answer.
    pub fn apply_chunk(&self, index: u32, chunk: &[u8], sender: &str) -> Result<Result<(), Bad>, Fault> {
        let mut restoring = self.0.keeper.restoring();
        let Some(now) = restoring.as_mut() else { return Ok(Err(Bad::Lost("no snapshot was offered".to_owned()))) };
        let taken = now.restore.taken();
        let version = match self.0.store.restore_chunk(&mut now.restore, index, chunk) {
            Ok(version) => version,
            Err(why @ Error::Chunk { .. }) => return Ok(Err(Bad::Chunk { sender: sender.to_owned(), why })),
            Err(why @ Error::Order { .. }) => return Ok(Err(Bad::Lost(why.to_string()))),
            Err(why @ Error::Forged(_)) => {
                now.senders.insert(sender.to_owned());
                let senders = std::mem::take(&mut now.senders).into_iter().collect();
                restoring.take();
                return Ok(Err(Bad::Snapshot { senders, why }));
            }
            Err(fault) => return Err(fault.into()),
        };
        now.senders.insert(sender.to_owned());
        if let Some(part) = now.part.as_mut().filter(|_| now.restore.taken() > taken) {
            part.push(chunk)?;
        }
        if let Some(version) = version
            && let Some(done) = restoring.take()
        {
            self.restored(version.height, done)?;
        }
        Ok(Ok(()))
    }

    fn restored(&self, height: u64, done: Restoring) -> Result<(), Fault> {
        let tip = self.0.load_tip()?;
        tracing::info!(
            target: "store",
            height,
            app_hash = hex::encode(&tip.app_hash),
            chain_id = tip.block.chain_id,
            "the state is restored from a snapshot"
        );
        self.0.set_tip(tip);
        self.ready()?;
        match done.part {
            Some(part) => Ok(part.finish(done.restore.snapshot())?),
            None => Ok(()),
        }
    }
}

/// Says at its end that no snapshot is being taken any more, also after a panic.
struct Busy<'a>(&'a AtomicBool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
