//! The node's own settings, `config/app.toml`. CometBFT's stand beside it in `config/config.toml`.
use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use cairn_store::Pruning;
use serde::{Deserialize, Serialize};

use crate::GasPrice;

/// What `config/app.toml` holds. Every field has a default, so that a file may name only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Fees below this are refused by this node, e.g. `0.001ucairn` per unit of gas. Not consensus.
    pub minimum_gas_price: String,
    /// What old state is dropped, as in the Cosmos SDK: `default` (all but 362,880 heights), `nothing`, `everything` (all but 2), or how many
    /// heights are kept.
    pub pruning: String,
    /// Where CometBFT reaches the application: `unix:///path` or `tcp://host:port`. Empty: a socket in `data/`.
    pub abci: String,
    /// The front doors.
    pub api: Api,
    /// The CometBFT process that `cairnd start` supervises.
    pub comet: Comet,
    /// Logging.
    pub log: Log,
}

/// Where clients reach this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// REST, OpenAPI and the page at `/`.
    pub rest: SocketAddr,
    /// gRPC with reflection.
    pub grpc: SocketAddr,
}

/// How CometBFT is run and reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comet {
    /// The program, looked up in `PATH`.
    pub binary: String,
    /// Its RPC, which the `tx` and `tendermint` services ask.
    pub rpc: String,
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A filter such as `info` or `info,cairn_app::abci=debug`.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            minimum_gas_price: "0.001ucairn".into(),
            pruning: "default".into(),
            abci: String::new(),
            api: Api::default(),
            comet: Comet::default(),
            log: Log::default(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { rest: SocketAddr::from(([127, 0, 0, 1], 1317)), grpc: SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

impl Default for Comet {
    fn default() -> Self {
        Self { binary: "cometbft".into(), rpc: "http://127.0.0.1:26657".into() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), json: false }
    }
}

impl Config {
    /// Reads `path`; an unknown field is refused, so that a misspelt setting is not silently the default.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a valid configuration", path.display()))
    }
    /// Writes `path`.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
    /// The setting `pruning`, read.
    pub fn pruning(&self) -> Result<Pruning> {
        match self.pruning.as_str() {
            "default" => Ok(Pruning::Default),
            "nothing" => Ok(Pruning::Nothing),
            "everything" => Ok(Pruning::Everything),
            n => {
                let keep_recent = n.parse().ok().filter(|n| *n >= 2).with_context(|| {
                    format!("pruning must be 'default', 'nothing', 'everything' or a number of heights from 2, found {n:?}")
                })?;
                Ok(Pruning::Custom { keep_recent })
            }
        }
    }
    /// The setting `minimum_gas_price`, read.
    pub fn gas_price(&self) -> Result<GasPrice> {
        self.minimum_gas_price.parse().map_err(|e| anyhow::anyhow!("minimum_gas_price: {e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_name_only_what_differs_and_nothing_unknown() {
        let config: Config = toml::from_str("pruning = \"nothing\"\n[api]\nrest = \"127.0.0.1:5\"\n").unwrap();
        assert_eq!(config.pruning().unwrap(), Pruning::Nothing);
        assert_eq!((config.api.rest.port(), config.api.grpc.port()), (5, 9090));
        assert!(toml::from_str::<Config>("prunning = \"nothing\"").is_err());
        let text = toml::to_string_pretty(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
    }

    #[test]
    fn pruning_is_a_word_or_at_least_two_heights() {
        let pruning = |p: &str| Config { pruning: p.into(), ..Config::default() }.pruning();
        assert_eq!(pruning("everything").unwrap(), Pruning::Everything);
        assert_eq!(pruning("100").unwrap(), Pruning::Custom { keep_recent: 100 });
        for bad in ["", "1", "all", "-3"] {
            assert!(pruning(bad).is_err(), "{bad}");
        }
        assert!(Config { minimum_gas_price: "1uatom".into(), ..Config::default() }.gas_price().is_err());
    }
}
