//! An unmodified `simd`: the Cosmos SDK with CometBFT built in, one process, its default stores and pruning.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use bech32::Hrp;
use serde_json::Value;
use toml_edit::{DocumentMut, Item, value};

use super::{Peer, Programs, comet};
use crate::{account::Account, genesis, process::output, send::Format, throughput::Plan};

const CHAIN_ID: &str = "bench-1";
const DENOM: &str = "stake";
/// What the validator starts with, and what it bonds.
const FUNDS: &str = "100000000000000stake";
const BOND: &str = "1000000000000stake";

pub(super) struct Simd {
    program: PathBuf,
    format: Format,
}

impl Simd {
    pub(super) fn new(programs: &Programs) -> Result<Self> {
        let format = Format { chain_id: CHAIN_ID.into(), prefix: Hrp::parse("cosmos")?, denom: DENOM.into() };
        Ok(Self { program: programs.simd.clone(), format })
    }
    fn run(&self, home: &Path, arguments: &[&str]) -> Result<String> {
        output(Command::new(&self.program).args(arguments).arg("--home").arg(home))
    }
    /// The version of a module that the program is built from.
    fn built_from(&self, module: &str) -> Result<String> {
        let text = output(Command::new(&self.program).args(["version", "--long"]))?;
        let found =
            text.lines().find_map(|line| line.trim().trim_start_matches("- ").strip_prefix(module)?.strip_prefix('@').map(str::to_owned));
        found.with_context(|| format!("simd does not say which {module} it is built from"))
    }
}

impl Peer for Simd {
    fn label(&self) -> Result<String> {
        let [ibc, sdk, comet] =
            ["github.com/cosmos/ibc-go/v8", "github.com/cosmos/cosmos-sdk", "github.com/cometbft/cometbft"].map(|m| self.built_from(m));
        Ok(format!("simd (ibc-go {}, SDK {}, CometBFT {})", ibc?, sdk?, comet?))
    }

    fn create(&self, home: &Path, base_port: u16, accounts: &[Account], plan: &Plan) -> Result<()> {
        let keyring = ["--keyring-backend", "test"];
        self.run(home, &["init", "bench", "--chain-id", CHAIN_ID, "--default-denom", DENOM])?;
        self.run(home, &[&["keys", "add", "validator"], keyring.as_slice()].concat())?;
        self.run(home, &[&["genesis", "add-genesis-account", "validator", FUNDS], keyring.as_slice()].concat())?;
        self.run(home, &[&["genesis", "gentx", "validator", BOND, "--chain-id", CHAIN_ID], keyring.as_slice()].concat())?;
        self.run(home, &["genesis", "collect-gentxs"])?;
        comet::configure(home, base_port, plan)?;
        configure_app(home, base_port)?;

        let path = home.join("config/genesis.json");
        let mut doc = genesis::read(&path)?;
        *doc.pointer_mut("/consensus/params/block").context("genesis has no consensus.params.block")? = comet::block_params(plan);
        let state = doc.get_mut("app_state").map(Value::take).context("genesis has no app_state")?;
        genesis::write(&path, doc, &genesis::funded(state, accounts, self.format.prefix, DENOM)?)
    }

    fn commands(&self, home: &Path) -> Vec<(&'static str, Command)> {
        let mut command = Command::new(&self.program);
        command.args(["start", "--log_level", "error", "--home"]).arg(home);
        vec![("simd", command)]
    }

    fn format(&self) -> Option<Format> {
        Some(self.format.clone())
    }
}

/// What the SDK wants set before it starts, and ports of our own.
fn configure_app(home: &Path, base_port: u16) -> Result<()> {
    let path = home.join("config/app.toml");
    let mut doc: DocumentMut = fs::read_to_string(&path)?.parse()?;
    doc.insert("minimum-gas-prices", value(format!("0.001{DENOM}")));
    let grpc = base_port.checked_add(3).context("the ports end at 65535")?;
    let table = doc.get_mut("grpc").and_then(Item::as_table_like_mut).context("app.toml has no [grpc]")?;
    table.insert("address", value(format!("127.0.0.1:{grpc}")));
    Ok(fs::write(path, doc.to_string())?)
}
