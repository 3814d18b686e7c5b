//! One annotator at work: claim, fetch, label, commit, reveal, until the job takes no more.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result};
use cairn_annotation::formats;
use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{
    Job, JobState, Label, LeaseState, MsgClaimTasks, MsgCommitLabels, MsgRevealLabels, QueryClaimRequest, QueryClaimResponse,
    QueryLeaseResponse, QueryLeasesRequest, QueryLeasesResponse, QueryWorkerRequest, QueryWorkerResponse,
};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    chain::{Chain, Refused, Signer},
    gateway::Gateway,
    skill::Sheet,
};

/// What every annotator sees of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The newest height.
    pub height: u64,
    /// Where the job stands.
    pub state: JobState,
}

/// What opens a commitment; kept on disk before the commitment is sent, so that a crash does not lose the bond.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opening {
    salt: [u8; 32],
    labels: Vec<(u32, u16)>,
}

/// What an item is, for those who write the answers: found by the hash of its content.
pub type Truths = Arc<BTreeMap<[u8; 32], (u64, u16)>>;

/// One annotator.
pub struct Annotator {
    name: String,
    chain: Chain,
    signer: Signer,
    gateway: Arc<Gateway>,
    job: Arc<Job>,
    sheet: Sheet,
    truths: Truths,
    journal: PathBuf,
    openings: BTreeMap<u64, Opening>,
    revealed: BTreeSet<u64>,
    /// No more leases are to be had.
    done: bool,
    trouble: Trouble,
}

/// The last failure. A block or a killed node that came in between is no news: only what fails twice in a row is told, and told once.
#[derive(Debug, Default)]
struct Trouble {
    text: String,
    times: u32,
}

impl Trouble {
    /// Notes how a step ended; returns what is to be told.
    fn note(&mut self, ended: Result<()>) -> Option<&str> {
        let text = ended.err().map(|e| format!("{e:#}")).unwrap_or_default();
        self.times = if text == self.text { self.times.saturating_add(1) } else { 1 };
        self.text = text;
        (self.times == 2 && !self.text.is_empty()).then_some(&self.text)
    }
}

impl Annotator {
    /// An annotator of `job` who answers by `sheet`; its openings are kept in `journal`.
    #[allow(clippy::too_many_arguments, reason = "each is a different thing and there is one caller")]
    pub fn new(
        name: String,
        chain: Chain,
        signer: Signer,
        gateway: Gateway,
        job: Arc<Job>,
        sheet: Sheet,
        truths: Truths,
        journal: PathBuf,
    ) -> Result<Self> {
        let openings = match std::fs::read(&journal) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", journal.display()))?,
            Err(_) => BTreeMap::new(),
        };
        Ok(Self {
            name,
            chain,
            signer,
            gateway: Arc::new(gateway),
            job,
            sheet,
            truths,
            journal,
            openings,
            revealed: BTreeSet::new(),
            done: false,
            trouble: Trouble::default(),
        })
    }

    /// Works until the job closes its doors and everything committed is revealed. `ticks` tells each new height.
    pub async fn work(mut self, mut ticks: watch::Receiver<Tick>) -> Result<()> {
        loop {
            let tick = *ticks.borrow_and_update();
            if !matches!(tick.state, JobState::Open | JobState::Revealing) {
                return Ok(());
            }
            // A node that was killed, a block that came in between: what failed now is tried again at the next height.
            let ended = self.step(tick).await;
            if let Some(text) = self.trouble.note(ended) {
                eprintln!("  {}: {text}", self.name);
            }
            if ticks.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    async fn step(&mut self, tick: Tick) -> Result<()> {
        let mut live = false;
        for lease in self.leases().await? {
            let Some(inner) = &lease.lease else { continue };
            match inner.state() {
                LeaseState::Live => {
                    live = true;
                    self.label(&lease).await?;
                }
                LeaseState::Committed if inner.reveal_from > 0 && tick.height >= inner.reveal_from && tick.height < inner.reveal_until => {
                    self.reveal(inner.id).await?;
                }
                _ => {}
            }
        }
        if !live && !self.done && tick.state == JobState::Open {
            self.claim(tick.height).await?;
        }
        Ok(())
    }

    /// Standing leases in this job.
    async fn leases(&self) -> Result<Vec<QueryLeaseResponse>> {
        let mut out = Vec::new();
        for state in [LeaseState::Live, LeaseState::Committed] {
            let pagination = Some(cairn_proto::cosmos::base::query::v1beta1::PageRequest { limit: 1_000, ..Default::default() });
            let request =
                QueryLeasesRequest { annotator: self.signer.address().to_owned(), job: self.job.id, state: state.into(), pagination };
            let page: QueryLeasesResponse = self.chain.query("/cairn.annotation.v1.Query/Leases", &request).await?;
            out.extend(page.leases);
        }
        Ok(out)
    }

    async fn claim(&mut self, height: u64) -> Result<()> {
        let request = QueryClaimRequest { job: self.job.id, annotator: self.signer.address().to_owned() };
        let claim: QueryClaimResponse = self.chain.query("/cairn.annotation.v1.Query/Claim", &request).await?;
        if claim.claim.is_some() || claim.paused_until > height {
            return Ok(());
        }
        if self.out_of_seats().await? {
            self.done = true;
            return Ok(());
        }
        let message = MsgClaimTasks {
            annotator: self.signer.address().to_owned(),
            job: self.job.id,
            buckets: 1,
            nonce: claim.nonce.saturating_add(1),
            lent_bond: false,
        };
        match self.signer.send(&message).await {
            // The job ran out of time or seats between the look and the claim: nothing was lost but the fee.
            Err(e) if e.is::<Refused>() => Ok(()),
            other => other.map(drop),
        }
    }

    async fn out_of_seats(&self) -> Result<bool> {
        let request = QueryWorkerRequest { job: self.job.id, annotator: self.signer.address().to_owned() };
        let worker: Result<QueryWorkerResponse> = self.chain.query("/cairn.annotation.v1.Query/Worker", &request).await;
        Ok(worker.is_ok_and(|w| w.seats_left == 0))
    }

    /// Fetches and checks each item, answers it, commits.
    async fn label(&mut self, lease: &QueryLeaseResponse) -> Result<()> {
        let id = lease.lease.as_ref().context("a lease without content")?.id;
        if !self.openings.contains_key(&id) {
            let labels = self.answers(&lease.tasks).await?;
            let mut salt = [0; 32];
            rand::rngs::OsRng.fill_bytes(&mut salt);
            self.openings.insert(id, Opening { salt, labels });
            self.save()?;
        }
        let opening = self.openings.get(&id).context("the opening was just kept")?;
        let address = Address::parse(self.signer.address())?;
        let labels: Vec<(u32, [u8; 2])> = opening.labels.iter().map(|(task, class)| (*task, formats::class_payload(*class))).collect();
        let commitment = formats::label_commitment(self.chain.id(), self.job.id, id, &address, &opening.salt, &labels);
        let commitment = commitment.context("more labels than a commitment can count")?;
        let message = MsgCommitLabels {
            annotator: self.signer.address().to_owned(),
            lease: id,
            commitment: commitment.to_vec(),
            revealer: String::new(),
        };
        self.signer.send(&message).await.map(drop)
    }

    async fn answers(&self, tasks: &[u32]) -> Result<Vec<(u32, u16)>> {
        let root: [u8; 32] = self.job.manifest_root.as_slice().try_into().context("a manifest root has 32 bytes")?;
        let (gateway, job, count, list) = (Arc::clone(&self.gateway), self.job.id, self.job.tasks, tasks.to_vec());
        let hashes = tokio::task::spawn_blocking(move || {
            list.into_iter().map(|task| Ok((task, gateway.item(job, task, count, &root)?.hash))).collect::<Result<Vec<_>>>()
        })
        .await??;
        let answer = |(task, hash): (u32, [u8; 32])| {
            let (item, truth) = self.truths.get(&hash).with_context(|| format!("task {task} is no item of the set"))?;
            Ok((task, self.sheet.answer(*item, *truth)))
        };
        hashes.into_iter().map(answer).collect()
    }

    async fn reveal(&mut self, lease: u64) -> Result<()> {
        if self.revealed.contains(&lease) {
            return Ok(());
        }
        let opening = self.openings.get(&lease).with_context(|| format!("the opening of lease {lease} is lost"))?;
        let labels =
            opening.labels.iter().map(|(task, class)| Label { task: *task, class: u32::from(*class), ..Label::default() }).collect();
        let message = MsgRevealLabels { sender: self.signer.address().to_owned(), lease, salt: opening.salt.to_vec(), labels };
        self.signer.send(&message).await?;
        self.revealed.insert(lease);
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let part = self.journal.with_extension("part");
        std::fs::write(&part, serde_json::to_vec(&self.openings)?)?;
        Ok(std::fs::rename(&part, &self.journal)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_twice_in_a_row_is_told_and_once() {
        let mut trouble = Trouble::default();
        let mut told = |e: Option<&'static str>| trouble.note(e.map_or(Ok(()), |e| Err(anyhow::anyhow!(e)))).map(str::to_owned);
        assert_eq!([told(None), told(None), told(Some("a")), told(Some("b"))], [None, None, None, None]);
        assert_eq!([told(Some("b")), told(Some("b")), told(None), told(Some("b"))], [Some("b".into()), None, None, None]);
    }
}
