//! The machine that is measured on: what it is, and what else it was doing.
use std::{fs, time::Instant};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::process::{cpu_of, output};

/// What the figures hold for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Model of the processor.
    pub(crate) processor: String,
    /// Cores that this process may use.
    pub(crate) cores: usize,
    /// Bytes of memory.
    pub(crate) memory: u64,
    /// Kernel name and version.
    pub(crate) kernel: String,
}

impl Machine {
    /// This machine.
    pub(crate) fn here() -> Result<Self> {
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let model = info.lines().find_map(|l| l.strip_prefix("model name")).and_then(|l| l.split_once(':'));
        let memory = fs::read_to_string("/proc/meminfo")?;
        let total = memory.lines().find_map(|l| l.strip_prefix("MemTotal:")).context("no MemTotal in /proc/meminfo")?;
        let kib: u64 = total.trim().trim_end_matches("kB").trim().parse()?;
        Ok(Self {
            processor: model.map_or_else(|| "unknown".into(), |(_, name)| name.trim().to_owned()),
            cores: std::thread::available_parallelism()?.get(),
            memory: kib * 1024,
            kernel: output(std::process::Command::new("uname").arg("-sr"))?,
        })
    }
}

/// The load average over the last minute.
pub(crate) fn load_average() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    text.split_whitespace().next().and_then(|n| n.parse().ok()).context("/proc/loadavg cannot be read")
}

/// CPU time at a moment, in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    at: Instant,
    /// Of this process, the load generator.
    own: f64,
    /// Of the processes that are measured, in their order.
    measured: Vec<f64>,
    /// Of everything on the machine.
    all: f64,
}

/// CPU time between two moments, in cores: seconds of CPU a second.
#[derive(Debug, Clone)]
pub(crate) struct Cores {
    pub(crate) own: f64,
    pub(crate) measured: Vec<f64>,
    /// Whatever else ran on the machine, or beside it on its host, and disturbed the measurement.
    pub(crate) others: f64,
}

impl Clock {
    /// Now. `measured` are the CPU times of the processes that are measured.
    pub(crate) fn now(measured: Vec<f64>) -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let all = stat.lines().next().and_then(busy).context("/proc/stat cannot be read")?;
        Ok(Self { at: Instant::now(), own: cpu_of("self")?, measured, all })
    }
    /// Seconds that the measured processes used since `earlier`.
    pub(crate) fn measured_since(&self, earlier: &Self) -> f64 {
        self.measured.iter().sum::<f64>() - earlier.measured.iter().sum::<f64>()
    }
    /// What was used from `self` to `later`.
    pub(crate) fn until(&self, later: &Self) -> Cores {
        let seconds = later.at.duration_since(self.at).as_secs_f64().max(f64::EPSILON);
        let own = (later.own - self.own) / seconds;
        let measured: Vec<f64> = later.measured.iter().zip(&self.measured).map(|(b, a)| (b - a) / seconds).collect();
        let all = (later.all - self.all) / seconds;
        Cores { own, others: (all - own - measured.iter().sum::<f64>()).max(0.0), measured }
    }
}

/// Busy seconds in the first line of `/proc/stat`: user, nice, system, irq, softirq, and what the host of a virtual machine kept for itself.
fn busy(line: &str) -> Option<f64> {
    let fields: Vec<u64> = line.strip_prefix("cpu ")?.split_whitespace().map_while(|f| f.parse().ok()).collect();
    let at = |n: usize| fields.get(n).copied();
    Some((at(0)? + at(1)? + at(2)? + at(5)? + at(6)? + at(7)?) as f64 / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_time_is_not_busy() {
        assert_eq!(busy("cpu  100 200 300 9999 8888 10 20 30 0 0"), Some(6.6));
        assert_eq!(busy("cpu0 1 2 3"), None);
    }

    #[test]
    fn others_are_what_is_left() {
        let at = Instant::now();
        let a = Clock { at, own: 1.0, measured: vec![2.0, 0.0], all: 10.0 };
        let b = Clock { at: at + std::time::Duration::from_secs(2), own: 2.0, measured: vec![3.0, 1.0], all: 14.0 };
        let cores = a.until(&b);
        assert_eq!((cores.own, cores.others), (0.5, 0.5));
        assert_eq!(cores.measured, [0.5, 0.5]);
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = Machine::here().unwrap();
        assert!(machine.cores >= 1 && machine.memory > 0 && machine.kernel.starts_with("Linux"));
        assert!(load_average().unwrap() >= 0.0);
    }
}
