//! Queries about contests: what stands, and what each match awaits.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::dispute::v1::{
    Awaited, Match, QueryContestRequest, QueryContestResponse, QueryMatchRequest, QueryMatchResponse, QueryMatchesRequest,
    QueryMatchesResponse,
};

use super::{clocks, store};
use crate::{cases, state::MATCH_DUE};

/// A contest with its claims and matches: at most 8 and 7.
pub(crate) fn contest(ctx: &Ctx, q: &QueryContestRequest) -> Result<QueryContestResponse> {
    let contest = Some(store::contest(ctx, q.case_id)?);
    let case = Some(cases::load(ctx, q.case_id)?);
    Ok(QueryContestResponse { case, contest, claims: store::claims(ctx, q.case_id)?, matches: store::games(ctx, q.case_id)? })
}

/// One match and what it awaits.
pub(crate) fn match_(ctx: &Ctx, q: &QueryMatchRequest) -> Result<QueryMatchResponse> {
    let game = store::game(ctx, q.case_id, q.match_number)?;
    let awaited = awaited(ctx, &game)?;
    Ok(QueryMatchResponse { r#match: Some(game), awaited })
}

/// Running matches by the height at which their next clock runs out.
pub(crate) fn matches(ctx: &Ctx, q: QueryMatchesRequest) -> Result<QueryMatchesResponse> {
    let (keys, page) = MATCH_DUE.page(ctx, &[], &q.pagination.unwrap_or_default().into())?;
    let matches = keys.into_iter().map(|(_, case, number)| store::game(ctx, case, number)).collect::<Result<_>>()?;
    Ok(QueryMatchesResponse { matches, pagination: Some(page.into()) })
}

fn awaited(ctx: &Ctx, game: &Match) -> Result<Vec<Awaited>> {
    let mut awaited = Vec::new();
    if !store::is_running(game) {
        return Ok(awaited);
    }
    let (left, right) = store::sides(game)?;
    for side in [left, right] {
        if clocks::may_move(side, ctx.block().height)? {
            let root = store::claim(ctx, game.case_id, side.claim)?.root;
            let until = clocks::until(side)?;
            awaited.push(Awaited { claim: side.claim, root, stage: game.stage, hash: side.hash.clone(), until });
        }
    }
    Ok(awaited)
}
