//! What goes on by itself: draws as soon as their seeds stand, cases and jurors at their heights. Work is bounded a block and carries over in
//! order. Each step is all or nothing; one that fails is tried again later, and in the end its case goes on without its court.
use std::collections::BTreeMap;

use cairn_beacon::{self as beacon, Seed};
use cairn_kernel::{Ctx, Error as Refusal, Result};
use cairn_proto::cairn::dispute::v1::{Case, CaseState, EventStepFailed, Round};

use crate::{
    Error, bisection, cases, close, draw, jurors,
    rules::{MAX_FAILURES, RETRY_BLOCKS},
    state::{DRAWS, DUE, LEAVING, POOLS},
    votes,
};

/// Handles what is due at the end of a block, until `budget` is used up: jurors looked at in draws, seats and bonds settled, each counted once.
/// An item that was begun is finished.
pub(crate) fn run(ctx: &mut Ctx, budget: u32) -> Result<()> {
    let mut left = budget;
    run_due(ctx, &mut left)?;
    run_draws(ctx, &mut left)?;
    run_leaving(ctx, &mut left)
}

/// Closes the inputs of a draw for the case's next round at this height and waits for the seed.
pub(crate) fn ask(ctx: &mut Ctx, case: &mut Case) -> Result<()> {
    let number = u32::try_from(case.rounds.len()).ok().and_then(|n| n.checked_add(1)).ok_or(Error::Overflow)?;
    let (asked, pool) = (ctx.block().height, POOLS.get(ctx, &case.skill)?.unwrap_or(0));
    case.rounds.push(Round { number, second: case.second.is_some(), asked, pool, ..Round::default() });
    case.set_state(CaseState::Drawing);
    cases::set_clock(ctx, case, 0)?;
    DRAWS.insert(ctx, &(asked, case.id))
}

/// Lets the case ask again after some blocks.
pub(crate) fn wait(ctx: &mut Ctx, case: &mut Case, blocks: u64) -> Result<()> {
    case.set_state(CaseState::Waiting);
    let clock = cases::after(ctx, blocks)?;
    cases::set_clock(ctx, case, clock)
}

/// Cases whose clocks have run out.
fn run_due(ctx: &mut Ctx, left: &mut u32) -> Result<()> {
    while *left > 0 {
        let first = DUE.range(ctx, &[]).next().transpose()?;
        let Some((_, id)) = first.filter(|(height, _)| *height <= ctx.block().height) else { return Ok(()) };
        run_step(ctx, id, left, go_on)?;
    }
    Ok(())
}

/// Cases whose seeds stand. What asked later has its seed no earlier, so the first that must wait ends the search.
fn run_draws(ctx: &mut Ctx, left: &mut u32) -> Result<()> {
    let mut seeds = BTreeMap::<u64, Seed>::new();
    while *left > 0 {
        let Some((asked, id)) = DRAWS.range(ctx, &[]).next().transpose()? else { return Ok(()) };
        let seed = match seeds.get(&asked) {
            Some(seed) => Ok(Some(*seed)),
            None => beacon::strong(ctx, asked),
        };
        match seed {
            Ok(None) => return Ok(()),
            Ok(Some(seed)) => {
                seeds.insert(asked, seed);
                run_step(ctx, id, left, |ctx, case, _| draw::seat(ctx, case, &seed))?;
            }
            Err(error) => run_step(ctx, id, left, |_, _, _| Err(error.clone()))?,
        }
    }
    Ok(())
}

/// Jurors whose bonds return.
fn run_leaving(ctx: &mut Ctx, left: &mut u32) -> Result<()> {
    while *left > 0 {
        let first = LEAVING.range(ctx, &[]).next().transpose()?;
        let Some(key) = first.filter(|(height, ..)| *height <= ctx.block().height) else { return Ok(()) };
        *left = left.saturating_sub(1);
        if let Err(error) = ctx.atomic(|ctx| jurors::leave(ctx, &key)) {
            jurors::postpone(ctx, &key)?;
            ctx.emit(&failed(0, &error, 0));
        }
    }
    Ok(())
}

/// Runs one step of a case, contained, and takes its work from the budget.
fn run_step(ctx: &mut Ctx, id: u64, left: &mut u32, step: impl FnOnce(&mut Ctx, &mut Case, bool) -> Result<u32>) -> Result<()> {
    let done = ctx.atomic(|ctx| {
        let mut case = cases::load(ctx, id)?;
        let with_court = case.failures < MAX_FAILURES;
        let spent = step(ctx, &mut case, with_court)?;
        cases::save(ctx, &case)?;
        Ok(spent)
    });
    let spent = match done {
        Ok(spent) => spent,
        Err(error) => contain(ctx, id, &error).map(|()| 1)?,
    };
    *left = left.saturating_sub(spent.max(1));
    Ok(())
}

/// A case goes on at its clock. Gives the work done.
fn go_on(ctx: &mut Ctx, case: &mut Case, with_court: bool) -> Result<u32> {
    match case.state() {
        CaseState::Waiting if with_court => ask(ctx, case).map(|()| 1),
        CaseState::Waiting => close::no_quorum(ctx, case, false),
        CaseState::Commit => {
            case.set_state(CaseState::Reveal);
            let until = cases::round(case)?.reveal_until;
            cases::set_clock(ctx, case, until).map(|()| 1)
        }
        CaseState::Reveal => votes::count(ctx, case, with_court),
        CaseState::Appeal => close::first_stands(ctx, case, with_court),
        CaseState::Entry | CaseState::Play => bisection::go_on(ctx, case, with_court),
        CaseState::Drawing | CaseState::Closed | CaseState::Unspecified => Err(Error::Broken("a clock that nobody set").into()),
    }
}

/// Notes a failed step and lets the case try again. A draw is given up and asked for anew.
fn contain(ctx: &mut Ctx, id: u64, error: &Refusal) -> Result<()> {
    let mut case = cases::load(ctx, id)?;
    case.failures = case.failures.saturating_add(1);
    if case.state() == CaseState::Drawing {
        let round = case.rounds.pop().ok_or(Error::Broken("a case without a round"))?;
        DRAWS.remove(ctx, &(round.asked, id))?;
        wait(ctx, &mut case, RETRY_BLOCKS)?;
    } else {
        let clock = cases::after(ctx, RETRY_BLOCKS)?;
        cases::set_clock(ctx, &mut case, clock)?;
    }
    ctx.emit(&failed(id, error, case.failures));
    cases::save(ctx, &case)
}

/// The event of a step that failed.
pub(crate) fn failed(case_id: u64, error: &Refusal, failures: u32) -> EventStepFailed {
    let log = error.log.chars().take(256).collect();
    EventStepFailed { case_id, codespace: error.codespace.to_owned(), code: error.code, log, failures }
}
