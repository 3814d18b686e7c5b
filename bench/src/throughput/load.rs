//! The load: senders that hand in signed transactions as fast as the node takes them, and a watch over the mempool.
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

use super::{Plan, Run, window};
use crate::{
    peer::Running,
    rpc::{Rpc, broadcast, refusals},
};

/// Between two looks at the mempool.
const LOOK: Duration = Duration::from_millis(20);
/// How long a sender that is held back waits before it looks again.
const WAIT: Duration = Duration::from_millis(5);

/// Requests that are ready to send, by connection. The transactions of an account all go over one of them, so their order is kept.
pub(super) struct Load {
    connections: Vec<Vec<Vec<u8>>>,
}

/// What senders and watchers tell each other.
#[derive(Default)]
pub(super) struct Shared {
    stop: AtomicBool,
    /// Transactions in the mempool, at the last look.
    waiting: AtomicU64,
    /// The sum of all looks, and their number.
    waiting_sum: AtomicU64,
    looks: AtomicU64,
    refused: AtomicU64,
    refusal: Mutex<Option<String>>,
    /// Senders that have nothing left to send.
    pub(super) finished: AtomicU64,
}

impl Load {
    /// Puts `txs` into requests.
    pub(super) fn new(txs: &[Vec<u8>], plan: &Plan) -> Self {
        let mode = plan.mode.as_str();
        let connection = |c: usize| {
            let own: Vec<&[u8]> = txs.iter().skip(c).step_by(plan.connections).map(Vec::as_slice).collect();
            own.chunks(plan.batch).map(|batch| broadcast(batch.iter().copied(), mode)).collect()
        };
        Self { connections: (0..plan.connections).map(connection).collect() }
    }

    /// Loads `node` until enough is measured. `own_txs` of each block are the proposer's and do not count.
    pub(super) fn drive(&self, node: &mut Running, plan: &Plan, own_txs: u64) -> Result<Run> {
        let (shared, url) = (Shared::default(), node.url.clone());
        let window = thread::scope(|scope| {
            let watch = scope.spawn(|| watch_mempool(&Rpc::new(&url), &shared));
            let senders: Vec<_> =
                self.connections.iter().map(|requests| scope.spawn(|| send(&Rpc::new(&url), requests, plan, &shared))).collect();
            let window = window::watch(node, plan, &shared, self.connections.len());
            shared.stop.store(true, Relaxed);
            for thread in senders.into_iter().chain([watch]) {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            window
        })?;
        let run = window.into_run(node, own_txs)?;
        let waiting = shared.waiting_sum.load(Relaxed) as f64 / shared.looks.load(Relaxed).max(1) as f64;
        let refusal = shared.refusal.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Run { waiting, refused: shared.refused.load(Relaxed), refusal, ..run })
    }
}

fn send(rpc: &Rpc, requests: &[Vec<u8>], plan: &Plan, shared: &Shared) -> Result<()> {
    for request in requests {
        while shared.waiting.load(Relaxed) > plan.backlog && !shared.stop.load(Relaxed) {
            thread::sleep(WAIT);
        }
        if shared.stop.load(Relaxed) {
            return Ok(());
        }
        let (count, first) = refusals(&rpc.post(request)?)?;
        if let Some(first) = first {
            shared.refused.fetch_add(count, Relaxed);
            shared.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(first);
        }
    }
    shared.finished.fetch_add(1, Relaxed);
    Ok(())
}

fn watch_mempool(rpc: &Rpc, shared: &Shared) -> Result<()> {
    while !shared.stop.load(Relaxed) {
        let waiting = rpc.waiting()?;
        shared.waiting.store(waiting, Relaxed);
        shared.waiting_sum.fetch_add(waiting, Relaxed);
        shared.looks.fetch_add(1, Relaxed);
        thread::sleep(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Parser)]
    struct Options {
        #[command(flatten)]
        plan: Plan,
    }

    #[test]
    fn an_account_keeps_its_connection_and_its_order() {
        let plan = Options::parse_from(["bench", "--accounts", "4", "--connections", "2", "--batch", "3"]).plan;
        let txs: Vec<Vec<u8>> = (0..12).map(|x| vec![x]).collect();
        let load = Load::new(&txs, &plan);
        let sent = |requests: &[Vec<u8>]| -> Vec<u8> {
            let batches = requests.iter().map(|r| serde_json::from_slice::<Vec<Value>>(r).unwrap());
            let text = |request: Value| request.pointer("/params/tx").unwrap().as_str().unwrap().to_owned();
            batches.flatten().flat_map(|request| BASE64.decode(text(request)).unwrap()).collect()
        };
        // Accounts 0 and 2 send transactions 0, 2, 4, 6, ..; accounts 1 and 3 the others.
        assert_eq!(load.connections.iter().map(|c| sent(c)).collect::<Vec<_>>(), [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]);
        assert_eq!(load.connections[0].len(), 2);
    }
}
