//! Figures of calls, blocks and the mempool's checks, counted as they happen.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};
use tendermint_proto::v0_38::abci::{ResponseFinalizeBlock, response_process_proposal::ProposalStatus};

use super::{Labels, signed};
use crate::{App, api::Chain};

/// Pairs of codespace and code that are counted apart; further ones count as `other`. All codes of all modules are fewer.
const MOST_CODES: usize = 1_000;

type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// Handles of what is counted.
#[derive(Clone)]
pub(crate) struct Blocks {
    calls: Family<Labels<1>, Histogram, fn() -> Histogram>,
    txs: Counters<2>,
    checks: Counters<3>,
    proposals: Counters<1>,
    hook_failures: Counters<2>,
    block_txs: Histogram,
    block_gas: Histogram,
    block_bytes: Histogram,
    height: Gauge,
    block_time: Gauge,
    age: Gauge,
    known: Gauge,
    oldest: Gauge,
    committed: Arc<Mutex<Instant>>,
    codes: Codes,
}

/// The pairs of codespace and code that are counted apart.
#[derive(Clone, Default)]
struct Codes(Arc<Mutex<BTreeSet<(String, u32)>>>);

impl Codes {
    /// The labels of a result, as long as there are not too many.
    fn labels(&self, codespace: &str, code: u32) -> Labels<2> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (codespace.to_owned(), code);
        let apart = seen.contains(&pair) || (seen.len() < MOST_CODES && seen.insert(pair));
        if apart {
            [("codespace", codespace.to_owned()), ("code", code.to_string())]
        } else {
            [("codespace", "other".to_owned()), ("code", "other".to_owned())]
        }
    }
}

/// From a tenth of a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.5, 15))
}

impl Blocks {
    pub(super) fn new(registry: &mut Registry, app: &App) -> Self {
        let new = Self {
            calls: Family::new_with_constructor(seconds),
            txs: Family::default(),
            checks: Family::default(),
            proposals: Family::default(),
            hook_failures: Family::default(),
            block_txs: Histogram::new(exponential_buckets(1.0, 4.0, 9)),
            block_gas: Histogram::new(exponential_buckets(100_000.0, 4.0, 9)),
            block_bytes: Histogram::new(exponential_buckets(1_000.0, 4.0, 9)),
            height: Gauge::default(),
            block_time: Gauge::default(),
            age: Gauge::default(),
            known: Gauge::default(),
            oldest: Gauge::default(),
            committed: Arc::new(Mutex::new(Instant::now())),
            codes: Codes::default(),
        };
        registry.register("abci_seconds", "Time that a call of consensus took", new.calls.clone());
        registry.register("txs", "Transactions in blocks by their result; code 0 is success", new.txs.clone());
        registry.register("checks", "Transactions checked for the mempool by result; code 0 is accepted", new.checks.clone());
        registry.register(
            "proposals",
            "Blocks proposed by this node, and proposals of others that it accepted or rejected",
            new.proposals.clone(),
        );
        registry.register("hook_failures", "Begin and end hooks of modules that failed and were undone", new.hook_failures.clone());
        registry.register("block_txs", "Transactions of a block", new.block_txs.clone());
        registry.register("block_gas", "Gas that the transactions of a block used", new.block_gas.clone());
        registry.register("block_bytes", "Bytes of a block's transactions", new.block_bytes.clone());
        registry.register("height", "Height of the last committed block", new.height.clone());
        registry.register("block_time_seconds", "Time of the last committed block, in seconds since the epoch", new.block_time.clone());
        registry.register("block_age_seconds", "Time since this process committed a block, or since its start", new.age.clone());
        registry.register("app_hash_known", "1 once a block is committed, 0 before", new.known.clone());
        registry.register("oldest_height", "Oldest height that queries can ask for: pruning took those before", new.oldest.clone());
        new.start(app);
        new
    }

    /// So that rates begin at 0, and what never happened is told.
    fn start(&self, app: &App) {
        for module in app.modules() {
            for hook in ["begin_block", "end_block"] {
                drop(self.hook_failures.get_or_create(&[("module", module.name().to_owned()), ("hook", hook.to_owned())]));
            }
        }
        for outcome in ["prepared", "accepted", "rejected"] {
            drop(self.proposals.get_or_create(&[("outcome", outcome.to_owned())]));
        }
        for kind in ["new", "recheck"] {
            drop(self.checks.get_or_create(&[("kind", kind.to_owned()), ("codespace", String::new()), ("code", "0".to_owned())]));
        }
        drop(self.txs.get_or_create(&[("codespace", String::new()), ("code", "0".to_owned())]));
    }

    /// A call took so long.
    pub(super) fn called(&self, method: &'static str, took: Duration) {
        self.calls.get_or_create(&[("method", method.to_owned())]).observe(took.as_secs_f64());
    }

    /// A transaction was checked.
    pub(super) fn checked(&self, recheck: bool, codespace: &str, code: u32) {
        let kind = if recheck { "recheck" } else { "new" };
        let [codespace, code] = self.codes.labels(codespace, code);
        self.checks.get_or_create(&[("kind", kind.to_owned()), codespace, code]).inc();
    }

    /// This node proposed a block.
    pub(super) fn prepared(&self) {
        self.proposals.get_or_create(&[("outcome", "prepared".to_owned())]).inc();
    }

    /// A proposal was judged.
    pub(super) fn judged(&self, status: ProposalStatus) {
        let outcome = if status == ProposalStatus::Accept { "accepted" } else { "rejected" };
        self.proposals.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// A block of so many bytes was executed.
    pub(super) fn executed(&self, bytes: usize, done: &ResponseFinalizeBlock) {
        let gas = done.tx_results.iter().fold(0_i64, |sum, tx| sum.saturating_add(tx.gas_used));
        self.block_gas.observe(float(u64::try_from(gas).unwrap_or(0)));
        self.block_txs.observe(float(u64::try_from(done.tx_results.len()).unwrap_or(u64::MAX)));
        self.block_bytes.observe(float(u64::try_from(bytes).unwrap_or(u64::MAX)));
        for tx in &done.tx_results {
            self.txs.get_or_create(&self.codes.labels(&tx.codespace, tx.code)).inc();
        }
        for event in done.events.iter().filter(|event| event.r#type == "hook_failed") {
            let of = |name: &str| event.attributes.iter().find(|a| a.key == name).map_or_else(String::new, |a| a.value.clone());
            self.hook_failures.get_or_create(&[("module", of("module")), ("hook", of("hook"))]).inc();
        }
    }

    /// A block was committed.
    pub(super) fn committed(&self) {
        *self.committed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn age(&self) -> Duration {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    pub(super) fn refresh(&self, app: &App) {
        self.height.set(signed(app.height()));
        self.block_time.set(signed(app.block_time().unwrap_or(0)));
        self.age.set(signed(self.age().as_secs()));
        self.known.set(i64::from(app.latest().is_some()));
        self.oldest.set(signed(app.earliest_height()));
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for graphs")]
fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_bounded() {
        let codes = Codes::default();
        let apart = |code| codes.labels("sdk", code)[1].1.clone();
        for code in 0..u32::try_from(MOST_CODES).unwrap() {
            assert_eq!(apart(code), code.to_string());
        }
        assert_eq!((apart(7).as_str(), apart(1_000_000).as_str()), ("7", "other"), "those known stay apart");
    }
}
