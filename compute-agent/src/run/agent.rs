//! The agent: at each height it looks at the chain, and does what it owes and what pays.
//!
//! Nothing that it did before is remembered but what it found out: what is owed follows from the chain alone, so an agent that was stopped anywhere and starts
//! again goes on, neither twice nor never.
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use cairn_device::Executor;
use cairn_kernel::Address;
use cairn_proto::{
    cairn::compute::v1::{Job, JobState, MsgAcceptJob, MsgChallenge, MsgSubmitResult, Verification},
    pack,
};

use super::{
    auction::{Ask, Seen},
    content::Missing,
    journal::{Entry, Journal},
    lab::{Lab, Solved, Standing},
    metrics::Metrics,
    redundant,
    store::Store,
    vault::Vault,
    world::{Need, World, WorldError},
};

/// What an agent does by itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Take open jobs and deliver their results.
    pub provide: bool,
    /// Run others' results again and contest what is wrong.
    pub watch: bool,
    /// Of 10,000 results of others, how many are run again.
    pub sample_bps: u32,
    /// Least price of a job, in ucairn per 10^9 multiplications.
    pub giga_mac_price: u128,
    /// Jobs that it has at a time.
    pub jobs: usize,
    /// The largest model or inputs that it fetches, in bytes.
    pub content_bytes: u64,
    /// Bytes of models and inputs that it fetched and keeps; what it owes something for stays beyond them.
    pub kept_bytes: u64,
    /// The longest run of a job.
    pub run_limit: Duration,
    /// Blocks before a result is due within which a job is not taken any more.
    pub slack_blocks: u64,
    /// Requesters whose jobs are taken before their inputs can be seen; `all`: everybody's.
    pub trust: Vec<String>,
    /// What it asks for in auctions; none: it makes no asks.
    pub ask: Option<Ask>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provide: true,
            watch: true,
            sample_bps: 10_000,
            giga_mac_price: 1_000,
            jobs: 4,
            content_bytes: 256 << 20,
            kept_bytes: 8 << 30,
            run_limit: Duration::from_secs(600),
            slack_blocks: 5,
            trust: Vec::new(),
            ask: None,
        }
    }
}

/// What stopped the work on one job at one height: others go on.
pub(super) type Tried = Result<(), WorldError>;

/// An agent on a world.
pub struct Agent<W> {
    pub(super) world: W,
    pub(super) journal: Journal,
    pub(super) settings: Settings,
    /// By class: what was last seen of its asks.
    pub(super) asks: BTreeMap<u64, Seen>,
    lab: Lab,
    pub(super) store: Store,
    pub(super) vault: Vault,
    reproducible: bool,
    metrics: Arc<Metrics>,
    /// Wait for every run: for tests, whose blocks come as fast as they are asked for.
    patient: bool,
}

impl<W: World> Agent<W> {
    /// Over a world, with its journal and what it fetched in `folder`.
    ///
    /// # Errors
    /// A folder that cannot be written, or whose journal another agent has open.
    pub fn open(world: W, executor: Arc<dyn Executor>, settings: Settings, vault: Vault, folder: &Path) -> Result<Self> {
        let store = Store::open(folder, settings.kept_bytes).with_context(|| format!("cannot write {}", folder.display()))?;
        let journal = Journal::open(&folder.join("journal"))?;
        let reproducible = executor.reproducible();
        let lab = Lab::new(executor, settings.run_limit);
        Ok(Self {
            world,
            journal,
            settings,
            asks: BTreeMap::new(),
            lab,
            store,
            vault,
            reproducible,
            metrics: Arc::default(),
            patient: false,
        })
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Waits for every run from now on.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self
    }

    /// The world.
    pub fn world(&mut self) -> &mut W {
        &mut self.world
    }

    /// Does what is owed at this height. What the world refuses is told and tried again at the next.
    ///
    /// # Errors
    /// The disk fails.
    pub fn step(&mut self) -> Result<()> {
        if let Err(error) = self.look() {
            self.metrics.failed(&error);
            tracing::warn!(%error, "the chain does not answer");
        }
        self.journal.fault()
    }

    fn look(&mut self) -> Tried {
        let height = self.world.height()?;
        let me = self.world.account();
        let provider = self.world.provider()?;
        self.metrics.seen(height, provider.as_ref());
        self.metrics.waiting(self.lab.waiting());
        // Whatever is owed but contests has locked something of the bond.
        let owes = provider.as_ref().is_some_and(|provider| coin(provider.locked.as_ref()) > 0);
        let places = if owes { self.opened(height) } else { 0 };
        let (shared, audits) = if owes { (self.shared()?, self.audits()?) } else { (Vec::new(), Vec::new()) };
        let (running, contested) = (self.world.jobs(JobState::Running)?, self.world.jobs(JobState::Contested)?);
        let windows = self.world.jobs(JobState::Window)?;
        let held: Vec<u64> = [&running, &contested, &windows, &shared].into_iter().flatten().map(|job| job.id).collect();
        let audited = |job| audits.iter().any(|audit| audit.job_id == job);
        self.lab.keep(|job| held.contains(&job) || audited(job));
        let mut owed: Vec<&Job> = [&running, &contested, &windows].into_iter().flatten().collect();
        owed.retain(|job| job.provider == me || audited(job.id) || self.journal.job(job.id).backed);
        self.store.hold(owed.iter().copied().chain(&shared).flat_map(|job| [&job.program_id, &job.input_root]).map(hex::encode).collect());
        for job in &contested {
            let mine = job.provider == me || audited(job.id);
            let need = if owed.iter().any(|other| other.id == job.id) { Need::Owed } else { Need::Judged };
            if mine || (self.settings.watch && self.may_see(job)) {
                self.told(job.id, |agent| agent.contest(job, height, need));
            }
        }
        for audit in &audits {
            self.told(audit.job_id, |agent| agent.audit(audit, height));
        }
        for job in &shared {
            self.told(job.id, |agent| agent.share(job, height));
        }
        let mine: Vec<&Job> = running.iter().filter(|job| job.provider == me).collect();
        for job in &mine {
            self.told(job.id, |agent| agent.deliver(job, height));
        }
        if self.settings.watch {
            for job in windows.iter().filter(|job| job.provider != me) {
                if self.is_drawn(job) && self.may_see(job) {
                    self.told(job.id, |agent| agent.judge(job));
                }
            }
        }
        let busy = mine.len().saturating_add(shared.len()).saturating_add(places);
        if self.settings.provide && self.reproducible && busy < self.settings.jobs {
            self.take(height, self.settings.jobs.saturating_sub(busy))?;
        }
        Ok(())
    }

    /// Opens asks. Gives the places of those that stand.
    fn opened(&mut self, height: u64) -> usize {
        self.asked(height).unwrap_or_else(|error| {
            tracing::warn!(%error, "the chain does not tell of auctions");
            0
        })
    }

    /// Says what went wrong with a job, and goes on.
    fn told(&mut self, job: u64, work: impl FnOnce(&mut Self) -> Tried) {
        if let Err(error) = work(self) {
            self.metrics.failed(&error);
            tracing::warn!(job, %error, "tried again at the next height");
        }
    }

    /// Whether a result of others is among those that are run again: by its number, so that all restarts agree.
    fn is_drawn(&self, job: &Job) -> bool {
        job.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (u64::from(self.settings.sample_bps) << 32) / 10_000
    }

    /// Takes open jobs that pay and whose content is at hand, at most so many, and asks for others in auctions.
    fn take(&mut self, height: u64, most: usize) -> Tried {
        let Some(provider) = self.world.provider()?.filter(|provider| provider.leaves == 0) else { return Ok(()) };
        let mut free = coin(provider.bond.as_ref()).saturating_sub(coin(provider.locked.as_ref()));
        let open = self.world.jobs(JobState::Open)?;
        let joined = open.iter().filter(|job| redundant::own(job, &provider.account).is_some()).count();
        let mut most = most.saturating_sub(joined);
        for job in &open {
            let Some(bond) = needed(job, &provider.account).filter(|bond| *bond <= free && most > 0) else { continue };
            if !self.can_do(job)? {
                continue;
            }
            self.journal.write_or_remember(Entry::Taking { job: job.id });
            match self.world.send(pack(&MsgAcceptJob { provider: provider.account.clone(), job_id: job.id })) {
                Ok(()) => {
                    self.metrics.taken();
                    tracing::info!(job = job.id, "taken");
                    (most, free) = (most.saturating_sub(1), free.saturating_sub(bond));
                }
                Err(WorldError::Refused { log, .. }) => tracing::info!(job = job.id, log, "not taken"),
                Err(away) => return Err(away),
            }
        }
        self.ask(height, most, free)
    }

    /// Whether a job that nobody has taken pays, leaves time enough, and its content is at hand.
    pub(super) fn can_do(&mut self, job: &Job) -> Result<bool, WorldError> {
        if job.run_blocks <= self.settings.slack_blocks || self.journal.job(job.id).left.is_some() || !self.pays(job)? {
            return Ok(false);
        }
        match self.at_hand(job) {
            Ok(()) => Ok(true),
            // It holds up no other job.
            Err(Missing::Now(error)) => {
                tracing::debug!(job = job.id, %error, "not yet");
                Ok(false)
            }
            Err(Missing::Ever(why)) => {
                self.metrics.failed_for("left_alone");
                tracing::info!(job = job.id, why, "left alone");
                self.journal.write_or_remember(Entry::Left { job: job.id, why });
                Ok(false)
            }
        }
    }

    /// Whether what the agent gets of the price of a job is not below what its multiplications cost.
    fn pays(&mut self, job: &Job) -> Result<bool, WorldError> {
        let program = self.world.program(&job.program_id)?;
        let macs = u128::from(program.macs).saturating_mul(job.runs.into());
        let least = macs.saturating_mul(self.settings.giga_mac_price).div_ceil(1_000_000_000);
        let share = coin(job.price.as_ref()).checked_div(job.redundancy.max(1).into()).unwrap_or(0);
        Ok(share >= least)
    }

    /// Delivers the result of a job that the agent took.
    pub(super) fn deliver(&mut self, job: &Job, height: u64) -> Tried {
        let Some(solved) = self.solved(job)? else { return Ok(()) };
        if height > job.due {
            return Ok(()); // it is too late; the chain takes the job back by itself
        }
        let claim = solved.trace.claim();
        let result =
            MsgSubmitResult { provider: self.world.account(), job_id: job.id, outputs: claim.outputs, ..MsgSubmitResult::default() };
        let result = match &solved.proofs {
            Some(made) => MsgSubmitResult { inputs: made.inputs.clone(), proofs: made.proofs.clone(), ..result },
            None => MsgSubmitResult { nodes_roots: claim.nodes_roots.iter().map(|root| root.to_vec()).collect(), ..result },
        };
        self.journal.write_or_remember(Entry::Delivering { job: job.id });
        self.world.send(pack(&result))?;
        self.metrics.delivered();
        tracing::info!(job = job.id, proofs = result.proofs.len(), "delivered");
        Ok(())
    }

    /// Runs another's result again, and contests it where it is wrong.
    fn judge(&mut self, job: &Job) -> Tried {
        if self.journal.job(job.id).right == Some(true) {
            return Ok(());
        }
        let Some(solved) = self.solved_as(job, Need::Judged)? else { return Ok(()) };
        let right = solved.trace.root().as_slice() == job.trace_root;
        if self.journal.job(job.id).right.is_none() {
            self.journal.write_or_remember(Entry::Judged { job: job.id, right });
            self.metrics.judged(right);
            tracing::info!(job = job.id, right, "run again");
        }
        if right {
            self.lab.forget(job.id);
            return Ok(());
        }
        self.back(job, &solved)
    }

    /// Stands behind the root that the agent worked out.
    pub(super) fn back(&mut self, job: &Job, solved: &Solved) -> Tried {
        let root = solved.trace.root();
        self.journal.write_or_remember(Entry::Backing { job: job.id, root: hex::encode(root) });
        self.world.send(pack(&MsgChallenge { challenger: self.world.account(), job_id: job.id, root: root.to_vec() }))?;
        self.metrics.contested();
        tracing::warn!(job = job.id, root = hex::encode(root), "contested");
        Ok(())
    }

    /// What goes into a commitment of the agent's beside the sealed: it follows from the account's key, so that whoever has that opens what was sealed, wherever and whenever
    /// it is started.
    pub(super) fn salt(&self, what: &str) -> Result<[u8; 32], WorldError> {
        self.world.secret(&format!("cairn-agent: {what} on {}", self.world.chain_id()))
    }

    /// The agent's account as bytes.
    pub(super) fn address(&self) -> Result<Address, WorldError> {
        Address::parse(&self.world.account()).map_err(|error| WorldError::Away(error.to_string()))
    }

    /// What the agent computes for a job; `None` while it does, or where it cannot.
    pub(super) fn solved(&mut self, job: &Job) -> Result<Option<Arc<Solved>>, WorldError> {
        self.solved_as(job, Need::Owed)
    }

    pub(super) fn solved_as(&mut self, job: &Job, need: Need) -> Result<Option<Arc<Solved>>, WorldError> {
        match self.lab.standing(job.id) {
            Some(_) if need == Need::Owed => self.lab.owe(job.id),
            Some(_) => (),
            None if !self.lab.takes(need) => return Ok(None),
            None => match self.content(job, need) {
                Ok(order) => self.lab.order(job.id, order, need),
                Err(Missing::Now(error)) => return Err(error),
                Err(Missing::Ever(why)) => return Err(WorldError::Away(why)),
            },
        }
        if self.patient {
            self.lab.wait(job.id);
        }
        let Some(Standing::Solved(solved)) = self.lab.standing(job.id) else { return Ok(None) };
        let root = hex::encode(solved.trace.root());
        if self.journal.job(job.id).root.as_ref() != Some(&root) {
            self.metrics.ran(solved.took);
            self.journal.write_or_remember(Entry::Traced { job: job.id, root });
        }
        Ok(Some(solved))
    }
}

/// Whether a job's result comes with proofs.
pub(super) fn is_proven(job: &Job) -> bool {
    job.verification() == Verification::Groth16
}

/// What taking an open job locks of a bond; `None` of one that `account` cannot take, or that this agent does not.
fn needed(job: &Job, account: &str) -> Option<u128> {
    if job.redundancy > 0 {
        return redundant::needed(job, account);
    }
    let takes =
        matches!(job.verification(), Verification::Refereed | Verification::Groth16) && !job.failed.iter().any(|failed| failed == account);
    let params = job.params.as_ref().filter(|_| takes)?;
    let multiple = if is_proven(job) { params.proof_bond_multiple } else { params.bond_multiple };
    coin(job.price.as_ref()).checked_mul(multiple.into())
}

/// The amount of a coin; 0 of none.
pub(crate) fn coin(coin: Option<&cairn_proto::cosmos::base::v1beta1::Coin>) -> u128 {
    coin.and_then(|coin| coin.amount.parse().ok()).unwrap_or(0)
}
