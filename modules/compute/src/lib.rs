//! Ordered computation: programs, providers with bonds, and jobs whose results anybody may contest before a referee, or that are proven.
mod auction;
mod audit;
mod circuits;
mod clock;
mod enclaves;
mod error;
mod genesis;
mod invariants;
mod jobs;
mod msgs;
mod programs;
mod proofs;
mod providers;
mod queries;
mod quotes;
mod redundant;
mod referee;
mod rules;
mod seals;
mod settle;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use cairn_kernel::{Ctx, Invariant, Module, ModuleAccount, Result, Router, Table};
use cairn_proto::cairn::compute::v1::{Genesis, msg_routes, query_routes};

pub use auction::commitment as bid_commitment;
pub use audit::commitment as audit_commitment;
pub use cairn_proto::cairn::compute::v1::{Circuit, Job, JobOutcome, JobState, Params, Program, Provider, Trust, Verification};
pub use cairn_verifier::{RecordError, RecordFile, SealFile};
pub use circuits::{key_registration, seal_opening};
pub use enclaves::digest as enclave_digest;
pub use error::Error;
pub use proofs::input_root as proven_input_root;
pub use quotes::QuoteError;
pub use redundant::commitment as result_commitment;
pub use rules::{main_params, test_params};

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Compute;

/// Holds prices of open jobs, bonds of providers, deposits of offers, and the fund of audits.
pub const ACCOUNT: ModuleAccount = ModuleAccount::new("compute");

impl Module for Compute {
    const NAME: &'static str = "compute";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
        router.hook::<Arc<dyn cairn_dispute::Referee>>(Arc::new(Self));
        router.hook::<Arc<dyn cairn_dispute::Circuits>>(Arc::new(Self));
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
        clock::run(ctx, rules::JOBS_A_BLOCK)?;
        audit::run(ctx, rules::AUDITS_A_BLOCK)?;
        auction::run(ctx, rules::OFFERS_A_BLOCK)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the module holds exactly prices of open jobs and bonds", invariants::solvency),
            ("what jobs have locked of bonds is true", invariants::locks),
            ("every job that is not closed goes on by itself", invariants::clocks),
            ("audits that are not opened go on by themselves", invariants::audits),
            ("offers belong to running auctions", invariants::offers),
        ]
    }
}
