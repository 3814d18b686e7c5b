//! What a requester has to do in time while its job runs, done by whoever watches it: gold and pairs opened, the verdict gold committed and
//! opened, the refund withdrawn.
use anyhow::{Context, Result};
use cairn_annotation::types;
use cairn_proto::{
    cairn::annotation::v1::{Job, JobState, JobStatus, MsgWithdrawEarnings, QueryEarningsRequest, QueryEarningsResponse, SettleStep},
    pack,
};

use super::{gold::Gold, pairs, record::Record, verdicts::VerdictRecord, watch};
use crate::cli::{
    home::Home,
    keyring::AccountKey,
    rpc::{Refused, Rpc},
    sign::{Signer, TxOptions},
};

/// A requester's duties in one job.
pub(crate) struct Duties<'a> {
    home: &'a Home,
    key: &'a AccountKey,
    /// The key's name.
    name: &'a str,
    options: TxOptions,
    chain_id: String,
    /// Whether the person was told that its verdicts are awaited.
    told: bool,
}

impl<'a> Duties<'a> {
    /// Of the requester of `job`.
    ///
    /// # Errors
    /// Where this home did not post the job, which is better told now than when the gold is asked for.
    pub(crate) fn new(rpc: &Rpc, home: &'a Home, (key, name): (&'a AccountKey, &'a str), options: TxOptions, job: &Job) -> Result<Self> {
        let chain_id = rpc.chain_id()?;
        Record::need(home, &chain_id, &job.manifest_root)?;
        Ok(Self { home, key, name, options, chain_id, told: false })
    }
    /// Whatever is to be opened now.
    pub(crate) fn open_now(&mut self, rpc: &Rpc, job: &Job, status: &JobStatus) -> Result<()> {
        if status.state() == JobState::Verifying { self.verify(rpc, job, status) } else { self.open(rpc, job) }
    }
    /// Opens gold and pairs of a job in state GOLD.
    pub(crate) fn open(&self, rpc: &Rpc, job: &Job) -> Result<()> {
        let record = || Record::need(self.home, &self.chain_id, &job.manifest_root);
        patiently(Gold::of_record(record()?)?.open(rpc, job.id, self.key, &self.options))?;
        if job.contestants > 0 {
            patiently(pairs::open(rpc, record()?, job.id, self.key, &self.options))?;
        }
        Ok(())
    }
    /// Commits to the verdict gold of a job whose drafts are in, where it was judged; opens the gold of a verification stage that asks for
    /// it.
    pub(crate) fn verify(&mut self, rpc: &Rpc, job: &Job, status: &JobStatus) -> Result<()> {
        if status.stage > 0 {
            let (stage, of_stage) = watch::job(rpc, status.stage)?;
            return if of_stage.state() == JobState::Gold { self.open_stage(rpc, job, &stage) } else { Ok(()) };
        }
        if status.settlement.as_ref().is_none_or(|settlement| settlement.step() != SettleStep::AwaitVerdictGold) {
            return Ok(());
        }
        match VerdictRecord::find(self.home, &self.chain_id, job)? {
            Some(record) => patiently(record.commit(rpc, self.home, self.key, &self.options).map(drop)),
            None if self.told => Ok(()),
            None => {
                self.told = true;
                println!(
                    "the drafts are in: judge some of them until block {}, or the gold bond is lost: \
                     cairnd job judge {} --out DRAFTS --from {}",
                    status.gold_deadline, job.id, self.name
                );
                Ok(())
            }
        }
    }
    fn open_stage(&self, rpc: &Rpc, job: &Job, stage: &Job) -> Result<()> {
        let gold = if types::draws(job.r#type()).is_some() {
            Gold::of_record(Record::need(self.home, &self.chain_id, &job.manifest_root)?)?
        } else {
            let record = VerdictRecord::find(self.home, &self.chain_id, job)?;
            record.with_context(|| format!("this home did not judge the drafts of job {}", job.id))?.gold()?
        };
        patiently(gold.open(rpc, stage.id, self.key, &self.options))
    }
    /// What the account may withdraw.
    fn claimable(&self, rpc: &Rpc) -> Result<Vec<String>> {
        let request = QueryEarningsRequest { account: self.key.address().to_string() };
        let earnings: QueryEarningsResponse = rpc.ask("/cairn.annotation.v1.Query/Earnings", &request)?;
        Ok(earnings.claimable.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect())
    }
    /// Withdraws what the account has claimable: what is left of the job, and whatever else waits.
    pub(crate) fn withdraw(&self, rpc: &Rpc) -> Result<()> {
        let coins = self.claimable(rpc)?;
        if coins.is_empty() {
            return Ok(());
        }
        let message = MsgWithdrawEarnings { account: self.key.address().to_string(), ..MsgWithdrawEarnings::default() };
        match Signer::new(rpc, self.key)?.send(vec![pack(&message)], &self.options) {
            Ok(done) => println!("withdrew {} in block {}", coins.join(", "), done.height),
            // Whoever watches another job of the account may have been first.
            Err(error) if error.is::<Refused>() && self.claimable(rpc)?.is_empty() => println!("withdrawn with another job's"),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// A refusal by the chain ends the watch; anything else, such as a node that went away, is told and tried again at the next look.
fn patiently(done: Result<()>) -> Result<()> {
    match done {
        Err(error) if !error.is::<Refused>() => {
            eprintln!("{error:#}; trying again");
            Ok(())
        }
        other => other,
    }
}
