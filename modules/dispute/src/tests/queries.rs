//! Queries: cases by subject, appellant, juror and state; jurors.
use cairn_kernel::Result;
use cairn_proto::{
    cairn::dispute::v1::{QueryCaseRequest, QueryCasesRequest, QueryJurorRequest, QueryJurorsRequest, QueryServer},
    cosmos::base::query::v1beta1::PageRequest,
};

use super::world::{SKILL, World, juror, refused, user};
use crate::{CaseState, Choice, Dispute, Error};

fn ask(world: &mut World, q: QueryCasesRequest) -> Result<Vec<u64>> {
    let found = world.chain.run(|ctx| Dispute.cases(ctx, q))?;
    Ok(found.cases.into_iter().map(|case| case.id).collect())
}

#[test]
fn cases_are_found_by_what_and_whom_they_are_about() {
    let mut world = World::new(5);
    for (n, id) in [(1, 1), (1, 2), (2, 1)] {
        world.complain(user(n), id).unwrap();
    }
    world.until(1, CaseState::Commit);
    world.vote(1, &[Some(Choice::Uphold); 5]);
    world.complain(user(3), 3).unwrap();
    let all = QueryCasesRequest::default;
    assert_eq!(ask(&mut world, all()).unwrap(), [1, 2, 3]);
    let subject = QueryCasesRequest { module: "court".into(), kind: 2, id: 2, item: 3, ..all() };
    assert_eq!(ask(&mut world, subject.clone()).unwrap(), [2]);
    assert_eq!(ask(&mut world, QueryCasesRequest { item: 4, ..subject.clone() }).unwrap(), []);
    assert_eq!(ask(&mut world, QueryCasesRequest { state: CaseState::Closed.into(), ..subject }).unwrap(), []);
    let by = |n| QueryCasesRequest { appellant: user(n).to_string(), ..all() };
    assert_eq!(ask(&mut world, by(1)).unwrap(), [1, 2]);
    assert_eq!(ask(&mut world, by(2)).unwrap(), [1]);
    assert_eq!(ask(&mut world, QueryCasesRequest { state: CaseState::Appeal.into(), ..by(1) }).unwrap(), [1]);
    let sat = QueryCasesRequest { juror: juror(1).to_string(), ..all() };
    assert_eq!(ask(&mut world, sat.clone()).unwrap(), [1, 2]);
    assert_eq!(ask(&mut world, QueryCasesRequest { juror: juror(6).to_string(), ..all() }).unwrap(), []);
    assert_eq!(ask(&mut world, QueryCasesRequest { state: CaseState::Drawing.into(), ..all() }).unwrap(), [2, 3]);
    assert_eq!(ask(&mut world, QueryCasesRequest { state: 99, ..all() }).unwrap(), []);
    assert_eq!(ask(&mut world, QueryCasesRequest { appellant: "x".into(), ..all() }).unwrap_err().code, 7);
    let pagination = Some(PageRequest { limit: 1, ..PageRequest::default() });
    let page = world.chain.run(|ctx| Dispute.cases(ctx, QueryCasesRequest { pagination, ..sat })).unwrap();
    assert_eq!((page.cases.len(), page.pagination.unwrap().next_key.is_empty()), (1, false));
}

#[test]
fn a_case_is_shown_with_its_seats() {
    let (mut world, case) = World::drawn(7);
    let found = world.chain.run(|ctx| Dispute.case(ctx, QueryCaseRequest { case_id: case })).unwrap();
    assert_eq!((found.case.unwrap().rounds.len(), found.seats.len()), (1, 5));
    refused(world.chain.run(|ctx| Dispute.case(ctx, QueryCaseRequest { case_id: 2 })), &Error::NoCase(2));
}

#[test]
fn jurors_are_listed_by_skill_and_by_account() {
    let mut world = World::new(3);
    let mut jurors = |skill: &str, all_skills| {
        let q = QueryJurorsRequest { skill: skill.into(), all_skills, pagination: None };
        world.chain.run(|ctx| Dispute.jurors(ctx, q)).unwrap().jurors.len()
    };
    assert_eq!([jurors(SKILL, false), jurors("", false), jurors("", true)], [3, 0, 3]);
    let mut of = |account: String| world.chain.run(|ctx| Dispute.juror(ctx, QueryJurorRequest { account }));
    assert_eq!(of(juror(2).to_string()).unwrap().jurors[0].number, 2);
    assert_eq!(of(user(2).to_string()).unwrap().jurors, []);
    assert_eq!(of("x".into()).unwrap_err().code, 7);
}
