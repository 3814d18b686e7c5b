//! Moves down the trees: a side opens what it has come down to.
use cairn_kernel::{Address, Ctx, Result};
use cairn_program::{Operand, inner, last_leaf, record};
use cairn_proto::cairn::dispute::v1::{Contest, EventDissected, EventNarrowed, Fall, Match, MsgDissect, Side, Stage};

use super::{
    bracket, clocks, entry,
    position::{self, Goal},
    store,
};
use crate::{Error, cases};

/// Most bytes of a node of a tree, or of a record.
pub(crate) const MAX_PREIMAGE: usize = 1_024;
/// Most nodes of a path to the last leaf of a tree over 4,096 nodes, and one to spare.
pub(crate) const MAX_PATH: usize = 4;

/// Opens a side's hash. With both sides open the match goes down to where they differ first.
pub(crate) fn dissect(ctx: &mut Ctx, m: MsgDissect) -> Result<Stage> {
    let mover = Address::parse(&m.mover)?;
    let root = store::hash(&m.root)?;
    check_size(&m)?;
    let mut game = store::game(ctx, m.case_id, m.match_number)?;
    let goal = position::goal(&game)?;
    if matches!(goal, Goal::Leaf | Goal::Nothing) {
        return Err(Error::WrongMove { case: m.case_id, number: m.match_number }.into());
    }
    let stage = game.stage();
    let is_left = side_of(ctx, &game, &root)?;
    let now = ctx.block().height;
    let (left, right) = store::sides_mut(&mut game)?;
    let (own, other) = if is_left { (left, right) } else { (right, left) };
    if !clocks::may_move(own, now)? {
        return Err(Error::NotOwed { case: m.case_id, number: m.match_number, until: clocks::until(own)?, now }.into());
    }
    own.children = open(ctx, &m, goal, own)?;
    clocks::stop(own, now)?;
    let (claim, wins, both) = (own.claim, clocks::is_late(other, now)?, !other.owes);
    let (case_id, match_number) = (m.case_id, m.match_number);
    ctx.emit(&EventDissected { case_id, match_number, claim, mover: mover.to_string(), stage: stage.into() });

    if wins {
        let falls = if is_left { (Fall::Unspecified, Fall::Late) } else { (Fall::Late, Fall::Unspecified) };
        return Ok(bracket::end(ctx, game, falls.0, falls.1)?.stage());
    }
    if both {
        narrow(ctx, &mut game)?;
    }
    let clock = clocks::next(&game)?;
    store::save_game(ctx, &mut game, clock)?;
    Ok(game.stage())
}

fn check_size(m: &MsgDissect) -> Result<(), Error> {
    let found = m.path.iter().map(Vec::len).fold(m.preimage.len(), usize::max);
    if found > MAX_PREIMAGE || m.path.len() > MAX_PATH {
        return Err(Error::MoveSize { bytes: found, nodes: m.path.len() });
    }
    Ok(())
}

/// Whether a root is the left side's; refuses one that does not play.
pub(crate) fn side_of(ctx: &Ctx, game: &Match, root: &[u8; 32]) -> Result<bool> {
    let (left, right) = store::sides(game)?;
    if store::claim(ctx, game.case_id, left.claim)?.root == root {
        return Ok(true);
    }
    if store::claim(ctx, game.case_id, right.claim)?.root == root {
        return Ok(false);
    }
    Err(Error::NotPlaying { case: game.case_id, number: game.number }.into())
}

/// The hashes below a side's hash, where the message opens that.
fn open(ctx: &Ctx, m: &MsgDissect, goal: Goal, side: &Side) -> Result<Vec<u8>> {
    let (case, number) = (m.case_id, m.match_number);
    let hash = store::hash(&side.hash)?;
    m.path.iter().chain([&m.preimage]).try_for_each(|bytes| ctx.gas().hash(bytes.len()))?;
    let opened = match goal {
        Goal::Inner { kind, level, children } => inner(kind, level, children, &m.preimage, &hash),
        Goal::Record => open_record(ctx, m, &hash)?,
        Goal::Leaf | Goal::Nothing => return Err(Error::WrongMove { case, number }.into()),
    };
    Ok(opened.ok_or(Error::NotCommitted { case, number })?)
}

/// Both roots of a record, where its output is the last node's.
fn open_record(ctx: &Ctx, m: &MsgDissect, hash: &[u8; 32]) -> Result<Option<Vec<u8>>> {
    let nodes = store::contest(ctx, m.case_id)?.nodes;
    let found = record(&m.preimage, hash).filter(|record| last_leaf(&record.nodes_root, nodes, &m.path) == Some(record.output_root));
    Ok(found.map(|record| [record.nodes_root, record.output_root].concat()))
}

/// Goes down to the first difference; both sides owe the next move.
fn narrow(ctx: &mut Ctx, game: &mut Match) -> Result<()> {
    let contest = store::contest(ctx, game.case_id)?;
    if game.stage() == Stage::Record {
        position::open_records(game, contest.nodes)?;
    } else if !position::descend(game)? {
        return Err(Error::Broken("two nodes of a tree with other hashes and the same content").into());
    }
    let (left, right) = store::sides(game)?;
    if left.hash == right.hash {
        return Err(Error::Broken("two records with other hashes and the same content").into());
    }
    position::settle(game, |node| chunks(ctx, &contest, node))?;
    let now = ctx.block().height;
    let (left, right) = store::sides_mut(game)?;
    clocks::start(left, now);
    clocks::start(right, now);
    let (left_until, right_until) = (clocks::until(left)?, clocks::until(right)?);
    let Match { case_id, number: match_number, stage, level, index, run, node, chunk, .. } = *game;
    ctx.emit(&EventNarrowed { case_id, match_number, stage, level, index, run, node, chunk, left_until, right_until });
    Ok(())
}

/// How many chunks the output of a node has.
fn chunks(ctx: &Ctx, contest: &Contest, node: u32) -> Result<u32> {
    let case = cases::load(ctx, contest.case_id)?;
    let chunks = entry::program(ctx, store::subject(&case)?)?.chunks(Operand::Node(node));
    if chunks == 0 { Err(Error::Broken("a match about a node that the program has not").into()) } else { Ok(chunks) }
}
