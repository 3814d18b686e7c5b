//! Whose upload is taken in when there are too many: first come, first served, but nobody with more than its part.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cairn_kernel::Address;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::refusal::Refusal;

/// How long an upload waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// The turns of one gateway.
pub(crate) struct Turns {
    all: Arc<Semaphore>,
    per_account: usize,
    /// Uploads of each account, those that wait included: or one account's waiting would keep others from theirs.
    taken: Mutex<HashMap<Address, usize>>,
}

/// One turn, until it is dropped.
pub(crate) struct Turn {
    turns: Arc<Turns>,
    account: Address,
    permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// So many at once, and so many of one account.
    pub(crate) fn new(all: usize, per_account: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), per_account, taken: Mutex::default() }
    }
    /// A turn for an upload of `account`.
    pub(crate) async fn take(self: &Arc<Self>, account: &Address) -> Result<Turn, Refusal> {
        let mut turn = self.count(account)?;
        match timeout(WAIT, Arc::clone(&self.all).acquire_owned()).await {
            Ok(Ok(permit)) => turn.permit = Some(permit),
            _ => return Err(Refusal::Busy),
        }
        Ok(turn)
    }
    fn count(self: &Arc<Self>, account: &Address) -> Result<Turn, Refusal> {
        let mut taken = self.taken();
        let mine = taken.entry(*account).or_default();
        if *mine >= self.per_account {
            return Err(Refusal::Busy);
        }
        *mine = mine.saturating_add(1);
        Ok(Turn { turns: Arc::clone(self), account: *account, permit: None })
    }
    fn taken(&self) -> MutexGuard<'_, HashMap<Address, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken();
        if let Some(mine) = taken.get_mut(&self.account) {
            *mine = mine.saturating_sub(1);
            if *mine == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_account_that_uploads_slowly_leaves_turns_to_others() {
        let turns = Arc::new(Turns::new(3, 2));
        let [slow, other, third] = ["a", "b", "c"].map(Address::module);
        let (first, _second) = (turns.take(&slow).await.unwrap(), turns.take(&slow).await.unwrap());
        assert_eq!(turns.take(&slow).await.err(), Some(Refusal::Busy));
        let theirs = turns.take(&other).await.unwrap();
        assert_eq!(turns.take(&third).await.err(), Some(Refusal::Busy), "all turns are taken for the whole wait");
        drop(first);
        turns.take(&slow).await.unwrap();
        drop(theirs);
        assert_eq!(turns.taken().len(), 1);
    }
}
