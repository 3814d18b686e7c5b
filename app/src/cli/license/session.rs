//! `cairnd license session`: prepaid calls. The licensee signs vouchers, the provider keeps the newest one and redeems it; nothing but the opening,
//! one voucher and the closing is a transaction, however many calls there were.

use std::{path::PathBuf, thread::sleep, time::Duration};

use anyhow::{Context, Result, bail};
use cairn_kernel::{Address, Coin};
use cairn_licensing::Voucher;
use cairn_proto::{
    Any,
    cairn::licensing::v1::{
        MsgCloseSession, MsgCloseSessionResponse, MsgOpenSession, MsgOpenSessionResponse, MsgSettleSessionResponse, MsgTopUp,
        QueryOpenSessionsRequest, QueryOpenSessionsResponse, QuerySessionRequest, QuerySessionResponse, Session, SessionStatus,
    },
    cosmos::base::v1beta1 as base,
    pack,
};
use cairn_vouchers::{Journal, Paper, Side, bounds, due, is_last_call};
use clap::Subcommand;
use prost::Message;
use serde_json::{Value, json};

use crate::cli::{
    genesis::parse_coin,
    home::Home,
    job::Sender,
    output::Output,
    rpc::{Outcome, Rpc},
    sign::{Signer, answers},
};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(2);

/// Prepaid calls of a licence, paid by vouchers.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// Open a session with one provider and prepay it, as the licensee.
    Open {
        /// The licence, of terms that are paid per call.
        license: u64,
        /// Who serves the calls and is paid: one that the terms list, or the asset's owner.
        #[arg(long, value_name = "ADDRESS")]
        provider: Address,
        /// What is prepaid, such as 1000000ucairn; what no voucher claims comes back.
        #[arg(long, value_name = "COIN", value_parser = parse_coin)]
        deposit: Coin,
        /// Blocks until it begins to close by itself; without it, as many as may be.
        #[arg(long, default_value_t = 0, hide_default_value = true)]
        blocks: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Prepay more, as the licensee.
    TopUp {
        /// The session.
        session: u64,
        /// What is added, such as 1000000ucairn.
        #[arg(value_name = "COIN", value_parser = parse_coin)]
        amount: Coin,
        #[command(flatten)]
        sender: Sender,
    },
    /// Sign a voucher for calls, as the licensee, and print it for the provider. It says everything that earlier ones said.
    Voucher {
        /// The session.
        session: u64,
        /// Calls since the session was opened; without it, one more than the newest voucher states.
        #[arg(long)]
        calls: Option<u64>,
        /// Their price together in base units; without it, as many times the price of a call.
        #[arg(long)]
        amount: Option<u128>,
        /// Root over their receipts, 64 hexadecimal digits; without it, zeros.
        #[arg(long, value_name = "HEX", value_parser = parse_root)]
        receipts: Option<[u8; 32]>,
        #[command(flatten)]
        sender: Sender,
    },
    /// Check a voucher and keep it, as the provider. Serve the next call only when the last one is kept.
    Accept {
        /// The voucher's file; - reads standard input.
        voucher: PathBuf,
        /// Take a voucher that states less than the price of its calls.
        #[arg(long)]
        any_amount: bool,
    },
    /// Redeem the newest voucher that is kept.
    Redeem {
        /// The session.
        session: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// Close a session. The licensee's closing leaves the provider a window for a newer voucher; the provider's settles its newest and refunds at once.
    Close {
        /// The session.
        session: u64,
        #[command(flatten)]
        sender: Sender,
    },
    /// A session as it stands, with the newest vouchers in this home.
    Show {
        /// The session.
        session: u64,
    },
    /// The sessions of a licence that are not closed.
    List {
        /// The licence.
        license: u64,
    },
    /// Redeem kept vouchers by itself, as the provider: when a session closes, and before it does. Ends with Ctrl-C.
    Watch {
        /// Redeem what is newer than the chain knows now, and end.
        #[arg(long)]
        once: bool,
        #[command(flatten)]
        sender: Sender,
    },
}

fn parse_root(text: &str) -> Result<[u8; 32]> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("a root has 64 hexadecimal digits; found {text:?}"))
}

impl SessionCommand {
    /// Runs the command.
    pub(super) fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        match self {
            Self::Open { license, provider, deposit, blocks, sender } => {
                let deposit: Option<base::Coin> = Some(deposit.into());
                let provider = provider.to_string();
                let message = |licensee| pack(&MsgOpenSession { licensee, license_id: license, provider, deposit, blocks });
                let (done, answer): (_, MsgOpenSessionResponse) = send(rpc, home, &sender, message)?;
                output.value(&json!({
                    "session": answer.session_id, "closes_by_itself_after": answer.deadline, "hash": done.hash, "height": done.height,
                }))?;
                eprintln!(
                    "pay for calls with 'cairnd license session voucher {} --from {}{}'",
                    answer.session_id,
                    sender.name(),
                    home.flag()
                );
                Ok(())
            }
            Self::TopUp { session, amount, sender } => {
                let message = |licensee| pack(&MsgTopUp { licensee, session_id: session, amount: Some(amount.into()) });
                let (_, _): (_, cairn_proto::cairn::licensing::v1::MsgTopUpResponse) = send(rpc, home, &sender, message)?;
                show(home, rpc, session, output)
            }
            Self::Voucher { session, calls, amount, receipts, sender } => {
                let paper = sign(home, rpc, session, calls, amount, receipts.unwrap_or_default(), &sender)?;
                // Always JSON: it is made for a program.
                crate::cli::output::print(&format!("{}\n", serde_json::to_string(&paper)?))
            }
            Self::Accept { voucher, any_amount } => accept(home, rpc, &Paper::read(&voucher)?, any_amount, output),
            Self::Redeem { session, sender } => redeem(home, rpc, session, &sender, output),
            Self::Close { session, sender } => close(home, rpc, session, &sender, output),
            Self::Show { session } => show(home, rpc, session, output),
            Self::List { license } => list(rpc, license, output),
            Self::Watch { once, sender } => watch(home, rpc, &sender, once),
        }
    }
}

/// Sends one message of the sender's and reads its answer.
fn send<A: Message + Default>(rpc: &Rpc, home: &Home, sender: &Sender, message: impl FnOnce(String) -> Any) -> Result<(Outcome, A)> {
    let (key, options) = sender.open(home)?;
    let done = Signer::new(rpc, &key)?.send(vec![message(key.address().to_string())], &options)?;
    let answer = answer(&done)?;
    Ok((done, answer))
}

/// What the one message of a transaction answered.
fn answer<A: Message + Default>(done: &Outcome) -> Result<A> {
    Ok(A::decode(&*answers(done)?.first().context("the transaction answers nothing")?.value)?)
}

fn session(rpc: &Rpc, session_id: u64) -> Result<Session> {
    let found: QuerySessionResponse = rpc.ask("/cairn.licensing.v1.Query/Session", &QuerySessionRequest { session_id })?;
    found.session.context("the chain tells nothing of this session")
}

/// Signs the next voucher and keeps it before it is shown to anybody.
fn sign(
    home: &Home,
    rpc: &Rpc,
    id: u64,
    calls: Option<u64>,
    amount: Option<u128>,
    receipts_root: [u8; 32],
    sender: &Sender,
) -> Result<Paper> {
    let (found, chain_id) = (session(rpc, id)?, rpc.chain_id()?);
    let journal = Journal::new(home.path(), &chain_id, Side::Signed);
    let before = journal.newest(id)?.filter(|before| before.calls >= found.calls);
    let (made, paid) = before.map_or((found.calls, bounds(&found, found.calls)?.0), |before| (before.calls, before.amount));
    let calls = calls.map_or_else(|| made.checked_add(1).context("there are no more calls"), Ok)?;
    let (_, most) = bounds(&found, calls)?;
    let due = due(&found, calls)?.saturating_sub(due(&found, made)?).saturating_add(paid);
    let amount = amount.unwrap_or(due);
    if amount > most {
        bail!(
            "{calls} calls would cost {amount}, of which the deposit covers {most}; add to it with 'cairnd license session top-up {id} COIN --from {}{}'",
            sender.name(),
            home.flag()
        );
    }
    let (key, _) = sender.open(home)?;
    let paper = Paper::sign(&chain_id, Voucher { session: id, calls, amount, receipts_root }, |hash| key.sign_hash(hash))?;
    paper.check(&chain_id, &found)?;
    journal.keep(&paper)?;
    Ok(paper)
}

fn accept(home: &Home, rpc: &Rpc, paper: &Paper, any_amount: bool, output: Output) -> Result<()> {
    let (found, chain_id) = (session(rpc, paper.session)?, rpc.chain_id()?);
    if found.status() == SessionStatus::Closed {
        bail!("session {} is closed: the voucher pays nothing", found.id);
    }
    paper.check(&chain_id, &found)?;
    if !any_amount {
        paper.pays(&found).context("--any-amount takes it all the same")?;
    }
    kept(home, &chain_id).keep(paper)?;
    output.value(&json!({
        "session": found.id, "calls": paper.calls, "amount": paper.amount.to_string(), "redeemable": paper.gain(&found)?.to_string(),
        "status": found.status().as_str_name(), "deadline": found.deadline,
    }))
}

/// The vouchers that this home was handed.
fn kept(home: &Home, chain_id: &str) -> Journal {
    Journal::new(home.path(), chain_id, Side::Kept)
}

fn redeem(home: &Home, rpc: &Rpc, id: u64, sender: &Sender, output: Output) -> Result<()> {
    let found = session(rpc, id)?;
    let paper = kept(home, &rpc.chain_id()?)
        .unredeemed(&found)?
        .with_context(|| format!("this home keeps no voucher of session {id} for more than the {} calls that are settled", found.calls))?;
    let (key, options) = sender.open(home)?;
    let done = Signer::new(rpc, &key)?.send(vec![settlement(&key.address(), &paper)], &options)?;
    let answer: MsgSettleSessionResponse = answer(&done)?;
    output.value(
        &json!({ "session": id, "calls": paper.calls, "paid": told(answer.paid.as_ref()), "hash": done.hash, "height": done.height }),
    )
}

fn close(home: &Home, rpc: &Rpc, id: u64, sender: &Sender, output: Output) -> Result<()> {
    let found = session(rpc, id)?;
    let own = sender.entry(home)?.address;
    let voucher = if found.provider == own { kept(home, &rpc.chain_id()?).unredeemed(&found)? } else { None };
    let message = |signer| pack(&MsgCloseSession { signer, session_id: id, voucher: voucher.as_ref().map(Paper::message) });
    let (done, answer): (_, MsgCloseSessionResponse) = send(rpc, home, sender, message)?;
    output.value(&json!({
        "session": id, "status": answer.status().as_str_name(), "refund_after": answer.deadline, "hash": done.hash, "height": done.height,
    }))
}

fn told(coin: Option<&base::Coin>) -> String {
    coin.map(|coin| format!("{}{}", coin.amount, coin.denom)).unwrap_or_default()
}

fn show(home: &Home, rpc: &Rpc, id: u64, output: Output) -> Result<()> {
    let (found, chain_id) = (session(rpc, id)?, rpc.chain_id()?);
    let newest = |side| -> Result<Value> {
        let newest = Journal::new(home.path(), &chain_id, side).newest(id)?;
        Ok(newest.map_or(Value::Null, |paper| json!({ "calls": paper.calls, "amount": paper.amount.to_string() })))
    };
    output.value(&json!({
        "session": id, "license": found.license_id, "licensee": found.licensee, "provider": found.provider,
        "status": found.status().as_str_name(), "deadline": found.deadline, "price": told(found.price.as_ref()),
        "deposit": told(found.deposit.as_ref()), "settled": told(found.settled.as_ref()), "settled_calls": found.calls,
        "signed": newest(Side::Signed)?, "kept": newest(Side::Kept)?,
    }))
}

fn list(rpc: &Rpc, license_id: u64, output: Output) -> Result<()> {
    let path = "/cairn.licensing.v1.Query/OpenSessions";
    let found: QueryOpenSessionsResponse = rpc.ask(path, &QueryOpenSessionsRequest { license_id })?;
    let row = |s: &Session| {
        let status = s.status().as_str_name().trim_start_matches("SESSION_STATUS_").to_lowercase();
        let coins = [&s.price, &s.deposit, &s.settled].map(|coin| told(coin.as_ref()));
        let [price, deposit, settled] = coins;
        vec![s.id.to_string(), status, s.deadline.to_string(), s.provider.clone(), price, deposit, settled, s.calls.to_string()]
    };
    let rows: Vec<_> = found.sessions.iter().map(row).collect();
    output.table(&["session", "status", "until", "provider", "price", "deposit", "settled", "calls"], &rows)
}

/// Redeems what would be lost otherwise: the licensee closes with an old voucher, and the window is all there is.
fn watch(home: &Home, rpc: &Rpc, sender: &Sender, once: bool) -> Result<()> {
    let (key, options) = sender.open(home)?;
    let kept = kept(home, &rpc.chain_id()?);
    let rpc = &rpc.patient();
    let signer = Signer::new(rpc, &key)?;
    loop {
        for id in kept.sessions()? {
            let found = session(rpc, id)?;
            let due = (once && found.status() == SessionStatus::Open) || is_last_call(&found, || rpc.height())?;
            let Some(paper) = kept.unredeemed(&found)?.filter(|_| due) else { continue };
            match signer.send(vec![settlement(&key.address(), &paper)], &options) {
                Ok(done) => {
                    let paid = answer::<MsgSettleSessionResponse>(&done)?.paid;
                    eprintln!("session {id}: {} for {} calls in block {}", told(paid.as_ref()), paper.calls, done.height);
                }
                Err(error) if once => return Err(error),
                Err(error) => eprintln!("session {id}: not redeemed, and must be before block {}: {error:#}", found.deadline),
            }
        }
        if once {
            return Ok(());
        }
        sleep(PAUSE);
    }
}

/// The message that settles a voucher.
fn settlement(sender: &Address, paper: &Paper) -> Any {
    pack(&paper.settlement(&sender.to_string()))
}
