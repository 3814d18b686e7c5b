//! Blocks of sends between random accounts, through the application as consensus drives it.
use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use cairn_app::{App, Block, Genesis, Settings, Validator, api::Chain};
use cairn_beacon::vrf::SecretKey;
use cairn_kernel::BASE_DENOM;
use cairn_proto::{
    cosmos::auth::v1beta1::{BaseAccount, QueryAccountRequest, QueryAccountResponse},
    tendermint::types::{BlockParams, ConsensusParams},
    unpack,
};
use clap::Args;
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Timing, timed};
use crate::{
    account::{Account, accounts, in_parallel},
    genesis,
    machine::Clock,
    peer::{Cairn, Peer, Programs, free_ports},
    send::Signer,
};

/// Blocks before measuring begins: caches fill, and the database sorts what genesis wrote.
const WARM_UP: usize = 20;
/// Bytes that a block may hold: no limit to what is measured here.
const MAX_BYTES: u64 = 64 << 20;
/// Where the random choice of accounts starts.
const SEED: u64 = 1;

/// What is measured.
#[derive(Debug, Clone, Args, Serialize)]
pub(crate) struct BlocksPlan {
    /// Accounts in state, in the order to compare.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    pub(crate) accounts_in_state: Vec<usize>,
    /// Sends in a block.
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1_000, 5_000])]
    pub(crate) sends: Vec<usize>,
    /// Blocks of each kind that are measured.
    #[arg(long, default_value_t = 100)]
    pub(crate) blocks_each: usize,
}

/// A state of one size.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StateOf {
    /// Accounts in it.
    pub(crate) accounts: usize,
    /// Bytes of the genesis file's part that makes it.
    pub(crate) genesis_bytes: usize,
    /// Seconds that genesis took.
    pub(crate) genesis_seconds: f64,
    /// Bytes on disk after genesis.
    pub(crate) disk_bytes: u64,
    /// Blocks over it.
    pub(crate) blocks: Vec<Blocks>,
}

/// Blocks of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Blocks {
    /// Sends in each, between accounts chosen at random.
    pub(crate) sends: usize,
    /// Whether each transaction was checked for the mempool before, as on a validator; else the block is the first to see it, as on a node
    /// that catches up.
    pub(crate) checked: bool,
    /// CheckTx of all of them, one after the other.
    pub(crate) check: Timing,
    /// PrepareProposal and ProcessProposal.
    pub(crate) propose: Timing,
    /// FinalizeBlock: execution and the new app hash.
    pub(crate) finalize: Timing,
    /// Commit: to the disk.
    pub(crate) commit: Timing,
    /// FinalizeBlock and Commit.
    pub(crate) total: Timing,
    /// Cores that other programs used meanwhile.
    pub(crate) others_cores: f64,
}

/// Measures every state of the plan, in folders below `work`.
pub(crate) fn measure(plan: &BlocksPlan, programs: &Programs, work: &Path) -> Result<Vec<StateOf>> {
    plan.accounts_in_state.iter().map(|count| over(*count, plan, programs, &work.join(format!("state-{count}")))).collect()
}

fn over(count: usize, plan: &BlocksPlan, programs: &Programs, folder: &Path) -> Result<StateOf> {
    eprintln!("making a state of {count} accounts");
    let (mut net, mut out) = Net::create(count, programs, folder)?;
    for (sends, checked) in plan.sends.iter().map(|sends| (*sends, true)).chain(plan.sends.iter().max().map(|sends| (*sends, false))) {
        let blocks = net.blocks(sends, checked, plan.blocks_each)?;
        eprintln!(
            "{count} accounts, {sends} sends{}: FinalizeBlock {:.1} ms, Commit {:.1} ms (medians), other programs {:.2} cores",
            if checked { "" } else { " not seen before" },
            blocks.finalize.p50_ms,
            blocks.commit.p50_ms,
            blocks.others_cores
        );
        out.blocks.push(blocks);
    }
    drop(net);
    std::fs::remove_dir_all(folder)?;
    Ok(out)
}

/// A chain of one validator in this process.
struct Net {
    app: App,
    proposer: Vec<u8>,
    signer: Signer,
    accounts: Vec<Account>,
    /// Account number of the first; the others follow.
    first: u64,
    sequences: Vec<u64>,
    random: StdRng,
}

impl Net {
    /// Starts a chain in which `count` accounts hold coins, from a genesis file as `cairnd` writes it.
    fn create(count: usize, programs: &Programs, folder: &Path) -> Result<(Self, StateOf)> {
        let accounts = accounts(count)?;
        let cairn = Cairn::new(programs)?;
        let format = cairn.format().context("sends have no format")?;
        let home = folder.join("home");
        std::fs::create_dir_all(folder)?;
        cairn.testnet(&home, free_ports()?)?;
        let mut doc = genesis::read(&home.join("config/genesis.json"))?;
        let state = doc.get_mut("app_state").map(Value::take).context("genesis has no app_state")?;
        let app_state = genesis::funded(state, &accounts, format.prefix, BASE_DENOM)?.into_bytes();

        let text = std::fs::read_to_string(home.join("config/vrf_key"))?;
        let key = SecretKey::from_text(text.trim()).map_err(|e| anyhow::anyhow!("vrf_key: {e}"))?;
        let disk = folder.join("state");
        let app = App::open(&disk, Settings { beacon_keys: key.into(), ..Settings::default() })?;
        let validators = validators(&doc)?;
        let proposer = validators.first().context("genesis has no validator")?.address.clone();
        let genesis = Genesis {
            chain_id: format.chain_id.clone(),
            time: 1_700_000_000,
            initial_height: 1,
            params: ConsensusParams {
                block: Some(BlockParams { max_bytes: i64::try_from(MAX_BYTES)?, max_gas: -1 }),
                ..ConsensusParams::default()
            },
            validators,
            app_state,
            ..Genesis::default()
        };
        let start = Instant::now();
        app.init_chain(&genesis)?;
        let out = StateOf {
            accounts: count,
            genesis_bytes: genesis.app_state.len(),
            genesis_seconds: start.elapsed().as_secs_f64(),
            disk_bytes: bytes_below(&disk)?,
            blocks: vec![],
        };
        let (sequences, random) = (vec![0; count], StdRng::seed_from_u64(SEED));
        let mut net = Self { app, proposer, signer: Signer::new(format), accounts, first: 0, sequences, random };
        net.number()?;
        Ok((net, out))
    }

    /// Finds the accounts' numbers. Before the first block the chain answers nobody.
    fn number(&mut self) -> Result<()> {
        self.block(vec![], false, &mut Steps::default())?;
        let of = |account: Option<&Account>| number_of(&self.app, &account.context("there are no accounts")?.text(self.signer.prefix())?);
        let (first, last) = (of(self.accounts.first())?, of(self.accounts.last())?);
        let count = u64::try_from(self.accounts.len())?;
        ensure!(last == first + count - 1, "account numbers {first} to {last} are not those of {count} accounts in a row");
        self.first = first;
        Ok(())
    }

    /// Runs `count` blocks of `sends` after a few that are not measured.
    fn blocks(&mut self, sends: usize, checked: bool, count: usize) -> Result<Blocks> {
        let mut steps = Steps::default();
        let mut before = Clock::now(vec![])?;
        let mut others = 0.0;
        for n in 0..WARM_UP + count {
            if n == WARM_UP {
                steps = Steps::default();
                others = 0.0;
            }
            let txs = self.transactions(sends)?;
            if n == WARM_UP {
                before = Clock::now(vec![])?;
            }
            self.block(txs, checked, &mut steps)?;
            if n + 1 == WARM_UP + count {
                others = before.until(&Clock::now(vec![])?).others;
            }
        }
        let total: Vec<Duration> = steps.finalize.iter().zip(&steps.commit).map(|(a, b)| *a + *b).collect();
        Ok(Blocks {
            sends,
            checked,
            check: Timing::of(&steps.check),
            propose: Timing::of(&steps.propose),
            finalize: Timing::of(&steps.finalize),
            commit: Timing::of(&steps.commit),
            total: Timing::of(&total),
            others_cores: others,
        })
    }

    /// Sends between accounts chosen at random, signed.
    fn transactions(&mut self, sends: usize) -> Result<Vec<Bytes>> {
        let mut drafts = Vec::with_capacity(sends);
        for _ in 0..sends {
            let (from, to) = (self.random.gen_range(0..self.accounts.len()), self.random.gen_range(0..self.accounts.len()));
            let next = self.sequences.get_mut(from).context("an account has no sequence")?;
            drafts.push((from, to, *next));
            *next += 1;
        }
        in_parallel(sends, |n| {
            let (from, to, sequence) = *drafts.get(n).context("there is no such draft")?;
            let account = |n: usize| self.accounts.get(n).context("there is no such account");
            Ok(self.signer.send(account(from)?, account(to)?, self.first + u64::try_from(from)?, sequence)?.into())
        })
    }

    /// One block, from the mempool to the disk.
    fn block(&self, txs: Vec<Bytes>, checked: bool, steps: &mut Steps) -> Result<()> {
        let sends = txs.len();
        if checked {
            let outcomes = timed(&mut steps.check, || txs.iter().map(|tx| self.app.check_tx(tx)).collect::<Result<Vec<_>, _>>())?;
            if let Some(refused) = outcomes.iter().find_map(|o| o.result.as_ref().err()) {
                bail!("a send was refused: {refused}");
            }
        }
        let height = self.app.height() + 1;
        let mut block = Block { height, time: 1_700_000_000 + height, nanos: 0, proposer: self.proposer.clone(), txs, ..Block::default() };
        timed(&mut steps.propose, || {
            block.txs = self.app.prepare_proposal(&block, MAX_BYTES)?;
            self.app.process_proposal(&block)?.context("the node refuses its own proposal")
        })?;
        let done = timed(&mut steps.finalize, || self.app.finalize_block(&block))?;
        timed(&mut steps.commit, || self.app.commit())?;
        let good = done.outcomes.iter().filter(|o| o.code() == 0).count();
        ensure!(good == sends + 1, "{good} transactions of {sends} sends and a reveal succeeded");
        Ok(())
    }
}

/// Durations of the steps of blocks.
#[derive(Default)]
struct Steps {
    check: Vec<Duration>,
    propose: Vec<Duration>,
    finalize: Vec<Duration>,
    commit: Vec<Duration>,
}

/// The validators of a genesis file.
fn validators(doc: &Value) -> Result<Vec<Validator>> {
    let list = doc.get("validators").and_then(Value::as_array).context("genesis has no validators")?;
    let read = |v: &Value| {
        let text = |path: &str| v.pointer(path).and_then(Value::as_str).with_context(|| format!("a validator has no {path}"));
        let key = BASE64.decode(text("/pub_key/value")?)?;
        let address = Sha256::digest(key).iter().copied().take(20).collect();
        Ok(Validator { address, power: text("/power")?.parse()? })
    };
    list.iter().map(read).collect()
}

fn number_of(app: &App, address: &str) -> Result<u64> {
    let query = QueryAccountRequest { address: address.to_owned() }.encode_to_vec();
    let answer = app.query("/cosmos.auth.v1beta1.Query/Account", &query, None)?;
    let account = QueryAccountResponse::decode(&*answer.value)?.account.context("the reply holds no account")?;
    Ok(unpack::<BaseAccount>(&account)?.account_number)
}

/// Bytes of the files in `folder`.
fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.file_type()?.is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}
