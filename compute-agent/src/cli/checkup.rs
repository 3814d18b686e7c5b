//! `cairn-agent doctor --home`: whether all that `run` needs is there.
use std::{ffi::OsString, path::Path};

use anyhow::{Context, Result, ensure};
use cairn_client::{Chain, Gateway, Refused, keys};
use cairn_proto::{
    cairn::compute::v1::{Provider, QueryProviderRequest, QueryProviderResponse},
    cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse},
};
use clap::{CommandFactory, FromArgMatches};

use super::{
    Cli,
    config::{FILE, completed},
    run::Run,
};
use crate::run::{Vault, amount};

/// What is paid with.
const DENOM: &str = "ucairn";
/// Free space below which content may soon not be kept any more, in MiB.
const LEAST_MIB: u64 = 1_024;

/// Lines of a report, and whether one failed.
#[derive(Default)]
struct Report {
    failed: bool,
}

impl Report {
    /// Says what was found, or what is wrong and what to do about it.
    fn line<T>(&mut self, what: &str, found: Result<(T, String)>, mend: &str) -> Option<T> {
        match found {
            Ok((value, told)) => {
                println!("OK   {what}: {told}");
                Some(value)
            }
            Err(error) => {
                self.failed = true;
                println!("FAIL {what}: {}; {mend}", in_one_line(&error));
                None
            }
        }
    }
}

/// An error and its causes by their first lines: some libraries put traces behind.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = error.chain().map(|cause| cause.to_string().lines().next().unwrap_or_default().to_owned()).collect();
    told.dedup();
    told.join(": ")
}

/// Looks at everything but the devices. Says whether all is well.
pub(super) fn checkup(home: &Path) -> Result<bool> {
    let mut report = Report::default();
    let Some(run) =
        report.line(FILE, settings(home), "'cairn-agent init' writes one with all settings, 'cairn-agent run --help' tells of them")
    else {
        return Ok(false);
    };
    let address = report.line("key", account(&run), "name a file with the account's words, and 'chmod 600' it");
    report.line("disk", disk(home), "make room, or move the home");
    report.line("keys and private networks", vault(&run), "see 'cairn-agent models seal' and 'cairn-agent ceremony'");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(chain) = report.line("node", runtime.block_on(node(&run)), "start one, or set 'node' to one that runs")
        && let Some(address) = &address
    {
        let mend = "send it coins: each message costs a fee, and a contest a deposit";
        report.line("balance", runtime.block_on(balance(&chain, address)), mend);
        if !run.no_jobs {
            report.line("bond", runtime.block_on(bond(&chain, address)), "'cairnd compute bond' puts one up, or adds to it");
        }
    }
    if let (Some(url), Some(address)) = (&run.gateway, &address) {
        let found = keys::from_file(&run.key).and_then(|key| Gateway::new(url, address, key).sign_in());
        report.line("gateway", found.map(|()| ((), format!("{url} lets the account in"))), "set 'gateway' to one that runs");
    }
    Ok(!report.failed)
}

fn settings(home: &Path) -> Result<(Run, String)> {
    let path = home.join(FILE);
    let from =
        if path.exists() { path.display().to_string() } else { format!("there is none in {}; all is as by default", home.display()) };
    let words = [OsString::from("cairn-agent"), "run".into(), "--home".into(), home.into()];
    let matches = Cli::command().try_get_matches_from(completed(words.into())?).map_err(brief)?;
    let (_, given) = matches.subcommand().context("no command")?;
    let run = Run::from_arg_matches(given).map_err(brief)?;
    run.settings()?;
    Ok((run, from))
}

/// What is wrong with settings, without how to call the command.
fn brief(error: clap::Error) -> anyhow::Error {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage")).filter(|line| !line.is_empty());
    anyhow::anyhow!("{}", lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned())
}

fn account(run: &Run) -> Result<(String, String)> {
    let address = keys::address(&keys::from_file(&run.key)?)?.to_string();
    let told = format!("{address}, and nobody else may read {}", run.key.display());
    Ok((address, told))
}

fn disk(home: &Path) -> Result<((), String)> {
    let found = rustix::fs::statvfs(home).with_context(|| format!("cannot look at {}", home.display()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize) >> 20;
    ensure!(free >= LEAST_MIB, "{free} MiB are free in {}, expected {LEAST_MIB}", home.display());
    Ok(((), format!("{free} MiB are free")))
}

fn vault(run: &Run) -> Result<((), String)> {
    let [keys, private] = run.folders();
    let vault = Vault::open(&keys, &private)?;
    let told =
        format!("{} proving keys in {}, {} networks in {}", vault.keys().count(), keys.display(), vault.networks(), private.display());
    Ok(((), told))
}

async fn node(run: &Run) -> Result<(Chain, String)> {
    let chain = Chain::connect(&run.nodes).await?;
    let status = chain.status().await?;
    let (height, id) = (status.sync_info.latest_block_height, chain.id().to_owned());
    ensure!(!status.sync_info.catching_up, "the node of {id} is at height {height} and still catches up; wait until it has");
    Ok((chain, format!("{id} at height {height}")))
}

async fn balance(chain: &Chain, address: &str) -> Result<((), String)> {
    let request = QueryBalanceRequest { address: address.to_owned(), denom: DENOM.to_owned() };
    let found: QueryBalanceResponse = chain.query("/cosmos.bank.v1beta1.Query/Balance", &request).await?;
    let amount = found.balance.map_or_else(|| "0".to_owned(), |coin| coin.amount);
    ensure!(amount != "0", "{address} has no {DENOM}");
    Ok(((), format!("{amount} {DENOM}")))
}

async fn bond(chain: &Chain, address: &str) -> Result<((), String)> {
    let request = QueryProviderRequest { account: address.to_owned() };
    let found = chain.query::<QueryProviderResponse>("/cairn.compute.v1.Query/Provider", &request).await;
    let provider = match found {
        Ok(found) => found.provider.unwrap_or_default(),
        Err(error) if error.is::<Refused>() => Provider::default(),
        Err(error) => return Err(error),
    };
    let (bond, locked) = (amount(provider.bond.as_ref()), amount(provider.locked.as_ref()));
    ensure!(bond > 0, "{address} has none, so it takes no jobs");
    ensure!(provider.leaves == 0, "it returns at block {}, so no jobs are taken", provider.leaves);
    let free = bond.saturating_sub(locked);
    ensure!(free > 0, "all {bond} {DENOM} are locked, so no job is taken now");
    Ok(((), format!("{free} of {bond} {DENOM} are free")))
}
