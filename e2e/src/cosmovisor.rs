//! A supervisor that does what cosmovisor does, for homes of one test.
//!
//! It runs `cosmovisor/current/bin/cairnd`, looks every 300 ms for `data/upgrade-info.json`, asks the program for its height before it believes the
//! file, kills the program without grace, moves `current` to `upgrades/<name, lower-cased>`, runs `pre-upgrade` of the new program, and starts it.
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::Process;

/// Between two looks at the file (`DAEMON_POLL_INTERVAL`).
const POLL: Duration = Duration::from_millis(300);

/// A running supervisor.
pub struct Cosmovisor {
    home: PathBuf,
    program: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    history: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

/// Puts `program` where the supervisor of `home` looks for it: for the beginning, or for an upgrade.
///
/// # Panics
/// If it cannot.
pub fn install(home: &Path, upgrade: Option<&str>, program: &Path) {
    let folder = upgrade.map_or_else(|| "genesis".into(), |name| Path::new("upgrades").join(name));
    let bin = home.join("cosmovisor").join(folder).join("bin");
    fs::create_dir_all(&bin).expect("a folder can be made");
    symlink(program, bin.join("cairnd")).expect("a link can be made");
}

impl Cosmovisor {
    /// Runs the current program of `home`, its output added to `log`.
    #[must_use]
    pub fn start(home: &Path, log: &Path) -> Self {
        let (program, stop, history) = (Arc::<AtomicU32>::default(), Arc::<AtomicBool>::default(), Arc::<Mutex<_>>::default());
        let work = Work {
            home: home.to_owned(),
            log: log.to_owned(),
            program: program.clone(),
            stop: stop.clone(),
            history: Arc::clone(&history),
        };
        let thread = Some(thread::spawn(move || work.run()));
        Self { home: home.to_owned(), program, stop, history, thread }
    }
    /// The process id of the program; 0 while none runs.
    #[must_use]
    pub fn program(&self) -> u32 {
        self.program.load(Ordering::Acquire)
    }
    /// What it did so far: `run`, `kill`, `exit CODE`, `pre-upgrade CODE`.
    #[must_use]
    pub fn history(&self) -> Vec<String> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// The folder of the program that runs now, such as `upgrades/v2`.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        fs::read_link(self.home.join("cosmovisor/current")).unwrap_or_default()
    }
    /// Waits until it gave up by itself, and says why.
    ///
    /// # Panics
    /// If it ended well.
    pub fn wait(&mut self) -> String {
        let ended = self.thread.take().expect("it is waited for once").join().expect("the supervisor does not panic");
        ended.expect_err("it gives up")
    }
}

impl Drop for Cosmovisor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // What went wrong at the end of a test is in the log.
            drop(thread.join());
        }
    }
}

struct Work {
    home: PathBuf,
    log: PathBuf,
    program: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    history: Arc<Mutex<Vec<String>>>,
}

impl Work {
    fn run(&self) -> Result<(), String> {
        let current = self.home.join("cosmovisor/current");
        if !current.exists() {
            symlink("genesis", &current).map_err(|e| e.to_string())?;
        }
        while let Some(upgrade) = self.run_current()? {
            let folder = Path::new("upgrades").join(upgrade["name"].as_str().unwrap_or_default().to_lowercase());
            if !self.home.join("cosmovisor").join(&folder).join("bin/cairnd").exists() {
                return Err(format!("no program in {}", folder.display()));
            }
            fs::remove_file(&current).and_then(|()| symlink(&folder, &current)).map_err(|e| e.to_string())?;
            fs::write(current.join("upgrade-info.json"), upgrade.to_string()).map_err(|e| e.to_string())?;
            self.pre_upgrade()?;
        }
        Ok(())
    }

    /// Runs the program until an upgrade is needed, which it gives, or until it was asked to stop.
    fn run_current(&self) -> Result<Option<Value>, String> {
        self.note("run".to_owned());
        let mut program = Process::start("cosmovisor", self.command().arg("start"), &self.log);
        self.program.store(program.id(), Ordering::Release);
        let mut seen = None;
        let ended = loop {
            thread::sleep(POLL);
            if self.stop.load(Ordering::Acquire) {
                program.stop(Duration::from_secs(10));
                break Ok(None);
            }
            let status = program.status();
            if let Some(upgrade) = self.wanted(&mut seen, status.is_none())? {
                program.kill();
                self.note("kill".to_owned());
                break Ok(Some(upgrade));
            }
            if let Some(status) = status {
                self.note(status.code().map_or_else(|| "killed".to_owned(), |code| format!("exit {code}")));
                break if status.success() { Ok(None) } else { Err(status.to_string()) };
            }
        };
        self.program.store(0, Ordering::Release);
        ended
    }

    /// The upgrade that the file tells of, once the chain is there, unless it is the one that the current program is of.
    fn wanted(&self, seen: &mut Option<SystemTime>, running: bool) -> Result<Option<Value>, String> {
        let path = self.home.join("data/upgrade-info.json");
        let Ok(modified) = fs::metadata(&path).and_then(|file| file.modified()) else { return Ok(None) };
        if seen.is_some_and(|seen| modified <= seen) {
            return Ok(None);
        }
        let text = fs::read(&path).map_err(|e| e.to_string())?;
        let upgrade: Value = serde_json::from_slice(&text).map_err(|e| format!("failed to parse upgrade info file: {e}"))?;
        let (Some(name), Some(height)) = (upgrade["name"].as_str(), upgrade["height"].as_u64()) else {
            return Err(format!("invalid upgrade-info.json content: {upgrade}"));
        };
        if running && self.height().is_none_or(|found| found < height) {
            return Ok(None);
        }
        *seen = Some(modified);
        let current = fs::read(self.home.join("cosmovisor/current/upgrade-info.json")).ok();
        let current = current.and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let same = current.is_some_and(|current| current["name"].as_str().is_some_and(|current| current.eq_ignore_ascii_case(name)));
        Ok((!same).then_some(upgrade))
    }

    /// The height, as the running program's `status` tells it.
    fn height(&self) -> Option<u64> {
        let out = self.command().arg("status").arg("--home").arg(&self.home).output().ok()?;
        let text = [out.stdout, out.stderr].concat();
        let status: Value = serde_json::from_slice(&text).ok()?;
        status["sync_info"]["latest_block_height"].as_str()?.parse().ok()
    }

    fn pre_upgrade(&self) -> Result<(), String> {
        let out = self.command().arg("pre-upgrade").output().map_err(|e| e.to_string())?;
        let code = out.status.code().unwrap_or(-1);
        self.note(format!("pre-upgrade {code}"));
        match code {
            0 | 1 => Ok(()),
            // DAEMON_PREUPGRADE_MAX_RETRIES is 0 unless it is set.
            _ => Err(format!("pre-upgrade command failed: {}", String::from_utf8_lossy(&out.stderr))),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.home.join("cosmovisor/current/bin/cairnd"));
        command.env("DAEMON_HOME", &self.home).env("DAEMON_NAME", "cairnd").env_remove("CAIRN_HOME").env_remove("CAIRN_NODE");
        command.stdin(Stdio::null());
        command
    }

    fn note(&self, what: String) {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}
