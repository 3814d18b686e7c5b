//! `cairnd doctor`: what keeps a node from running, and what to do about it.
mod files;
mod machine;
mod node;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{
    home::Home,
    output::{self, Output},
    rpc::Rpc,
};

/// Check this machine, the home and the running node, and say what to do about each fault. Fails if there is one.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Seconds to wait for the node's height to grow.
    #[arg(long, default_value_t = 10)]
    wait: u64,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ok,
    /// The node runs with it, and may come to harm.
    Warning,
    Fault,
    /// It could not be looked at, because of another fault or because no node runs.
    Skipped,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "FAULT",
            Self::Skipped => "skipped",
        }
    }
}

/// What one check found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    check: &'static str,
    status: Status,
    found: String,
    fix: String,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, found: found.into(), fix: String::new() }
    }
    fn fault(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, status: Status::Fault, found: found.into(), fix: fix.into() }
    }
    fn warning(check: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { status: Status::Warning, ..Self::fault(check, found, fix) }
    }
    fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self { status: Status::Skipped, ..Self::ok(check, why) }
    }
    /// A result whose error is mended by `fix`.
    fn of(check: &'static str, result: Result<String>, fix: impl Into<String>) -> Self {
        match result {
            Ok(found) => Self::ok(check, found),
            Err(error) => Self::fault(check, format!("{error:#}"), fix),
        }
    }
    fn json(&self) -> Value {
        json!({ "status": self.status.name().to_lowercase(), "check": self.check, "found": self.found, "fix": self.fix })
    }
}

impl DoctorArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let findings = self.examine(home);
        match output {
            Output::Json => output.value(&findings.iter().map(Finding::json).collect())?,
            Output::Text => output::print(&text(&findings))?,
        }
        let faults = findings.iter().filter(|finding| finding.status == Status::Fault).count();
        if faults > 0 {
            bail!("{faults} of {} checks failed", findings.len());
        }
        Ok(())
    }

    fn examine(&self, home: &Home) -> Vec<Finding> {
        let config = match home.load_config() {
            Ok(config) => config,
            Err(error) => {
                let fix = "correct the line that is named, or make a home with 'cairnd init'";
                return vec![Finding::fault("settings", format!("{error:#}"), fix), machine::comet("cometbft")];
            }
        };
        let rpc = Rpc::new(&config.comet.rpc);
        let running = rpc.height().ok();
        let mut findings =
            vec![machine::comet(&config.comet.binary), machine::disk(home, config.ready.min_disk_percent), machine::open_files()];
        findings.extend(files::examine(home, &config, running.is_some()));
        findings.push(files::beacon_key(home, &rpc));
        findings.extend(match running {
            Some(height) => node::examine(home, &rpc, height, self.wait),
            None => machine::ports(home, &config),
        });
        findings
    }
}

/// A line for each check, and below it what to do.
fn text(findings: &[Finding]) -> String {
    let rows: Vec<Vec<String>> = findings.iter().map(|f| vec![f.status.name().to_owned(), f.check.to_owned(), f.found.clone()]).collect();
    let lines = output::columns(&["", "check", "found"], &rows);
    let mut out = String::new();
    let fixes = std::iter::once("").chain(findings.iter().map(|f| f.fix.as_str()));
    for (line, fix) in lines.lines().zip(fixes) {
        out.push_str(&format!("{line}\n"));
        if !fix.is_empty() {
            out.push_str(&format!("         {fix}\n"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_is_not_there_is_a_fault_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let findings = DoctorArgs { wait: 0 }.examine(&Home::new(folder.path().join("none")));
        assert_eq!((findings[0].check, findings[0].status), ("settings", Status::Fault));
        assert!(findings[0].found.contains("is not there") && findings[0].fix.contains("cairnd init"));
        assert!(DoctorArgs { wait: 0 }.run(&Home::new(folder.path().join("none")), Output::Json).is_err());
    }

    #[test]
    fn each_fault_is_followed_by_its_remedy() {
        let findings = [Finding::ok("disk", "9 % free"), Finding::fault("keys", "mode 644", "chmod 600 x"), Finding::skipped("peers", "-")];
        let text = text(&findings);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].starts_with("FAULT") && lines[3].trim() == "chmod 600 x" && lines[4].starts_with("skipped"), "{text}");
        assert_eq!(findings[1].json(), json!({"status": "fault", "check": "keys", "found": "mode 644", "fix": "chmod 600 x"}));
    }
}
