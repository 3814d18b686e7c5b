//! Disputes: cases about decisions of other modules, and the games that decide them: a jury, which judges, and bisection, which proves.
mod appeal;
mod bisection;
mod cases;
mod clock;
mod close;
mod complaint;
mod draw;
mod error;
mod formats;
mod genesis;
mod hooks;
mod invariants;
mod jurors;
mod msgs;
mod queries;
mod rules;
mod state;
#[cfg(test)]
mod tests;
mod votes;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cairn::dispute::v1::{Genesis, msg_routes, query_routes};

pub use bisection::{Circuits, Ending, MAX_BACKERS, MAX_CLAIMS, Referee, SealedLeaf, Terms, challenge, ending, longest_contest};
pub use cairn_proto::cairn::dispute::v1::{Appellant, Case, CaseState, Choice, Fate, Params, Statement, Subject};
pub use complaint::{Complaint, open};
pub use error::Error;
pub use formats::{SALT_LEN, vote_commitment};
pub use hooks::{Court, JurorRecord, Record, Verdict};
pub use rules::{main_params, test_params};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Dispute;

/// Keeps the bonds of jurors, appellants and backers of claims.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("dispute");

/// The case of a number.
///
/// # Errors
/// [`Error::NoCase`].
pub fn case(ctx: &Ctx, id: u64) -> Result<Case> {
    cases::load(ctx, id)
}

/// The case about a subject, if there ever was one: a subject has at most one.
pub fn case_about(ctx: &Ctx, subject: &Subject) -> Result<Option<Case>> {
    cases::about(ctx, subject)
}

impl Module for Dispute {
    const NAME: &'static str = "dispute";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(test_params()), ..Genesis::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Genesis> {
        genesis::export(ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        bisection::run(ctx, bisection::MATCHES_A_BLOCK)?;
        clock::run(ctx, rules::BLOCK_BUDGET)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the module holds exactly the bonds of jurors, appellants and backers", invariants::solvency),
            ("every open case has a clock", invariants::clocks),
            ("jurors' seats are covered by their bonds", invariants::seats),
            ("open cases are counted", invariants::counts),
            ("running matches have their clocks in the queue", bisection::queue),
            ("contests play the matches that they count", bisection::matches),
        ]
    }
}
