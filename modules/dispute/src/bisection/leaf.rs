//! The end of the way down: the chain computes one chunk itself.
use cairn_kernel::{Address, Ctx, Result};
use cairn_program::{MAX_WITNESS_BYTES, MAX_WITNESS_ENTRIES, Roots, Spot, Verdict, Witness, judge, open_sealed};
use cairn_proto::cairn::dispute::v1::{Claim, EventLeafMalformed, Fall, Match, MsgProveLeaf, MsgProveLeafResponse};

use super::{
    bracket, clocks, close, cost,
    dissect::side_of,
    entry::{self, MAX_BACKERS},
    hooks::{self, SealedLeaf},
    position::{self, Goal},
    store,
};
use crate::{Error, cases};

/// Most bytes of a proof.
pub(crate) const MAX_PROOF: usize = 4_096;

/// Computes the chunk of a match from opened operands: the claim that has another one there loses, both where none has it. What cannot be computed
/// is a loss of the backer who sent it.
pub(crate) fn prove(ctx: &mut Ctx, m: MsgProveLeaf) -> Result<MsgProveLeafResponse> {
    let mover = Address::parse(&m.mover)?;
    let root = store::hash(&m.root)?;
    check_size(&m)?;
    let game = store::game(ctx, m.case_id, m.match_number)?;
    if position::goal(&game)? != Goal::Leaf {
        return Err(Error::WrongMove { case: m.case_id, number: m.match_number }.into());
    }
    let is_left = side_of(ctx, &game, &root)?;
    let now = ctx.block().height;
    let (left, right) = store::sides(&game)?;
    if !clocks::may_move(left, now)? && !clocks::may_move(right, now)? {
        let until = clocks::until(left)?.max(clocks::until(right)?);
        return Err(Error::NotOwed { case: m.case_id, number: m.match_number, until, now }.into());
    }
    match compute(ctx, m, &mover, &game, is_left)? {
        Shown::Computed(computed) => decide(ctx, game, &computed),
        Shown::Malformed => malformed(ctx, game, &mover, is_left),
    }
}

fn check_size(m: &MsgProveLeaf) -> Result<(), Error> {
    let bytes = m.preimages.iter().fold(0_usize, |sum, preimage| sum.saturating_add(preimage.len()));
    if bytes > MAX_WITNESS_BYTES || m.preimages.len() > MAX_WITNESS_ENTRIES || m.proof.len() > MAX_PROOF {
        return Err(Error::MoveSize { bytes: bytes.saturating_add(m.proof.len()), nodes: m.preimages.len() });
    }
    Ok(())
}

/// What a leaf shows.
enum Shown {
    /// The hash of the chunk as it must be.
    Computed([u8; 32]),
    /// Nothing: what was sent does not open the operands, or a proof does not hold.
    Malformed,
}

/// Computes the chunk of a match, or has a proof of it checked where its operator is sealed.
fn compute(ctx: &mut Ctx, m: MsgProveLeaf, mover: &Address, game: &Match, is_left: bool) -> Result<Shown> {
    let case = cases::load(ctx, game.case_id)?;
    let subject = store::subject(&case)?;
    let contest = store::contest(ctx, game.case_id)?;
    let program = entry::program(ctx, subject)?;
    m.preimages.iter().try_for_each(|bytes| ctx.gas().hash(bytes.len()))?;
    let cost = program.leaf_cost(game.node).ok_or(Error::Broken("a match about a node that the program has not"))?;
    ctx.gas().consume_at(cost::leaf(cost), "leaf")?;
    let (left, right) = store::sides(game)?;
    let side = if is_left { left } else { right };
    let (nodes_root, claimed) = (store::hash(&side.nodes_root)?, store::hash(&side.hash)?);
    let roots =
        Roots { weights_root: store::hash(&contest.weights_root)?, input_root: store::hash(&contest.input_root)?, runs: contest.runs };
    let spot = Spot { run: game.run, node: game.node, chunk: game.chunk };
    let witness = Witness { preimages: m.preimages };
    if !program.is_sealed(game.node) {
        return Ok(match judge(&program, &roots, spot, &nodes_root, &witness) {
            Verdict::Computed(hash) => Shown::Computed(hash),
            Verdict::Malformed => Shown::Malformed,
        });
    }
    let Some(opening) = open_sealed(&program, &roots, spot, &nodes_root, &claimed, &witness) else { return Ok(Shown::Malformed) };
    let leaf = SealedLeaf {
        subject,
        case: game.case_id,
        match_number: game.number,
        mover,
        program: &program,
        node: game.node,
        run: game.run,
        input: &opening.input,
        output: &opening.output,
        proof: &m.proof,
    };
    let holds = hooks::circuits(ctx, &subject.module)?.sealed(ctx, &leaf)?;
    Ok(if holds { Shown::Computed(claimed) } else { Shown::Malformed })
}

/// Ends a match by what its chunk is.
fn decide(ctx: &mut Ctx, game: Match, computed: &[u8; 32]) -> Result<MsgProveLeafResponse> {
    let now = ctx.block().height;
    let (left, right) = store::sides(&game)?;
    let mut falls = [Fall::Unspecified; 2];
    for (fall, side) in falls.iter_mut().zip([left, right]) {
        if clocks::is_late(side, now)? {
            *fall = Fall::Late;
        } else if side.hash != computed {
            *fall = Fall::Wrong;
        }
    }
    let [left_fall, right_fall] = falls;
    let game = bracket::end(ctx, game, left_fall, right_fall)?;
    Ok(MsgProveLeafResponse { winner: game.winner, malformed: false })
}

/// A leaf that cannot be computed: costs a backer its bond, and its claim the match where nobody else stands behind it though there was room.
/// From anybody else it is refused.
fn malformed(ctx: &mut Ctx, game: Match, mover: &Address, is_left: bool) -> Result<MsgProveLeafResponse> {
    let (left, right) = store::sides(&game)?;
    let order = if is_left { [left.claim, right.claim] } else { [right.claim, left.claim] };
    for number in order {
        let mut claim = store::claim(ctx, game.case_id, number)?;
        let Some(bond) = strike(ctx, &mut claim, mover)? else { continue };
        close::forfeit(ctx, bond)?;
        store::save_claim(ctx, &claim)?;
        let fell = falls(ctx, &claim)?;
        let (case_id, match_number) = (game.case_id, game.number);
        let lost = Some(cairn_kernel::Coin::base(bond).into());
        ctx.emit(&EventLeafMalformed { case_id, match_number, claim: number, backer: mover.to_string(), lost, fell });
        let winner = if fell { sink(ctx, game, number)?.winner } else { 0 };
        return Ok(MsgProveLeafResponse { winner, malformed: true });
    }
    Err(Error::LeafMalformed { case: game.case_id, number: game.number }.into())
}

/// Marks a backer of the claim that was none the worse so far. Gives the bond that it loses here: the provider's lies elsewhere.
fn strike(ctx: &mut Ctx, claim: &mut Claim, mover: &Address) -> Result<Option<u128>> {
    let account = mover.to_string();
    if let Some(backer) = claim.backers.iter_mut().find(|backer| backer.account == account && !backer.struck) {
        backer.struck = true;
        return store::bond(backer).map(Some);
    }
    if claim.number > 0 {
        return Ok(None);
    }
    let mut contest = store::contest(ctx, claim.case_id)?;
    if contest.provider != account || contest.provider_struck {
        return Ok(None);
    }
    contest.provider_struck = true;
    store::save_contest(ctx, &contest)?;
    Ok(Some(0))
}

/// Whether a claim whose backer was struck falls with it. Where all places were taken nobody else could have stood behind it: then it goes on by its
/// clock, and anybody may move for it, so that who takes all places of a right claim cannot sink it.
fn falls(ctx: &Ctx, claim: &Claim) -> Result<bool> {
    let stands = claim.backers.iter().any(|backer| !backer.struck);
    let provides = claim.number == 0 && !store::contest(ctx, claim.case_id)?.provider_struck;
    Ok(!stands && !provides && claim.backers.len() < MAX_BACKERS)
}

/// Ends a match against a claim without backers; the other one wins unless it is late.
fn sink(ctx: &mut Ctx, game: Match, claim: u32) -> Result<Match> {
    let now = ctx.block().height;
    let (left, right) = store::sides(&game)?;
    let fall = |side: &cairn_proto::cairn::dispute::v1::Side| -> Result<Fall, Error> {
        Ok(if side.claim == claim {
            Fall::Malformed
        } else if clocks::is_late(side, now)? {
            Fall::Late
        } else {
            Fall::Unspecified
        })
    };
    let (left_fall, right_fall) = (fall(left)?, fall(right)?);
    bracket::end(ctx, game, left_fall, right_fall)
}
