//! gnark and ezkl on our jobs: each is a program of its own (`bench/gnark`, `bench/ezkl`) that prints what it measured as JSON.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{machine::Clock, process::cpu_of_children, stats::median};

/// Where the peers are. One that is not there is named in the report and stops nothing.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProofPeers {
    /// The program of `bench/gnark`.
    #[arg(long)]
    gnark: Option<PathBuf>,
    /// A Python in which ezkl is installed.
    #[arg(long)]
    ezkl_python: Option<PathBuf>,
    /// The script of `bench/ezkl`.
    #[arg(long, default_value = "bench/ezkl/prove.py")]
    ezkl_script: PathBuf,
    /// The network that ezkl proves; the others take it minutes and gigabytes.
    #[arg(long, default_value = "64x32x10")]
    ezkl_network: String,
    /// Proofs of ezkl, of which the median is told.
    #[arg(long, default_value_t = 3)]
    ezkl_proofs: usize,
}

/// Seconds of a step: by the clock, and of all cores.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Seconds {
    pub(super) wall: f64,
    pub(super) cpu: f64,
}

/// What a peer says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(super) version: String,
    /// Of ezkl the rows of its table.
    pub(super) constraints: usize,
    pub(super) set_up: Seconds,
    pub(super) prove: Vec<Seconds>,
    /// From the bytes of a proof.
    pub(super) verify: Vec<Seconds>,
    /// Of a proof that was decoded before, where it can be measured.
    pub(super) verify_decoded: Vec<Seconds>,
    /// Bytes.
    pub(super) proof: usize,
    pub(super) verifying_key: usize,
    pub(super) proving_key: usize,
    pub(super) memory: u64,
}

/// One peer on one circuit.
#[derive(Debug, Serialize)]
pub(crate) struct Compared {
    pub(super) peer: &'static str,
    /// What it measured, or why it did not.
    pub(super) outcome: Result<Measured, String>,
    /// Seconds of CPU of its whole process, which reading jobs and checks belong to.
    pub(super) process_cpu: f64,
    /// Cores that other programs used meanwhile.
    pub(super) others_cores: f64,
}

/// Which circuit.
pub(super) struct Task<'a> {
    pub(super) widths: &'a str,
    pub(super) runs: usize,
    pub(super) repetitions: usize,
    /// The job's file.
    pub(super) job: &'a Path,
    /// Where keys may be written.
    pub(super) folder: &'a Path,
}

impl ProofPeers {
    /// Runs every peer that proves this circuit, one after another.
    pub(super) fn run(&self, task: &Task<'_>) -> Result<Vec<Compared>> {
        let mut compared = vec![compare("gnark", self.gnark.as_deref(), |program| {
            let mut command = Command::new(program);
            command.arg(task.job).arg(task.repetitions.max(1).to_string());
            Ok(command)
        })?];
        if task.widths == self.ezkl_network && task.runs == 1 {
            let folder = task.folder.join("ezkl");
            fs::create_dir_all(&folder)?;
            compared.push(compare("ezkl", self.ezkl_python.as_deref(), |program| {
                let mut command = Command::new(program);
                command.arg(&self.ezkl_script).arg(task.job).arg(self.ezkl_proofs.max(1).to_string()).arg(&folder);
                Ok(command)
            })?);
            // Its keys take more than a gigabyte.
            fs::remove_dir_all(&folder)?;
        }
        Ok(compared)
    }
}

fn compare(peer: &'static str, program: Option<&Path>, command: impl FnOnce(&Path) -> Result<Command>) -> Result<Compared> {
    let before = Clock::now(vec![cpu_of_children()?])?;
    let outcome = match program {
        None => Err("it is not installed (`localnet/tools.sh bench`)".to_owned()),
        Some(program) => command(program).and_then(|mut command| measured(&mut command)).map_err(|error| format!("{error:#}")),
    };
    let (cpu, cores) = {
        let after = Clock::now(vec![cpu_of_children()?])?;
        (after.measured_since(&before), before.until(&after))
    };
    if let Err(reason) = &outcome {
        eprintln!("proofs: {peer} is left out: {reason}");
    }
    Ok(Compared { peer, outcome, process_cpu: cpu, others_cores: cores.others })
}

/// Runs a peer to its end; what it tells on the way goes to our error stream.
fn measured(command: &mut Command) -> Result<Measured> {
    let out = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {:?}", command.get_program()))?;
    if !out.status.success() {
        bail!("it failed ({}); its messages are in the log of this run", out.status);
    }
    parse(&String::from_utf8_lossy(&out.stdout))
}

/// The last line is the result: libraries may print before it.
fn parse(text: &str) -> Result<Measured> {
    let line = text.trim().lines().last().context("it printed nothing")?;
    let measured: Measured = serde_json::from_str(line).context("it printed no result")?;
    ensure!(!measured.prove.is_empty() && !measured.verify.is_empty(), "it proved nothing");
    Ok(measured)
}

/// The medians, each of its own.
pub(super) fn medians(steps: &[Seconds]) -> Option<Seconds> {
    let of = |f: fn(&Seconds) -> f64| median(&steps.iter().map(f).collect::<Vec<_>>());
    Some(Seconds { wall: of(|s| s.wall)?, cpu: of(|s| s.cpu)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_result() {
        let step = r#"{"wall":1.0,"cpu":2.0}"#;
        let line = format!(
            r#"{{"version":"v","constraints":3,"set_up":{step},"prove":[{step}],"verify":[{step}],"verify_decoded":[],"proof":4,"verifying_key":5,"proving_key":6,"memory":7}}"#
        );
        let read = parse(&format!("a library's line\n{line}\n")).unwrap();
        assert_eq!((read.constraints, read.proof), (3, 4));
        assert_eq!(medians(&read.prove).map(|s| (s.wall, s.cpu)), Some((1.0, 2.0)));
        assert!(parse("").is_err() && parse("{}").is_err());
    }

    #[test]
    fn a_peer_that_is_absent_or_fails_is_told_and_stops_nothing() {
        let absent = compare("gnark", None, |program| Ok(Command::new(program))).unwrap();
        assert!(absent.outcome.unwrap_err().contains("not installed"));
        let failing = compare("gnark", Some(Path::new("false")), |program| Ok(Command::new(program))).unwrap();
        assert!(failing.outcome.unwrap_err().contains("failed"));
        let missing = compare("gnark", Some(Path::new("/no/such/program")), |program| Ok(Command::new(program))).unwrap();
        assert!(missing.outcome.unwrap_err().contains("cannot run"));
    }
}
