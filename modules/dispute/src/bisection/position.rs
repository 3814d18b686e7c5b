//! Where a match stands: the shape of the trees, which the program fixes, and the way down them.
use cairn_program::{ARITY, TreeKind, depth};
use cairn_proto::cairn::dispute::v1::{Match, Stage};

use super::store;
use crate::Error;

/// What the next move opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// A node of a tree, `level` levels above its leaves, with `children`.
    Inner {
        /// Of which tree.
        kind: TreeKind,
        /// Levels above the leaves, at least 1.
        level: u8,
        /// Hashes below it.
        children: u8,
    },
    /// The record of a run.
    Record,
    /// The chunk's operands.
    Leaf,
    /// Nothing: the match is over.
    Nothing,
}

/// What the next move of either side opens.
pub(crate) fn goal(game: &Match) -> Result<Goal, Error> {
    match game.stage() {
        Stage::Runs => inner(game, TreeKind::Runs),
        Stage::Nodes => inner(game, TreeKind::Nodes),
        Stage::Chunks => inner(game, TreeKind::Tensor),
        Stage::Record => Ok(Goal::Record),
        Stage::Leaf => Ok(Goal::Leaf),
        Stage::Closed => Ok(Goal::Nothing),
        Stage::Unspecified => Err(Error::Broken("a match without a stage")),
    }
}

fn inner(game: &Match, kind: TreeKind) -> Result<Goal, Error> {
    let level = u8::try_from(game.level).map_err(|_| Error::Overflow)?;
    Ok(Goal::Inner { kind, level, children: children(game)? })
}

/// How many hashes stand below the node that the match has come down to: leaves fill a tree from the left.
fn children(game: &Match) -> Result<u8, Error> {
    let below = game.level.checked_sub(1).ok_or(Error::Broken("a match below the leaves of a tree"))?;
    let width = u64::from(ARITY).checked_pow(below).ok_or(Error::Overflow)?;
    let nodes = u64::from(game.leaves).div_ceil(width);
    let first = u64::from(game.index).checked_mul(ARITY.into()).ok_or(Error::Overflow)?;
    let left = nodes.checked_sub(first).filter(|left| *left > 0).ok_or(Error::Broken("a match beside its tree"))?;
    u8::try_from(left.min(ARITY.into())).map_err(|_| Error::Overflow)
}

/// Enters the tree of a stage at its root.
pub(crate) fn enter(game: &mut Match, stage: Stage, leaves: u32) {
    game.set_stage(stage);
    (game.leaves, game.level, game.index) = (leaves, depth(leaves).into(), 0);
}

/// Goes down to the first hash in which the sides differ. Gives `false` where they differ in none, which no two nodes with different hashes do.
pub(crate) fn descend(game: &mut Match) -> Result<bool, Error> {
    let (left, right) = store::sides_mut(game)?;
    let pairs = left.children.chunks(32).zip(right.children.chunks(32)).enumerate();
    let found = pairs.filter(|(_, (a, b))| a != b).map(|(i, (a, b))| (i, a.to_vec(), b.to_vec())).next();
    let Some((child, a, b)) = found else { return Ok(false) };
    (left.hash, right.hash) = (a, b);
    left.children.clear();
    right.children.clear();
    let child = u32::try_from(child).map_err(|_| Error::Overflow)?;
    game.index = game.index.checked_mul(ARITY).and_then(|first| first.checked_add(child)).ok_or(Error::Overflow)?;
    game.level = game.level.checked_sub(1).ok_or(Error::Overflow)?;
    Ok(true)
}

/// Takes the opened records: from here on the match is about the tree over the run's nodes.
pub(crate) fn open_records(game: &mut Match, nodes: u32) -> Result<(), Error> {
    let (left, right) = store::sides_mut(game)?;
    for side in [left, right] {
        let root = side.children.get(..32).ok_or(Error::Broken("a record without roots"))?.to_vec();
        side.children.clear();
        (side.hash, side.nodes_root) = (root.clone(), root);
    }
    enter(game, Stage::Nodes, nodes);
    Ok(())
}

/// Leaves a tree whose leaf is reached for the next stage, as often as that is reached at once. `chunks` tells how many chunks a node's output has.
pub(crate) fn settle(game: &mut Match, chunks: impl Fn(u32) -> cairn_kernel::Result<u32>) -> cairn_kernel::Result<()> {
    while game.level == 0 {
        match game.stage() {
            Stage::Runs => {
                game.run = game.index;
                enter(game, Stage::Record, 1);
                return Ok(());
            }
            Stage::Nodes => {
                game.node = game.index;
                let leaves = chunks(game.node)?;
                enter(game, Stage::Chunks, leaves);
            }
            Stage::Chunks => {
                game.chunk = game.index;
                enter(game, Stage::Leaf, 1);
                return Ok(());
            }
            Stage::Record | Stage::Leaf | Stage::Closed | Stage::Unspecified => return Ok(()),
        }
    }
    Ok(())
}
