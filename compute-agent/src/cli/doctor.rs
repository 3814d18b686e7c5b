//! `cairn-agent doctor`: whether this machine's devices can be trusted with a bond.
use std::path::PathBuf;

use anyhow::{Result, ensure};
use cairn_device::{conformance, open};
use clap::Args;

use super::{bench::names, checkup::checkup};

/// Test the devices of this machine against the referee's own code: every operator, extremes, and random programs. Fails where a device differs.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The home of an agent: whether all that 'cairn-agent run' needs is there, too.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Devices to test; all of them without.
    #[arg(long)]
    device: Vec<String>,
    /// Random programs: seeds from 0 up to this one.
    #[arg(long, default_value_t = 20)]
    seeds: u64,
}

impl Doctor {
    pub(crate) fn run(self) -> Result<()> {
        let well = self.home.as_deref().map_or(Ok(true), checkup)?;
        let mut bad = Vec::new();
        for name in names(self.device) {
            let report = open(&name).and_then(|device| conformance(&*device, 0..self.seeds));
            match report {
                Ok(report) => {
                    println!("{report}");
                    if report.difference.is_some() {
                        bad.push(name);
                    }
                }
                Err(error) => {
                    println!("{name}: {error}");
                    bad.push(name);
                }
            }
        }
        ensure!(bad.is_empty(), "not to be used for jobs: {}", bad.join(", "));
        ensure!(well, "what FAIL stands before keeps the agent from its work");
        Ok(())
    }
}
