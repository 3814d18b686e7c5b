//! Queries about what a PAIRWISE job compares.
use std::cmp::Reverse;

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    QueryPairsRequest, QueryPairsResponse, QueryRankingRequest, QueryRankingResponse, Ranked, TaskPair,
};
use cairn_truth::Strength;

use super::labels::Span;
use crate::{
    formats,
    job::Running,
    labels::{PagesView, failed},
    settle,
    state::PAIRS,
};

/// The ranking of a job whose ranking has ended.
pub(super) fn ranking(ctx: &Ctx, query: &QueryRankingRequest) -> Result<QueryRankingResponse> {
    let run = Running::load(ctx, query.job)?;
    if run.status.settlement.as_ref().is_none_or(|settlement| settlement.ranking_digest.is_empty()) {
        return Ok(QueryRankingResponse::default());
    }
    let params = settle::ranking_params(&run)?;
    let mut found = Vec::new();
    for sheet in 0..params.sheets() {
        found.extend(cairn_truth::read_strengths(&PagesView::new(ctx, run.id), &params, sheet).map_err(failed)?);
    }
    let mut order: Vec<(u32, Strength)> = (0..).zip(found).collect();
    order.sort_by_key(|(contestant, strength)| (Reverse(strength.rating), *contestant));
    let span = Span::of(run.job.contestants, query.from, query.limit);
    let places = (1_u32..).zip(order).filter(|(place, _)| (span.first..span.end).contains(&place.saturating_sub(1)));
    let ranked = |(place, (contestant, found)): (u32, (u32, Strength))| Ranked {
        place,
        contestant,
        rating_q16: found.rating,
        elo: cairn_truth::elo(found.rating),
        wins: found.wins,
        comparisons: found.comparisons,
    };
    Ok(QueryRankingResponse { ranking: places.map(ranked).collect(), next: span.next })
}

pub(super) fn pairs(ctx: &Ctx, query: &QueryPairsRequest) -> Result<QueryPairsResponse> {
    let run = Running::load(ctx, query.job)?;
    let span = Span::of(run.job.tasks, query.from, query.limit);
    let mut pairs = Vec::new();
    for chunk in span.chunks() {
        let opened = PAIRS.get(ctx, &(run.id, chunk))?.unwrap_or_default();
        let tasks = formats::chunk_tasks(run.job.tasks, chunk).zip(opened.pairs);
        let wanted = tasks.filter(|(task, _)| (span.first..span.end).contains(task));
        pairs.extend(wanted.map(|(task, pair)| TaskPair { task, left: pair.left, right: pair.right }));
    }
    Ok(QueryPairsResponse { pairs, next: span.next })
}
