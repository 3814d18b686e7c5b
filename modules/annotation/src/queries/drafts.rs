//! Queries about drafts.
use std::collections::{BTreeMap, btree_map::Entry};

use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::annotation::v1::{DraftResult, QueryDraftsRequest, QueryDraftsResponse};

use super::labels::Span;
use crate::{Error, drafts, job::Running, state::WORKERS, types};

pub(super) fn drafts(ctx: &Ctx, query: &QueryDraftsRequest) -> Result<QueryDraftsResponse> {
    let run = Running::load(ctx, query.job)?;
    let span = Span::of(run.job.tasks, query.from, query.limit);
    let mut names = BTreeMap::<u32, String>::new();
    let mut shown = Vec::new();
    for bucket in span.buckets(&run) {
        for draft in drafts::load(ctx, run.id, bucket)? {
            if !(span.first..span.end).contains(&draft.task) {
                continue;
            }
            let annotator = match names.entry(draft.worker) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => {
                    let worker = WORKERS.get(ctx, &(run.id, draft.worker))?.ok_or(Error::Broken("a worker is missing"))?;
                    new.insert(worker.annotator).clone()
                }
            };
            let mut draft = draft;
            if types::draws(run.job.r#type()).is_some() {
                draft.shapes = drafts::shapes(ctx, run.id, bucket, &draft)?;
            }
            let stage_task = drafts::stage_task(&draft, run.job.tasks)?;
            shown.push(DraftResult { draft: Some(draft), annotator, stage_task });
        }
    }
    Ok(QueryDraftsResponse { drafts: shown, next: span.next })
}
