//! `cairnd backup`: a copy of the state, of a running node or of one that is stopped.
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use cairn_store::{Options, StateStore};
use clap::Args;
use serde_json::{Value, json};

use super::{home::Home, output::Output, snapshots::open};
use crate::admin;

/// Copy the state into a folder, while the node runs or not. The copy is opened and so checked. To start from it, put it in the place of data/state of
/// a stopped node: CometBFT replays the blocks since.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The folder, which must not be there. On the same file system the copy takes next to no time and space.
    folder: PathBuf,
}

impl BackupArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let to = std::path::absolute(&self.folder)?;
        let taken = if admin::is_answered(&home.admin()) { admin::ask(&home.admin(), &request(&to))? } else { take(&open(home)?, &to)? };
        output.value(&taken)
    }
}

fn request(to: &Path) -> Value {
    json!({ "do": "backup", "to": to })
}

/// What the operator's door does for [`BackupArgs`].
///
/// # Errors
/// If the request names no folder, or the copy cannot be made or opened.
pub(super) fn asked(store: &StateStore, request: &Value) -> Result<Value> {
    let to = request.get("to").and_then(Value::as_str).context("the request names no folder in \"to\"")?;
    let to = Path::new(to);
    if !to.is_absolute() {
        bail!("{} is not absolute", to.display());
    }
    take(store, to)
}

/// Copies the state, opens the copy, and tells what it holds.
fn take(store: &StateStore, to: &Path) -> Result<Value> {
    if to.exists() {
        bail!("{} exists; it is not overwritten", to.display());
    }
    if store.latest().is_none() {
        bail!("there is no committed block yet");
    }
    let parent = to.parent().context("a folder lies in another")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    store.checkpoint(to).with_context(|| format!("cannot copy the state to {}", to.display()))?;
    let small = Options { block_cache: 8 << 20, write_buffer: 8 << 20, node_cache: 0, ..Options::default() };
    let copy = StateStore::open(to, small).with_context(|| format!("the copy {} cannot be opened", to.display()))?;
    let version = copy.latest().with_context(|| format!("the copy {} holds no block", to.display()))?;
    Ok(json!({ "folder": to, "height": version.height.to_string(), "app_hash": hex::encode_upper(version.app_hash) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_opened_and_nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let store = StateStore::open(folder.path().join("state"), Options::default()).unwrap();
        let to = folder.path().join("copies/one");
        let refused = |request: Value| asked(&store, &request).unwrap_err().to_string();
        assert_eq!(refused(request(&to)), "there is no committed block yet");
        store.reset_genesis("test-1", 1, [(b"bank/a".to_vec(), Some(b"1".to_vec()))].into()).unwrap();
        let block = store.stage(1, [(b"bank/b".to_vec(), Some(b"2".to_vec()))].into()).unwrap();
        let version = store.commit(block).unwrap();
        let taken = asked(&store, &request(&to)).unwrap();
        assert_eq!((&taken["height"], &taken["app_hash"]), (&json!("1"), &json!(hex::encode_upper(version.app_hash))));
        StateStore::open(&to, Options::default()).unwrap().audit().unwrap();
        assert!(refused(request(&to)).ends_with("exists; it is not overwritten"));
        assert_eq!(refused(json!({ "do": "backup" })), "the request names no folder in \"to\"");
        assert_eq!(refused(json!({ "to": "copies/two" })), "copies/two is not absolute");
    }
}
