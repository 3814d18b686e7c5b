//! Keeps removal and reference apart: either some things become referenced, or some are removed.
//!
//! A folder has a lock file, so that `cairn-gateway gc` may run beside the gateway. A bucket has no lock that all processes could share;
//! there only the gateway itself may collect.
use std::{fs::File, path::PathBuf, sync::Arc};

use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::refusal::Refusal;

pub(super) enum Lock {
    File(PathBuf),
    Process(Arc<RwLock<()>>),
}

/// Releases the lock when dropped.
pub(crate) enum Guard {
    /// Closing the file releases its lock.
    File { _file: File },
    /// One of many.
    Shared { _guard: OwnedRwLockReadGuard<()> },
    /// The only one.
    Exclusive { _guard: OwnedRwLockWriteGuard<()> },
}

impl Lock {
    pub(super) fn file(path: PathBuf) -> std::io::Result<Self> {
        open(&path)?;
        Ok(Self::File(path))
    }
    pub(super) fn process() -> Self {
        Self::Process(Arc::default())
    }
    pub(super) async fn shared(&self) -> Result<Guard, Refusal> {
        match self {
            Self::File(path) => take(path.clone(), File::lock_shared).await,
            Self::Process(lock) => Ok(Guard::Shared { _guard: Arc::clone(lock).read_owned().await }),
        }
    }
    pub(super) async fn exclusive(&self) -> Result<Guard, Refusal> {
        match self {
            Self::File(path) => take(path.clone(), File::lock).await,
            Self::Process(lock) => Ok(Guard::Exclusive { _guard: Arc::clone(lock).write_owned().await }),
        }
    }
}

fn open(path: &PathBuf) -> std::io::Result<File> {
    File::options().create(true).truncate(false).write(true).open(path)
}

/// Locks belong to open files, so each holder opens its own: they exclude each other within a process too.
async fn take(path: PathBuf, lock: fn(&File) -> std::io::Result<()>) -> Result<Guard, Refusal> {
    let locked = tokio::task::spawn_blocking(move || {
        let file = open(&path)?;
        lock(&file)?;
        Ok::<_, std::io::Error>(file)
    });
    match locked.await {
        Ok(Ok(file)) => Ok(Guard::File { _file: file }),
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot lock the store");
            Err(Refusal::StoreFailed)
        }
        Err(_) => Err(Refusal::Busy),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn references_exclude_removal_and_not_each_other() {
        let folder = tempfile::tempdir().unwrap();
        for lock in [Lock::file(folder.path().join("lock")).unwrap(), Lock::process()] {
            let (one, two) = (lock.shared().await.unwrap(), lock.shared().await.unwrap());
            let mut removal = Box::pin(lock.exclusive());
            assert!(removal.as_mut().now_or_never().is_none());
            drop((one, two));
            let removal = removal.await.unwrap();
            let mut reference = Box::pin(lock.shared());
            assert!(reference.as_mut().now_or_never().is_none());
            drop(removal);
            reference.await.unwrap();
        }
    }
}
