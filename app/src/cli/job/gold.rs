//! Opening a job's gold: one transaction a chunk of 1,024 tasks.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use cairn_annotation::formats::{self, GoldTree};
use cairn_kernel::merkle::Hash;
use cairn_proto::{
    cairn::annotation::v1::{MsgOpenGold, QueryGoldStateRequest, QueryGoldStateResponse},
    pack,
};

use super::record::{Items, Record};
use crate::cli::{
    keyring::AccountKey,
    reply::Reply,
    rpc::Rpc,
    sign::{Signer, TxOptions},
};

/// What opens a gold commitment.
pub(crate) struct Gold {
    pub(crate) chain_id: String,
    pub(crate) manifest_root: Hash,
    pub(crate) seed: Hash,
    pub(crate) tasks: u32,
    /// Number of classes of the answers.
    pub(crate) classes: usize,
    /// By task.
    pub(crate) truths: BTreeMap<u32, Reply>,
}

impl Gold {
    /// That of the items that a home posted.
    pub(crate) fn of_record((record, items): (Record, Items)) -> Result<Self> {
        Ok(Self {
            manifest_root: Record::seed(&record.manifest_root)?,
            seed: Record::seed(&record.gold_seed)?,
            tasks: record.tasks,
            classes: record.classes.len(),
            truths: items.truths()?,
            chain_id: record.chain_id,
        })
    }
    /// The tree whose root was committed.
    pub(crate) fn tree(&self) -> Result<GoldTree> {
        let payloads = self.truths.iter().map(|(task, truth)| Ok((*task, truth.payload(self.classes)?))).collect::<Result<_>>()?;
        Ok(GoldTree::of_payloads(&self.chain_id, &self.manifest_root, &self.seed, self.tasks, &payloads))
    }
    /// Opens every chunk that is not open yet. `job` is the one that asks for it: of drafts in the clear, the verification stage.
    pub(crate) fn open(&self, rpc: &Rpc, job: u64, key: &AccountKey, options: &TxOptions) -> Result<()> {
        let state: QueryGoldStateResponse = rpc.ask("/cairn.annotation.v1.Query/GoldState", &QueryGoldStateRequest { job })?;
        let tree = self.tree()?;
        let signer = Signer::new(rpc, key)?;
        for chunk in (0..formats::chunks(self.tasks)).filter(|c| !state.opened_chunks.contains(c)) {
            let inside = self.truths.range(formats::chunk_tasks(self.tasks, chunk));
            let message = MsgOpenGold {
                sender: key.address().to_string(),
                job,
                seed: self.seed.to_vec(),
                chunk,
                truths: inside.map(|(task, truth)| truth.label(*task, self.classes)).collect::<Result<_>>()?,
                path: tree.path(chunk).context("the chunk is beyond the tree")?.iter().map(|h| h.to_vec()).collect(),
            };
            let done = signer.send(vec![pack(&message)], options)?;
            println!("opened the gold of tasks {:?} in block {}", formats::chunk_tasks(self.tasks, chunk), done.height);
        }
        Ok(())
    }
}
