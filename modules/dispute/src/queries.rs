//! Queries of `cairn.dispute.v1`.
use cairn_kernel::{Address, Ctx, Page, PageRequest, Result, key_prefix};
use cairn_proto::cairn::dispute::v1::{
    Case, CaseState, QueryCaseRequest, QueryCaseResponse, QueryCasesRequest, QueryCasesResponse, QueryContestRequest, QueryContestResponse,
    QueryJurorRequest, QueryJurorResponse, QueryJurorsRequest, QueryJurorsResponse, QueryMatchRequest, QueryMatchResponse,
    QueryMatchesRequest, QueryMatchesResponse, QueryParamsRequest, QueryParamsResponse, QueryServer, Subject,
};

use crate::{
    Dispute, Error, bisection, cases, rules,
    state::{BY_APPELLANT, BY_JUROR, BY_STATE, CASES, JURORS, NUMBERS, SEATS},
};

impl QueryServer for Dispute {
    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(rules::params(ctx)?) })
    }

    fn case(&self, ctx: &Ctx, q: QueryCaseRequest) -> Result<QueryCaseResponse> {
        let case = Some(cases::load(ctx, q.case_id)?);
        let seats = SEATS.range(ctx, &key_prefix(&q.case_id)).map(|entry| entry.map(|(_, seat)| seat)).collect::<Result<_>>()?;
        Ok(QueryCaseResponse { case, seats })
    }

    fn cases(&self, ctx: &Ctx, q: QueryCasesRequest) -> Result<QueryCasesResponse> {
        let state = CaseState::try_from(q.state).ok();
        let wanted = |case: &Case| q.state == 0 || Some(case.state()) == state;
        let page = q.pagination.clone().unwrap_or_default().into();
        let (cases, page) = if !q.module.is_empty() {
            let subject = Subject { module: q.module.clone(), kind: q.kind, id: q.id, item: q.item };
            (cases::about(ctx, &subject)?.into_iter().filter(wanted).collect(), Page::default())
        } else if !q.appellant.is_empty() {
            of_account(ctx, &BY_APPELLANT, &q.appellant, &page, wanted)?
        } else if !q.juror.is_empty() {
            of_account(ctx, &BY_JUROR, &q.juror, &page, wanted)?
        } else {
            by_state(ctx, q.state, &page)?
        };
        Ok(QueryCasesResponse { cases, pagination: Some(page.into()) })
    }

    fn jurors(&self, ctx: &Ctx, q: QueryJurorsRequest) -> Result<QueryJurorsResponse> {
        let prefix = if q.all_skills { Vec::new() } else { key_prefix(&q.skill) };
        let (entries, page) = JURORS.page(ctx, &prefix, &q.pagination.unwrap_or_default().into())?;
        Ok(QueryJurorsResponse { jurors: entries.into_iter().map(|(_, juror)| juror).collect(), pagination: Some(page.into()) })
    }

    fn juror(&self, ctx: &Ctx, q: QueryJurorRequest) -> Result<QueryJurorResponse> {
        let account = Address::parse(&q.account)?;
        let mut jurors = Vec::new();
        for entry in NUMBERS.range(ctx, &key_prefix(&account)) {
            let ((_, skill), number) = entry?;
            jurors.push(JURORS.get(ctx, &(skill, number))?.ok_or(Error::Broken("a juror is missing"))?);
        }
        Ok(QueryJurorResponse { jurors })
    }

    fn contest(&self, ctx: &Ctx, q: QueryContestRequest) -> Result<QueryContestResponse> {
        bisection::contest(ctx, &q)
    }

    fn r#match(&self, ctx: &Ctx, q: QueryMatchRequest) -> Result<QueryMatchResponse> {
        bisection::match_(ctx, &q)
    }

    fn matches(&self, ctx: &Ctx, q: QueryMatchesRequest) -> Result<QueryMatchesResponse> {
        bisection::running(ctx, q)
    }
}

/// One page of the cases that an index has for an account and that are wanted.
fn of_account(
    ctx: &Ctx,
    index: &cairn_kernel::Set<(Address, u64)>,
    account: &str,
    page: &PageRequest,
    wanted: impl Fn(&Case) -> bool,
) -> Result<(Vec<Case>, Page)> {
    let prefix = key_prefix(&Address::parse(account)?);
    let (keys, page) = index.page_filtered(ctx, &prefix, page, |(_, id)| Ok(wanted(&cases::load(ctx, *id)?)))?;
    Ok((keys.into_iter().map(|(_, id)| cases::load(ctx, id)).collect::<Result<_>>()?, page))
}

/// One page of the cases in a state; 0: of all.
fn by_state(ctx: &Ctx, state: i32, page: &PageRequest) -> Result<(Vec<Case>, Page)> {
    if state == 0 {
        let (entries, page) = CASES.page(ctx, &[], page)?;
        return Ok((entries.into_iter().map(|(_, case)| case).collect(), page));
    }
    let (keys, page) = BY_STATE.page(ctx, &key_prefix(&state.unsigned_abs()), page)?;
    Ok((keys.into_iter().map(|(_, id)| cases::load(ctx, id)).collect::<Result<_>>()?, page))
}
