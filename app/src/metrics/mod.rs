//! What Prometheus reads of this node. Nothing here reaches a block: calls are timed from outside of the state machine, and figures of the
//! state are read from what is committed, when somebody asks, at most once in [`FRESH`].
mod blocks;
mod compute;
mod observed;
mod process;
mod snapshots;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::Registry,
};

use crate::App;
pub(crate) use blocks::Blocks;
pub use observed::Observed;
pub(crate) use process::max_files;
pub(crate) use snapshots::Snapshots;

/// How old figures may be that are read from state and disk.
const FRESH: Duration = Duration::from_secs(5);

/// Labels whose names are known here.
pub(crate) type Labels<const N: usize> = [(&'static str, String); N];
/// Gauges told apart by labels.
pub(crate) type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// How figures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, as Prometheus asks for it.
    OpenMetrics,
    /// The older text format 0.0.4, as everything else does.
    Text,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The node's figures.
pub struct Metrics {
    registry: Registry,
    app: App,
    blocks: Blocks,
    store: store::Figures,
    state: state::Figures,
    compute: compute::Figures,
    process: process::Figures,
    comet_starts: Counter,
    refreshed: Mutex<Option<Instant>>,
}

impl Metrics {
    /// Of `app`, whose state lies in `folder`.
    #[must_use]
    pub fn new(app: &App, folder: PathBuf) -> Arc<Self> {
        let mut registry = Registry::with_prefix("cairn");
        let version = [("version", env!("CARGO_PKG_VERSION")), ("commit", option_env!("CAIRN_GIT_COMMIT").unwrap_or("unknown"))];
        registry.register("build", "What runs here", Info::new(version));
        let comet_starts = Counter::default();
        registry.register("comet_starts", "Times that CometBFT was started by this process", comet_starts.clone());
        app.queries().register(&mut registry);
        app.snapshot_figures().register(&mut registry);
        let (blocks, store, state) =
            (Blocks::new(&mut registry, app), store::Figures::new(&mut registry, folder), state::Figures::new(&mut registry));
        let (compute, process) = (compute::Figures::new(&mut registry), process::Figures::new(&mut registry));
        let (app, refreshed) = (app.clone(), Mutex::new(None));
        Arc::new(Self { registry, app, blocks, store, state, compute, process, comet_starts, refreshed })
    }

    /// `node`, its calls timed and counted.
    #[must_use]
    pub fn observe<A>(&self, node: A) -> Observed<A> {
        Observed::new(node, self.blocks.clone())
    }

    /// CometBFT was started.
    pub(crate) fn comet_started(&self) {
        self.comet_starts.inc();
    }

    /// Seconds since this process committed a block; since its start where it has not.
    #[must_use]
    pub fn block_age(&self) -> Duration {
        self.blocks.age()
    }

    /// All figures as text. Blocks for a moment.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        self.refresh();
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(target: "api", %error, "the metrics cannot be written");
        }
        match format {
            Format::OpenMetrics => text,
            Format::Text => plain(&text),
        }
    }

    /// Reads what is not counted as it happens. What cannot be read keeps its last value, and the log says why.
    fn refresh(&self) {
        let mut refreshed = self.refreshed.lock().unwrap_or_else(PoisonError::into_inner);
        self.blocks.refresh(&self.app);
        if refreshed.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        let failed = [
            ("store", self.store.refresh(&self.app)),
            ("state", self.state.refresh(&self.app)),
            ("compute", self.compute.refresh(&self.app)),
            ("process", self.process.refresh()),
            ("snapshots", self.app.snapshot_figures().refresh(&self.app)),
        ];
        for (part, done) in failed {
            if let Err(error) = done {
                tracing::warn!(target: "api", part, %error, "some metrics cannot be read");
            }
        }
        *refreshed = Some(Instant::now());
    }
}

/// A number of bytes, items or seconds as a gauge holds it.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// OpenMetrics in the older format: there a counter's name ends in `_total` in its heading too, and units and the end are not told.
fn plain(text: &str) -> String {
    let counters: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let infos: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" info")).collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let heading = line.strip_prefix("# HELP ").map(|rest| ("HELP", rest)).or(line.strip_prefix("# TYPE ").map(|rest| ("TYPE", rest)));
        match heading.and_then(|(kind, rest)| Some((kind, rest.split_once(' ')?))) {
            Some((kind, (name, rest))) if counters.contains(&name) => out.push_str(&format!("# {kind} {name}_total {rest}\n")),
            Some(("TYPE", (name, _))) if infos.contains(&name) => out.push_str(&format!("# TYPE {name}_info gauge\n")),
            Some((kind, (name, rest))) if infos.contains(&name) => out.push_str(&format!("# {kind} {name}_info {rest}\n")),
            Some((kind, (name, rest))) => out.push_str(&format!("# {kind} {name} {rest}\n")),
            None if line.starts_with('#') => {}
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}
