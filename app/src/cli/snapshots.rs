//! `cairnd snapshots`: the state at a height in files that other nodes restore.
use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use cairn_store::{FORMAT, Pruning, Snapshot, Snapshots, StateStore, dump, load};
use clap::{Args, Subcommand};

use super::{
    home::{Home, SNAPSHOTS},
    output::Output,
};

/// What is done with snapshots. Creating and restoring need the state, so the node must not be running; the rest may be done beside it.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotsCommand {
    /// Show the snapshots of this home, the newest first.
    List,
    /// Take a snapshot of the state. The node must not be running.
    #[command(visible_alias = "export")]
    Create {
        /// Of which height, which must not be pruned; without it, of the newest.
        #[arg(long)]
        height: Option<u64>,
    },
    /// Delete a snapshot.
    Delete(Which),
    /// Make a snapshot the state of this home, which must have none. CometBFT then replays the blocks after it, which it must have.
    Restore {
        #[command(flatten)]
        which: Which,
        /// The app hash that the state must have, as the header of the next block says it; without it, CometBFT compares at the start.
        #[arg(long)]
        app_hash: Option<String>,
    },
    /// Write a snapshot as one file, to carry it to another home.
    Dump {
        #[command(flatten)]
        which: Which,
        /// The file.
        #[arg(long, short = 'f', value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Take a file that 'dump' wrote among the snapshots of this home.
    Load {
        /// The file.
        file: PathBuf,
    },
}

/// One snapshot.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Its height.
    height: u64,
    /// Its format.
    #[arg(default_value_t = FORMAT)]
    format: u32,
}

impl SnapshotsCommand {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let snapshots = Snapshots::new(home.data(SNAPSHOTS));
        match self {
            Self::List => show(&snapshots, output),
            Self::Create { height } => create(home, &snapshots, height),
            Self::Delete(which) => {
                snapshots.delete(which.height, which.format)?;
                println!("deleted the snapshot of height {}", which.height);
                Ok(())
            }
            Self::Restore { which, app_hash } => restore(home, &snapshots, &which, app_hash.as_deref()),
            Self::Dump { which, to } => write(&snapshots, &which, to),
            Self::Load { file } => {
                let source = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
                let snapshot = load(&snapshots, &mut BufReader::new(source)).with_context(|| file.display().to_string())?;
                println!("loaded the snapshot of height {}, {} chunks", snapshot.height, snapshot.chunks());
                Ok(())
            }
        }
    }
}

fn show(snapshots: &Snapshots, output: Output) -> Result<()> {
    let row = |s: &Snapshot| {
        vec![s.height.to_string(), s.format.to_string(), s.chunks().to_string(), hex::encode(s.hash()), hex::encode_upper(s.app_hash)]
    };
    let rows: Vec<Vec<String>> = snapshots.list()?.iter().map(row).collect();
    output.table(&["height", "format", "chunks", "hash", "app hash"], &rows)
}

/// The state of a home whose node is not running.
pub(super) fn open(home: &Home) -> Result<StateStore> {
    open_with(home, home.load_config()?.pruning()?)
}

/// As [`open`], with another pruning setting than the home's.
pub(super) fn open_with(home: &Home, pruning: Pruning) -> Result<StateStore> {
    let folder = home.data("state");
    let options = cairn_store::Options { pruning, ..cairn_store::Options::default() };
    StateStore::open(&folder, options).with_context(|| format!("cannot open the state in {}; is the node still running?", folder.display()))
}

fn create(home: &Home, snapshots: &Snapshots, height: Option<u64>) -> Result<()> {
    let store = open(home)?;
    let newest = store.latest().context("there is no committed block yet")?.height;
    let view = store.view_at(height.unwrap_or(newest))?;
    let snapshot = snapshots.create(&view, &store.chain_id().unwrap_or_default())?;
    println!("took a snapshot of height {}: {} chunks, hash {}", snapshot.height, snapshot.chunks(), hex::encode(snapshot.hash()));
    Ok(())
}

fn restore(home: &Home, snapshots: &Snapshots, which: &Which, app_hash: Option<&str>) -> Result<()> {
    let snapshot = snapshots.get(which.height, which.format)?;
    let named = home.chain_id()?;
    if snapshot.chain_id != named {
        bail!("the snapshot is of chain {}, genesis.json of chain {named}", snapshot.chain_id);
    }
    let found = hex::encode(snapshot.app_hash);
    if let Some(wanted) = app_hash.filter(|wanted| !wanted.eq_ignore_ascii_case(&found)) {
        bail!("the snapshot has the app hash {}, not {wanted}", found.to_uppercase());
    }
    let store = open(home)?;
    let mut restoring = store
        .begin_restore(snapshot.clone())
        .with_context(|| format!("move {} away to restore a snapshot in its place", home.data("state").display()))?;
    for index in 0..snapshot.chunks() {
        let chunk = snapshots.chunk(which.height, which.format, index)?.with_context(|| format!("chunk {index} is not there"))?;
        store.restore_chunk(&mut restoring, index, &chunk)?;
    }
    println!("the state is that of height {}, app hash {}", snapshot.height, found.to_uppercase());
    Ok(())
}

fn write(snapshots: &Snapshots, which: &Which, to: Option<PathBuf>) -> Result<()> {
    let to = to.unwrap_or_else(|| PathBuf::from(format!("{}-{}.cairn-snapshot", which.height, which.format)));
    let failed = || format!("cannot write {}", to.display());
    if to.exists() {
        bail!("{} exists; it is not overwritten", to.display());
    }
    let mut file = BufWriter::new(File::create(&to).with_context(failed)?);
    let written = dump(snapshots, which.height, which.format, &mut file);
    let snapshot = match written {
        Ok(snapshot) => snapshot,
        Err(error) => {
            std::fs::remove_file(&to).with_context(failed)?;
            return Err(error.into());
        }
    };
    file.flush().and_then(|()| file.get_ref().sync_all()).with_context(failed)?;
    println!("wrote the snapshot of height {} to {}", snapshot.height, to.display());
    Ok(())
}
