//! A child process with its output in a file, stopped when it is dropped.
use std::{
    fs::{File, OpenOptions},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// A running program.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Runs `command`, its output added to `log`.
    ///
    /// # Panics
    /// If it cannot be run.
    #[must_use]
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let open = || OpenOptions::new().create(true).append(true).open(log).expect("a log can be written");
        let (out, err): (File, File) = (open(), open());
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Self { name: name.to_owned(), child: child.unwrap_or_else(|e| panic!("cannot run {name}: {e}")) }
    }
    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
    /// How it ended, if it did.
    ///
    /// # Panics
    /// If it cannot be asked.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }
    /// Kills it at once, as a power cut would.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
    /// Asks it to stop and tells whether it ended well within `patience`.
    ///
    /// # Panics
    /// If it cannot be asked.
    pub fn stop(&mut self, patience: Duration) -> bool {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        let start = Instant::now();
        while asked.success() && start.elapsed() < patience {
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                return status.success();
            }
            std::thread::yield_now();
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !std::thread::panicking() && matches!(self.child.try_wait(), Ok(None)) && self.stop(Duration::from_secs(10)) {
            return;
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            eprintln!("killing {}", self.name);
            self.kill();
        }
    }
}
