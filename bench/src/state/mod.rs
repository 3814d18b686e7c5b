//! What a block costs over a large state, in this process: the whole application, and the store alone.
pub(crate) mod blocks;
pub(crate) mod writes;

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::stats::percentile;

/// Durations of one step, in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Timing {
    /// Half of them are not longer.
    pub(crate) p50_ms: f64,
    /// 99 of 100 are not longer.
    pub(crate) p99_ms: f64,
}

impl Timing {
    fn of(durations: &[Duration]) -> Self {
        let ms: Vec<f64> = durations.iter().map(|d| d.as_secs_f64() * 1e3).collect();
        let at = |percent| percentile(&ms, percent).unwrap_or_default();
        Self { p50_ms: at(50), p99_ms: at(99) }
    }
}

/// What `f` gives, and how long it took, added to `durations`.
fn timed<T>(durations: &mut Vec<Duration>, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = f();
    durations.push(start.elapsed());
    out
}

/// Most memory that this process ever had, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
