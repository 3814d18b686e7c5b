//! Queries about what a PAIRWISE job compares.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{QueryPairsRequest, QueryPairsResponse, TaskPair};

use super::labels::Span;
use crate::{formats, job::Running, state::PAIRS};

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
