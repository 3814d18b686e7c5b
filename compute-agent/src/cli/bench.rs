//! `cairn-agent bench`: what operators take on devices.
use anyhow::Result;
use cairn_device::{Timing, list, open, time_operators};
use clap::Args;
use serde_json::{Value, json};

/// Measure what each operator takes on the devices of this machine.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Devices to measure; all of them without.
    #[arg(long)]
    device: Vec<String>,
    /// Runs of each operator after the first, of which the fastest counts.
    #[arg(long, default_value_t = 5)]
    times: u32,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let mut all = Vec::new();
        for name in names(self.device) {
            let device = open(&name)?;
            let timings = time_operators(&*device, self.times)?;
            if !self.json {
                println!("{}", device.device());
                timings.iter().for_each(|timing| println!("  {timing}"));
            }
            let info = device.device();
            let operators: Vec<Value> = timings.iter().map(value).collect();
            all.push(json!({"device": info.name, "adapter": info.adapter, "driver": info.driver, "operators": operators}));
        }
        if self.json {
            println!("{:#}", Value::Array(all));
        }
        Ok(())
    }
}

/// The devices that were named, or all there are.
pub(super) fn names(named: Vec<String>) -> Vec<String> {
    if named.is_empty() { list().into_iter().map(|device| device.name).collect() } else { named }
}

fn value(timing: &Timing) -> Value {
    let seconds = |time: std::time::Duration| time.as_secs_f64();
    json!({
        "operator": timing.operator, "macs": timing.macs, "elements": timing.elements,
        "first_seconds": seconds(timing.first), "warm_seconds": seconds(timing.warm),
    })
}
