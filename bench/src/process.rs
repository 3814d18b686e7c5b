//! Child processes that end with this one, and what they cost.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// Clock ticks of `/proc/<pid>/stat` a second: `USER_HZ`, which is 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;
/// How long a process may take to stop before it is killed.
const GRACE: Duration = Duration::from_secs(15);

/// A running program, stopped by its own process id when this is dropped.
pub(crate) struct Process {
    /// What it is, in the report.
    pub(crate) name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it prints goes to `log`.
    pub(crate) fn start(name: &'static str, command: &Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut command = guarded(command);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot run {:?}", command.get_program()))?;
        Ok(Self { name, child, log: log.to_path_buf() })
    }

    /// Fails with the end of its log if the process has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            let text = fs::read_to_string(&self.log).unwrap_or_default();
            let tail: Vec<&str> = text.lines().rev().take(15).collect();
            bail!("{} ended ({status}); its last lines:\n{}", self.name, tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Ok(())
    }

    /// Seconds of CPU it has used, its threads included.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(&self.child.id().to_string())
    }

    /// The most memory it ever had, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).context("no VmHWM in /proc/<pid>/status")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// Asks the process to end, and kills it if it does not.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?.success();
        let start = Instant::now();
        while asked && start.elapsed() < GRACE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("cannot stop {}: {error}", self.name);
        }
    }
}

/// Seconds of CPU that the process `pid` (or `self`) has used.
pub(crate) fn cpu_of(pid: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_cpu(&stat).with_context(|| format!("/proc/{pid}/stat cannot be read"))
}

/// Seconds of CPU of all children that have ended and were waited for.
pub(crate) fn cpu_of_children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    parse_times(&stat, 2).context("/proc/self/stat cannot be read")
}

/// Fields 14 and 15 of `/proc/<pid>/stat`, user and system time, counted behind the name, which may hold blanks.
fn parse_cpu(stat: &str) -> Option<f64> {
    parse_times(stat, 0)
}

/// The same, or with `later` = 2 fields 16 and 17, those of children.
fn parse_times(stat: &str, later: usize) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11 + later);
    let (user, system): (u64, u64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some((user + system) as f64 / TICKS)
}

/// The same command, which the kernel kills when this process ends without asking: where `setpriv` is there (it is part of util-linux).
/// The program keeps the process id.
fn guarded(command: &Command) -> Command {
    let there = Command::new("setpriv").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    let mut out = if there {
        let mut c = Command::new("setpriv");
        c.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program());
        c
    } else {
        Command::new(command.get_program())
    };
    out.args(command.get_args());
    out
}

/// Runs `command` to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    if !out.status.success() {
        bail!("{command:?} failed ({}): {stdout}{stderr}", out.status);
    }
    // Some programs print their version on the error stream.
    Ok(if stdout.trim().is_empty() { stderr } else { stdout }.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_blanks_and_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 400 100 20 0 1 0 1 1 1";
        assert_eq!(parse_cpu(stat), Some(3.0));
        assert_eq!(parse_times(stat, 2), Some(5.0));
        assert_eq!(parse_cpu("42 (a"), None);
        assert!(cpu_of("self").unwrap() >= 0.0);
    }

    #[test]
    fn a_process_is_stopped_and_one_that_ended_shows_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut sleeper = Process::start("sleep", Command::new("sleep").arg("1000"), &folder.path().join("a")).unwrap();
        sleeper.check().unwrap();
        assert!(sleeper.peak_memory().unwrap() > 0);
        sleeper.stop().unwrap();
        assert!(sleeper.check().is_err());

        let mut echo = Process::start("echo", Command::new("echo").arg("why it ended"), &folder.path().join("b")).unwrap();
        echo.child.wait().unwrap();
        assert!(echo.check().unwrap_err().to_string().contains("why it ended"));
    }
}
