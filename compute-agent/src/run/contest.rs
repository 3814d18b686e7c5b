//! Contests: the agent stands behind the root that it worked out itself, and moves for it as soon as a move is owed.
use cairn_program::{Spot, Trace};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::Job,
        dispute::v1::{Awaited, Contest, Match, MsgDissect, MsgProveLeaf, QueryContestResponse, Stage},
    },
    pack,
};

use super::{
    agent::{Agent, Tried},
    lab::Solved,
    world::{Need, World},
};

/// Backers that a root may have (dispute, Specification).
const BACKERS: usize = 4;

impl<W: World> Agent<W> {
    /// Does what the agent owes in the contest about a job; `need`: whether it has a part in it.
    pub(super) fn contest(&mut self, job: &Job, height: u64, need: Need) -> Tried {
        let Some(solved) = self.solved_as(job, need)? else { return Ok(()) };
        let found = self.world.contest(job.case_id)?;
        let root = solved.trace.root();
        let claim = found.claims.iter().find(|claim| claim.root == root);
        let me = self.world.account();
        let backed = claim.is_some_and(|claim| claim.backers.iter().any(|backer| backer.account == me));
        let full = claim.is_some_and(|claim| claim.backers.len() >= BACKERS);
        let committed = claim.is_some_and(|claim| claim.number == 0) && job.provider == me;
        let open = found.contest.as_ref().is_some_and(|contest| height < contest.window_end);
        if open && !backed && !full && !committed {
            self.back(job, &solved)?;
        }
        self.moves(job, &found, &solved)
    }

    /// Makes every move that the agent's root owes.
    fn moves(&mut self, job: &Job, found: &QueryContestResponse, solved: &Solved) -> Tried {
        let root = solved.trace.root();
        let case_id = found.contest.as_ref().map_or(0, |contest: &Contest| contest.case_id);
        for game in found.matches.iter().filter(|game| game.closed == 0) {
            let now = self.world.game(case_id, game.number)?;
            let (Some(game), Some(awaited)) = (now.r#match, now.awaited.into_iter().find(|awaited| awaited.root == root)) else {
                continue;
            };
            let proof = match awaited.stage() {
                Stage::Leaf => self.leaf_proof(job, &game, solved),
                _ => Ok(None),
            };
            let answered = proof.map(|proof| answer(&self.world.account(), &game, &awaited, solved, proof.unwrap_or_default()));
            let message = match answered {
                Ok(message) => message,
                Err(why) => {
                    tracing::error!(case_id, game = game.number, why, "a leaf about private weights cannot be proven");
                    continue;
                }
            };
            let Some(message) = message else {
                tracing::warn!(case_id, game = game.number, "a move that cannot be made from what was computed here");
                continue;
            };
            self.world.send(message)?;
            tracing::info!(case_id, game = game.number, stage = awaited.stage().as_str_name(), "moved");
        }
        Ok(())
    }
}

/// The move that a side owes.
fn answer(mover: &str, game: &Match, awaited: &Awaited, solved: &Solved, proof: Vec<u8>) -> Option<Any> {
    let (trace, order): (&Trace, _) = (&solved.trace, &solved.order);
    let level = u8::try_from(game.level).ok()?;
    let (mover, case_id, match_number, root) = (mover.to_owned(), game.case_id, game.number, awaited.root.clone());
    let (preimage, path) = match awaited.stage() {
        Stage::Leaf => {
            let spot = Spot { run: game.run, node: game.node, chunk: game.chunk };
            let preimages = trace.witness(order.model.program(), order.model.weights(), &order.inputs, spot)?.preimages;
            return Some(pack(&MsgProveLeaf { mover, case_id, match_number, root, preimages, proof }));
        }
        Stage::Runs => (trace.open_runs(level, game.index)?, Vec::new()),
        Stage::Record => trace.open_record(game.run)?,
        Stage::Nodes => (trace.open_nodes(game.run, level, game.index)?, Vec::new()),
        Stage::Chunks => (trace.open_chunks(game.run, game.node, level, game.index)?, Vec::new()),
        Stage::Unspecified | Stage::Closed => return None,
    };
    Some(pack(&MsgDissect { mover, case_id, match_number, root, preimage, path }))
}
