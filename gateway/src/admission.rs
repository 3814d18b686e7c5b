//! Who may have what: the chain's answers, remembered for no longer than they hold.
use std::{sync::Arc, time::Duration};

use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::{
    annotation::v1::{JobStatus, Visibility},
    licensing::v1::Access,
};

use crate::{
    chain::{Chain, Revealed},
    hash::Hash,
    recent::Recent,
    refusal::Refusal,
};

/// Permissions are asked again after this time.
const PERMISSION: Duration = Duration::from_secs(2);
/// A permission that ends within so many blocks is asked anew each time: no chain makes so many in the time above.
const BLOCKS: u64 = 20;
/// What a job or a version is never changes; this only bounds what a chain that was started anew could confuse.
const FACT: Duration = Duration::from_secs(30);
const MOST: usize = 1 << 14;
/// The version that a job publishes of its result.
const RESULT: u64 = 1;

/// Job, task and hash of a draft, and who asks for it.
type DraftKey = (u64, u32, Hash, Option<Address>);

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

/// What the gateway needs of a job of computation.
#[derive(Debug)]
pub(crate) struct PostedInputs {
    pub(crate) requester: String,
    pub(crate) content: Hash,
}

/// Asks the chain who may have what.
pub(crate) struct Admission {
    chain: Arc<Chain>,
    least_balance: Option<Coin>,
    jobs: Recent<u64, Arc<PostedJob>>,
    versions: Recent<(u64, u64), Arc<Published>>,
    tasks: Recent<(u64, u32, Address), ()>,
    licenses: Recent<(u64, u64, Address), ()>,
    drafts: Recent<DraftKey, Arc<[Address]>>,
    inputs: Recent<u64, Arc<PostedInputs>>,
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
            drafts: Recent::new(PERMISSION, MOST),
            inputs: Recent::new(FACT, MOST),
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
    /// Who produced a draft that `account` may fetch now: its producers, the requester, who verifies it, and of a settled job's results
    /// whoever may read its data set. Drafts of a public job are anybody's.
    pub(crate) async fn draft(&self, id: u64, task: u32, payload: &Hash, account: Option<&Address>) -> Result<Arc<[Address]>, Refusal> {
        let job = self.job(id).await?;
        if task >= job.tasks {
            return Err(Refusal::UnknownTask { job: id, task, tasks: job.tasks });
        }
        if !job.public && account.is_none() {
            return Err(Refusal::SignInRequired);
        }
        let key = (id, task, *payload, account.copied());
        if let Some(producers) = self.drafts.get(&key) {
            return Ok(producers);
        }
        let mut drafts = self.chain.drafts_of(id, task).await?;
        drafts.retain(|draft| draft.payload == payload.0);
        if drafts.is_empty() {
            return Err(Refusal::UnknownDraft { job: id, task, payload: payload.to_string() });
        }
        let (producers, lasts) = self.grant(&job, task, &drafts, account).await?;
        let producers: Arc<[Address]> = producers.iter().filter_map(|producer| Address::parse(producer).ok()).collect();
        if lasts {
            self.drafts.put(key, Arc::clone(&producers));
        }
        Ok(producers)
    }
    /// Whose upload of a draft `account` may read, and whether that may be remembered. Of equal drafts in one task all but one are copies:
    /// a producer reads its own upload only, so that committing to another's hash shows nothing.
    async fn grant(
        &self,
        job: &PostedJob,
        task: u32,
        drafts: &[Revealed],
        account: Option<&Address>,
    ) -> Result<(Vec<String>, bool), Refusal> {
        let all = || drafts.iter().map(|draft| draft.producer.clone()).collect();
        let Some(account) = account.filter(|_| !job.public) else { return Ok((all(), true)) };
        let name = account.to_string();
        if job.requester == name {
            return Ok((all(), true));
        }
        let status = self.chain.status(job.id).await?.ok_or_else(|| Refusal::NotOnChain(format!("job {}", job.id)))?;
        if let Some(lasts) = self.verifies(&status, drafts, account).await? {
            return Ok((all(), lasts));
        }
        if drafts.iter().any(|draft| draft.producer == name) {
            return Ok((vec![name], true));
        }
        if status.asset_id > 0 && drafts.iter().any(|draft| draft.chosen) {
            match self.version(status.asset_id, RESULT, account).await {
                Ok(_) => return Ok((all(), false)),
                Err(Refusal::NoLicense { .. }) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Err(Refusal::NoDraftAccess { account: name, job: job.id, task })
    }
    /// Whether `account` holds a lease of the verification stage with one of the drafts; if so, whether that may be remembered.
    async fn verifies(&self, status: &JobStatus, drafts: &[Revealed], account: &Address) -> Result<Option<bool>, Refusal> {
        let verified = drafts.iter().filter(|draft| status.stage > 0 && !draft.copied);
        for draft in verified {
            let answer = self.chain.access(status.stage, draft.stage_task, account).await?;
            if answer.value.allowed {
                return Ok(Some(lasts(answer.value.until, answer.height)));
            }
        }
        Ok(None)
    }
    /// Inputs of a computation that `account` may fetch now; public ones are anybody's. Only these are remembered: who provides or checks a job changes with any block.
    pub(crate) async fn inputs(&self, job: u64, account: Option<&Address>) -> Result<Arc<PostedInputs>, Refusal> {
        if let Some(inputs) = self.inputs.get(&job) {
            return Ok(inputs);
        }
        let found = self.chain.ordered(job).await?.ok_or_else(|| Refusal::NotOnChain(format!("compute job {job}")))?;
        let ordered = found.ok_or(Refusal::InputsElsewhere(job))?;
        let inputs = Arc::new(PostedInputs { requester: ordered.job.requester.clone(), content: ordered.content });
        if ordered.public {
            self.inputs.put(job, Arc::clone(&inputs));
            return Ok(inputs);
        }
        let account = account.ok_or(Refusal::SignInRequired)?.to_string();
        if self.chain.concerns(&ordered.job, &account).await? { Ok(inputs) } else { Err(Refusal::NoInputsAccess { account, job }) }
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
