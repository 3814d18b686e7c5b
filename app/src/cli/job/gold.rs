//! Opening a job's gold: one transaction a chunk of 1,024 tasks.
use anyhow::{Context, Result};
use cairn_annotation::formats::{self, GoldTree};
use cairn_proto::{
    cairn::annotation::v1::{MsgOpenGold, QueryGoldStateRequest, QueryGoldStateResponse},
    pack,
};

use super::record::{Items, Record};
use crate::cli::{
    keyring::AccountKey,
    rpc::Rpc,
    sign::{Signer, TxOptions},
};

/// Opens every chunk that is not open yet.
pub(crate) fn open(rpc: &Rpc, (record, items): (Record, Items), job: u64, key: &AccountKey, options: &TxOptions) -> Result<()> {
    let state: QueryGoldStateResponse = rpc.ask("/cairn.annotation.v1.Query/GoldState", &QueryGoldStateRequest { job })?;
    let seed = Record::seed(&record.gold_seed)?;
    let root = Record::seed(&record.manifest_root)?;
    let tasks = record.tasks;
    let truths = items.truths()?;
    let classes = record.classes.len();
    let payloads = truths.iter().map(|(task, truth)| Ok((*task, truth.payload(classes)?))).collect::<Result<_>>()?;
    let tree = GoldTree::of_payloads(&record.chain_id, &root, &seed, tasks, &payloads);
    let signer = Signer::new(rpc, key)?;
    for chunk in (0..formats::chunks(tasks)).filter(|c| !state.opened_chunks.contains(c)) {
        let inside = truths.range(formats::chunk_tasks(tasks, chunk));
        let message = MsgOpenGold {
            sender: key.address().to_string(),
            job,
            seed: seed.to_vec(),
            chunk,
            truths: inside.map(|(task, truth)| truth.label(*task, classes)).collect::<Result<_>>()?,
            path: tree.path(chunk).context("the chunk is beyond the tree")?.iter().map(|h| h.to_vec()).collect(),
        };
        let done = signer.send(vec![pack(&message)], options)?;
        println!("opened the gold of tasks {:?} in block {}", formats::chunk_tasks(tasks, chunk), done.height);
    }
    Ok(())
}
