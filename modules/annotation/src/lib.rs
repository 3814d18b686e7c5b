//! Annotation: jobs, leases, labels by commit and reveal, truth and pay worked out by the chain.
//!
//! The README is the specification. [`formats`] holds what clients need to speak to the module, [`rules`] the numbers it runs by,
//! [`standing`] what other modules may ask about annotators.
mod accounts;
mod answers;
mod appeals;
mod buckets;
mod caps;
mod claims;
mod clusters;
mod drafts;
mod draw;
mod error;
mod escrow;
mod exam;
pub mod formats;
mod genesis;
mod given;
mod gold;
mod invariants;
mod job;
mod jury;
mod labels;
mod late;
mod leases;
mod lent;
mod lifecycle;
mod msgs;
mod partner;
mod qualification;
mod quarantine;
mod queries;
mod queues;
pub mod rules;
mod sets;
mod settle;
mod stage;
mod stage_gold;
pub mod standing;
mod state;
#[cfg(test)]
mod tests;
pub mod types;
mod unqualified;

use std::sync::Arc;

use cairn_bank as bank;
use cairn_dispute as dispute;
use cairn_kernel::{Ctx, Invariant, Module, Result, Router, Table};
use cairn_proto::cairn::annotation::v1::{Genesis, msg_routes, query_routes};

pub use error::Error;
pub use escrow::ACCOUNT;
pub use lent::LoanRefusal;
pub use partner::PartnerRefusal;
pub use unqualified::Unqualified;

/// The module.
#[derive(Debug, Default, Clone, Copy)]
pub struct Annotation;

impl Module for Annotation {
    const NAME: &'static str = "annotation";
    const TABLES: &'static [Table] = state::TABLES;
    type Genesis = Genesis;

    fn routes(self: &Arc<Self>, router: &mut Router) {
        router.msgs(msg_routes(self)).queries(query_routes(self)).hook(ACCOUNT);
        router.hook::<Arc<dyn bank::Hooks>>(Arc::new(clusters::Credits));
        router.hook::<Arc<dyn dispute::Record>>(Arc::new(jury::Standings));
        router.hook::<Arc<dyn dispute::Court>>(Arc::new(appeals::Court));
    }
    fn default_genesis(&self) -> Genesis {
        Genesis { params: Some(rules::test_params()), ..Genesis::default() }
    }
    fn init(&self, ctx: &mut Ctx, genesis: Genesis) -> Result<()> {
        genesis::init(ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Genesis> {
        genesis::export(ctx)
    }
    /// What is due, then the draw, then the buckets' R, then settlement; each a bounded amount of work.
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        let params = state::params(ctx)?;
        queues::run_due(ctx, params.expiries_per_block)?;
        draw::run(ctx, params.draws_per_block)?;
        queues::run_checks(ctx, params.expiries_per_block)?;
        settle::run(ctx, params.label_visits_per_block)
    }
    fn invariants(&self) -> Vec<Invariant> {
        vec![
            ("the money of each job is in its buckets or out", |ctx| invariants::each_job(ctx, invariants::escrow)),
            ("the module holds what it owes", invariants::solvency),
            ("reserved money covers standing leases and accepted unpaid labels", |ctx| invariants::each_job(ctx, invariants::reserves)),
            ("reserved partner rewards cover the leases and labels that carry them", |ctx| {
                invariants::each_job(ctx, invariants::partner_reserves)
            }),
            ("lent bonds are those of waiting claims and standing leases", |ctx| invariants::each_job(ctx, invariants::loans)),
            ("no task has more seats than its overlap", |ctx| invariants::each_job(ctx, invariants::seats)),
            ("nobody has two seats in one bucket", |ctx| invariants::each_job(ctx, invariants::parties)),
            ("nobody verifies drafts of its own or of its cluster", |ctx| invariants::each_job(ctx, invariants::verifiers)),
            ("the lists of free buckets and waiting claims are whole", |ctx| invariants::each_job(ctx, invariants::lists)),
        ]
    }
}
