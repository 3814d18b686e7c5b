//! Logs: text or JSON, to standard error, with a level for each part of the node that can be changed while it runs.
use std::{
    collections::BTreeSet,
    io::IsTerminal,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// The parts of the node that log, by the names that `target` shows and that levels are set by; the second is the crate where the part is one.
pub const PARTS: [(&str, &str); 7] =
    [("abci", ""), ("admin", ""), ("api", ""), ("consensus", ""), ("node", ""), ("query", ""), ("store", "cairn_store")];
/// Libraries whose own messages may be asked for.
const LIBRARIES: [&str; 6] = ["h2", "hyper", "hyper_util", "rustls", "tower_http", "ureq"];

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Reads levels such as `info` or `info,consensus=debug,api=off`. A part that is not named logs at the level that stands alone, or at `info`.
///
/// # Errors
/// If a level or a part is not known: a misspelt one must not be taken for silence.
pub fn parse(spec: &str) -> Result<Targets> {
    let known = || PARTS.map(|(name, _)| name).join(", ");
    let mut targets = Targets::from_str(spec).with_context(|| format!("log levels {spec:?}"))?;
    let mut aliases = Vec::new();
    for (name, level) in &targets {
        let part = PARTS.iter().find(|(part, _)| *part == name);
        match part {
            Some((_, "")) => {}
            Some((_, krate)) => aliases.push((*krate, level)),
            None if name.contains("::") || LIBRARIES.contains(&name) => {}
            None => {
                bail!("log levels {spec:?}: {name:?} is neither a level (off, error, warn, info, debug, trace) nor a part ({})", known())
            }
        }
    }
    targets = targets.with_targets(aliases);
    Ok(if targets.default_level().is_some() { targets } else { targets.with_default(LevelFilter::INFO) })
}

/// The levels in force; clones are handles of the same.
#[derive(Clone)]
pub struct Levels {
    filter: reload::Handle<Targets, Registry>,
    spec: Arc<Mutex<String>>,
}

impl Levels {
    /// Starts logging in this process.
    ///
    /// # Errors
    /// If `spec` cannot be read, or the process logs already.
    pub fn start(spec: &str, format: Format) -> Result<Self> {
        let (levels, filter) = Self::new(spec)?;
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
        let lines = match format {
            Format::Json => lines.json().boxed(),
            Format::Text => lines.boxed(),
        };
        tracing_subscriber::registry().with(lines.with_filter(filter)).try_init().context("cannot start logging")?;
        Ok(levels)
    }

    fn new(spec: &str) -> Result<(Self, reload::Layer<Targets, Registry>)> {
        let (filter, handle) = reload::Layer::new(parse(spec)?);
        Ok((Self { filter: handle, spec: Arc::new(Mutex::new(spec.to_owned())) }, filter))
    }

    /// Puts other levels in force, for all messages from now on.
    ///
    /// # Errors
    /// As [`parse`]; then nothing changes.
    pub fn set(&self, spec: &str) -> Result<()> {
        let targets = parse(spec)?;
        let mut now = self.spec.lock().unwrap_or_else(PoisonError::into_inner);
        self.filter.reload(targets).context("cannot change the levels")?;
        spec.clone_into(&mut now);
        Ok(())
    }

    /// The levels in force, as they were given.
    #[must_use]
    pub fn spec(&self) -> String {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The names of all parts.
#[must_use]
pub fn parts() -> BTreeSet<&'static str> {
    PARTS.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_read_and_misspelt_ones_refused() {
        let targets = parse("warn,consensus=debug,store=trace").unwrap();
        assert!(targets.would_enable("consensus", &Level::DEBUG) && !targets.would_enable("consensus", &Level::TRACE));
        assert!(targets.would_enable("cairn_store::wal", &Level::TRACE), "a part may be a crate");
        assert!(targets.would_enable("api", &Level::WARN) && !targets.would_enable("api", &Level::INFO));
        let quiet = parse("api=off").unwrap();
        assert!(!quiet.would_enable("api", &Level::ERROR) && quiet.would_enable("node", &Level::INFO), "others stay at info");
        assert!(parse("info,cairn_app::api=debug,hyper=debug").is_ok());
        for bad in ["debg", "info,consenus=debug", "consensus=loud", "info,,=debug"] {
            let said = format!("{:#}", parse(bad).unwrap_err());
            assert!(said.contains("log levels"), "{bad}: {said}");
        }
        assert!(format!("{:#}", parse("consenus=debug").unwrap_err()).contains("consensus, node, query"));
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn levels_change_while_messages_go_on() {
        let (levels, filter) = Levels::new("info").unwrap();
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().json().with_writer(move || writer.clone()).with_filter(filter);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::debug!(target: "consensus", "hidden");
            levels.set("info,consensus=debug").unwrap();
            tracing::debug!(target: "consensus", height = 7, "shown");
            assert!(levels.set("consenus=debug").is_err());
            assert_eq!(levels.spec(), "info,consensus=debug");
            tracing::debug!(target: "api", "hidden");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let entries: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), 1, "{text}");
        assert_eq!((entries[0]["target"].as_str(), entries[0]["fields"]["height"].as_u64()), (Some("consensus"), Some(7)));
    }

    /// What this crate logs goes by the names above, so that levels reach it.
    #[test]
    fn every_message_of_this_crate_names_its_part() {
        let mut folders = vec![std::path::PathBuf::from("src")];
        let mut seen = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("logging.rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for (at, _) in text.match_indices("tracing::") {
                        let call = &text[at..];
                        let Some((name, rest)) = call.split_once("!(") else { continue };
                        if !["error", "warn", "info", "debug", "trace"].contains(&&name["tracing::".len()..]) {
                            continue;
                        }
                        let target = rest.trim_start().strip_prefix("target: \"").and_then(|rest| rest.split_once('"'));
                        let (target, _) = target.unwrap_or_else(|| panic!("{}: {}", path.display(), call.lines().next().unwrap()));
                        assert!(parts().contains(target), "{}: {target}", path.display());
                        seen.insert(target.to_owned());
                    }
                }
            }
        }
        assert!(seen.contains("consensus") && seen.contains("api"), "{seen:?}");
    }
}
