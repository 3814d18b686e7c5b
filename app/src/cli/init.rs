//! `cairnd init` and `cairnd testnet`: homes for one node or for a local network.
use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use cairn_kernel::{Address, Coins};
use clap::Args;

use super::{
    comet::{self, ConsensusKey, Network},
    genesis::{self, Genesis, Validator},
    home::{Home, write_json},
};
use crate::config::Config;

/// Power of each genesis validator.
const POWER: i64 = 10;

/// Create the home of a node: keys, configuration and a genesis file with this node as its validator.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The node's name, shown to peers.
    moniker: String,
    /// The chain's name, <name>-<number>.
    #[arg(long, default_value = "cairn-local-1")]
    chain_id: String,
    /// The account that operates this validator: it may rotate its beacon key. 'cairnd genesis set-operator' names it later.
    #[arg(long, value_name = "ADDRESS")]
    operator: Option<Address>,
    /// Leave this node out of the genesis file: operators sign their validators into it by 'cairnd genesis gentx'.
    #[arg(long, conflicts_with = "operator")]
    no_validator: bool,
    /// The CometBFT program.
    #[arg(long, default_value = "cometbft")]
    comet: String,
}

impl InitArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        if home.config("app.toml").exists() {
            bail!("{} is a home already; choose another with --home", home.path().display());
        }
        genesis::check_chain_id(&self.chain_id)?;
        let validator = prepare(home, &self.comet, &self.moniker, self.operator)?;
        let config = Config { comet: crate::config::Comet { binary: self.comet, ..Default::default() }, ..Config::default() };
        config.save(&home.config("app.toml"))?;
        let network = Network {
            moniker: self.moniker,
            rpc: "tcp://127.0.0.1:26657".into(),
            p2p: "tcp://0.0.0.0:26656".into(),
            metrics: "127.0.0.1:26660".into(),
            peers: String::new(),
            timeout_commit: "1s".into(),
            local: false,
        };
        comet::configure(home, &network)?;
        let validators = if self.no_validator { vec![] } else { vec![validator] };
        let genesis = Genesis { chain_id: self.chain_id, validators, accounts: vec![] };
        write_json(&home.config("genesis.json"), &genesis.to_json()?)?;
        println!("created {}", home.path().display());
        let home = home.flag();
        println!(
            "next: make an account with 'cairnd keys add <name>{home}', fund it with 'cairnd genesis add-account <address> <coins>{home}',"
        );
        println!("name the account that may rotate this validator's keys with 'cairnd genesis set-operator <address>{home}',");
        println!("then 'cairnd start{home}'");
        Ok(())
    }
}

/// Create the homes of a network of validators on this machine.
#[derive(Debug, Args)]
pub(crate) struct TestnetArgs {
    /// Where the homes go: <out>/node0, node1, ...
    #[arg(long)]
    out: PathBuf,
    /// How many validators, 1 to 16.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=16))]
    validators: u16,
    /// The chain's name, <name>-<number>.
    #[arg(long, default_value = "cairn-local-1")]
    chain_id: String,
    /// First port; node i listens on base+10i: RPC +0, peers +1, REST +2, gRPC +3, metrics of CometBFT +4, of the node +5.
    #[arg(long, default_value_t = 26600, value_parser = clap::value_parser!(u16).range(1024..=65000))]
    base_port: u16,
    /// An account with coins at genesis, <address>=<coins>; may be given many times.
    #[arg(long = "account", value_parser = parse_account)]
    accounts: Vec<(Address, Coins)>,
    /// The account that operates a validator and may rotate its beacon key, one for each validator in their order; without it, the first
    /// --account operates all.
    #[arg(long = "operator", value_name = "ADDRESS")]
    operators: Vec<Address>,
    /// Pause after each commit.
    #[arg(long, default_value = "1s")]
    timeout_commit: String,
    /// The CometBFT program.
    #[arg(long, default_value = "cometbft")]
    comet: String,
}

fn parse_account(text: &str) -> Result<(Address, Coins)> {
    let (address, coins) = text.split_once('=').context("an account is <address>=<coins>")?;
    Ok((Address::parse(address)?, genesis::parse_coins(coins)?))
}

impl TestnetArgs {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<()> {
        genesis::check_chain_id(&self.chain_id)?;
        if self.out.exists() && fs::read_dir(&self.out)?.next().is_some() {
            bail!("{} is not empty; nothing was changed", self.out.display());
        }
        if !self.operators.is_empty() && self.operators.len() != usize::from(self.validators) {
            bail!("--operator is given {} times; give one for each of the {} validators, or none", self.operators.len(), self.validators);
        }
        let homes: Vec<Home> = (0..self.validators).map(|i| Home::new(self.out.join(format!("node{i}")))).collect();
        let mut validators = Vec::new();
        let mut peers = Vec::new();
        for (i, home) in (0_u16..).zip(&homes) {
            validators.push(prepare(home, &self.comet, &format!("node{i}"), self.operator(i.into()))?);
            peers.push(format!("{}@127.0.0.1:{}", comet::node_id(home)?, self.port(i, 1)?));
        }
        let mut genesis = Genesis { chain_id: self.chain_id.clone(), validators, accounts: self.accounts.clone() }.to_json()?;
        genesis::hurry(&mut genesis)?;
        for (i, home) in (0_u16..).zip(&homes) {
            write_json(&home.config("genesis.json"), &genesis)?;
            let others: Vec<String> = peers.iter().enumerate().filter(|(j, _)| *j != usize::from(i)).map(|(_, p)| p.clone()).collect();
            self.configure(i, home, others.join(","))?;
        }
        println!("created {} homes in {}", homes.len(), self.out.display());
        Ok(())
    }

    /// Who operates the validator with this number.
    fn operator(&self, validator: usize) -> Option<Address> {
        self.operators.get(validator).copied().or_else(|| self.accounts.first().map(|(address, _)| *address))
    }

    fn port(&self, node: u16, offset: u16) -> Result<u16> {
        let port = node.checked_mul(10).and_then(|n| n.checked_add(self.base_port)).and_then(|n| n.checked_add(offset));
        port.context("the ports end at 65535; choose a lower --base-port")
    }

    fn configure(&self, node: u16, home: &Home, peers: String) -> Result<()> {
        let (rpc, p2p, metrics) = (self.port(node, 0)?, self.port(node, 1)?, self.port(node, 4)?);
        let config = Config {
            api: crate::config::Api {
                rest: ([127, 0, 0, 1], self.port(node, 2)?).into(),
                grpc: ([127, 0, 0, 1], self.port(node, 3)?).into(),
            },
            comet: crate::config::Comet { binary: self.comet.clone(), rpc: format!("http://127.0.0.1:{rpc}") },
            metrics: crate::config::Metrics { enabled: true, listen: ([127, 0, 0, 1], self.port(node, 5)?).into() },
            ..Config::default()
        };
        config.save(&home.config("app.toml"))?;
        let network = Network {
            moniker: format!("node{node}"),
            rpc: format!("tcp://127.0.0.1:{rpc}"),
            p2p: format!("tcp://127.0.0.1:{p2p}"),
            metrics: format!("127.0.0.1:{metrics}"),
            peers,
            timeout_commit: self.timeout_commit.clone(),
            local: true,
        };
        comet::configure(home, &network)
    }
}

/// Keys of a node, made where they are missing, and what genesis says of it.
fn prepare(home: &Home, binary: &str, name: &str, operator: Option<Address>) -> Result<Validator> {
    comet::init(binary, home)?;
    let vrf = home.ensure_vrf_key()?;
    Ok(Validator { name: name.to_owned(), key: ConsensusKey::load(home)?, power: POWER, vrf, operator })
}
