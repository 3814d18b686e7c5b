//! The agent: at each height it looks at the chain, and does what it owes and what pays.
//!
//! Nothing that it did before is remembered but what it found out: what is owed follows from the chain alone, so an agent that was stopped anywhere and starts
//! again goes on, neither twice nor never.
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use cairn_device::Executor;
use cairn_models::{ModelFile, read_inputs};
use cairn_proto::{
    cairn::compute::v1::{Job, JobState, MsgAcceptJob, MsgChallenge, MsgSubmitResult, Params, Verification},
    pack,
};

use super::{
    journal::{Entry, Journal},
    lab::{Lab, Order, Solved, Standing},
    vault::Vault,
    world::{World, WorldError},
};
use crate::proofs::SaltedInputs;

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
    /// The longest run of a job.
    pub run_limit: Duration,
    /// Blocks before a result is due within which a job is not taken any more.
    pub slack_blocks: u64,
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
            run_limit: Duration::from_secs(600),
            slack_blocks: 5,
        }
    }
}

/// What stopped the work on one job at one height: others go on.
pub(super) type Tried = Result<(), WorldError>;

/// An agent on a world.
pub struct Agent<W> {
    pub(super) world: W,
    pub(super) journal: Journal,
    settings: Settings,
    lab: Lab,
    folder: PathBuf,
    pub(super) vault: Vault,
    reproducible: bool,
    /// Wait for every run: for tests, whose blocks come as fast as they are asked for.
    patient: bool,
}

impl<W: World> Agent<W> {
    /// Over a world, with its journal and what it fetched in `folder`.
    ///
    /// # Errors
    /// A folder that cannot be written, or whose journal another agent has open.
    pub fn open(world: W, executor: Arc<dyn Executor>, settings: Settings, vault: Vault, folder: &Path) -> Result<Self> {
        for part in ["models", "inputs"] {
            std::fs::create_dir_all(folder.join(part)).with_context(|| format!("cannot write {}", folder.display()))?;
        }
        // Inputs of proven jobs, with their salts, are for requester and provider alone.
        std::fs::set_permissions(folder.join("inputs"), std::fs::Permissions::from_mode(0o700))?;
        let journal = Journal::open(&folder.join("journal"))?;
        let reproducible = executor.reproducible();
        let lab = Lab::new(executor, settings.run_limit);
        Ok(Self { world, journal, settings, lab, folder: folder.to_owned(), vault, reproducible, patient: false })
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
            tracing::warn!(%error, "the chain does not answer");
        }
        self.journal.fault()
    }

    fn look(&mut self) -> Tried {
        let height = self.world.height()?;
        let me = self.world.account();
        let (running, contested) = (self.world.jobs(JobState::Running)?, self.world.jobs(JobState::Contested)?);
        let windows = self.world.jobs(JobState::Window)?;
        let held: Vec<u64> = running.iter().chain(&contested).chain(&windows).map(|job| job.id).collect();
        self.lab.keep(|job| held.contains(&job));
        for job in &contested {
            let mine = job.provider == me;
            if mine || self.settings.watch {
                self.told(job, |agent| agent.contest(job, height));
            }
        }
        let mine: Vec<&Job> = running.iter().filter(|job| job.provider == me).collect();
        for job in &mine {
            self.told(job, |agent| agent.deliver(job, height));
        }
        if self.settings.watch {
            for job in windows.iter().filter(|job| job.provider != me) {
                if self.is_drawn(job) {
                    self.told(job, |agent| agent.judge(job));
                }
            }
        }
        if self.settings.provide && self.reproducible && mine.len() < self.settings.jobs {
            self.take(self.settings.jobs - mine.len())?;
        }
        Ok(())
    }

    /// Says what went wrong with a job, and goes on.
    fn told(&mut self, job: &Job, work: impl FnOnce(&mut Self) -> Tried) {
        if let Err(error) = work(self) {
            tracing::warn!(job = job.id, %error, "tried again at the next height");
        }
    }

    /// Whether a result of others is among those that are run again: by its number, so that all restarts agree.
    fn is_drawn(&self, job: &Job) -> bool {
        job.id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (u64::from(self.settings.sample_bps) << 32) / 10_000
    }

    /// Takes open jobs that pay and whose content is at hand.
    fn take(&mut self, most: usize) -> Tried {
        let Some(provider) = self.world.provider()?.filter(|provider| provider.leaves == 0) else { return Ok(()) };
        let free = coin(provider.bond.as_ref()).saturating_sub(coin(provider.locked.as_ref()));
        let open = self.world.jobs(JobState::Open)?;
        let fits = |job: &&Job| {
            let multiple = |params: &Params| if is_proven(job) { params.proof_bond_multiple } else { params.bond_multiple };
            let multiple = job.params.as_ref().map_or(u32::MAX, multiple);
            let bond = coin(job.price.as_ref()).checked_mul(multiple.into()).is_some_and(|bond| bond <= free);
            bond && job.redundancy == 0
                && (is_proven(job) || job.verification() == Verification::Refereed)
                && !job.failed.contains(&provider.account)
                && job.run_blocks > self.settings.slack_blocks
        };
        let fitting: Vec<Job> = open.iter().filter(fits).cloned().collect();
        let mut taken = 0;
        for job in fitting {
            if taken >= most {
                break;
            }
            if self.journal.job(job.id).left.is_some() || !self.pays(&job)? {
                continue;
            }
            match self.content(&job) {
                Ok(_) => (),
                Err(Missing::Now(error)) => return Err(error),
                Err(Missing::Ever(why)) => {
                    tracing::info!(job = job.id, why, "left alone");
                    self.journal.write_or_remember(Entry::Left { job: job.id, why });
                    continue;
                }
            }
            self.journal.write_or_remember(Entry::Taking { job: job.id });
            match self.world.send(pack(&MsgAcceptJob { provider: provider.account.clone(), job_id: job.id })) {
                Ok(()) => {
                    tracing::info!(job = job.id, "taken");
                    taken += 1;
                }
                Err(WorldError::Refused { log, .. }) => tracing::info!(job = job.id, log, "not taken"),
                Err(away) => return Err(away),
            }
        }
        Ok(())
    }

    /// Whether the price of a job is not below what its multiplications cost.
    fn pays(&mut self, job: &Job) -> Result<bool, WorldError> {
        let program = self.world.program(&job.program_id)?;
        let macs = u128::from(program.macs).saturating_mul(job.runs.into());
        let least = macs.saturating_mul(self.settings.giga_mac_price).div_ceil(1_000_000_000);
        Ok(coin(job.price.as_ref()) >= least)
    }

    /// Delivers the result of a job that the agent took.
    fn deliver(&mut self, job: &Job, height: u64) -> Tried {
        let Some(solved) = self.solved(job)? else { return Ok(()) };
        if height > job.due {
            return Ok(()); // it is too late; the chain takes the job back by itself
        }
        let claim = solved.trace.claim();
        let result =
            MsgSubmitResult { provider: job.provider.clone(), job_id: job.id, outputs: claim.outputs, ..MsgSubmitResult::default() };
        let result = match &solved.proofs {
            Some(made) => MsgSubmitResult { inputs: made.inputs.clone(), proofs: made.proofs.clone(), ..result },
            None => MsgSubmitResult { nodes_roots: claim.nodes_roots.iter().map(|root| root.to_vec()).collect(), ..result },
        };
        self.journal.write_or_remember(Entry::Delivering { job: job.id });
        self.world.send(pack(&result))?;
        tracing::info!(job = job.id, proofs = result.proofs.len(), "delivered");
        Ok(())
    }

    /// Runs another's result again, and contests it where it is wrong.
    fn judge(&mut self, job: &Job) -> Tried {
        if self.journal.job(job.id).right == Some(true) {
            return Ok(());
        }
        let Some(solved) = self.solved(job)? else { return Ok(()) };
        let right = solved.trace.root().as_slice() == job.trace_root;
        if self.journal.job(job.id).right.is_none() {
            self.journal.write_or_remember(Entry::Judged { job: job.id, right });
            tracing::info!(job = job.id, right, "run again");
        }
        if right { Ok(()) } else { self.back(job, &solved) }
    }

    /// Stands behind the root that the agent worked out.
    pub(super) fn back(&mut self, job: &Job, solved: &Solved) -> Tried {
        let root = solved.trace.root();
        self.journal.write_or_remember(Entry::Backing { job: job.id, root: hex::encode(root) });
        self.world.send(pack(&MsgChallenge { challenger: self.world.account(), job_id: job.id, root: root.to_vec() }))?;
        tracing::warn!(job = job.id, root = hex::encode(root), "contested");
        Ok(())
    }

    /// What the agent computes for a job; `None` while it does, or where it cannot.
    pub(super) fn solved(&mut self, job: &Job) -> Result<Option<Arc<Solved>>, WorldError> {
        if self.lab.standing(job.id).is_none() {
            match self.content(job) {
                Ok(order) => self.lab.order(job.id, order),
                Err(Missing::Now(error)) => return Err(error),
                Err(Missing::Ever(why)) => return Err(WorldError::Away(why)),
            }
        }
        if self.patient {
            self.lab.wait(job.id);
        }
        let Some(Standing::Solved(solved)) = self.lab.standing(job.id) else { return Ok(None) };
        let root = hex::encode(solved.trace.root());
        if self.journal.job(job.id).root.as_ref() != Some(&root) {
            self.journal.write_or_remember(Entry::Traced { job: job.id, root });
        }
        Ok(Some(solved))
    }

    /// Model and inputs of a job, from the disk or from where they are served; checked against their roots.
    fn content(&mut self, job: &Job) -> Result<Order, Missing> {
        let ever = |what: &str, why: &dyn std::fmt::Display| Missing::Ever(format!("{what}: {why}"));
        let program = self.world.program(&job.program_id)?;
        let file = self.stored("models", &hex::encode(&job.program_id), &program.uri)?;
        let model = ModelFile::read(&file).map_err(|error| ever("its model is none", &error))?;
        if model.id().as_slice() != job.program_id {
            return Err(ever("its model is another", &hex::encode(model.id())));
        }
        let sealed = self.vault.sealed(model.program()).map_err(|node| ever("the weights of one of its operators are private", &node))?;
        let file = self.stored("inputs", &hex::encode(&job.input_root), &job.uri)?;
        let none = |error: &dyn std::fmt::Display| ever("its inputs are none", error);
        let (inputs, root, salted) = if is_proven(job) {
            let salted = SaltedInputs::read(model.program(), job.runs, &file).map_err(|error| none(&error))?;
            (salted.inputs().clone(), salted.root(), Some(salted))
        } else {
            let inputs = read_inputs(model.program(), job.runs, &file).map_err(|error| none(&error))?;
            let root = inputs.root();
            (inputs, root, None)
        };
        if root.as_slice() != job.input_root {
            return Err(ever("its inputs are others", &hex::encode(root)));
        }
        let proving = salted.map(|salted| self.proving(job, &model, &sealed, salted)).transpose()?;
        self.store("models", &hex::encode(&job.program_id), || model.write().map_err(anyhow::Error::from));
        self.store("inputs", &hex::encode(&job.input_root), || Ok(file));
        Ok(Order { model: Arc::new(model), inputs, sealed, proving })
    }

    /// A content that was fetched before, or fetches it.
    fn stored(&mut self, kind: &str, name: &str, uri: &str) -> Result<Vec<u8>, Missing> {
        match std::fs::read(self.folder.join(kind).join(name)) {
            Ok(bytes) => Ok(bytes),
            Err(_) if uri.is_empty() => Err(Missing::Ever(format!("nobody says where its {kind} are served"))),
            Err(_) => self.world.fetch(uri, self.settings.content_bytes).map_err(|error| match error {
                WorldError::Away(why) => Missing::Now(WorldError::Away(format!("{uri}: {why}"))),
                refused @ WorldError::Refused { .. } => Missing::Ever(refused.to_string()),
            }),
        }
    }

    /// Keeps a content that was checked; that it cannot be kept is told, and it is fetched again.
    fn store(&self, kind: &str, name: &str, bytes: impl FnOnce() -> Result<Vec<u8>>) {
        let path = self.folder.join(kind).join(name);
        if path.exists() {
            return;
        }
        let part = path.with_extension("part");
        let stored = bytes().and_then(|bytes| Ok(std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, &path))?));
        if let Err(error) = stored {
            tracing::warn!(%error, path = %path.display(), "not kept");
        }
    }
}

/// Whether a job's result comes with proofs.
fn is_proven(job: &Job) -> bool {
    job.verification() == Verification::Groth16
}

/// Why content is not at hand.
pub(super) enum Missing {
    /// Now; it is asked for again.
    Now(WorldError),
    /// What is served is not what it should be, or nothing is.
    Ever(String),
}

impl From<WorldError> for Missing {
    fn from(error: WorldError) -> Self {
        Self::Now(error)
    }
}

/// The amount of a coin; 0 of none.
fn coin(coin: Option<&cairn_proto::cosmos::base::v1beta1::Coin>) -> u128 {
    coin.and_then(|coin| coin.amount.parse().ok()).unwrap_or(0)
}
