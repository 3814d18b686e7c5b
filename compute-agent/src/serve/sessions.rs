//! Vouchers that the agent checks against the chain, keeps, and redeems by itself.
use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use cairn_client::{Chain, Refused, Signer};
use cairn_proto::cairn::licensing::v1::{QuerySessionRequest, QuerySessionResponse, Session, SessionStatus};
use cairn_vouchers::{Journal, Paper, Side, is_last_call};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{served::Served, till::Unpaid};

/// What the chain says of sessions, and takes.
pub trait Ledger: Send + Sync {
    /// A session; a [`Refused`] where there is none.
    ///
    /// # Errors
    /// The chain's refusal, or that it does not answer.
    fn session(&self, id: u64) -> Result<Session>;
    /// The newest height.
    ///
    /// # Errors
    /// That the chain does not answer.
    fn height(&self) -> Result<u64>;
    /// Redeems a voucher.
    ///
    /// # Errors
    /// The chain's refusal, or that it does not answer.
    fn settle(&self, paper: &Paper) -> Result<()>;
}

/// A chain, and the account that redeems.
pub struct Books {
    runtime: Handle,
    chain: Chain,
    signer: Signer,
}

impl Books {
    /// Over a chain.
    #[must_use]
    pub fn new(runtime: Handle, chain: Chain, signer: Signer) -> Self {
        Self { runtime, chain, signer }
    }
}

impl Ledger for Books {
    fn session(&self, session_id: u64) -> Result<Session> {
        let asked = QuerySessionRequest { session_id };
        let found: QuerySessionResponse = self.runtime.block_on(self.chain.query("/cairn.licensing.v1.Query/Session", &asked))?;
        found.session.context("the chain tells nothing of this session")
    }
    fn height(&self) -> Result<u64> {
        self.runtime.block_on(self.chain.height())
    }
    fn settle(&self, paper: &Paper) -> Result<()> {
        self.runtime.block_on(self.signer.send(&paper.settlement(self.signer.address()))).map(drop)
    }
}

/// Whose calls are sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The chain's id.
    pub chain_id: String,
    /// The asset that sessions are of.
    pub asset: u64,
    /// The account that they pay.
    pub provider: String,
    /// What a session may owe before it is redeemed, in base units of its denomination.
    pub settle_at: u128,
}

/// Takes vouchers of the sessions of an asset with one provider.
pub struct Sessions {
    ledger: Box<dyn Ledger>,
    offer: Offer,
    journal: Journal,
    served: Served,
    /// Sessions of which nothing can be redeemed any more.
    over: Mutex<BTreeSet<u64>>,
}

impl Sessions {
    /// Keeps vouchers and counts of calls in a folder.
    #[must_use]
    pub fn new(ledger: Box<dyn Ledger>, offer: Offer, home: &Path) -> Self {
        let journal = Journal::new(home, &offer.chain_id, Side::Kept);
        let served = Served::new(home.join(format!("served-{}.json", offer.chain_id)));
        Self { ledger, offer, journal, served, over: Mutex::default() }
    }

    /// Whose calls are sold.
    #[must_use]
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    pub(super) fn terms(&self) -> Value {
        let Offer { chain_id, asset, provider, .. } = &self.offer;
        json!({"chain_id": chain_id, "asset": asset, "provider": provider, "header": super::VOUCHER})
    }

    pub(super) fn take(&self, voucher: &str) -> Result<u64, Unpaid> {
        if voucher.is_empty() {
            let Offer { asset, provider, .. } = &self.offer;
            return Err(Unpaid::Refused(anyhow!(
                "a voucher comes with each call, in the header {}: 'cairnd license session open LICENSE --provider {provider} --deposit COIN' opens a session of \
                 a licence to asset {asset}, 'cairnd license session voucher SESSION' signs one for a call more",
                super::VOUCHER
            )));
        }
        let paper = Paper::parse(voucher).context("the voucher is none").map_err(Unpaid::Refused)?;
        let kept = self.journal.newest(paper.session).map_err(Unpaid::Away)?;
        if kept.as_ref() != Some(&paper) {
            let session = self.ledger.session(paper.session).map_err(|error| match error.is::<Refused>() {
                true => Unpaid::Refused(error),
                false => Unpaid::Away(error.context("the chain cannot be asked")),
            })?;
            self.check(&paper, &session).map_err(Unpaid::Refused)?;
            let failed =
                |error: anyhow::Error| if error.root_cause().is::<io::Error>() { Unpaid::Away(error) } else { Unpaid::Refused(error) };
            self.journal.keep(&paper).map_err(failed)?;
        }
        let Paper { session, calls, .. } = paper;
        if self.served.take(session, calls).map_err(Unpaid::Away)? { Ok(session) } else { Err(Unpaid::served(session, calls)) }
    }

    fn check(&self, paper: &Paper, session: &Session) -> Result<()> {
        let Offer { chain_id, asset, provider, .. } = &self.offer;
        ensure!(session.provider == *provider, "session {} pays {}, not {provider}", session.id, session.provider);
        ensure!(session.asset_id == *asset, "session {} is of asset {}, not of {asset}", session.id, session.asset_id);
        if session.status() != SessionStatus::Open {
            bail!("session {} closes or is closed; open another", session.id);
        }
        paper.check(chain_id, session)?;
        paper.pays(session)
    }

    pub(super) fn give_back(&self, session: u64) -> Result<()> {
        self.served.give_back(session)
    }

    /// Redeems what is due: vouchers that state enough, and those of sessions that close or soon will. What fails is told, and tried again the next time.
    pub fn tend(&self) {
        self.visit(|id, session, paper, owed| {
            if owed < self.offer.settle_at && !is_last_call(session, || self.ledger.height())? {
                return Ok(());
            }
            self.ledger.settle(paper)?;
            tracing::info!(session = id, calls = paper.calls, owed, "redeemed");
            Ok(())
        });
    }

    /// Tells what is not redeemed.
    pub fn tell(&self) {
        self.visit(|id, session, paper, owed| {
            tracing::warn!(
                session = id,
                calls = paper.calls,
                owed,
                before = session.deadline,
                "not redeemed yet; serving again does it in time"
            );
            Ok(())
        });
    }

    /// Every session that owes something, with its voucher and what that adds to what is settled.
    fn visit(&self, work: impl Fn(u64, &Session, &Paper, u128) -> Result<()>) {
        let one = |id: u64| -> Result<()> {
            let session = self.ledger.session(id)?;
            let Some(paper) = self.journal.unredeemed(&session)? else { return Ok(()) };
            let owed = paper.gain(&session)?;
            if session.status() == SessionStatus::Closed {
                tracing::error!(session = id, owed, "closed before its voucher was redeemed");
                self.over.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
                return Ok(());
            }
            work(id, &session, &paper, owed)
        };
        let all = self.journal.sessions().unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "vouchers cannot be read");
            Vec::new()
        });
        for id in all {
            if self.over.lock().unwrap_or_else(PoisonError::into_inner).contains(&id) {
                continue;
            }
            if let Err(error) = one(id) {
                tracing::warn!(session = id, error = format!("{error:#}"), "not redeemed; tried again");
            }
        }
    }
}
