//! The measured blocks: from the first after the warm-up to the last that counts.
use std::{
    collections::BTreeMap,
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, Result, bail};

use super::{Cost, Plan, Run, load::Shared};
use crate::{
    machine::{Clock, Cores},
    peer::Running,
    rpc::{Header, Rpc},
};

/// Between two looks at the newest height.
const LOOK: Duration = Duration::from_millis(50);
/// How long a chain under load may be without a new block.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured, between two header times. A header's time is when the block before it was decided, so the blocks that were decided
/// in this span are `from` up to the one before `to`.
pub(super) struct Window {
    from: Header,
    to: Header,
    cores: Cores,
    rpc: Rpc,
}

/// Follows the chain until the measured span is long enough, or the load has nothing left to send.
pub(super) fn watch(node: &mut Running, plan: &Plan, shared: &Shared, senders: usize) -> Result<Window> {
    let rpc = Rpc::new(&node.url);
    let begin = SystemTime::now() + Duration::from_secs(plan.warm_up);
    let (mut last, mut moved) = (rpc.height()?, Instant::now());
    let mut start: Option<(Header, Clock)> = None;
    loop {
        thread::sleep(LOOK);
        node.check()?;
        let height = rpc.height()?;
        if moved.elapsed() > PATIENCE {
            bail!("no new block for {} s under load, at height {height}", PATIENCE.as_secs());
        }
        if height == last {
            continue;
        }
        let headers = rpc.headers(last + 1, height)?;
        (last, moved) = (height, Instant::now());
        let clock = Clock::now(node.cpu()?)?;
        let newest = headers.last().copied().context("the node gives no headers")?;
        let exhausted = shared.finished.load(Relaxed) >= u64::try_from(senders)?;
        match &start {
            None if exhausted => bail!("all transactions were handed in during the warm-up; sign more of them with --txs"),
            None if newest.time >= begin => start = Some((newest, clock)),
            None => {}
            Some((from, before)) => {
                let long = newest.time.duration_since(from.time)?.as_secs() >= plan.seconds && newest.height - from.height >= plan.blocks;
                if long || exhausted {
                    return Ok(Window { from: *from, to: newest, cores: before.until(&clock), rpc });
                }
            }
        }
    }
}

impl Window {
    /// Counts what the blocks hold, now that nothing is loaded any more.
    pub(super) fn into_run(self, node: &Running, own_txs: u64) -> Result<Run> {
        let Self { from, to, cores, rpc } = self;
        let (mut committed, mut failed) = (0, 0);
        for height in from.height..to.height {
            let done = rpc.done(height)?;
            committed += done.succeeded;
            failed += u64::try_from(done.failed.len())?;
        }
        let blocks = to.height - from.height;
        committed -= committed.min(own_txs * blocks);
        let seconds = to.time.duration_since(from.time)?.as_secs_f64();
        let per_second = committed as f64 / seconds;
        let cost = |cores: f64, peak_memory| {
            let micros_per_tx = cores * 1e6 / per_second.max(f64::MIN_POSITIVE);
            Cost { cpu_seconds: cores * seconds, cores, micros_per_tx, peak_memory }
        };
        let mut processes = BTreeMap::from([("load", cost(cores.own, None))]);
        for (process, cores) in node.processes.iter().zip(&cores.measured) {
            processes.insert(process.name, cost(*cores, Some(process.peak_memory()?)));
        }
        Ok(Run { per_second, committed, failed, blocks, seconds, processes, others_cores: cores.others, ..Run::default() })
    }
}
