//! Sessions: prepaid money for metered calls of one provider, paid out by vouchers.
//!
//! A session pays one provider, so no deposit is promised twice; its vouchers only grow and never exceed the deposit, so no call is paid
//! twice; and every session ends by itself.
use cairn_asset as asset;
use cairn_kernel::{Address, Coin, Ctx, Result, bps, key_prefix};
use cairn_proto::cairn::licensing::v1::{
    EventSessionClosed, EventSessionClosing, EventSessionOpened, EventSessionSettled, EventSessionToppedUp, License, MsgCloseSession,
    MsgOpenSession, MsgSettleSession, MsgTopUp, Pricing, Session, SessionStatus, SignedVoucher, TermsContent,
};
use cairn_proto::{cairn::rewards::v1::ContributionKind, coin};
use cairn_rewards as rewards;

use crate::{
    Error, deadlines, escrow,
    state::{self, DEADLINES, OPEN_SESSIONS, SESSION_IDS, SESSIONS},
    voucher::{self, Voucher},
};

/// Most sessions of a licence that are not closed.
const MAX_OPEN: usize = 16;

/// Opens a session with the deposit of the licensee.
pub(crate) fn open(ctx: &mut Ctx, m: &MsgOpenSession) -> Result<Session> {
    let licensee = Address::parse(&m.licensee)?;
    let provider = Address::parse(&m.provider)?.to_string();
    let license = state::license(ctx, m.license_id)?;
    if license.licensee != m.licensee {
        return Err(Error::NotLicensee { license: license.id, signer: m.licensee.clone() }.into());
    }
    state::check_valid(ctx, &license)?;
    let content = state::content(ctx, &license)?;
    if content.pricing() != Pricing::PerCall {
        return Err(Error::NotPerCall(license.id).into());
    }
    check_provider(ctx, &content, &provider)?;
    let deposit = deposit(m.deposit.as_ref())?;
    let amount = coin::coins(&content.prices)?.amount_of(&deposit.denom);
    if amount == 0 || deposit.amount < amount {
        return Err(Error::Deposit(deposit.to_string()).into());
    }
    if open_sessions(ctx, license.id)? >= MAX_OPEN {
        return Err(Error::TooManySessions { license: license.id, most: MAX_OPEN }.into());
    }
    let deadline = end(ctx, &license, m.blocks)?;

    escrow::take(ctx, &licensee, &deposit)?;
    let params = state::params(ctx)?;
    let session = Session {
        id: SESSION_IDS.next(ctx)?,
        license_id: license.id,
        asset_id: license.asset_id,
        licensee: m.licensee.clone(),
        provider,
        signing_key: license.signing_key,
        price: Some((&Coin { amount, denom: deposit.denom.clone() }).into()),
        provider_bps: content.provider_bps,
        fee_bps: params.fee_bps,
        settled: Some((&Coin { amount: 0, denom: deposit.denom.clone() }).into()),
        deposit: Some(deposit.into()),
        calls: 0,
        receipts_root: vec![],
        status: SessionStatus::Open.into(),
        opened_height: ctx.block().height,
        deadline,
        closing_blocks: params.closing_blocks,
    };
    add(ctx, &session)?;
    ctx.emit(&EventSessionOpened {
        session_id: session.id,
        license_id: session.license_id,
        licensee: session.licensee.clone(),
        provider: session.provider.clone(),
        deposit: session.deposit.clone(),
        deadline,
    });
    Ok(session)
}

/// Adds to the deposit of an open session.
pub(crate) fn top_up(ctx: &mut Ctx, m: &MsgTopUp) -> Result<()> {
    let licensee = Address::parse(&m.licensee)?;
    let before = state::session(ctx, m.session_id)?;
    if before.licensee != m.licensee {
        return Err(Error::NotParty { session: before.id, signer: m.licensee.clone() }.into());
    }
    check_status(&before, &[SessionStatus::Open])?;
    let (added, money) = (deposit(m.amount.as_ref())?, Money::of(&before)?);
    if added.denom != money.denom {
        return Err(Error::Deposit(added.to_string()).into());
    }
    let total = Coin { amount: money.deposit.checked_add(added.amount).ok_or(Error::Overflow)?, denom: money.denom };

    escrow::take(ctx, &licensee, &added)?;
    SESSIONS.set(ctx, &before.id, &Session { deposit: Some(total.into()), ..before.clone() })?;
    ctx.emit(&EventSessionToppedUp { session_id: before.id, amount: Some(added.into()) });
    Ok(())
}

/// Pays a provider what a newer voucher adds to the last one. Anyone may bring it.
pub(crate) fn settle(ctx: &mut Ctx, m: &MsgSettleSession) -> Result<Coin> {
    Address::parse(&m.sender)?;
    let before = state::session(ctx, m.session_id)?;
    check_status(&before, &[SessionStatus::Open, SessionStatus::Closing])?;
    let signed = m.voucher.as_ref().ok_or(Error::NoVoucher)?;
    let (after, paid) = pay(ctx, &before, signed)?;
    SESSIONS.set(ctx, &after.id, &after)?;
    Ok(paid)
}

/// The licensee begins to close a session; its provider closes it, with a last voucher if it has one.
pub(crate) fn close(ctx: &mut Ctx, m: &MsgCloseSession) -> Result<Session> {
    Address::parse(&m.signer)?;
    let session = state::session(ctx, m.session_id)?;
    if session.provider == m.signer {
        check_status(&session, &[SessionStatus::Open, SessionStatus::Closing])?;
        let session = match &m.voucher {
            Some(signed) => pay(ctx, &session, signed)?.0,
            None => session,
        };
        return finish(ctx, &session);
    }
    if session.licensee != m.signer {
        return Err(Error::NotParty { session: session.id, signer: m.signer.clone() }.into());
    }
    check_status(&session, &[SessionStatus::Open])?;
    if m.voucher.is_some() {
        return Err(Error::ForeignVoucher(session.id).into());
    }
    begin_closing(ctx, &session)
}

/// What becomes of a session at its deadline.
pub(crate) fn due(ctx: &mut Ctx, session: &Session) -> Result<()> {
    match session.status() {
        SessionStatus::Open => begin_closing(ctx, session)?,
        SessionStatus::Closing => finish(ctx, session)?,
        SessionStatus::Closed | SessionStatus::Unspecified => return check_status(session, &[SessionStatus::Closing]).map_err(Into::into),
    };
    Ok(())
}

/// Lets a session begin to close, where it has not yet: its licence is gone.
pub(crate) fn end_now(ctx: &mut Ctx, id: u64) -> Result<()> {
    let session = state::session(ctx, id)?;
    match session.status() {
        SessionStatus::Open => begin_closing(ctx, &session).map(drop),
        SessionStatus::Closing | SessionStatus::Closed | SessionStatus::Unspecified => Ok(()),
    }
}

/// How many sessions of a licence are not closed, at most one more than may be.
pub(crate) fn open_sessions(ctx: &Ctx, license: u64) -> Result<usize> {
    let found: Vec<_> = OPEN_SESSIONS.range(ctx, &key_prefix(&license)).take(MAX_OPEN).collect::<Result<_>>()?;
    Ok(found.len())
}

/// From now on only the window is left for a newer voucher.
fn begin_closing(ctx: &mut Ctx, before: &Session) -> Result<Session> {
    let deadline = ctx.block().height.checked_add(before.closing_blocks).ok_or(Error::Overflow)?;
    let after = Session { status: SessionStatus::Closing.into(), deadline, ..before.clone() };
    replace(ctx, before, &after)?;
    ctx.emit(&EventSessionClosing { session_id: after.id, deadline });
    Ok(after)
}

/// Refunds what no voucher claimed.
fn finish(ctx: &mut Ctx, before: &Session) -> Result<Session> {
    let rest = rest(before)?;
    escrow::give(ctx, &Address::parse(&before.licensee)?, &rest)?;
    let after = Session { status: SessionStatus::Closed.into(), deadline: 0, ..before.clone() };
    replace(ctx, before, &after)?;
    ctx.emit(&EventSessionClosed { session_id: after.id, settled: after.settled.clone(), refunded: Some(rest.into()) });
    Ok(after)
}

/// Checks a voucher and pays what it adds: the fee to rewards, the provider's part to it, the rest as the asset's income.
fn pay(ctx: &mut Ctx, before: &Session, signed: &SignedVoucher) -> Result<(Session, Coin)> {
    let money = Money::of(before)?;
    let amount = signed.amount.parse::<u128>().map_err(|_| Error::VoucherAmount(signed.amount.chars().take(40).collect()))?;
    let receipts_root = signed.receipts_root.as_slice().try_into().map_err(|_| Error::ReceiptsRoot(signed.receipts_root.len()))?;
    let new_calls = signed.calls.checked_sub(before.calls).filter(|calls| *calls > 0);
    let new_calls = new_calls.ok_or(Error::OldVoucher { session: before.id, last: before.calls, found: signed.calls })?;
    let most = money.price.checked_mul(u128::from(new_calls)).and_then(|sum| sum.checked_add(money.settled)).unwrap_or(u128::MAX);
    let most = most.min(money.deposit);
    let added = amount.checked_sub(money.settled).filter(|_| amount <= most);
    let added = added.ok_or(Error::VoucherBounds { session: before.id, least: money.settled, most, found: amount })?;
    let key = before.signing_key.as_ref().ok_or(Error::SigningKey)?;
    voucher::verify(ctx, key, &Voucher { session: before.id, calls: signed.calls, amount, receipts_root }, &signed.signature)?;

    let paid = Coin { amount: added, denom: money.denom.clone() };
    distribute(ctx, before, &paid)?;
    let settled = Some((&Coin { amount, denom: money.denom }).into());
    let receipts_root = signed.receipts_root.clone();
    ctx.emit(&EventSessionSettled { session_id: before.id, calls: signed.calls, settled: Some((&paid).into()) });
    Ok((Session { calls: signed.calls, settled, receipts_root, ..before.clone() }, paid))
}

fn distribute(ctx: &mut Ctx, session: &Session, paid: &Coin) -> Result<()> {
    if paid.amount == 0 {
        return Ok(());
    }
    let part = |amount: u128| Coin { amount, denom: paid.denom.clone() };
    let fee = bps(paid.amount, session.fee_bps).ok_or(Error::Overflow)?;
    let net = paid.amount.checked_sub(fee).ok_or(Error::Overflow)?;
    let provider = bps(net, session.provider_bps).ok_or(Error::Overflow)?;
    let rest = net.checked_sub(provider).ok_or(Error::Overflow)?;
    let (payee, owner) = (Address::parse(&session.provider)?, Address::parse(&asset::asset(ctx, session.asset_id)?.owner)?);
    rewards::take_fee(ctx, &escrow::ACCOUNT.address(), &part(fee), ContributionKind::License, &[(owner, 1)])?;
    escrow::give(ctx, &payee, &part(provider))?;
    if rest > 0 {
        asset::pay(ctx, session.asset_id, &escrow::ACCOUNT.address(), &[part(rest)])?;
    }
    Ok(())
}

/// The amounts of a session.
struct Money {
    denom: String,
    price: u128,
    deposit: u128,
    settled: u128,
}

impl Money {
    fn of(session: &Session) -> Result<Self> {
        let read = |coin: &Option<_>| Coin::try_from(coin.as_ref().ok_or(Error::NoVoucher)?);
        let (price, deposit, settled) = (read(&session.price)?, read(&session.deposit)?, read(&session.settled)?);
        Ok(Self { denom: deposit.denom, price: price.amount, deposit: deposit.amount, settled: settled.amount })
    }
}

/// What of a session's deposit is not paid out; nothing once it is closed.
pub(crate) fn rest(session: &Session) -> Result<Coin> {
    let money = Money::of(session)?;
    let rest = money.deposit.checked_sub(money.settled).ok_or(Error::Overflow)?;
    Ok(Coin { amount: if session.status() == SessionStatus::Closed { 0 } else { rest }, denom: money.denom })
}

fn deposit(coin: Option<&cairn_proto::cosmos::base::v1beta1::Coin>) -> Result<Coin> {
    let coin = coin.map(Coin::try_from).transpose()?.ok_or_else(|| Error::Deposit("nothing".to_owned()))?;
    coin.positive()
}

/// A provider is one that the terms list; where they list none, the asset's owner.
fn check_provider(ctx: &Ctx, content: &TermsContent, provider: &str) -> Result<()> {
    let admitted = if content.providers.is_empty() {
        asset::asset(ctx, content.asset_id)?.owner == provider
    } else {
        content.providers.iter().any(|listed| listed == provider)
    };
    if admitted { Ok(()) } else { Err(Error::Provider(provider.to_owned()).into()) }
}

/// The height at whose end a session begins to close by itself: never after its licence expires.
fn end(ctx: &Ctx, license: &License, blocks: u64) -> Result<u64> {
    let most = state::params(ctx)?.session_blocks;
    let blocks = if blocks == 0 { most } else { blocks };
    if blocks > most {
        return Err(Error::SessionBlocks { most, found: blocks }.into());
    }
    let end = ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?;
    Ok(if license.expires == 0 { end } else { end.min(license.expires) })
}

fn check_status(session: &Session, wanted: &[SessionStatus]) -> Result<(), Error> {
    let found = session.status();
    if wanted.contains(&found) { Ok(()) } else { Err(Error::SessionState { session: session.id, found: found.as_str_name() }) }
}

/// Writes a session with its place in the queue of deadlines and among the open ones of its licence.
pub(crate) fn add(ctx: &mut Ctx, session: &Session) -> Result<()> {
    index(ctx, session, true)?;
    SESSIONS.set(ctx, &session.id, session)
}

/// Replaces a session.
pub(crate) fn replace(ctx: &mut Ctx, before: &Session, after: &Session) -> Result<()> {
    index(ctx, before, false)?;
    add(ctx, after)
}

fn index(ctx: &mut Ctx, session: &Session, present: bool) -> Result<()> {
    if session.status() == SessionStatus::Closed {
        return Ok(());
    }
    let (due, open) = ((session.deadline, deadlines::SESSION, session.id), (session.license_id, session.id));
    if present {
        DEADLINES.insert(ctx, &due)?;
        return OPEN_SESSIONS.insert(ctx, &open);
    }
    DEADLINES.remove(ctx, &due)?;
    OPEN_SESSIONS.remove(ctx, &open)
}
