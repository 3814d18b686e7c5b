//! The report: as JSON with everything, and as Markdown with what matters.
use std::fmt::{self, Display, Write};

use serde::Serialize;

use crate::{
    labels::{Intervals, Labels},
    machine::Machine,
    proofs::{self, Proved},
    state::{Timing, blocks::StateOf, writes::StoreBlocks},
    stats::median,
    throughput::{Cost, Plan, Run, Series},
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// When measuring began, UTC.
    pub(crate) date: String,
    /// What was measured.
    pub(crate) revision: String,
    /// On what.
    pub(crate) machine: Machine,
    /// The load and the settings of the nodes, if they were compared.
    pub(crate) plan: Option<Plan>,
    pub(crate) throughput: Vec<Series>,
    pub(crate) states: Vec<StateOf>,
    pub(crate) store: Vec<StoreBlocks>,
    pub(crate) labels: Option<Labels>,
    pub(crate) proofs: Vec<Proved>,
    /// Most memory of the measuring process, in which states are made, in bytes.
    pub(crate) peak_memory: Option<u64>,
}

impl Report {
    /// An empty one.
    pub(crate) fn new(machine: Machine, revision: String) -> Self {
        let date = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
        Self {
            date,
            revision,
            machine,
            plan: None,
            throughput: vec![],
            states: vec![],
            store: vec![],
            labels: None,
            proofs: vec![],
            peak_memory: None,
        }
    }

    /// As Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut out = Text::default();
        let Machine { processor, cores, memory, kernel } = &self.machine;
        out.line(format!("{}, revision {}, {cores} cores of {processor}, {} GiB, {kernel}.", self.date, self.revision, memory >> 30));
        if let Some(plan) = &self.plan {
            self.compared(&mut out, plan);
        }
        if !self.states.is_empty() {
            self.over_states(&mut out);
        }
        if !self.store.is_empty() {
            self.of_the_store(&mut out);
        }
        if let Some(labels) = &self.labels {
            labels.write(&mut out);
        }
        if !self.proofs.is_empty() {
            proofs::write(&self.proofs, &mut out);
        }
        out.0
    }

    fn compared(&self, out: &mut Text, plan: &Plan) {
        out.line("\n## Committed bank sends per second, one validator\n");
        out.row([
            "node",
            "sends/s",
            "lowest - highest",
            "s a block",
            "sends a block",
            "CPU us a send",
            "of it app",
            "memory MiB",
            "failed, refused",
        ]);
        out.rule(9);
        for series in &self.throughput {
            out.row(series_row(series));
        }
        out.line(format!(
            "\nMedians of {} repetitions, taken in turns, each on a new chain. {} funded accounts, {} connections, batches of {} by \
             `broadcast_tx_{}`, load held back above {} waiting transactions; {} s of warm-up, then at least {} s and {} blocks. All nodes: \
             timeout_commit {} ms, blocks of at most {} bytes and without a gas limit, mempool of {}, recheck, indexer `{}`, one fee and one \
             signature for each send. CPU is that of the node's processes; the load generator's is not in it but runs on the same cores.",
            plan.repetitions,
            plan.accounts,
            plan.connections,
            plan.batch,
            plan.mode.as_str(),
            plan.backlog,
            plan.warm_up,
            plan.seconds,
            plan.blocks,
            plan.timeout_commit_ms,
            plan.max_block_bytes,
            plan.mempool,
            plan.indexer.as_str()
        ));
        out.line("\n### Each measurement\n");
        out.row([
            "node",
            "n",
            "sends/s",
            "blocks",
            "seconds",
            "cores: node",
            "cores: load",
            "cores: others",
            "load average",
            "waiting txs",
        ]);
        out.rule(10);
        for series in &self.throughput {
            for run in &series.runs {
                out.row(run_row(&series.node, run));
            }
        }
        out.line(
            "\nOthers are programs that do not belong to the measurement and disturb it. Waiting transactions are those in the mempool, on \
             average: where there are next to none the load, not the node, may have been the limit.",
        );
    }

    fn over_states(&self, out: &mut Text) {
        out.line("\n## A block over states of different size\n");
        out.row([
            "accounts",
            "sends",
            "FinalizeBlock p50",
            "p99",
            "Commit p50",
            "p99",
            "both p50",
            "p99",
            "CheckTx of all p50",
            "proposal p50",
        ]);
        out.rule(10);
        for state in &self.states {
            for blocks in &state.blocks {
                let seen = if blocks.checked { "" } else { " (not seen before)" };
                let check = if blocks.checked { ms(blocks.check.p50_ms) } else { "-".into() };
                let [f, c, t] = [&blocks.finalize, &blocks.commit, &blocks.total].map(|t: &Timing| [ms(t.p50_ms), ms(t.p99_ms)]);
                let sends = format!("{}{seen}", blocks.sends);
                let cells = [state.accounts.to_string(), sends].into_iter().chain(f).chain(c).chain(t);
                out.row(cells.chain([check, ms(blocks.propose.p50_ms)]));
            }
        }
        out.line(
            "\nMilliseconds, in one process, through `cairn_app::App`, release build, every commit synced to the disk. Sender and recipient of \
             each send are drawn at random from all accounts.",
        );
        for StateOf { accounts, genesis_bytes, genesis_seconds, disk_bytes, blocks } in &self.states {
            let others = median(&blocks.iter().map(|b| b.others_cores).collect::<Vec<_>>()).unwrap_or_default();
            out.line(format!(
                "- {accounts} accounts: genesis of {} MB in {genesis_seconds:.1} s, {} MB on disk; other programs used {others:.2} cores.",
                genesis_bytes / 1_000_000,
                disk_bytes / 1_000_000
            ));
        }
        if let Some(bytes) = self.peak_memory {
            out.line(format!(
                "- The measuring process had {} MiB of memory at most, all of its keys and the genesis file included.",
                bytes >> 20
            ));
        }
    }

    fn of_the_store(&self, out: &mut Text) {
        out.line("\n## The store alone\n");
        out.row(["keys", "writes", "stage p50", "p99", "commit p50", "p99", "us a write (p50)", "cores: others"]);
        out.rule(8);
        for StoreBlocks { keys, writes, stage, commit, others_cores } in &self.store {
            let each = (stage.p50_ms + commit.p50_ms) * 1e3 / (*writes).max(1) as f64;
            let cells = [keys.to_string(), writes.to_string(), ms(stage.p50_ms), ms(stage.p99_ms), ms(commit.p50_ms), ms(commit.p99_ms)];
            out.row(cells.into_iter().chain([format!("{each:.1}"), format!("{others_cores:.2}")]));
        }
        out.line("\nMilliseconds for updates of random keys; staging computes the app hash, committing writes and syncs.");
    }
}

impl Labels {
    fn write(&self, out: &mut Text) {
        out.line("\n## A job through claim, commit and reveal\n");
        out.line(format!(
            "**{:.0} labels/s** accepted ({:.0} transactions/s) on one validator: {} tasks of {} classes, {} labels each, leases of 20, {} \
             annotators; {} labels in {:.0} s. {} transactions failed{}. {}.",
            self.per_second,
            self.txs_per_second,
            self.plan.label_tasks,
            self.plan.label_classes,
            self.plan.label_overlap,
            self.plan.annotators,
            self.labels,
            self.seconds,
            self.failed,
            self.failure.as_ref().map_or_else(String::new, |text| format!(" (the first: {text})")),
            self.node
        ));
        let cores: Vec<String> = self.cores.iter().map(|(name, cores)| format!("{name} {cores:.2}")).collect();
        out.line(format!("Cores in use meanwhile: {}. Settled in {} blocks after the last reveal.\n", cores.join(", "), self.settled_in));
        out.row(["seconds between blocks", "blocks", "p50", "p99", "longest"]);
        out.rule(5);
        for (name, Intervals { blocks, p50, p99, max }) in
            [("empty", &self.idle), ("labels come in", &self.working), ("the job settles", &self.settling)]
        {
            out.row([name.to_owned(), blocks.to_string(), format!("{p50:.3}"), format!("{p99:.3}"), format!("{max:.3}")]);
        }
    }
}

fn ms(value: f64) -> String {
    format!("{value:.1}")
}

fn series_row(series: &Series) -> [String; 9] {
    let of = |f: &dyn Fn(&Run) -> f64| series.runs.iter().map(f).collect::<Vec<_>>();
    let middle = |f: &dyn Fn(&Run) -> f64| median(&of(f)).unwrap_or_default();
    let rates = of(&|r| r.per_second);
    let (low, high) = rates.iter().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), r| (low.min(*r), high.max(*r)));
    let app = match series.runs.iter().any(|r| r.processes.contains_key("cairnd")) {
        true => format!("{:.0}", middle(&|r| r.processes.get("cairnd").map_or(0.0, |c| c.micros_per_tx))),
        false => "same process".into(),
    };
    let memory = middle(&|r| node(r).filter_map(|c| c.peak_memory).sum::<u64>() as f64);
    let (failed, refused) = series.runs.iter().fold((0, 0), |(f, r), run| (f + run.failed, r + run.refused));
    [
        series.node.clone(),
        format!("**{:.0}**", middle(&|r| r.per_second)),
        format!("{low:.0} - {high:.0}"),
        format!("{:.2}", middle(&|r| r.seconds / r.blocks.max(1) as f64)),
        format!("{:.0}", middle(&|r| r.committed as f64 / r.blocks.max(1) as f64)),
        format!("{:.0}", middle(&|r| node(r).map(|c| c.micros_per_tx).sum())),
        app,
        format!("{:.0}", memory / f64::from(1 << 20)),
        format!("{failed}, {refused}"),
    ]
}

fn run_row(name: &str, run: &Run) -> [String; 10] {
    let short = name.split_whitespace().next().unwrap_or(name);
    [
        short.to_owned(),
        run.repetition.to_string(),
        format!("{:.0}", run.per_second),
        run.blocks.to_string(),
        format!("{:.1}", run.seconds),
        format!("{:.2}", node(run).map(|c| c.cores).sum::<f64>()),
        format!("{:.2}", run.processes.get("load").map_or(0.0, |c| c.cores)),
        format!("{:.2}", run.others_cores),
        format!("{:.1}", run.load_average),
        format!("{:.0}", run.waiting),
    ]
}

/// What the node's own processes cost.
fn node(run: &Run) -> impl Iterator<Item = &Cost> {
    run.processes.iter().filter(|(name, _)| **name != "load").map(|(_, cost)| cost)
}

/// Lines of Markdown.
#[derive(Default)]
pub(crate) struct Text(String);

impl Text {
    pub(crate) fn line(&mut self, text: impl Display) {
        self.write(format_args!("{text}\n"));
    }
    pub(crate) fn row<T: Display>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.write(format_args!("|"));
        for cell in cells {
            self.write(format_args!(" {cell} |"));
        }
        self.write(format_args!("\n"));
    }
    pub(crate) fn rule(&mut self, columns: usize) {
        self.line(format!("|{}", "---|".repeat(columns)));
    }
    fn write(&mut self, text: fmt::Arguments<'_>) {
        // Writing into a string cannot fail.
        if self.0.write_fmt(text).is_err() {
            unreachable!("a string takes everything")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn run(per_second: f64, cores: f64) -> Run {
        let cost =
            |cores: f64| Cost { cpu_seconds: cores * 10.0, cores, micros_per_tx: cores * 1e6 / per_second, peak_memory: Some(1 << 20) };
        let processes = BTreeMap::from([("cairnd", cost(cores)), ("cometbft", cost(cores)), ("load", cost(0.1))]);
        Run { per_second, committed: 4_000, failed: 1, blocks: 8, seconds: 10.0, processes, ..Run::default() }
    }

    #[test]
    fn a_row_holds_medians_and_leaves_the_load_out_of_the_cost() {
        let runs = vec![run(1_000.0, 0.5), run(3_000.0, 0.5), run(2_000.0, 0.5)];
        let row = series_row(&Series { node: "cairnd".into(), tx_bytes: 300, runs });
        assert_eq!(row, ["cairnd", "**2000**", "1000 - 3000", "1.25", "500", "500", "250", "2", "3, 0"]);
    }

    #[test]
    fn rows_are_as_wide_as_their_table() {
        let mut out = Text::default();
        out.row(["a", "b"]);
        out.rule(2);
        assert_eq!(out.0, "| a | b |\n|---|---|\n");
    }
}
