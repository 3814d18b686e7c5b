//! Figures of this process, as Linux tells them below `/proc/self`.
use std::{fs, io};

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

use super::signed;

pub(super) struct Figures {
    resident: Gauge,
    open_files: Gauge,
    max_files: Gauge,
    threads: Gauge,
}

impl Figures {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let [resident, open_files, max_files, threads] = <[Gauge; 4]>::default();
        registry.register("process_resident_bytes", "Memory of this process", resident.clone());
        registry.register("process_open_files", "File descriptors in use", open_files.clone());
        registry.register("process_max_files", "File descriptors that this process may use", max_files.clone());
        registry.register("process_threads", "Threads of this process", threads.clone());
        Self { resident, open_files, max_files, threads }
    }

    pub(super) fn refresh(&self) -> anyhow::Result<()> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        self.resident.set(signed(field("VmRSS:").saturating_mul(1024)));
        self.threads.set(signed(field("Threads:")));
        self.open_files.set(signed(open_files()?));
        self.max_files.set(signed(max_files()));
        Ok(())
    }
}

fn open_files() -> io::Result<u64> {
    Ok(u64::try_from(fs::read_dir("/proc/self/fd")?.count()).unwrap_or(u64::MAX))
}

/// File descriptors that this process may use.
pub(crate) fn max_files() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_size() {
        let figures = Figures::new(&mut Registry::default());
        figures.refresh().unwrap();
        assert!(figures.resident.get() > 1 << 20 && figures.threads.get() >= 1);
        assert!(figures.open_files.get() > 2 && figures.max_files.get() > figures.open_files.get());
    }
}
