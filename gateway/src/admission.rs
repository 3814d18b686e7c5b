//! Who may have what: the chain's answers, remembered for no longer than they hold.
use std::{sync::Arc, time::Duration};

use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::{annotation::v1::Visibility, licensing::v1::Access};

use crate::{chain::Chain, hash::Hash, recent::Recent, refusal::Refusal};

/// Permissions are asked again after this time.
const PERMISSION: Duration = Duration::from_secs(2);
/// A permission that ends within so many blocks is asked anew each time: no chain makes so many in the time above.
const BLOCKS: u64 = 20;
/// What a job or a version is never changes; this only bounds what a chain that was started anew could confuse.
const FACT: Duration = Duration::from_secs(30);
const MOST: usize = 1 << 14;

/// What the gateway needs of a job.
#[derive(Debug)]
pub(crate) struct PostedJob {
    pub(crate) id: u64,
    pub(crate) requester: String,
    pub(crate) root: Hash,
    pub(crate) tasks: u32,
    pub(crate) public: bool,
}

/// What the gateway needs of a version of an asset.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) asset: u64,
    pub(crate) number: u64,
    pub(crate) owner: String,
    pub(crate) root: Hash,
}

/// Asks the chain who may have what.
pub(crate) struct Admission {
    chain: Arc<Chain>,
    least_balance: Option<Coin>,
    jobs: Recent<u64, Arc<PostedJob>>,
    versions: Recent<(u64, u64), Arc<Published>>,
    tasks: Recent<(u64, u32, Address), ()>,
    licenses: Recent<(u64, u64, Address), ()>,
    payers: Recent<Address, ()>,
}

impl Admission {
    pub(crate) fn new(chain: Arc<Chain>, least_balance: Option<Coin>) -> Self {
        Self {
            chain,
            least_balance,
            jobs: Recent::new(FACT, MOST),
            versions: Recent::new(FACT, MOST),
            tasks: Recent::new(PERMISSION, MOST),
            licenses: Recent::new(PERMISSION, MOST),
            payers: Recent::new(FACT, MOST),
        }
    }
    /// A job on the chain.
    pub(crate) async fn job(&self, id: u64) -> Result<Arc<PostedJob>, Refusal> {
        if let Some(job) = self.jobs.get(&id) {
            return Ok(job);
        }
        let job = self.chain.job(id).await?.ok_or_else(|| Refusal::NotOnChain(format!("job {id}")))?;
        let root = root(&job.manifest_root)?;
        let public = job.visibility() == Visibility::Public;
        let job = Arc::new(PostedJob { id, requester: job.requester, root, tasks: job.tasks, public });
        self.jobs.put(id, Arc::clone(&job));
        Ok(job)
    }
    /// The job of a task that `account` may fetch now; anybody may fetch those of a public job.
    pub(crate) async fn task(&self, id: u64, task: u32, account: Option<&Address>) -> Result<Arc<PostedJob>, Refusal> {
        let job = self.job(id).await?;
        if task >= job.tasks {
            return Err(Refusal::UnknownTask { job: id, task, tasks: job.tasks });
        }
        if job.public {
            return Ok(job);
        }
        let account = account.ok_or(Refusal::SignInRequired)?;
        let key = (id, task, *account);
        if self.tasks.get(&key).is_some() {
            return Ok(job);
        }
        let answer = self.chain.access(id, task, account).await?;
        if !answer.value.allowed {
            return Err(Refusal::NoAccess { account: account.to_string(), job: id, task });
        }
        if lasts(answer.value.until, answer.height) {
            self.tasks.put(key, ());
        }
        Ok(job)
    }
    /// A version (0: the newest) that `account` owns or holds a licence for.
    pub(crate) async fn version(&self, asset: u64, number: u64, account: &Address) -> Result<Arc<Published>, Refusal> {
        let version = self.published(asset, number).await?;
        let key = (asset, version.number, *account);
        if self.licenses.get(&key).is_some() {
            return Ok(version);
        }
        let answer = self.chain.license(asset, version.number, account).await?;
        match answer.value.access() {
            Access::None => Err(Refusal::NoLicense { account: account.to_string(), asset, version: version.number }),
            Access::Owner | Access::License => {
                // `expires` is the first height at which it no longer holds.
                if lasts(answer.value.expires, answer.height) {
                    self.licenses.put(key, ());
                }
                Ok(version)
            }
        }
    }
    async fn published(&self, asset: u64, number: u64) -> Result<Arc<Published>, Refusal> {
        if let Some(version) = self.versions.get(&(asset, number)) {
            return Ok(version);
        }
        let unknown = || Refusal::NotOnChain(format!("version {number} of asset {asset}"));
        let version = self.chain.version(asset, number).await?.ok_or_else(unknown)?;
        let owner = self.chain.asset(asset).await?.ok_or_else(unknown)?.owner;
        let content = version.content.ok_or_else(unknown)?;
        let version = Arc::new(Published { asset, number: version.number, owner, root: root(&content.manifest_root)? });
        if number > 0 {
            self.versions.put((asset, number), Arc::clone(&version));
        }
        Ok(version)
    }
    /// Whether an account holds enough to upload: an account costs nothing, its coins do.
    pub(crate) async fn uploader(&self, account: &Address) -> Result<(), Refusal> {
        let Some(least) = &self.least_balance else { return Ok(()) };
        if self.payers.get(account).is_some() {
            return Ok(());
        }
        let found = self.chain.balance(account, &least.denom).await?;
        if found < least.amount {
            let (account, denom) = (account.to_string(), least.denom.clone());
            return Err(Refusal::BalanceTooLow { account, denom, found, expected: least.amount });
        }
        self.payers.put(*account, ());
        Ok(())
    }
}

/// Whether a permission up to a height (0: for ever) is sure to outlast its time in memory.
fn lasts(until: u64, height: u64) -> bool {
    until == 0 || until.saturating_sub(height) >= BLOCKS
}

fn root(bytes: &[u8]) -> Result<Hash, Refusal> {
    let root = bytes.try_into().map_err(|_| Refusal::ChainRefused(format!("a manifest root has 32 bytes, found {}", bytes.len())))?;
    Ok(Hash(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_soon_is_not_remembered() {
        assert!(lasts(0, 7) && lasts(27, 7));
        assert!(!lasts(26, 7) && !lasts(7, 7) && !lasts(6, 7));
    }
}
